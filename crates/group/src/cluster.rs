//! What an operator orders about the cluster itself.

use crate::Identity;
use ais_types::{Name, NodeId, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an operator orders about the cluster. Ordered like everything else; it takes effect at the
/// same place for all members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterOrder {
    /// This node votes from now on. It has to be a member.
    AddVoter(NodeId),
    /// This node does not vote any more. It stays a member.
    RemoveVoter(NodeId),
    /// A node that is not known may join with this secret.
    Invite {
        /// Which.
        node: NodeId,
        /// What it has to show.
        secret: u128,
        /// For how many seconds.
        valid_s: u32,
    },
}

/// What a group knows of a node that may be a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name.
    pub name: Name,
    /// What it said it was when it last joined, or what it is configured to be.
    pub role: Role,
    /// Where its peers reach it.
    pub addresses: Vec<String>,
}

impl From<&Identity> for Known {
    fn from(identity: &Identity) -> Self {
        let Identity { name, role, addresses, node: _, boot_time: _ } = identity.clone();
        Self { name, role, addresses }
    }
}

/// The cluster as its group has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Who votes.
    pub voters: Vec<NodeId>,
    /// Who may be a member.
    pub nodes: Vec<(NodeId, Known)>,
    /// After this without a sign of life a member is ordered out.
    pub failure_timeout: Duration,
    /// Whether the members' logs are on disk.
    pub durable: bool,
}
