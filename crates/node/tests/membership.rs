//! What becomes of a node's services when it stops being a member, and when it is one again.

#![expect(clippy::unwrap_used, reason = "a test")]

mod toy;

use ais_node::{
    Adapter, ConnectionId, Core, CoreConfig, CoreLimits, Done, ENTRY, Effect, Event, MESSAGE, Peer,
    ProcessKey, SessionId, Task,
};
use ais_service::{Entry, Exit, Input, Instant, Lease, Link, Never, Now, Output, Service};
use ais_types::{
    ErrorCode, GroupTime, Incarnation, Member, MemberId, Name, NodeId, Outcome, Payloads, Role,
    ServiceId, Stamp, Time, Version, View, frame,
};
use ais_wire::{Frame, decode, encode};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use toy::{Call, Reply, Said, Toy};

/// Decides who is a member, as it is ordered to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Gate {
    view: BTreeSet<MemberId>,
    locked: BTreeSet<NodeId>,
    changes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    Lock(NodeId),
    Unlock(NodeId),
}

impl Payloads for Order {}

impl Service for Gate {
    type Call = ();
    type Reply = ();
    type Callback = ();
    type Message = Never;
    type Command = Order;
    type Snapshot = Self;
    type Kept = BTreeSet<NodeId>;
    const ID: ServiceId = ServiceId(101);
    const NAME: &'static str = "gate";

    fn step(&mut self, _: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        match input {
            Input::View(_, view) => self.view = view.members.iter().map(|it| it.id).collect(),
            Input::Kept(_, locked) => {
                self.locked = locked;
                self.changes += 1;
            }
            Input::Ordered(Entry { command: Order::Lock(node), .. }) => {
                self.locked.insert(node);
                self.changes += 1;
            }
            Input::Ordered(Entry { command: Order::Unlock(node), .. }) => {
                self.locked.remove(&node);
                self.changes += 1;
            }
            Input::Call(caller, ()) => out.push(Output::Reply(caller, Ok(()))),
            Input::Message(_, never) => match never {},
            Input::Cancelled(_)
            | Input::Closed(_)
            | Input::ProcessEnded(..)
            | Input::Released(..)
            | Input::Time(_)
            | Input::Barrier(_)
            | Input::Link(..)
            | Input::Lease(_)
            | Input::Deadline
            | Input::Done(..) => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        None
    }

    fn members(&self) -> Option<BTreeSet<MemberId>> {
        let free = |it: &&MemberId| !self.locked.contains(&it.node);
        Some(self.view.iter().filter(free).copied().collect())
    }

    fn kept(&self) -> Option<BTreeSet<NodeId>> {
        Some(self.locked.clone())
    }

    fn kept_changes(&self) -> u64 {
        self.changes
    }

    fn snapshot(&self) -> Self {
        self.clone()
    }

    fn blank(&self) -> Self {
        Self::default()
    }

    fn restore(&mut self, _: MemberId, snapshot: Self) {
        *self = snapshot;
    }
}

const fn life(node: u32, incarnation: u64) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(incarnation) }
}

const ME: MemberId = life(1, 1);
const OTHER: MemberId = life(2, 1);

struct Node {
    core: Core,
    index: u64,
    /// What it ordered, and was not delivered yet.
    ordered: Vec<Bytes>,
}

impl Node {
    fn new() -> Self {
        let mut node = Self::blank(Toy::default());
        node.view(&[ME, OTHER]);
        node.step(Event::Lease(Lease::Held));
        node.step(Event::Link(OTHER, Link::Up));
        node
    }

    /// Admitted, and in no view yet.
    fn blank(toy: Toy) -> Self {
        let config = CoreConfig {
            cluster: "test".to_owned(),
            name: Name::new("n1").unwrap(),
            limits: CoreLimits::default(),
        };
        let services = vec![Adapter::boxed(toy), Adapter::boxed(Gate::default())];
        let mut node = Self { core: Core::new(config, services), index: 0, ordered: Vec::new() };
        node.step(Event::Admitted(ME));
        node
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        Stamp { index: self.index, ..Stamp::default() }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut out = Vec::new();
        let now = Now { at: Instant::START, wall: Time::BEGIN };
        self.core.step(now, event, &mut out);
        self.ordered.extend(out.iter().filter_map(|it| match it {
            Effect::Order(bytes) => Some(bytes.clone()),
            _ => None,
        }));
        out
    }

