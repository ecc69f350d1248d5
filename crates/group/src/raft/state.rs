//! The group's own replicated state: who is in, who was, what has been delivered of whom.
//!
//! ```text
//!            Joined                Left                   Released
//!   (blank) ────────▶ in the view ──────▶ gone, may act ───────────▶ (forgotten)
//! ```

use super::{
    packet::Hello,
    types::{LifeId, Proposal, RaftId},
};
use crate::{
    Cluster, ClusterOrder, Identity, Known, Message, PlugOrder, Priority, Recovery,
    plug::{Change, Plugs},
};
use ais_types::{GroupTime, Incarnation, Member, MemberId, NodeId, ProcessId, Stamp, View};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Voters at a time: more make an order slower, and none safer.
const VOTERS_MAX: usize = 7;
/// Invitations at a time.
const INVITED_MAX: usize = 256;

/// Who wants to be a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Applicant {
    pub(crate) raft: RaftId,
    pub(crate) life: LifeId,
    pub(crate) identity: Identity,
}

/// Something that happens to the group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op {
    /// The first view. Ignored if there has been one.
    Formed { members: Vec<Applicant>, former: Former },
    /// By an operator's word this member alone goes on; it is the only voter.
    /// The log begins with this, so it brings the state along.
    Reformed(MemberId, Box<State>),
    /// A new member, which gets the owner's state from `sponsor`. Ignored while the node, in
    /// whichever life, is in. Without a sponsor it gets what was kept of the group's configuration.
    Joined { applicant: Applicant, sponsor: Option<MemberId>, kept: Option<Bytes> },
    /// A member is out. Ignored if it is not in.
    Left(MemberId),
    /// A member that is out has stopped acting. Ignored if that is known.
    Released(MemberId),
    /// A group deadline is due.
    Time,
    /// The recovery plugs of the view with this number have had their time.
    Overdue(u64),
    /// What a member ordered. Of a member that is out, nothing is taken.
    Batch { from: MemberId, items: Vec<Item> },
}

/// One order of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) priority: Priority,
    /// Counts from 1 within the incarnation and the priority.
    pub(crate) number: u64,
    pub(crate) what: What,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum What {
    Message(Bytes),
    ProcessEnded(ProcessId),
    Barrier,
    Plug(String, PlugOrder),
    Cluster(ClusterOrder),
}

/// What a group that forms takes over from its former self.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Former {
    /// How often it has formed, this time included.
    pub(crate) generation: u64,
    pub(crate) voters: BTreeSet<NodeId>,
    pub(crate) nodes: BTreeMap<NodeId, Known>,
    /// What its owners kept.
    pub(crate) kept: Bytes,
}

impl Item {
    /// About how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        64 + match &self.what {
            What::Message(payload) => payload.len(),
            What::ProcessEnded(_) | What::Barrier => 0,
            What::Plug(name, _) => name.len(),
            What::Cluster(_) => 256,
        }
    }
}

/// What an entry has done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    View(Stamp, View),
    /// What was kept of the former group, told to who begins without a sponsor, before its view.
    Kept(Stamp, Bytes),
    /// The group has been formed anew around this member.
    Reformed(MemberId),
    /// Comes just before the view it is in. The state it gets is as of the stamp.
    Joining {
        member: MemberId,
        life: LifeId,
        sponsor: Option<MemberId>,
        state: Stamp,
    },
    Left(MemberId),
    Message(Stamp, Message),
    ProcessEnded(Stamp, ProcessId),
    Released(Stamp, MemberId),
    Time(Stamp),
    Recovery(Stamp, Recovery),
    /// Orders of this member were not taken: recovery plugs are in.
    Held(MemberId),
    /// An order of this member is through.
    Through(MemberId, Priority, u64),
}

/// What a member is to consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) raft: RaftId,
    pub(crate) life: LifeId,
}

