//! What a node's core does with what happens to it, without sockets, clocks or threads.

#![expect(clippy::unwrap_used, reason = "a test")]

mod toy;

use ais_node::{
    Adapter, ConnectionId, Core, CoreConfig, CoreLimits, Done, ENTRY, Effect, Event, MESSAGE, Peer,
    ProcessKey, SessionId, Task,
};
use ais_service::{Exit, Instant, Lease, Link, Now};
use ais_types::{
    ErrorCode, Incarnation, Member, MemberId, Name, NodeId, Outcome, Payload, ProcessId, Role,
    ServiceId, Stamp, Time, Version, View, frame, node,
};
use ais_wire::{Frame, decode, encode};
use bytes::Bytes;
use std::time::Duration;
use toy::{Call, Callback, Reply, Said, Toy};

const ME: MemberId = member(1);
const OTHER: MemberId = member(2);
const MAIN: ConnectionId = ConnectionId(1);

const fn member(node: u32) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(1) }
}

fn view(number: u64, members: &[MemberId]) -> View {
    let member = |id: &MemberId| Member {
        id: *id,
        name: Name::new(format!("n{}", id.node.0)).unwrap(),
        role: Role::Voter,
        addresses: vec![],
        boot_time: Time::BEGIN,
        joined_view: 1,
    };
    View { number, members: members.iter().map(member).collect() }
}

/// A core with its time; orders are delivered at once, as a group of one does.
struct Node {
    core: Core,
    at: Instant,
    index: u64,
    alone: bool,
}

impl Node {
    fn blank(limits: CoreLimits) -> Self {
        let name = Name::new("n1").unwrap();
        let config = CoreConfig { cluster: "test".to_owned(), name, limits };
        let core = Core::new(config, vec![Adapter::boxed(Toy::default())]);
        Self { core, at: Instant::START, index: 0, alone: true }
    }

    fn with(limits: CoreLimits) -> Self {
        let mut node = Self::blank(limits);
        node.step(Event::Admitted(ME));
        let stamp = node.stamp();
        node.step(Event::View(stamp, view(1, &[ME])));
        node.step(Event::Lease(Lease::Held));
        node
    }

    fn new() -> Self {
        Self::with(CoreLimits::default())
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        Stamp { index: self.index, ..Stamp::default() }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut all = Vec::new();
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut out = Vec::new();
            let now = Now { at: self.at, wall: Time::BEGIN };
            self.core.step(now, event, &mut out);
            for effect in out {
                match effect {
                    Effect::Order(bytes) if self.alone => {
                        events.push_back(Event::Ordered(self.stamp(), ME, bytes));
                    }
                    Effect::OrderProcessEnded(process) if self.alone => {
                        events.push_back(Event::ProcessEnded(self.stamp(), process));
                    }
                    Effect::Barrier(number) if self.alone => {
                        events.push_back(Event::BarrierPassed(number));
                    }
                    other => all.push(other),
                }
            }
        }
        all
    }

    fn open(&mut self, session: u64, process: u64) -> Vec<Effect> {
        self.open_with(session, process, Toy::ID)
    }

    fn open_with(&mut self, session: u64, process: u64, service: ServiceId) -> Vec<Effect> {
        let peer = Peer { key: ProcessKey(process), pid: 1000 + process as u32, uid: 0 };
        let session = SessionId(session);
        let (version, program) = (Version::b(1, 1), "test".to_owned());
        self.step(Event::SessionOpened { session, peer, service, version, program })
    }

    fn call(&mut self, session: u64, tag: u64, mut call: Call) -> Vec<Effect> {
        self.frame(session, encode(frame::CALL, tag, &mut call))
    }

    fn frame(&mut self, session: u64, frame: Frame) -> Vec<Effect> {
        self.step(Event::Frame(SessionId(session), MAIN, frame))
    }

    fn wait_deadline(&mut self) -> Vec<Effect> {
        self.at = self.core.deadline().unwrap();
        self.step(Event::Deadline)
    }

    fn seen(&mut self) -> Vec<String> {
        let toy: &Toy = self.core.service().unwrap();
        toy.seen().to_vec()
    }
}

