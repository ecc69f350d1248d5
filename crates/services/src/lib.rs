//! The services of a node, all of them: what `aisd` drives, and what the simulation and the
//! conformance suite drive like it. Who embeds a node picks single services instead.
//!
//! They are put together in a crate of their own, so that what reads and writes their messages is
//! compiled once and not by everyone who drives them.
#![forbid(unsafe_code)]

pub use ais_ckpt::Settings as CkptSettings;
pub use ais_msg::Settings as MsgSettings;

use ais_node::{Adapter, Driven};
use ais_types::{NodeId, amf::Model};

/// What the services of a node are told at its start.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of the Checkpoint Service.
    pub ckpt: CkptSettings,
    /// Of the Message Service.
    pub msg: MsgSettings,
    /// Of the Cluster Membership Service.
    pub clm: ais_clm::Settings,
    /// What to keep available; without a model AMF has nothing to do.
    pub model: Option<Model>,
}

/// The services of this node, in the order in which they hear what all hear: CKPT, MSG and CLM
/// close what the dead held before AMF decides about their successors.
#[must_use]
pub fn all(node: NodeId, settings: Settings) -> Vec<Box<dyn Driven>> {
    let Settings { ckpt, msg, clm, model } = settings;
    vec![
        Adapter::boxed(ais_ckpt::Ckpt::new(node, ckpt)),
        Adapter::boxed(ais_msg::Msg::new(node, msg)),
        Adapter::boxed(ais_clm::Clm::new(clm)),
        Adapter::boxed(ais_amf::Amf::new(node, model)),
    ]
}
