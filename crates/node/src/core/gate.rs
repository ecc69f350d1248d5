//! Who of the group is a member of the cluster, and by which identity the services know it.
//!
//! One service may decide who is a member ([`Service::members`](ais_service::Service::members));
//! it alone sees the group as it is. To all others a node that is no member is not there: their
//! views have only members, and whoever becomes a member again is another life to them, with a
//! [`MemberId`] of its own. Identities are turned at this border; everything outside (the group,
//! the data path, the shell) has the group's.
//!
//! A node that is taken out while it lives isolates itself: it ends what the services started,
//! gives each of them a blank core with nothing but the replicated part, and orders that it has
//! stopped. That entry is to the others' services what the group's `Released` is of a node that
//! is gone; until then it cannot become a member again.

use ais_types::{Incarnation, MemberId, NodeId, Role, View};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Replicated: the same on every node at the same place in the group's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gate {
    /// By the group's identity: until the group has released it.
    lives: BTreeMap<MemberId, Life>,
    /// The last incarnation given to each node.
    last: BTreeMap<NodeId, Incarnation>,
    /// Of the services' view.
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Life {
    incarnation: Incarnation,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    Member,
    /// No member any more, and may still act.
    Leaving,
    /// No member any more, and has stopped.
    Out,
}

/// What a look at the gate comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Let in, by the group's identity.
    pub(super) joined: BTreeSet<MemberId>,
    /// Shut out, though the group has them.
    pub(super) left: BTreeSet<MemberId>,
}

impl Gate {
    /// Lets members in and shuts others out. `members`: all hosts, if nobody decides that.
    pub(super) fn pass(&mut self, view: &View, members: Option<&BTreeSet<MemberId>>) -> Passed {
        let mut passed = Passed::default();
        for member in &view.members {
            let id = member.id;
            let host = member.role != Role::Witness;
            let may = !host || members.is_none_or(|it| it.contains(&id));
            let standing = self.lives.get(&id).map(|it| it.standing);
            match (may, standing) {
                (true, None | Some(Standing::Out)) => {
                    let incarnation = self.next(id);
                    self.last.insert(id.node, incarnation);
                    self.lives.insert(id, Life { incarnation, standing: Standing::Member });
                    passed.joined.insert(id);
                }
                (false, Some(Standing::Member)) => {
                    self.set(id, Standing::Leaving);
                    passed.left.insert(id);
                }
                (true, Some(Standing::Member | Standing::Leaving))
                | (false, None | Some(Standing::Leaving | Standing::Out)) => {}
            }
        }
        passed
    }

    /// The view as the services know it.
    pub(super) fn view(&mut self, group: &View) -> View {
        self.number = group.number.max(self.number + 1);
        let inside = group.members.iter().filter_map(|it| {
            let id = self.member(it.id)?;
            Some(ais_types::Member { id, ..it.clone() })
        });
        View { number: self.number, members: inside.collect() }
    }

    /// The identity of the next life of this node, should it become a member.
    pub(super) fn next(&self, id: MemberId) -> Incarnation {
        let last = self.last.get(&id.node).map_or(0, |it| it.0);
        Incarnation(id.incarnation.0.max(last + 1))
    }

    /// By which identity the services know it, member or not any more.
    pub(super) fn inside(&self, id: MemberId) -> Option<MemberId> {
        let life = self.lives.get(&id)?;
        Some(MemberId { node: id.node, incarnation: life.incarnation })
    }

    /// By which identity the services know a member.
    pub(super) fn member(&self, id: MemberId) -> Option<MemberId> {
        let standing = self.lives.get(&id)?.standing;
        self.inside(id).filter(|_| standing == Standing::Member)
    }

    /// By which identity the services know who may still act.
    pub(super) fn acting(&self, id: MemberId) -> Option<MemberId> {
        let standing = self.lives.get(&id)?.standing;
        self.inside(id).filter(|_| standing != Standing::Out)
    }

    /// The member that the services mean.
    pub(super) fn outside(&self, inside: MemberId) -> Option<MemberId> {
        // As long as nobody was ever taken out, both are the same.
        if self.member(inside) == Some(inside) {
            return Some(inside);
        }
        self.lives.keys().copied().find(|it| self.member(*it) == Some(inside))
    }

    /// It has stopped acting, and is in the group. Tells how the services knew it.
    pub(super) fn stopped(&mut self, id: MemberId) -> Option<MemberId> {
        let standing = self.lives.get(&id)?.standing;
        if standing != Standing::Leaving {
            return None;
        }
        self.set(id, Standing::Out);
        self.inside(id)
    }

    /// The group has released it. Tells how the services knew it, if they wait for that.
    pub(super) fn released(&mut self, id: MemberId) -> Option<MemberId> {
        let inside = self.acting(id);
        self.lives.remove(&id);
        inside
    }

    /// Whether it is in the group, and no member.
    pub(super) fn is_out(&self, id: MemberId) -> bool {
        self.lives.get(&id).is_none_or(|it| it.standing != Standing::Member)
    }

    fn set(&mut self, id: MemberId, standing: Standing) {
        if let Some(life) = self.lives.get_mut(&id) {
            life.standing = standing;
        }
    }
}