fn reply_of(effect: &Effect) -> (u64, Outcome<Reply>) {
    let Effect::Reply(_, _, frame) = effect else { panic!("{effect:?} is no reply") };
    assert_eq!(frame.kind, frame::REPLY);
    (frame.tag, decode(frame).unwrap())
}

#[track_caller]
fn the_reply(effects: &[Effect]) -> (u64, Outcome<Reply>) {
    let replies: Vec<_> = effects.iter().filter(|it| matches!(it, Effect::Reply(..))).collect();
    assert_eq!(replies.len(), 1, "{effects:?}");
    reply_of(replies[0])
}

#[track_caller]
fn closes(effects: &[Effect], session: u64) -> Option<ErrorCode> {
    let closed = effects.iter().find_map(|it| match it {
        Effect::CloseSession(id, error) if id.0 == session => Some(error.clone()),
        _ => None,
    });
    closed.unwrap_or_else(|| panic!("session {session} stays: {effects:?}")).map(|it| it.code)
}

fn value(text: &str) -> Payload {
    Payload::from(text.to_owned())
}

#[test]
fn calls_are_answered_where_they_came_from_and_watchers_told_before() {
    let mut node = Node::new();
    assert!(matches!(node.open(1, 7)[..], [Effect::Welcome(SessionId(1))]));
    node.open(2, 8);
    node.call(2, 1, Call::Watch);
    let effects = node.call(1, 41, Call::Put("a".to_owned(), value("1")));
    let [Effect::Callback(SessionId(2), callback), reply] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(decode::<Callback>(callback).unwrap(), Callback::Changed("a".into(), value("1")));
    assert_eq!(reply_of(reply), (41, Ok(Reply::Done)));
    let effects = node.call(1, 42, Call::Get("a".to_owned()));
    assert_eq!(the_reply(&effects), (42, Ok(Reply::Value(value("1")))));
}

#[test]
fn an_answer_that_needs_a_barrier_waits_for_it() {
    let mut node = Node::new();
    node.open(1, 7);
    node.alone = false;
    let effects = node.call(1, 5, Call::Find("a".to_owned()));
    let [Effect::Barrier(number)] = effects[..] else { panic!("{effects:?}") };
    let (tag, outcome) = the_reply(&node.step(Event::BarrierPassed(number)));
    assert_eq!((tag, outcome.unwrap_err().code), (5, ErrorCode::NotExist));
}

#[test]
fn a_session_that_finalizes_is_closed_before_it_is_answered() {
    let mut node = Node::new();
    node.open(1, 7);
    node.call(1, 1, Call::Wait(Time::END));
    let effects = node.frame(1, Frame::new(frame::FINALIZE, 9, Bytes::new()));
    let Effect::Reply(_, _, reply) = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((reply.tag, decode::<Outcome<()>>(reply).unwrap()), (9, Ok(())));
    assert_eq!(closes(&effects, 1), None);
    assert_eq!(node.seen()[2..], ["cancelled n1.i1.c1#1", "closed n1.i1.c1"]);
    assert_eq!(node.call(1, 2, Call::Seen).len(), 0, "nobody answers after the end");
}

#[test]
fn a_process_that_ends_is_ordered_once_and_its_sessions_are_not_closed() {
    let mut node = Node::new();
    node.open(1, 7);
    node.open(2, 7);
    node.call(1, 1, Call::Wait(Time::END));
    node.step(Event::SessionClosed(SessionId(1)));
    let effects = node.step(Event::ProcessExited(ProcessKey(7)));
    assert_eq!(closes(&effects, 2), None);
    assert_eq!(node.seen()[2..], ["cancelled n1.i1.c1#1", "ended n1.i1.p1"]);
    assert!(node.core.deadline().is_none(), "no farewell is awaited any more");
    assert_eq!(node.step(Event::ProcessExited(ProcessKey(7))).len(), 0);
}

