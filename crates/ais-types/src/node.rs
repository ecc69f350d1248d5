//! What operators ask the node itself.

use crate::{
    MemberId, Name, Payloads, View,
    resources::{Entry, Object},
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What a node can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// How it is.
    Status,
    /// Whether there is quorum, now and from now on ([`Callback::Quorum`]).
    FollowQuorum,
    /// Sets one entry of the object of the calling process.
    Publish(Entry),
    /// Removes the object of the calling process.
    Withdraw,
    /// What supervised processes have published.
    Resources,
    /// The same, and from now on whenever more than a sign of life changes ([`Callback::Resources`]).
    FollowResources,
    /// Removes the object that this process has left behind.
    Forget(u32),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Call::Status`].
    Status(Status),
    /// To [`Call::FollowQuorum`].
    Quorum(bool),
    /// To [`Call::Publish`], [`Call::Withdraw`] and [`Call::Forget`].
    Done,
    /// To [`Call::Resources`] and [`Call::FollowResources`]: by process.
    Resources(Vec<Object>),
}

/// What a node tells unasked, lease or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// Whether this node may act for its group now.
    Quorum(bool),
    /// What is published has changed; ask for it.
    Resources,
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
impl Payloads for Callback {}
