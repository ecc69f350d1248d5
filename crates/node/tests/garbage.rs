//! Whatever programs and members send, in whatever order things happen: a node lives, every call
//! is answered at most once, and no process is reported ended twice.

mod toy;

use ais_node::{
    Adapter, ConnectionId, Core, CoreConfig, CoreLimits, Done, Effect, Event, Peer, ProcessKey,
    SessionId,
};
use ais_service::{ActionId, Exit, Instant, Lease, Link, Now};
use ais_types::{
    Incarnation, Member, MemberId, Name, NodeId, Role, ServiceId, Stamp, Time, Version, View, frame,
};
use ais_wire::{Frame, encode};
use bytes::Bytes;
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};
use toy::{Call, Toy};

fn member() -> impl Strategy<Value = MemberId> {
    (1..4_u32, 1..3_u64)
        .prop_map(|(node, life)| MemberId { node: NodeId(node), incarnation: Incarnation(life) })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        Just(Call::Watch),
        Just(Call::Seen),
        (0..3_i64).prop_map(|it| Call::Wait(Time(it * 1_000_000_000))),
        Just(Call::Put("a".to_owned(), "1".into())),
        Just(Call::Find("b".to_owned())),
        member().prop_map(|to| Call::Say(to, "x".to_owned())),
        Just(Call::Spawn(vec!["x".to_owned()])),
    ]
}

fn frames() -> impl Strategy<Value = Frame> {
    let sound = (0..6_u64, call()).prop_map(|(tag, mut call)| encode(frame::CALL, tag, &mut call));
    let random = (0..10_u8, 0..6_u64, bytes(), prop::collection::vec(bytes(), 0..2))
        .prop_map(|(kind, tag, header, body)| Frame { kind, tag, header, body });
    prop_oneof![4 => sound, 1 => random]
}

fn view() -> impl Strategy<Value = View> {
    prop::collection::btree_set(member(), 0..4).prop_map(|members| {
        let member = |id: MemberId| Member {
            id,
            name: Name::default(),
            role: Role::Voter,
            addresses: vec![],
            boot_time: Time::BEGIN,
            joined_view: 1,
        };
        View { number: 1, members: members.into_iter().map(member).collect() }
    })
}

fn event() -> impl Strategy<Value = Event> {
    let session = || (1..5_u64).prop_map(SessionId);
    let connection = || (1..4_u64).prop_map(ConnectionId);
    let key = || (1..4_u64).prop_map(ProcessKey);
    let stamp = Stamp::default();
    let service = prop_oneof![9 => Just(Toy::ID), 1 => Just(ServiceId::NODE)];
    prop_oneof![
        4 => (session(), key(), service).prop_map(|(session, key, service)| {
            let peer = Peer { key, pid: key.0 as u32, uid: 0 };
            let version = Version::b(1, 1);
            Event::SessionOpened { session, peer, service, version, program: String::new() }
        }),
        16 => (session(), connection(), frames()).prop_map(|(s, c, f)| Event::Frame(s, c, f)),
        1 => session().prop_map(Event::SessionClosed),
        1 => (session(), connection()).prop_map(|(s, c)| Event::ConnectionClosed(s, c)),
        1 => key().prop_map(Event::ProcessExited),
        1 => prop_oneof![Just(Lease::Held), Just(Lease::Lost)].prop_map(Event::Lease),
        1 => view().prop_map(move |view| Event::View(stamp, view)),
        1 => (member(), bytes()).prop_map(move |(from, it)| Event::Ordered(stamp, from, it)),
        1 => (member(), frames()).prop_map(move |(from, it)| {
            Event::Ordered(stamp, from, it.to_bytes())
        }),
        1 => (member(), bytes()).prop_map(|(from, it)| Event::PeerFrame(from, it)),
        1 => (member(), prop_oneof![Just(Link::Up), Just(Link::Down)])
            .prop_map(|(member, link)| Event::Link(member, link)),
        1 => bytes().prop_map(move |it| Event::Restore(stamp, it)),
        1 => (0..9_u64, key()).prop_map(|(id, key)| {
            Event::ActionDone(Toy::ID, ActionId(id), Done::Started(key, 1))
        }),
        1 => (0..9_u64).prop_map(|id| {
            Event::ActionDone(Toy::ID, ActionId(id), Done::Ended(Exit::Code(0)))
        }),
        1 => (0..9_u64).prop_map(Event::BarrierPassed),
        2 => Just(Event::Deadline),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_node_survives_whatever_happens(events in prop::collection::vec(event(), 0..120)) {
        let limits = CoreLimits { calls: 4, held_bytes: 300, early_bytes: 200, ..CoreLimits::default() };
        let name = Name::default();
        let config = CoreConfig { cluster: String::new(), name, limits };
        let mut core = Core::new(config, vec![Adapter::boxed(Toy::default())]);
        let me = MemberId { node: NodeId(1), incarnation: Incarnation(1) };
        let mut at = Instant::START;
        let mut open = BTreeSet::new();
        let mut ended = BTreeSet::new();
        let start = [Event::Admitted(me), Event::Lease(Lease::Held)];
        for event in start.into_iter().chain(events) {
            at = at + Duration::from_millis(100);
            // The shell gives each session a number of its own.
            if matches!(&event, Event::SessionOpened { session, .. } if open.contains(session)) {
                continue;
            }
            let mut effects = Vec::new();
            core.step(Now { at, wall: Time::BEGIN }, event, &mut effects);
            for effect in effects {
                match effect {
                    Effect::Welcome(session) => prop_assert!(open.insert(session)),
                    Effect::CloseSession(session, error) => {
                        prop_assert!(open.remove(&session) || error.is_some());
                    }
                    Effect::Reply(session, ..) | Effect::Callback(session, _) => {
                        prop_assert!(open.contains(&session), "told after its end");
                    }
                    Effect::OrderProcessEnded(process) => prop_assert!(ended.insert(process)),
                    _ => {}
                }
            }
        }
    }
}