#[test]
fn a_session_that_breaks_off_is_closed_when_its_process_lives_on() {
    let mut node = Node::new();
    node.open(1, 7);
    node.step(Event::SessionClosed(SessionId(1)));
    assert_eq!(node.seen()[2..], [""; 0]);
    node.wait_deadline();
    assert_eq!(node.seen()[2..], ["closed n1.i1.c1"]);
    node.step(Event::ProcessExited(ProcessKey(7)));
    assert_eq!(node.seen()[3..], ["ended n1.i1.p1"]);
}

#[test]
fn a_connection_that_ends_takes_only_its_own_calls_along() {
    let mut node = Node::new();
    node.open(1, 7);
    node.call(1, 1, Call::Wait(Time::END));
    let mut wait = Call::Wait(Time::ONE_SECOND);
    let other = ConnectionId(2);
    node.step(Event::Frame(SessionId(1), other, encode(frame::CALL, 1, &mut wait)));
    node.step(Event::ConnectionClosed(SessionId(1), MAIN));
    assert_eq!(node.seen()[2..], ["cancelled n1.i1.c1#1"]);
    let effects = node.wait_deadline();
    assert!(matches!(effects[..], [Effect::Reply(SessionId(1), it, _)] if it == other));
}

#[test]
fn a_call_can_be_taken_back() {
    let mut node = Node::new();
    node.open(1, 7);
    node.call(1, 6, Call::Wait(Time::ONE_SECOND));
    node.frame(1, Frame::new(frame::CANCEL, 6, Bytes::new()));
    assert_eq!(node.seen()[2..], ["cancelled n1.i1.c1#1"]);
    assert!(node.core.deadline().is_none());
}

#[test]
fn without_a_lease_nobody_hears_anything_and_calls_wait() {
    let mut node = Node::new();
    node.open(1, 7);
    node.open(2, 8);
    node.call(1, 1, Call::Watch);
    node.alone = false;
    let effects = node.call(2, 1, Call::Put("a".to_owned(), value("1")));
    let [Effect::Order(entry)] = &effects[..] else { panic!("{effects:?}") };
    node.step(Event::Lease(Lease::Lost));
    let stamp = node.stamp();
    assert_eq!(node.step(Event::Ordered(stamp, ME, entry.clone())).len(), 0);
    assert_eq!(node.call(2, 2, Call::Get("a".to_owned())).len(), 0);
    assert_eq!(closes(&node.open(3, 9), 3), Some(ErrorCode::TryAgain));
    let effects = node.step(Event::Lease(Lease::Held));
    assert!(matches!(effects[0], Effect::Callback(SessionId(1), _)), "{effects:?}");
    assert_eq!(reply_of(&effects[1]), (1, Ok(Reply::Done)));
    assert_eq!(reply_of(&effects[2]), (2, Ok(Reply::Value(value("1")))));
}

#[test]
fn what_is_held_back_without_a_lease_is_bounded() {
    let mut node = Node::with(CoreLimits { held_bytes: 1000, ..CoreLimits::default() });
    node.open(1, 7);
    node.call(1, 1, Call::Watch);
    node.open(2, 8);
    node.alone = false;
    let effects = node.call(2, 1, Call::Put("a".to_owned(), vec![0; 600].into()));
    let Effect::Order(entry) = effects[0].clone() else { panic!("{effects:?}") };
    node.step(Event::Lease(Lease::Lost));
    let mut deliver = || {
        let stamp = node.stamp();
        node.step(Event::Ordered(stamp, ME, entry.clone()))
    };
    assert_eq!(deliver().len(), 0);
    assert_eq!(closes(&deliver(), 1), Some(ErrorCode::NoResources));
}

