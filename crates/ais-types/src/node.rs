//! What operators ask the node itself.

use crate::{
    MemberId, Name, NodeId, Payloads, Role, View,
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
    /// About its group: the only calls that may take a while.
    Group(GroupCall),
    /// From now on this is wrong between it and a peer, or all its peers; `None`: nothing is. Only
    /// nodes of a development cluster do that.
    Fault {
        /// With whom; `None`: with everybody, whatever was said of single ones.
        peer: Option<NodeId>,
        /// What.
        fault: Option<Fault>,
    },
}

/// What a node is asked about its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupCall {
    /// Who votes in it, and who may be a member.
    Cluster,
    /// This member votes from now on.
    AddVoter(NodeId),
    /// This node does not vote any more.
    RemoveVoter(NodeId),
    /// Lets a node that is not known join, once. Without a number the next free one is chosen.
    Invite {
        /// Which number it shall have.
        node: Option<NodeId>,
        /// How long it has for that, in seconds.
        valid_s: u32,
    },
    /// The majority of the voters is lost for good: this node goes on alone. Refused while the
    /// group has a quorum.
    Reform,
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
    /// To [`Call::FollowQuorum`].
    Quorum(bool),
    /// It is done.
    Done,
    /// To [`Call::Resources`] and [`Call::FollowResources`]: by process.
    Resources(Vec<Object>),
    /// To [`GroupCall::Cluster`].
    Cluster(Cluster),
    /// To [`GroupCall::Invite`].
    Invited(Invitation),
}

/// What a node tells unasked, lease or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// Whether this node may act for its group now.
    Quorum(bool),
    /// What is published has changed; ask for it.
    Resources,
}

/// The cluster as its group has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Who votes.
    pub voters: Vec<NodeId>,
    /// Who may be a member.
    pub nodes: Vec<Known>,
}

/// A node that may be a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: Name,
    /// What it said it was when it last joined.
    pub role: Role,
    /// Where its peers reach it.
    pub addresses: Vec<String>,
}

/// What a node needs to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The cluster's name.
    pub cluster: String,
    /// Who invites.
    pub issuer: NodeId,
    /// The number that the new node has.
    pub node: NodeId,
    /// What it has to show.
    pub secret: u128,
    /// The failure timeout of the cluster, in milliseconds.
    pub failure_timeout_ms: u64,
    /// Whether the logs of its nodes are on disk.
    pub durable: bool,
    /// How its nodes reach each other, as their configuration says it.
    pub transport: String,
    /// Whom it will find.
    pub nodes: Vec<Known>,
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
