//! Who is who: nodes, their incarnations, processes, clients.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A node, by the number the cluster's configuration gives it (`SaClmNodeIdT`). Never 0.
#[doc(alias = "SaClmNodeIdT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// How many times the group has admitted this node: 1 at the first time.
///
/// A node is its daemon process; one that restarts is another incarnation and has forgotten
/// everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// One life of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberId {
    /// The node.
    pub node: NodeId,
    /// Which of its lives.
    pub incarnation: Incarnation,
}

/// A process that talks to its node, or that the node has started. Unique in the cluster, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Where it runs.
    pub member: MemberId,
    /// Its number there: counted by the node, not the operating system's.
    pub number: u64,
}

/// One initialised library handle of one process with one service. Unique in the cluster, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId {
    /// Where it is.
    pub member: MemberId,
    /// Its number there.
    pub number: u64,
}

/// A service, by its number in `SaServicesT`. The list is open: nodes drive any service.
#[doc(alias = "SaServicesT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceId(pub u16);

impl ServiceId {
    /// The node itself: status and the like.
    pub const NODE: Self = Self(0);
    /// Availability management.
    pub const AMF: Self = Self(2);
    /// Cluster membership.
    pub const CLM: Self = Self(3);
    /// Checkpoints.
    pub const CKPT: Self = Self(4);
    /// Messages.
    pub const MSG: Self = Self(6);
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.incarnation)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.p{}", self.member, self.number)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.c{}", self.member, self.number)
    }
}