#[test]
fn a_garbled_call_is_answered_and_ends_its_session_alone() {
    let mut node = Node::new();
    node.open(1, 7);
    node.open(2, 8);
    let effects = node.frame(1, Frame::new(frame::CALL, 3, Bytes::from_static(b"\xff nonsense")));
    let (tag, outcome) = the_reply(&effects);
    assert_eq!((tag, outcome.unwrap_err().code), (3, ErrorCode::Library));
    assert_eq!(closes(&effects, 1), Some(ErrorCode::Library));
    assert_eq!(node.seen()[2..], ["cancelled n1.i1.c1#1", "closed n1.i1.c1"]);
    assert_eq!(the_reply(&node.call(2, 1, Call::Watch)).1, Ok(Reply::Done));
    let effects = node.frame(2, Frame::new(frame::WELCOME, 3, Bytes::new()));
    assert_eq!(closes(&effects, 2), Some(ErrorCode::Library));
}

#[test]
fn a_call_that_would_order_too_much_is_refused_and_nothing_is_ordered() {
    let mut node = Node::with(CoreLimits { order_bytes: 1000, ..CoreLimits::default() });
    node.open(1, 1);
    let large = Payload::from(vec![0; 1000]);
    let effects = node.call(1, 5, Call::Put("large".into(), large));
    let (tag, outcome) = the_reply(&effects);
    assert_eq!((tag, outcome.unwrap_err().code), (5, ErrorCode::NoResources));
    assert!(!effects.iter().any(|it| matches!(it, Effect::Order(_) | Effect::Fatal(_))));
    assert!(node.seen().last().unwrap().starts_with("cancelled"), "the service knows");
    let (_, outcome) = the_reply(&node.call(1, 6, Call::Put("small".into(), value("x"))));
    assert_eq!(outcome.unwrap(), Reply::Done);
}

#[test]
fn one_call_too_many_is_to_try_again() {
    let mut node = Node::with(CoreLimits { calls: 2, ..CoreLimits::default() });
    node.open(1, 7);
    assert_eq!(node.call(1, 1, Call::Wait(Time::END)).len(), 0);
    assert_eq!(node.call(1, 2, Call::Wait(Time::END)).len(), 0);
    let (tag, outcome) = the_reply(&node.call(1, 3, Call::Wait(Time::END)));
    assert_eq!((tag, outcome.unwrap_err().code), (3, ErrorCode::TryAgain));
    let effects = node.call(1, 2, Call::Wait(Time::END));
    assert_eq!(closes(&effects, 1), Some(ErrorCode::Library), "the tag is in use");
}

#[test]
fn one_process_cannot_take_what_the_others_need() {
    let limits = CoreLimits { process_sessions: 2, process_calls: 3, ..CoreLimits::default() };
    let mut node = Node::with(limits);
    assert!(matches!(node.open(1, 7)[..], [Effect::Welcome(_)]));
    assert!(matches!(node.open(2, 7)[..], [Effect::Welcome(_)]));
    assert_eq!(closes(&node.open(3, 7), 3), Some(ErrorCode::NoResources));
    assert!(matches!(node.open(4, 8)[..], [Effect::Welcome(_)]));
    for (session, tag) in [(1, 1), (1, 2), (2, 1)] {
        assert_eq!(node.call(session, tag, Call::Wait(Time::END)).len(), 0);
    }
    let refused = the_reply(&node.call(2, 2, Call::Wait(Time::END))).1;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TryAgain);
    assert_eq!(node.call(4, 1, Call::Wait(Time::END)).len(), 0);
    // What is taken back, and what ends, makes room.
    node.frame(1, Frame::new(frame::CANCEL, 2, Bytes::new()));
    assert_eq!(node.call(2, 2, Call::Wait(Time::END)).len(), 0);
    node.step(Event::SessionClosed(SessionId(1)));
    node.at = node.at + Duration::from_secs(2);
    node.step(Event::Deadline);
    assert!(matches!(node.open(5, 7)[..], [Effect::Welcome(_)]));
    assert_eq!(node.call(5, 1, Call::Wait(Time::END)).len(), 0);
}

