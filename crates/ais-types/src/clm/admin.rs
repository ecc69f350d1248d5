//! What operators ask of the cluster's configuration: the nodes in it, and what is done to them.

use super::ClusterNode;
use crate::{Name, Time};
use core::fmt;
use serde::{Deserialize, Serialize};

/// An administrative operation on a node, by its number, as the caller gave it.
///
/// Numbers without a constant here answer NOT_SUPPORTED.
#[doc(alias = "SaClmAdminOperationIdT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminOperation(pub u32);

impl AdminOperation {
    /// Lets the node be a member, and calls off a shutdown that is under way.
    #[doc(alias = "SA_CLM_ADMIN_UNLOCK")]
    pub const UNLOCK: Self = Self(1);
    /// Takes the node out: who tracks START is waited for, but not for longer than the node's
    /// [`lock_callback_timeout`](ConfiguredNode::lock_callback_timeout).
    #[doc(alias = "SA_CLM_ADMIN_LOCK")]
    pub const LOCK: Self = Self(2);
    /// Takes the node out when all who track START are ready for it, however long that takes.
    #[doc(alias = "SA_CLM_ADMIN_SHUTDOWN")]
    pub const SHUTDOWN: Self = Self(3);
}

impl fmt::Display for AdminOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UNLOCK => f.write_str("unlock"),
            Self::LOCK => f.write_str("lock"),
            Self::SHUTDOWN => f.write_str("shutdown"),
            Self(number) => write!(f, "operation {number}"),
        }
    }
}

/// Whether a node may be a member.
#[doc(alias = "SaClmAdminStateT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum AdminState {
    /// It may.
    #[doc(alias = "SA_CLM_ADMIN_UNLOCKED")]
    #[default]
    Unlocked = 1,
    /// It may not.
    #[doc(alias = "SA_CLM_ADMIN_LOCKED")]
    Locked = 2,
    /// It is one, and will be locked as soon as everybody is ready for that.
    #[doc(alias = "SA_CLM_ADMIN_SHUTTING_DOWN")]
    ShuttingDown = 3,
}

impl fmt::Display for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unlocked => "UNLOCKED",
            Self::Locked => "LOCKED",
            Self::ShuttingDown => "SHUTTING_DOWN",
        })
    }
}

/// A writable attribute of a configured node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute {
    /// `saClmNodeLockCallbackTimeout`: how long a lock waits for who tracks START. More than 0.
    #[doc(alias = "saClmNodeLockCallbackTimeout")]
    LockCallbackTimeout(Time),
    /// `saClmNodeEE`: the execution environment that hosts the node; empty: none. A change of a
    /// member's is told as RECONFIGURED.
    #[doc(alias = "saClmNodeEE")]
    ExecutionEnvironment(Name),
}

/// The cluster as it is configured (class `SaClmCluster`).
#[doc(alias = "SaClmCluster")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// `safCluster=…`.
    pub name: Name,
    /// When the cluster was formed (wall clock); [`Time::UNKNOWN`] before.
    pub initialised: Time,
    /// The number of the membership.
    pub view: u64,
    /// Its nodes, by name.
    pub nodes: alloc::vec::Vec<ConfiguredNode>,
}

/// A node that may be a member (class `SaClmNode`).
#[doc(alias = "SaClmNode")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredNode {
    /// What is known of it. A node that never was up has no boot time, and perhaps no id (0).
    pub node: ClusterNode,
    /// Whether the group reaches it, be it a member or not.
    pub up: bool,
    /// Whether it may be a member.
    pub admin: AdminState,
    /// How long a lock waits for who tracks START.
    pub lock_callback_timeout: Time,
    /// An operation waits for responses to a step.
    pub changing: bool,
}