/// The replicated state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The stamp of the last thing that was delivered.
    pub(crate) stamp: Stamp,
    /// When group time was last ordered.
    pub(crate) timed: GroupTime,
    pub(crate) view: View,
    /// What each member in the view is to consensus.
    pub(crate) seats: BTreeMap<MemberId, Seat>,
    /// How often each node has been admitted.
    pub(crate) incarnations: BTreeMap<NodeId, Incarnation>,
    /// The last life of each node that was admitted.
    #[serde(default)]
    pub(crate) lives: BTreeMap<NodeId, LifeId>,
    /// The last order delivered of each member in the view, by priority.
    pub(crate) through: BTreeMap<MemberId, BTreeMap<Priority, u64>>,
    /// Who is out and may still act, and which life of its node it was.
    pub(crate) unreleased: BTreeMap<MemberId, LifeId>,
    pub(crate) plugs: Plugs,
    /// How often this group has formed, and has been formed anew by an operator.
    pub(crate) generation: u64,
    pub(crate) reforms: u64,
    /// Who is to vote.
    pub(crate) voters: BTreeSet<NodeId>,
    /// Who may be a member, and where it was last.
    pub(crate) nodes: BTreeMap<NodeId, Known>,
    /// Who is invited, by what secret, and until when.
    pub(crate) invited: BTreeMap<NodeId, (u128, GroupTime)>,
    /// Whether what an operator configures has changed since this was looked at.
    #[serde(skip)]
    pub(crate) changed: bool,
}

impl State {
    /// Applies an entry and appends what it has done.
    pub(crate) fn apply(&mut self, proposal: Proposal, done: &mut Vec<Happened>) {
        let moment = (GroupTime(proposal.time), proposal.wall);
        for op in proposal.ops {
            self.op(moment, op, done);
        }
    }

    /// The member that this life of a node is, if it is in.
    pub(crate) fn member(&self, life: LifeId) -> Option<MemberId> {
        self.seats.iter().find(|(_, it)| it.life == life).map(|(member, _)| *member)
    }

    /// The member that this participant is, if it is in.
    pub(crate) fn member_of(&self, raft: RaftId) -> Option<MemberId> {
        self.seats.iter().find(|(_, it)| it.raft == raft).map(|(member, _)| *member)
    }

    /// Whether this life of the node was a member once: it is not admitted again, whatever was
    /// heard of it before.
    pub(crate) fn has_lived(&self, node: NodeId, life: LifeId) -> bool {
        self.lives.get(&node) == Some(&life)
    }

    /// Whether an item has been delivered.
    pub(crate) fn is_through(&self, from: MemberId, item: &Item) -> bool {
        let last = self.through.get(&from).and_then(|it| it.get(&item.priority));
        last.is_some_and(|last| item.number <= *last)
    }

    fn op(&mut self, moment: (GroupTime, i64), op: Op, done: &mut Vec<Happened>) {
        match op {
            Op::Formed { members, former } => self.form(moment, members, former, done),
            Op::Reformed(survivor, state) => {
                *self = *state;
                self.reform(moment, survivor, done);
            }
            Op::Joined { applicant, sponsor, kept } => {
                self.join(moment, applicant, sponsor, kept, done);
            }
            Op::Left(member) => self.leave(moment, member, done),
            Op::Released(member) => {
                if self.unreleased.remove(&member).is_some() {
                    done.push(Happened::Released(self.stamp(moment), member));
                }
            }
            Op::Time => {
                let stamp = self.stamp(moment);
                self.timed = stamp.time;
                done.push(Happened::Time(stamp));
            }
            Op::Overdue(view) => self.plugs(moment, Change::Overdue(view), done),
            Op::Batch { from, items } => {
                items.into_iter().for_each(|item| self.item(moment, from, item, done));
            }
        }
    }

    fn form(
        &mut self,
        moment: (GroupTime, i64),
        members: Vec<Applicant>,
        former: Former,
        done: &mut Vec<Happened>,
    ) {
        if self.view.number > 0 {
            return;
        }
        let Former { generation, voters, nodes, kept } = former;
        (self.generation, self.voters, self.nodes) = (generation, voters, nodes);
        for applicant in members {
            self.admit(applicant, None, done);
        }
        self.tell_kept(moment, Some(kept), done);
        self.new_view(moment, None, done);
    }

    fn tell_kept(
        &mut self,
        moment: (GroupTime, i64),
        kept: Option<Bytes>,
        done: &mut Vec<Happened>,
    ) {
        if let Some(kept) = kept.filter(|it| !it.is_empty()) {
            done.push(Happened::Kept(self.stamp(moment), kept));
        }
    }