#[test]
fn the_bytes_that_one_process_has_in_flight_are_bounded() {
    let mut node = Node::with(CoreLimits { process_bytes: 1000, ..CoreLimits::default() });
    node.open(1, 7);
    node.open(2, 8);
    node.step(Event::Lease(Lease::Lost));
    // A single one may be larger than all.
    assert_eq!(node.call(1, 1, Call::Put("a".to_owned(), vec![0; 2000].into())).len(), 0);
    let refused = the_reply(&node.call(1, 2, Call::Put("a".to_owned(), vec![0; 1].into()))).1;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TryAgain);
    assert_eq!(node.call(2, 1, Call::Put("b".to_owned(), vec![0; 400].into())).len(), 0);
    assert_eq!(node.call(2, 2, Call::Put("b".to_owned(), vec![0; 400].into())).len(), 0);
    let refused = the_reply(&node.call(2, 3, Call::Put("b".to_owned(), vec![0; 400].into()))).1;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TryAgain);
    node.step(Event::Lease(Lease::Held));
    assert_eq!(
        the_reply(&node.call(1, 2, Call::Put("a".to_owned(), vec![0; 1].into()))).1,
        Ok(Reply::Done)
    );
}

#[test]
fn an_unknown_service_is_not_supported_and_the_node_itself_always_answers() {
    let mut node = Node::blank(CoreLimits::default());
    assert_eq!(closes(&node.open(1, 7), 1), Some(ErrorCode::TryAgain));
    assert_eq!(closes(&node.open_with(2, 7, ServiceId(55)), 2), Some(ErrorCode::NotSupported));
    assert!(matches!(node.open_with(3, 7, ServiceId::NODE)[..], [Effect::Welcome(_)]));
    let effects = node.frame(3, encode(frame::CALL, 1, &mut node::Call::Status));
    let [Effect::Reply(_, _, reply)] = &effects[..] else { panic!("{effects:?}") };
    let node::Reply::Status(status) = decode::<Outcome<_>>(reply).unwrap().unwrap() else {
        panic!("{reply:?}")
    };
    assert_eq!((status.id, status.lease, status.services), (None, false, vec!["toy".to_owned()]));
}

#[test]
fn a_started_process_that_connects_is_the_same_process() {
    let mut node = Node::new();
    node.open(1, 7);
    let effects = node.call(1, 1, Call::Spawn(vec!["x".to_owned()]));
    let [Effect::Perform(service, action, Task::Spawn(_))] = effects[..] else {
        panic!("{effects:?}")
    };
    node.open(2, 8); // It connects before its start is reported.
    let effects = node.step(Event::ActionDone(service, action, Done::Started(ProcessKey(8), 1008)));
    let started = ProcessId { member: ME, number: 2 };
    assert_eq!(the_reply(&effects).1, Ok(Reply::Exit(Exit::Started(started, 1008))));
    let effects = node.call(1, 2, Call::Kill(started));
    let [Effect::Perform(service, action, Task::Kill(ProcessKey(8), 1008))] = effects[..] else {
        panic!("{effects:?}")
    };
    node.step(Event::ProcessExited(ProcessKey(8)));
    assert_eq!(node.seen()[2..], ["ended n1.i1.p2"]);
    let effects = node.step(Event::ActionDone(service, action, Done::Ended(Exit::Code(0))));
    assert_eq!(the_reply(&effects).1, Ok(Reply::Exit(Exit::Code(0))));
    let effects = node.call(1, 3, Call::Kill(started));
    assert_eq!(the_reply(&effects).1, Ok(Reply::Exit(Exit::Code(0))), "gone already");
}

fn said(what: &str) -> Bytes {
    encode(MESSAGE, u64::from(Toy::ID.0), &mut Said(what.to_owned())).to_bytes()
}

#[test]
fn the_data_path_opens_when_view_and_link_agree() {
    let mut node = Node::new();
    node.step(Event::Link(OTHER, Link::Up));
    node.step(Event::PeerFrame(OTHER, said("early")));
    assert_eq!(node.seen()[2..], [""; 0]);
    let stamp = node.stamp();
    node.step(Event::View(stamp, view(2, &[ME, OTHER])));
    assert_eq!(node.seen()[2..], ["view 2", "link n2.i1 Up", "n2.i1 said early"]);
    let stamp = node.stamp();
    node.step(Event::View(stamp, view(3, &[ME])));
    node.step(Event::PeerFrame(OTHER, said("late")));
    assert_eq!(node.seen()[5..], ["link n2.i1 Down", "view 3"]);
}

