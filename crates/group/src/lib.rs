//! One order and one view for all members.
//!
//! A [`Group`] tells its member what happens, in one order that is the same at every member:
//! views, entries, ends of processes, group time. A [`GroupHandle`] puts entries on it.
//!
//! - [`Solo`]: one process, no network. The embedded default.
//! - [`raft`]: many nodes, on an existing consensus library, over any transport.
#![forbid(unsafe_code)]

pub mod check;
mod cluster;
mod contract;
mod feed;
mod identity;
mod plug;
pub mod raft;
mod room;
mod solo;

pub use cluster::{Cluster, ClusterOrder, Known};
pub use contract::{
    Delivery, Group, GroupError, GroupHandle, Message, PAYLOAD_MAX, Priority, SnapshotReply,
};
pub use identity::{Identity, system_wall};
pub use plug::{PLUG_NAME_MAX, PLUGS_MAX, Plug, PlugOrder, Recovery, RecoveryPlug};
pub use solo::Solo;