    fn view(&mut self, members: &[MemberId]) -> Vec<Effect> {
        let member = |id: &MemberId| Member {
            id: *id,
            name: Name::new(format!("n{}", id.node.0)).unwrap(),
            role: Role::Voter,
            addresses: vec![],
            boot_time: Time::BEGIN,
            joined_view: 1,
        };
        let stamp = self.stamp();
        let members = members.iter().map(member).collect();
        self.step(Event::View(stamp, View { number: stamp.index, members }))
    }

    fn order(&mut self, mut order: Order) -> Vec<Effect> {
        let entry = encode(ENTRY, u64::from(Gate::ID.0), &mut order).to_bytes();
        let stamp = self.stamp();
        self.step(Event::Ordered(stamp, OTHER, entry))
    }

    /// What a member ordered is delivered.
    fn deliver(&mut self, from: MemberId, entry: Bytes) -> Vec<Effect> {
        let stamp = self.stamp();
        self.step(Event::Ordered(stamp, from, entry))
    }

    fn open(&mut self, session: u64, major: u8, service: ServiceId) -> Vec<Effect> {
        let peer = Peer { key: ProcessKey(session), pid: 1000 + session as u32, uid: 0 };
        let (version, program) = (Version::b(major, 1), "test".to_owned());
        let session = SessionId(session);
        self.step(Event::SessionOpened { session, peer, service, version, program })
    }

    fn call(&mut self, session: u64, tag: u64, mut call: Call) -> Vec<Effect> {
        let frame = encode(frame::CALL, tag, &mut call);
        self.step(Event::Frame(SessionId(session), ConnectionId(session), frame))
    }

    fn seen(&self) -> Vec<String> {
        self.core.service::<Toy>().unwrap().seen().to_vec()
    }
}

fn replies(effects: &[Effect]) -> Vec<(u64, Outcome<Reply>)> {
    let frames = effects.iter().filter_map(|it| match it {
        Effect::Reply(session, _, frame) => Some((session.0, decode(frame).unwrap())),
        _ => None,
    });
    frames.collect()
}

fn codes(effects: &[Effect]) -> Vec<(u64, ErrorCode)> {
    replies(effects).into_iter().map(|(session, it)| (session, it.unwrap_err().code)).collect()
}

fn stale(effects: &[Effect]) -> Vec<(u64, ErrorCode)> {
    let frames = effects.iter().filter_map(|it| match it {
        Effect::Callback(session, frame) if frame.kind == frame::STALE => {
            let error = decode::<Outcome<()>>(frame).unwrap().unwrap_err();
            Some((session.0, error.code))
        }
        _ => None,
    });
    frames.collect()
}

fn refused(effects: &[Effect]) -> Option<ErrorCode> {
    effects.iter().find_map(|it| match it {
        Effect::CloseSession(_, error) => error.as_ref().map(|it| it.code),
        _ => None,
    })
}

#[test]
fn handles_end_with_the_membership_and_stay_useless() {
    let mut node = Node::new();
    node.open(1, 1, Toy::ID);
    node.open(2, 0, Toy::ID);
    node.open(3, 1, Gate::ID);
    node.call(1, 1, Call::Wait(Time::END));
    let effects = node.order(Order::Lock(ME.node));
    assert_eq!(codes(&effects), [(1, ErrorCode::Unavailable)]);
    assert_eq!(stale(&effects), [(1, ErrorCode::Unavailable), (2, ErrorCode::TryAgain)]);

    assert_eq!(codes(&node.call(1, 2, Call::Watch)), [(1, ErrorCode::Unavailable)]);
    assert_eq!(codes(&node.call(2, 1, Call::Watch)), [(2, ErrorCode::TryAgain)]);
    assert_eq!(refused(&node.open(4, 1, Toy::ID)), Some(ErrorCode::Unavailable));
    assert_eq!(refused(&node.open(5, 0, Toy::ID)), Some(ErrorCode::TryAgain));
    // The one that decides about it serves everybody.
    assert_eq!(refused(&node.open(6, 1, Gate::ID)), None);

    // It has stopped; then it may come back.
    node.order(Order::Unlock(ME.node));
    assert_eq!(refused(&node.open(7, 1, Toy::ID)), Some(ErrorCode::Unavailable));
    let stopped = node.ordered.pop().unwrap();
    node.deliver(ME, stopped);
    assert_eq!(codes(&node.call(1, 3, Call::Watch)), [(1, ErrorCode::Unavailable)]);
    assert_eq!(codes(&node.call(2, 2, Call::Watch)), [(2, ErrorCode::BadHandle)]);
    assert_eq!(refused(&node.open(8, 1, Toy::ID)), None);
    assert_eq!(replies(&node.call(8, 1, Call::Watch)), [(8, Ok(Reply::Done))]);

    // A stale handle is finalized as any other.
    let farewell = Frame::new(frame::FINALIZE, 9, Bytes::new());
    let effects = node.step(Event::Frame(SessionId(1), ConnectionId(1), farewell));
    assert!(matches!(effects[..], [Effect::Reply(..), Effect::CloseSession(_, None)]));
}

