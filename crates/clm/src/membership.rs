//! Who is a member, since when, and the number of that membership. Replicated.

use crate::address;
use ais_types::{
    Member, MemberId, Name, NodeId, Time,
    clm::{Change, ClusterNode},
};
use alloc::{collections::BTreeMap, vec::Vec};
use serde::{Deserialize, Serialize};

/// Who is a member. The same on every node at the same place in the group's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// 0 before the first transition; then one more with each.
    number: u64,
    members: BTreeMap<NodeId, Entry>,
}

/// A member with all that is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) member: Member,
    pub(crate) environment: Name,
    initial_view: u64,
}

/// Why a membership changes, as far as that is not plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    /// What an operation was directed at.
    pub(crate) cause: Option<Name>,
    /// As what it is told that somebody left: LEFT or SHUTDOWN.
    pub(crate) left: Change,
}

impl Why {
    /// It just happened.
    pub(crate) const UNPLANNED: Self = Self { cause: None, left: Change::Left };

    /// An operation on this node, other than a shutdown.
    pub(crate) fn operation(on: &Name) -> Self {
        Self { cause: Some(on.clone()), left: Change::Left }
    }
}

/// From one membership to the next, or something that is told like that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The number of the membership afterwards.
    pub(crate) view: u64,
    /// Members afterwards.
    pub(crate) members: u32,
    /// All members afterwards and those that left, by id.
    pub(crate) nodes: Vec<(ClusterNode, Change)>,
    /// What it was directed at.
    pub(crate) cause: Option<Name>,
}

impl Membership {
    /// The number of the membership.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The members, by id.
    pub fn members(&self) -> impl Iterator<Item = ClusterNode> + '_ {
        self.members.values().map(Entry::node)
    }

    /// The member with this id.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<ClusterNode> {
        self.members.get(&node).map(Entry::node)
    }

    /// Whether exactly this life of the node is a member.
    #[must_use]
    pub fn contains(&self, id: MemberId) -> bool {
        self.members.get(&id.node).is_some_and(|it| it.member.id == id)
    }

    /// Which lives of nodes are members.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.members.values().map(|it| it.member.id)
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Takes who shall be a member; tells the transitions that this stands for, in order.
    ///
    /// A node whose new life replaces its old one at once first leaves and then joins: no
    /// transition speaks of a node twice.
    pub(crate) fn become_these(
        &mut self,
        wanted: Vec<(Member, Name)>,
        why: &Why,
    ) -> Vec<Transition> {
        let replaced = wanted.iter().any(|(it, _)| {
            self.members.get(&it.id.node).is_some_and(|before| before.member.id != it.id)
        });
        let mut transitions = Vec::new();
        if replaced {
            let staying = wanted.iter().filter(|(it, _)| self.contains(it.id)).cloned().collect();
            transitions.extend(self.change_to(staying, why));
        }
        transitions.extend(self.change_to(wanted, why));
        transitions
    }

    /// At most one life of each node goes in that was not there before.
    fn change_to(&mut self, wanted: Vec<(Member, Name)>, why: &Why) -> Option<Transition> {
        let next = self.number + 1;
        let mut changes: BTreeMap<NodeId, (ClusterNode, Change)> = BTreeMap::new();
        let goes = |it: &&Entry| !wanted.iter().any(|(member, _)| member.id == it.member.id);
        for entry in self.members.values().filter(goes) {
            let node = ClusterNode { member: false, ..entry.node() };
            changes.insert(node.id, (node, why.left));
        }
        let mut members = BTreeMap::new();
        for (member, environment) in wanted {
            let before = self.members.get(&member.id.node).filter(|it| it.member.id == member.id);
            let (initial_view, change) = match before {
                Some(it) if it.member == member && it.environment == environment => {
                    (it.initial_view, Change::NoChange)
                }
                Some(it) => (it.initial_view, Change::Reconfigured),
                None => (next, Change::Joined),
            };
            let entry = Entry { member, environment, initial_view };
            changes.insert(entry.member.id.node, (entry.node(), change));
            members.insert(entry.member.id.node, entry);
        }
        if changes.values().all(|(_, change)| *change == Change::NoChange) {
            return None;
        }
        (self.number, self.members) = (next, members);
        let nodes = changes.into_values().collect();
        Some(Transition { view: next, members: self.count(), nodes, cause: why.cause.clone() })
    }

    /// Says of a member, and of nobody else, that this is the case or about to be. The membership
    /// is what it was.
    pub(crate) fn announce(&self, node: NodeId, change: Change, cause: Option<Name>) -> Transition {
        let of = |it: ClusterNode| {
            let change = if it.id == node { change } else { Change::NoChange };
            (it, change)
        };
        let nodes = self.members().map(of).collect();
        Transition { view: self.number, members: self.count(), nodes, cause }
    }
}

impl Entry {
    fn node(&self) -> ClusterNode {
        describe(&self.member, &self.environment, true, self.initial_view)
    }
}

/// What is known of a node that is up.
pub(crate) fn describe(
    member: &Member,
    environment: &Name,
    is_member: bool,
    initial_view: u64,
) -> ClusterNode {
    ClusterNode {
        id: member.id.node,
        address: address::of(&member.addresses),
        name: member.name.clone(),
        execution_environment: environment.clone(),
        member: is_member,
        boot_time: member.boot_time,
        initial_view,
    }
}

/// What is known of a node that is down.
pub(crate) fn down(id: NodeId, name: Name, environment: Name) -> ClusterNode {
    ClusterNode {
        id,
        address: address::of(&[]),
        name,
        execution_environment: environment,
        member: false,
        boot_time: Time::UNKNOWN,
        initial_view: 0,
    }
}
