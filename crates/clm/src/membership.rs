//! The replicated part: who is a member, since when, and the number of that membership.

use crate::address;
use ais_types::{
    Member, MemberId, Name, NodeId, Role, Time, View,
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
    /// In the group's view and no members: witnesses.
    others: BTreeMap<NodeId, Member>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    member: Member,
    initial_view: u64,
}

/// From one membership to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The number of the new membership.
    pub(crate) view: u64,
    /// Members afterwards.
    pub(crate) members: u32,
    /// All members afterwards and those that left, by id.
    pub(crate) nodes: Vec<(ClusterNode, Change)>,
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

    /// What is known of a node, which may be no member.
    pub(crate) fn node(&self, node: NodeId) -> ClusterNode {
        let other = || self.others.get(&node).map(|it| describe(it, false, 0));
        self.member(node).or_else(other).unwrap_or_else(|| unknown(node))
    }

    /// Takes the group's view; tells the transitions it stands for, in order.
    ///
    /// A node whose new life replaces its old one in a single view first leaves and then joins:
    /// no transition speaks of a node twice.
    pub(crate) fn apply(&mut self, view: &View) -> Vec<Transition> {
        self.others = others(view);
        let staying = |it: &Entry| view.contains(it.member.id);
        let replaced =
            self.members.values().any(|it| !staying(it) && hosts(view, it.member.id.node));
        let mut transitions = Vec::new();
        if replaced {
            let remaining = view.hosts().filter(|it| self.contains(it.id)).cloned().collect();
            transitions.extend(self.become_these(remaining));
        }
        transitions.extend(self.become_these(view.hosts().cloned().collect()));
        transitions
    }

    /// At most one life of each node goes in that was not there before.
    fn become_these(&mut self, hosts: Vec<Member>) -> Option<Transition> {
        let next = self.number + 1;
        let mut changes: BTreeMap<NodeId, (ClusterNode, Change)> = BTreeMap::new();
        let gone =
            self.members.values().filter(|it| !hosts.iter().any(|host| host.id == it.member.id));
        for entry in gone {
            let node = ClusterNode { member: false, ..entry.node() };
            changes.insert(node.id, (node, Change::Left));
        }
        let mut members = BTreeMap::new();
        for member in hosts {
            let (initial_view, change) = match self.members.get(&member.id.node) {
                Some(before) if before.member == member => (before.initial_view, Change::NoChange),
                Some(before) if before.member.id == member.id => {
                    (before.initial_view, Change::Reconfigured)
                }
                Some(_) | None => (next, Change::Joined),
            };
            let entry = Entry { member, initial_view };
            changes.insert(entry.member.id.node, (entry.node(), change));
            members.insert(entry.member.id.node, entry);
        }
        if changes.values().all(|(_, change)| *change == Change::NoChange) {
            return None;
        }
        (self.number, self.members) = (next, members);
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        Some(Transition { view: next, members, nodes: changes.into_values().collect() })
    }
}

impl Entry {
    fn node(&self) -> ClusterNode {
        describe(&self.member, true, self.initial_view)
    }
}

fn hosts(view: &View, node: NodeId) -> bool {
    view.hosts().any(|it| it.id.node == node)
}

fn others(view: &View) -> BTreeMap<NodeId, Member> {
    let witnesses = view.members.iter().filter(|it| it.role == Role::Witness);
    witnesses.map(|it| (it.id.node, it.clone())).collect()
}

fn describe(member: &Member, is_member: bool, initial_view: u64) -> ClusterNode {
    ClusterNode {
        id: member.id.node,
        address: address::of(&member.addresses),
        name: member.name.clone(),
        execution_environment: Name::default(),
        member: is_member,
        boot_time: member.boot_time,
        initial_view,
    }
}

fn unknown(node: NodeId) -> ClusterNode {
    ClusterNode {
        id: node,
        address: address::of(&[]),
        name: Name::default(),
        execution_environment: Name::default(),
        member: false,
        boot_time: Time::UNKNOWN,
        initial_view: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_types::Incarnation;
    use alloc::{format, string::String};

    /// `1.1 2.1w`: nodes with their incarnations, a witness with a `w`.
    fn view(text: &str) -> View {
        let members = text.split_whitespace().map(|it| {
            let (node, life) = it.trim_end_matches('w').split_once('.').unwrap();
            Member {
                id: MemberId {
                    node: NodeId(node.parse().unwrap()),
                    incarnation: Incarnation(life.parse().unwrap()),
                },
                name: Name::new(format!("node{node}")).unwrap(),
                role: if it.ends_with('w') { Role::Witness } else { Role::Voter },
                addresses: Vec::new(),
                boot_time: Time(1),
                joined_view: 0,
            }
        });
        View { number: 0, members: members.collect() }
    }

    fn show(transition: &Transition) -> String {
        let nodes = transition.nodes.iter().map(|(node, change)| {
            let since = node.initial_view;
            format!("{}@{since}{}", node.id, if node.member { "" } else { " out" })
                + &format!(" {change:?}")
        });
        format!("{}: {}", transition.view, nodes.collect::<Vec<_>>().join(", "))
    }

    #[track_caller]
    fn check(views: &[&str], last: &[&str]) {
        let mut membership = Membership::default();
        let transitions = views.iter().map(|it| membership.apply(&view(it))).last().unwrap();
        assert_eq!(transitions.iter().map(show).collect::<Vec<_>>(), last);
    }

    #[test]
    fn the_first_membership_has_number_one() {
        check(&["1.1 2.1"], &["1: n1@1 Joined, n2@1 Joined"]);
    }

    #[test]
    fn witnesses_are_no_members() {
        check(&["1.1 2.1w"], &["1: n1@1 Joined"]);
        check(&["1.1", "1.1 2.1w"], &[]);
    }

    #[test]
    fn who_leaves_is_told_once() {
        check(&["1.1 2.1 3.1", "1.1 3.1"], &["2: n1@1 NoChange, n2@1 out Left, n3@1 NoChange"]);
        check(&["1.1 2.1 3.1", "1.1 3.1", "1.1"], &["3: n1@1 NoChange, n3@1 out Left"]);
    }

    #[test]
    fn a_new_life_first_leaves_and_then_joins() {
        check(
            &["1.1 2.1", "1.1 2.2"],
            &["2: n1@1 NoChange, n2@1 out Left", "3: n1@1 NoChange, n2@3 Joined"],
        );
    }

    #[test]
    fn a_changed_address_is_a_reconfiguration() {
        let mut membership = Membership::default();
        membership.apply(&view("1.1 2.1"));
        let mut moved = view("1.1 2.1");
        moved.members[1].addresses = alloc::vec![String::from("10.0.0.2:1")];
        let told: Vec<String> = membership.apply(&moved).iter().map(show).collect();
        assert_eq!(told, ["2: n1@1 NoChange, n2@1 Reconfigured"]);
    }
}