#[test]
fn a_garbled_message_breaks_the_link_until_it_is_up_again() {
    let mut node = Node::new();
    let stamp = node.stamp();
    node.step(Event::View(stamp, view(2, &[ME, OTHER])));
    node.step(Event::Link(OTHER, Link::Up));
    let effects = node.step(Event::PeerFrame(OTHER, Bytes::from_static(b"nonsense")));
    assert!(matches!(effects[..], [Effect::BreakLink(it)] if it == OTHER));
    node.step(Event::PeerFrame(OTHER, said("in between")));
    node.step(Event::Link(OTHER, Link::Down));
    node.step(Event::Link(OTHER, Link::Up));
    node.step(Event::PeerFrame(OTHER, said("hello")));
    let expected = ["link n2.i1 Up", "link n2.i1 Down", "link n2.i1 Up", "n2.i1 said hello"];
    assert_eq!(node.seen()[3..], expected);
}

#[test]
fn a_message_reaches_members_that_are_connected_and_the_node_itself() {
    let mut node = Node::new();
    node.open(1, 7);
    let say = |to| Call::Say(to, "x".to_owned());
    assert_eq!(node.call(1, 1, say(OTHER)).len(), 1, "not connected: lost");
    node.call(1, 2, say(ME));
    assert_eq!(node.seen()[2..], ["n1.i1 said x"]);
    let stamp = node.stamp();
    node.step(Event::View(stamp, view(2, &[ME, OTHER])));
    node.step(Event::Link(OTHER, Link::Up));
    let effects = node.call(1, 3, say(OTHER));
    assert!(
        matches!(&effects[0], Effect::ToPeer(it, bytes) if *it == OTHER && *bytes == said("x"))
    );
}

#[test]
fn a_garbled_entry_is_skipped() {
    let mut node = Node::new();
    let unknown = Frame::new(ENTRY, 9999, Bytes::new()).to_bytes();
    let garbled = Frame::new(ENTRY, u64::from(Toy::ID.0), Bytes::from_static(&[0xff])).to_bytes();
    for bytes in [Bytes::new(), unknown, garbled] {
        let stamp = node.stamp();
        assert_eq!(node.step(Event::Ordered(stamp, OTHER, bytes)).len(), 0);
    }
}

#[test]
fn a_blank_node_takes_over_the_state() {
    let mut old = Node::new();
    old.open(1, 7);
    old.call(1, 1, Call::Put("a".to_owned(), value("1")));
    let mut new = Node::blank(CoreLimits::default());
    let snapshot = old.core.snapshot();
    let stamp = new.stamp();
    let too_early = new.step(Event::Restore(stamp, snapshot.clone()));
    assert!(matches!(too_early[..], [Effect::Fatal(_)]));
    new.step(Event::Admitted(OTHER));
    assert_eq!(new.step(Event::Restore(stamp, snapshot)).len(), 0);
    assert_eq!(new.core.view(), old.core.view());
    new.step(Event::Lease(Lease::Held));
    new.open(1, 7);
    let effects = new.call(1, 1, Call::Get("a".to_owned()));
    assert_eq!(the_reply(&effects).1, Ok(Reply::Value(value("1"))));
    let stamp = new.stamp();
    let garbage = new.step(Event::Restore(stamp, Bytes::from_static(b"garbage")));
    assert!(matches!(garbage[..], [Effect::Fatal(_)]));
}

#[test]
fn the_farewell_is_bounded_by_its_limit() {
    let farewell = Duration::from_millis(300);
    let mut node = Node::with(CoreLimits { farewell, ..CoreLimits::default() });
    node.open(1, 7);
    node.step(Event::SessionClosed(SessionId(1)));
    assert_eq!(node.core.deadline(), Some(Instant::START + farewell));
}
