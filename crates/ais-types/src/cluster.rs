//! What the group tells everyone: views, and the stamp on every entry.

use crate::{GroupTime, MemberId, Name, NodeId, Time};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What a node is to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes and hosts services.
    Voter,
    /// Votes and applies like everyone, hosts nothing, and is no CLM member.
    Witness,
    /// Hosts services and does not vote.
    Payload,
}

/// One member of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which node, in which life.
    pub id: MemberId,
    /// Its configured name.
    pub name: Name,
    /// What it is to the group.
    pub role: Role,
    /// Where its peers reach it, best first; text, since each transport has its own form.
    pub addresses: Vec<String>,
    /// When its operating system was booted (wall clock).
    pub boot_time: Time,
    /// The first view it was in.
    pub joined_view: u64,
}

/// Who is in, as everyone sees it at the same place in the order.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// Grows by at least 1 with each view; the same everywhere.
    pub number: u64,
    /// Sorted by node id. Witnesses are in it too.
    pub members: Vec<Member>,
}

impl View {
    /// The member that this node is, if it is in.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.iter().find(|it| it.id.node == node)
    }

    /// Whether exactly this life of the node is in.
    #[must_use]
    pub fn contains(&self, id: MemberId) -> bool {
        self.members.iter().any(|it| it.id == id)
    }

    /// The members that host services: all but the witnesses.
    pub fn hosts(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|it| it.role != Role::Witness)
    }
}

/// When the leader put an entry on the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The place in the order: grows by at least 1 with each entry.
    pub index: u64,
    /// Monotonic group time; replicated timers run on it.
    pub time: GroupTime,
    /// The leader's wall clock, for what users see. May step.
    pub wall: i64,
}