#[test]
fn it_says_that_it_has_stopped_when_nothing_runs_any_more() {
    let mut node = Node::new();
    node.open(1, 1, Toy::ID);
    let mut begun = Vec::new();
    for (tag, call) in
        [Call::Spawn(vec![]), Call::Spawn(vec![]), Call::Run(vec![])].into_iter().enumerate()
    {
        for effect in node.call(1, tag as u64 + 1, call) {
            if let Effect::Perform(service, action, _) = effect {
                begun.push((service, action));
            }
        }
    }
    let [(toy, first), (_, second), (_, run)] = begun[..] else { panic!("{begun:?}") };
    node.step(Event::ActionDone(toy, first, Done::Started(ProcessKey(50), 50)));

    let kill_of = |effects: &[Effect]| {
        effects.iter().find_map(|it| match it {
            Effect::Perform(service, action, Task::Kill(key, _)) => Some((*service, *action, *key)),
            _ => None,
        })
    };
    let effects = node.order(Order::Lock(ME.node));
    let (service, kill, ProcessKey(50)) = kill_of(&effects).unwrap() else { panic!("{effects:?}") };
    let gone = || Done::Ended(Exit::Code(0));
    node.step(Event::ActionDone(service, kill, gone()));
    node.step(Event::ActionDone(toy, run, gone()));
    // What starts only now is ended, too, and the services hear of neither.
    let effects = node.step(Event::ActionDone(toy, second, Done::Started(ProcessKey(51), 51)));
    let (service, kill, ProcessKey(51)) = kill_of(&effects).unwrap() else { panic!("{effects:?}") };
    assert!(node.ordered.is_empty(), "it has not stopped");
    node.step(Event::ActionDone(service, kill, gone()));
    assert_eq!(node.ordered.len(), 1);
    assert_eq!(node.seen().iter().filter(|it| it.starts_with("view")).count(), 1);
}

#[test]
fn others_hear_that_it_left_stopped_and_is_another_life() {
    let mut node = Node::new();
    // What a node says that has stopped, from one that has.
    let stopped = {
        let mut other = Node::new();
        other.order(Order::Lock(ME.node));
        other.ordered.pop().unwrap()
    };
    let before = node.seen().len();
    node.order(Order::Lock(OTHER.node));
    let effects = node.deliver(OTHER, stopped.clone());
    assert!(effects.iter().any(|it| matches!(it, Effect::BreakLink(OTHER))));
    // It has said so once; whatever it orders now is nobody's business.
    node.deliver(OTHER, stopped);
    node.order(Order::Unlock(OTHER.node));
    node.step(Event::Link(OTHER, Link::Up));
    let said = encode(MESSAGE, u64::from(Toy::ID.0), &mut Said("again".to_owned()));
    node.step(Event::PeerFrame(OTHER, said.to_bytes()));
    node.view(&[ME]);
    let stamp = node.stamp();
    node.step(Event::Released(stamp, OTHER));
    let seen = node.seen().split_off(before);
    let told: Vec<&str> = seen.iter().map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(
        told,
        ["link", "view", "released", "view", "link", "n2.i2", "link", "view", "released"],
        "{seen:?}"
    );
    assert_eq!(seen[2], "released n2.i1");
    assert_eq!(seen[8], "released n2.i2");
}