    fn reform(&mut self, moment: (GroupTime, i64), survivor: MemberId, done: &mut Vec<Happened>) {
        self.reforms += 1;
        done.push(Happened::Reformed(survivor));
        self.changed = true;
        self.voters = BTreeSet::from([survivor.node]);
        let others = self.seats.keys().copied().filter(|it| *it != survivor);
        for member in others.collect::<Vec<_>>() {
            self.leave(moment, member, done);
        }
    }

    fn join(
        &mut self,
        moment: (GroupTime, i64),
        applicant: Applicant,
        sponsor: Option<MemberId>,
        kept: Option<Bytes>,
        done: &mut Vec<Happened>,
    ) {
        let node = applicant.identity.node;
        let lived = self.has_lived(node, applicant.life);
        if self.view.number > 0 && self.view.member(node).is_none() && !lived {
            self.admit(applicant, sponsor, done);
            self.tell_kept(moment, kept, done);
            self.new_view(moment, None, done);
        }
    }

    fn leave(&mut self, moment: (GroupTime, i64), member: MemberId, done: &mut Vec<Happened>) {
        let Some(seat) = self.seats.remove(&member) else { return };
        self.view.members.retain(|it| it.id != member);
        self.through.remove(&member);
        self.unreleased.insert(member, seat.life);
        done.push(Happened::Left(member));
        self.new_view(moment, Some(member), done);
    }

    fn admit(&mut self, applicant: Applicant, sponsor: Option<MemberId>, done: &mut Vec<Happened>) {
        let Applicant { raft, life: own, identity } = applicant;
        self.invited.remove(&identity.node);
        self.nodes.insert(identity.node, Known::from(&identity));
        self.changed = true;
        let life = self.incarnations.entry(identity.node).or_insert(Incarnation(0));
        life.0 += 1;
        self.lives.insert(identity.node, own);
        let id = MemberId { node: identity.node, incarnation: *life };
        self.seats.insert(id, Seat { raft, life: own });
        self.view.members.push(Member {
            id,
            name: identity.name,
            role: identity.role,
            addresses: identity.addresses,
            boot_time: identity.boot_time,
            joined_view: self.view.number + 1,
        });
        self.view.members.sort_by_key(|it| it.id);
        done.push(Happened::Joining { member: id, life: own, sponsor, state: self.stamp });
    }

    fn new_view(
        &mut self,
        moment: (GroupTime, i64),
        left: Option<MemberId>,
        done: &mut Vec<Happened>,
    ) {
        self.view.number += 1;
        done.push(Happened::View(self.stamp(moment), self.view.clone()));
        self.plugs(moment, Change::View { left }, done);
    }

    fn plugs(&mut self, moment: (GroupTime, i64), change: Change<'_>, done: &mut Vec<Happened>) {
        if let Some(news) = self.plugs.change(self.view.number, change) {
            done.push(Happened::Recovery(self.stamp(moment), news));
        }
    }

    fn item(
        &mut self,
        moment: (GroupTime, i64),
        from: MemberId,
        item: Item,
        done: &mut Vec<Happened>,
    ) {
        if !self.seats.contains_key(&from) || self.is_through(from, &item) {
            return;
        }
        if self.plugs.hold() && !item.priority.flows_always() {
            // Its sender repeats it when they are out.
            if done.last() != Some(&Happened::Held(from)) {
                done.push(Happened::Held(from));
            }
            return;
        }
        self.through.entry(from).or_default().insert(item.priority, item.number);
        match item.what {
            What::Message(payload) => {
                let message = Message { from, payload };
                done.push(Happened::Message(self.stamp(moment), message));
            }
            What::ProcessEnded(process) => {
                done.push(Happened::ProcessEnded(self.stamp(moment), process));
            }
            What::Barrier => {}
            What::Cluster(order) => self.order_cluster(moment.0, order),
            What::Plug(name, order) => {
                self.plugs(moment, Change::Order(from, &name, order), done);
            }
        }
        done.push(Happened::Through(from, item.priority, item.number));
    }

