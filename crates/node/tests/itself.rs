//! What the node itself answers: quorum and what supervised processes publish, with a lease or without.
#![expect(clippy::unwrap_used, reason = "a test")]

use ais_node::{
    ConnectionId, Core, CoreConfig, CoreLimits, Effect, Event, Peer, ProcessKey, SessionId,
};
use ais_service::{Instant, Lease, Now};
use ais_types::{
    ErrorCode, Incarnation, MemberId, Name, NodeId, Outcome, ServiceId, Time, Version, frame,
    node::{Call, Callback, Reply},
    resources::{Entry, Object, ProcessState, Recovery},
};
use ais_wire::{Frame, decode, encode};

struct Node {
    core: Core,
    calls: u64,
}

impl Node {
    fn new() -> Self {
        let name = Name::new("n1").unwrap();
        let config = CoreConfig { cluster: "test".to_owned(), name, limits: CoreLimits::default() };
        Self { core: Core::new(config, vec![]), calls: 0 }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut out = Vec::new();
        self.core.step(Now { at: Instant::START, wall: Time::BEGIN }, event, &mut out);
        out
    }

    /// A session of the process with this number.
    fn open(&mut self, session: u64, pid: u32) {
        let peer = Peer { key: ProcessKey(u64::from(pid)), pid, uid: 0 };
        let (session, service) = (SessionId(session), ServiceId::NODE);
        let (program, version) = ("test".to_owned(), Version::b(1, 1));
        let out = self.step(Event::SessionOpened { session, peer, service, version, program });
        assert!(matches!(out[..], [Effect::Welcome(_)]), "{out:?}");
    }

    /// The answer, and who was told what meanwhile.
    fn call(&mut self, session: u64, mut call: Call) -> (Outcome<Reply>, Vec<(u64, Callback)>) {
        self.calls += 1;
        let frame = encode(frame::CALL, self.calls, &mut call);
        let out = self.step(Event::Frame(SessionId(session), ConnectionId(1), frame));
        let Some(Effect::Reply(_, _, reply)) = out.first() else { panic!("{out:?}") };
        (decode(reply).unwrap(), told(&out[1..]))
    }
}

fn told(out: &[Effect]) -> Vec<(u64, Callback)> {
    let callback = |frame: &Frame| decode(frame).unwrap();
    out.iter()
        .filter_map(|effect| match effect {
            Effect::Callback(session, frame) => Some((session.0, callback(frame))),
            _ => None,
        })
        .collect()
}

#[test]
fn quorum_is_the_lease_and_is_told_also_when_it_is_lost() {
    let mut node = Node::new();
    // Before the node is a member at all.
    node.open(1, 100);
    node.open(2, 200);
    assert_eq!(node.call(1, Call::FollowQuorum), (Ok(Reply::Quorum(false)), vec![]));
    node.step(Event::Admitted(MemberId { node: NodeId(1), incarnation: Incarnation(1) }));
    let out = node.step(Event::Lease(Lease::Held));
    assert_eq!(told(&out), [(1, Callback::Quorum(true))]);
    assert_eq!(node.call(2, Call::FollowQuorum), (Ok(Reply::Quorum(true)), vec![]));
    let out = node.step(Event::Lease(Lease::Lost));
    assert_eq!(told(&out), [(1, Callback::Quorum(false)), (2, Callback::Quorum(false))]);
    // Renewals are no news, and who is gone is told nothing.
    assert_eq!(told(&node.step(Event::Lease(Lease::Lost))), []);
    node.step(Event::Frame(
        SessionId(1),
        ConnectionId(1),
        Frame::new(frame::FINALIZE, 9, bytes::Bytes::new()),
    ));
    assert_eq!(told(&node.step(Event::Lease(Lease::Held))), [(2, Callback::Quorum(true))]);
}

#[test]
fn objects_are_set_key_by_key_and_outlive_their_process() {
    let mut node = Node::new();
    node.open(1, 100);
    node.open(9, 900);
    let nothing = (Ok(Reply::Resources(vec![])), vec![]);
    assert_eq!(node.call(9, Call::FollowResources), nothing);
    let told_of = |outcome| (outcome, vec![(9, Callback::Resources)]);
    assert_eq!(
        node.call(1, Call::Publish(Entry::Recovery(Recovery::Quit))),
        told_of(Ok(Reply::Done))
    );
    assert_eq!(node.call(1, Call::Publish(Entry::PollPeriod(500))), told_of(Ok(Reply::Done)));
    let running = Entry::State(ProcessState::Running);
    assert_eq!(node.call(1, Call::Publish(running)), told_of(Ok(Reply::Done)));
    // What is no change, and a sign of life, nobody is told of.
    assert_eq!(node.call(1, Call::Publish(running)), (Ok(Reply::Done), vec![]));
    assert_eq!(node.call(1, Call::Publish(Entry::LastUpdated(7))), (Ok(Reply::Done), vec![]));
    let object = Object {
        pid: 100,
        recovery: Some(Recovery::Quit),
        poll_period: Some(500),
        last_updated: Some(7),
        state: Some(ProcessState::Running),
    };
    node.step(Event::SessionClosed(SessionId(1)));
    node.step(Event::ProcessExited(ProcessKey(100)));
    assert_eq!(node.call(9, Call::Resources), (Ok(Reply::Resources(vec![object])), vec![]));
    assert_eq!(node.call(9, Call::Forget(100)), told_of(Ok(Reply::Done)));
    assert_eq!(node.call(9, Call::Forget(100)).0.unwrap_err().code, ErrorCode::NotExist);
}

#[test]
fn a_process_removes_its_own_object_and_no_other() {
    let mut node = Node::new();
    node.open(1, 100);
    node.open(2, 200);
    for session in [1, 2] {
        node.call(session, Call::Publish(Entry::State(ProcessState::Stopped))).0.unwrap();
    }
    node.call(1, Call::Withdraw).0.unwrap();
    node.call(1, Call::Withdraw).0.unwrap();
    let left = Object { pid: 200, state: Some(ProcessState::Stopped), ..Object::default() };
    assert_eq!(node.call(1, Call::Resources).0, Ok(Reply::Resources(vec![left])));
}

#[test]
fn what_is_left_behind_has_a_bound() {
    let mut node = Node::new();
    let publish = Call::Publish(Entry::State(ProcessState::Failed));
    for pid in 0..4096 {
        node.open(1, pid);
        node.call(1, publish.clone()).0.unwrap();
        node.step(Event::ProcessExited(ProcessKey(u64::from(pid))));
    }
    node.open(1, 5000);
    assert_eq!(node.call(1, publish.clone()).0.unwrap_err().code, ErrorCode::NoResources);
    node.call(1, Call::Forget(17)).0.unwrap();
    node.call(1, publish).0.unwrap();
}