#[test]
fn a_node_that_is_no_member_and_fails_is_released_once() {
    let mut node = Node::new();
    node.order(Order::Lock(OTHER.node));
    node.view(&[ME]);
    let stamp = node.stamp();
    node.step(Event::Released(stamp, OTHER));
    let released = node.seen().into_iter().filter(|it| it.starts_with("released"));
    assert_eq!(released.collect::<Vec<_>>(), ["released n2.i1"]);
}

/// What a step wants saved: the number, as of where, and what.
fn keeps(effects: &[Effect]) -> Vec<(u64, u64, Bytes)> {
    let keeps = effects.iter().filter_map(|it| match it {
        Effect::Keep(number, at, kept) => Some((*number, at.index, kept.clone())),
        _ => None,
    });
    keeps.collect()
}

#[test]
fn what_is_kept_of_a_cluster_is_there_before_the_first_view_of_the_next() {
    let mut node = Node::new();
    node.open(1, 1, Toy::ID);
    assert_eq!(keeps(&node.call(1, 1, Call::Watch)), [], "nothing has changed");
    let effects = node.order(Order::Lock(OTHER.node));
    let [(1, at, kept)] = &keeps(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(*at, node.index);

    let mut next = Node::blank(Toy::default());
    let stamp = next.stamp();
    next.step(Event::Kept(stamp, kept.clone()));
    next.view(&[ME, OTHER]);
    assert_eq!(next.seen(), ["view 2"]);
    assert_eq!(next.core.service::<Gate>().unwrap().locked, BTreeSet::from([OTHER.node]));
    assert_eq!(next.core.service::<Gate>().unwrap().view, BTreeSet::from([ME, OTHER]));
    // A node that gets the state saves what is to be kept of it, too.
    let mut joiner = Node::blank(Toy::default());
    let (stamp, snapshot) = (joiner.stamp(), node.core.snapshot());
    let effects = joiner.step(Event::Restore(stamp, snapshot));
    assert_eq!(keeps(&effects), [(1, 1, kept.clone())]);
}

#[test]
fn kept_garbage_is_no_more_than_nothing() {
    let mut node = Node::blank(Toy::keeping());
    let garbage = [&b"garbage"[..], &[0x81, 0x82, 0x18, 0x65, 0x41, 0xff], &[0xff; 9], &[]];
    for bytes in garbage {
        let stamp = node.stamp();
        node.step(Event::Kept(stamp, Bytes::copy_from_slice(bytes)));
    }
    node.view(&[ME, OTHER]);
    assert_eq!(node.core.service::<Gate>().unwrap().locked, BTreeSet::new());
}

#[test]
fn who_was_told_that_it_is_done_finds_it_done_after_a_loss_of_power() {
    let mut node = Node::blank(Toy::keeping());
    node.view(&[ME, OTHER]);
    node.step(Event::Lease(Lease::Held));
    node.open(1, 1, Toy::ID);
    node.open(2, 1, Gate::ID);
    node.call(1, 1, Call::Put("a".to_owned(), b"1"[..].into()));
    let put = node.ordered.pop().unwrap();
    let effects = node.deliver(ME, put);
    assert_eq!(replies(&effects), [], "it is not saved");
    let [(first, _, _)] = keeps(&effects)[..] else { panic!("{effects:?}") };
    // Others are not held up by it.
    let frame = encode(frame::CALL, 1, &mut ());
    let effects = node.step(Event::Frame(SessionId(2), ConnectionId(2), frame));
    assert!(matches!(effects[..], [Effect::Reply(SessionId(2), ..)]), "{effects:?}");
    node.call(1, 2, Call::Put("b".to_owned(), b"2"[..].into()));
    let put = node.ordered.pop().unwrap();
    let [(second, _, _)] = keeps(&node.deliver(ME, put))[..] else { panic!("two changes") };
    let effects = node.step(Event::Saved(first));
    assert_eq!(replies(&effects), [(1, Ok(Reply::Done))]);
    let effects = node.step(Event::Saved(second));
    assert_eq!(replies(&effects), [(1, Ok(Reply::Done))]);
    assert_eq!(replies(&node.call(1, 3, Call::Watch)), [(1, Ok(Reply::Done))]);
}