    /// What an operator sees of it.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster {
            voters: self.voters.iter().copied().collect(),
            nodes: self.nodes.iter().map(|(node, known)| (*node, known.clone())).collect(),
            failure_timeout: Duration::ZERO,
            durable: false,
        }
    }

    /// Why this cannot be followed.
    pub(crate) fn objection(&self, order: ClusterOrder) -> Option<String> {
        match order {
            ClusterOrder::AddVoter(node) if self.view.member(node).is_none() => {
                Some(format!("{node} is no member: start it first"))
            }
            ClusterOrder::AddVoter(_) if self.voters.len() >= VOTERS_MAX => {
                Some(format!("{VOTERS_MAX} nodes vote already, which is the limit"))
            }
            ClusterOrder::RemoveVoter(node) if !self.voters.contains(&node) => {
                Some(format!("{node} does not vote"))
            }
            ClusterOrder::RemoveVoter(_) if self.voters.len() == 1 => {
                Some("somebody has to vote: add another voter first".into())
            }
            ClusterOrder::Invite { node, .. } if self.view.member(node).is_some() => {
                Some(format!("{node} is a member already"))
            }
            ClusterOrder::Invite { .. } if self.invited.len() >= INVITED_MAX => {
                Some(format!("{INVITED_MAX} nodes are invited already: wait until that runs out"))
            }
            ClusterOrder::AddVoter(_)
            | ClusterOrder::RemoveVoter(_)
            | ClusterOrder::Invite { .. } => None,
        }
    }

    fn order_cluster(&mut self, now: GroupTime, order: ClusterOrder) {
        self.changed = true;
        match order {
            ClusterOrder::AddVoter(node) => {
                if self.nodes.contains_key(&node) {
                    self.voters.insert(node);
                }
            }
            ClusterOrder::RemoveVoter(node) => {
                if self.voters.len() > 1 {
                    self.voters.remove(&node);
                }
            }
            ClusterOrder::Invite { node, secret, valid_s } => {
                // So that invitations that nobody took do not pile up.
                self.invited.retain(|_, (_, until)| *until > now);
                if self.invited.len() < INVITED_MAX {
                    let until = GroupTime(now.0 + u64::from(valid_s) * 1_000_000_000);
                    self.invited.insert(node, (secret, until));
                }
            }
        }
    }

    /// Why who says this may not be a member as it is, if it may not.
    pub(crate) fn bar(&self, hello: &Hello, open: bool, now: GroupTime) -> Option<&'static str> {
        if open {
            return None;
        }
        let node = hello.applicant.identity.node;
        let Some(shown) = hello.secret else {
            let known = self.nodes.contains_key(&node);
            return (!known).then_some(
                "the cluster does not know this node: start it with `--join` and a token of \
                 `ais cluster token`",
            );
        };
        match self.invited.get(&node) {
            Some((secret, until)) if *secret == shown && *until > now => None,
            Some((secret, _)) if *secret == shown => {
                Some("its token has run out: make another with `ais cluster token`")
            }
            // Whoever has used it is another start of that node, or another node.
            None if self.nodes.contains_key(&node) => Some(
                "its token was used already: make another with `ais cluster token`, or start the \
                 node without it if it is the one that was let in",
            ),
            Some(_) | None => Some(
                "the cluster does not know its token: it has run out, or a later one for the same \
                 node counts; make another with `ais cluster token`",
            ),
        }
    }

    /// The next stamp: each thing delivered has its own index and its own group time.
    fn stamp(&mut self, (time, wall): (GroupTime, i64)) -> Stamp {
        self.stamp = Stamp {
            index: self.stamp.index + 1,
            time: time.max(GroupTime(self.stamp.time.0 + 1)),
            wall,
        };
        self.stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_types::{Role, Time};

    fn applicant(node: u32, raft: RaftId) -> Applicant {
        let identity = Identity {
            node: NodeId(node),
            name: format!("n{node}").as_str().try_into().unwrap(),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time(0),
        };
        Applicant { raft, life: raft, identity }
    }

    fn id(node: u32, incarnation: u64) -> MemberId {
        MemberId { node: NodeId(node), incarnation: Incarnation(incarnation) }
    }

    fn apply(state: &mut State, time: u64, ops: Vec<Op>) -> Vec<Happened> {
        let mut done = Vec::new();
        state.apply(Proposal { time, wall: 0, ops }, &mut done);
        done
    }

    fn formed() -> State {
        let mut state = State::default();
        let members = vec![applicant(2, 22), applicant(1, 11)];
        apply(&mut state, 0, vec![Op::Formed { members, former: Former::default() }]);
        state
    }

    fn message(number: u64) -> Item {
        Item { priority: Priority::Medium, number, what: What::Message("x".into()) }
    }

    #[test]
    fn a_group_is_formed_once() {
        let mut state = formed();
        assert_eq!(state.view.number, 1);
        assert_eq!(
            state.view.members.iter().map(|it| it.id).collect::<Vec<_>>(),
            [id(1, 1), id(2, 1)]
        );
        let again = Op::Formed { members: vec![applicant(3, 33)], former: Former::default() };
        assert_eq!(apply(&mut state, 0, vec![again]), []);
    }

    #[test]
    fn a_repeated_order_is_delivered_once() {
        let mut state = formed();
        let batch = || Op::Batch { from: id(1, 1), items: vec![message(1), message(2)] };
        assert_eq!(apply(&mut state, 0, vec![batch()]).len(), 4);
        assert_eq!(apply(&mut state, 0, vec![batch()]), []);
    }

    #[test]
    fn nothing_is_taken_of_one_that_is_out() {
        let mut state = formed();
        let batch = Op::Batch { from: id(1, 1), items: vec![message(1)] };
        let done = apply(&mut state, 0, vec![Op::Left(id(1, 1)), batch]);
        assert!(matches!(&done[..], [Happened::Left(_), Happened::View(..)]));
    }

    #[test]
    fn each_life_has_its_own_number_and_release() {
        let mut state = formed();
        let back = |raft| {
            let (applicant, sponsor) = (applicant(1, raft), Some(id(2, 1)));
            Op::Joined { applicant, sponsor, kept: None }
        };
        assert_eq!(apply(&mut state, 0, vec![back(12)]), [], "its former life is still in");
        apply(&mut state, 0, vec![Op::Left(id(1, 1)), back(12)]);
        assert_eq!((state.member(12), state.member(11)), (Some(id(1, 2)), None));
        assert_eq!(state.view.number, 3);
        let released = Op::Released(id(1, 1));
        assert_eq!(apply(&mut state, 0, vec![released.clone(), released]).len(), 1);
        apply(&mut state, 0, vec![Op::Left(id(1, 2))]);
        assert_eq!(apply(&mut state, 0, vec![back(12)]), [], "it has lived");
    }

    #[test]
    fn what_a_plug_holds_back_is_not_through_and_is_taken_when_it_comes_again() {
        let mut state = formed();
        let item = |number, priority, what| {
            vec![Op::Batch { from: id(1, 1), items: vec![Item { priority, number, what }] }]
        };
        let plug = |number, order| item(number, Priority::Recovery, What::Plug("x".into(), order));
        let message = || item(1, Priority::Medium, What::Message("m".into()));
        apply(&mut state, 0, plug(1, PlugOrder::Create));
        assert_eq!(apply(&mut state, 0, message()), [Happened::Held(id(1, 1))]);
        let urgent = item(2, Priority::Recovery, What::Message("r".into()));
        assert!(matches!(&apply(&mut state, 0, urgent)[0], Happened::Message(..)));
        apply(&mut state, 0, plug(3, PlugOrder::Unplug(1)));
        assert!(matches!(&apply(&mut state, 0, message())[0], Happened::Message(..)));
        assert_eq!(apply(&mut state, 0, message()), [], "once");
    }

    #[test]
    fn group_time_never_stands_still_or_runs_back() {
        let mut state = formed();
        let mut last = state.stamp;
        for time in [500, 400, 400, 900] {
            apply(&mut state, time, vec![Op::Time, Op::Time]);
            assert!(state.stamp.time > last.time && state.stamp.index == last.index + 2);
            last = state.stamp;
        }
        assert_eq!(last.time, GroupTime(901));
    }
}
