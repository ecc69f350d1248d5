//! What operators ask the node itself.

use crate::{MemberId, Name, NodeId, Payloads, View};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What a node can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// How it is.
    Status,
    /// From now on this is wrong between it and a peer, or all its peers; `None`: nothing is. Only
    /// nodes of a development cluster do that.
    Fault {
        /// With whom; `None`: with everybody, whatever was said of single ones.
        peer: Option<NodeId>,
        /// What.
        fault: Option<Fault>,
    },
}

/// What is wrong between a node and a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Nothing arrives, in either direction. Sessions stall; they do not close.
    Cut,
    /// Nothing from the node arrives at the peer. What comes from the peer arrives.
    CutOneWay,
    /// Everything takes longer by at least so many milliseconds, in both directions, and less can be
    /// on its way.
    Slow(u32),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Call::Status`].
    Status(Status),
    /// To [`Call::Fault`]: it is so.
    Done,
}

/// How a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: Name,
    /// Which life of which node; `None` before it was admitted.
    pub id: Option<MemberId>,
    /// Who leads, as far as this node knows.
    pub leader: Option<MemberId>,
    /// Whether it may answer: it holds a lease.
    pub lease: bool,
    /// The last view delivered here.
    pub view: View,
    /// The services it drives, by name.
    pub services: Vec<String>,
    /// Sessions open here.
    pub sessions: u64,
}

impl Payloads for Call {}
impl Payloads for Reply {}
