//! Whatever programs, members and disks say to a node with all services: it lives, and each call is
//! answered at most once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ais_node::{
    ConnectionId, Core, CoreConfig, CoreLimits, Done, Effect, Event, Peer, ProcessKey, SessionId,
};
use ais_service::{Exit, Instant, Lease, Now};
use ais_types::{
    GroupTime, Incarnation, Member, MemberId, Name, NodeId, Role, ServiceId, Stamp, Time,
    TrackFlags, Version, View, amf, ckpt, clm, frame, msg,
};
use ais_wire::{Frame, damaged, decode, encode};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

const ME: MemberId = MemberId { node: NodeId(1), incarnation: Incarnation(1) };
const MAIN: ConnectionId = ConnectionId(1);
const SERVICES: [ServiceId; 5] =
    [ServiceId::CKPT, ServiceId::MSG, ServiceId::CLM, ServiceId::AMF, ServiceId::NODE];

fn name(text: &str) -> Name {
    text.try_into().unwrap()
}

/// Calls that make sense, some of which stand on the ones before.
fn sound(service: ServiceId, tag: u64) -> Vec<Frame> {
    let frames = |number: u64, frame: Frame| Frame { tag: tag + number, ..frame };
    let calls: Vec<Frame> = match service {
        ServiceId::CKPT => checkpoints(),
        ServiceId::MSG => queues(),
        ServiceId::CLM => membership(),
        ServiceId::AMF => availability(),
        _ => vec![encode(frame::CALL, 0, &mut ais_types::node::Call::Status)],
    };
    (0..).zip(calls).map(|(number, frame)| frames(number, frame)).collect()
}

fn checkpoints() -> Vec<Frame> {
    use ckpt::*;
    let attributes = CreationAttributes {
        creation_flags: CreationFlags::WR_ALL_REPLICAS,
        checkpoint_size: 1_000,
        retention_duration: Time(1_000_000_000),
        max_sections: 3,
        max_section_size: 300,
        max_section_id_size: 8,
    };
    let section = SectionId::try_from("one").unwrap();
    let element = WriteElement { section: section.clone(), offset: 7, data: "data".into() };
    let read = ReadElement { section: section.clone(), offset: 1, size: Some(9) };
    let flags = OpenFlags(7);
    let (name, timeout) = (name("safCkpt=a"), Time(1_000_000_000));
    let attributes = Some(attributes);
    [
        Call::Initialize { version: Version::b(2, 2), callbacks: Callbacks::default() },
        Call::Open { name: name.clone(), attributes, flags, timeout },
        Call::OpenAsync { invocation: 3, name: name.clone(), attributes, flags },
        Call::SectionCreate {
            checkpoint: 1,
            section: section.clone(),
            expiration: Time::END,
            data: "first".into(),
        },
        Call::Write { checkpoint: 1, elements: vec![element.clone(), element] },
        Call::Read { checkpoint: 1, elements: vec![read.clone(), read] },
        Call::Overwrite { checkpoint: 1, section: section.clone(), data: "second".into() },
        Call::SectionExpirationTimeSet {
            checkpoint: 1,
            section: section.clone(),
            expiration: timeout,
        },
        Call::StatusGet { checkpoint: 1 },
        Call::Synchronize { checkpoint: 1, timeout },
        Call::SectionIterationInitialize {
            checkpoint: 1,
            chosen: SectionsChosen::ANY,
            expiration: Time::END,
        },
        Call::SectionIterationNext { iteration: 1 },
        Call::Scan { checkpoint: 1, after: Some(section.clone()) },
        Call::Changes { checkpoint: 1, after: None, timeout },
        Call::RetentionDurationSet { checkpoint: 1, duration: timeout },
        Call::List { after: 0 },
        Call::Show { name: name.clone() },
        Call::SectionDelete { checkpoint: 1, section },
        Call::Unlink { name },
        Call::Close { checkpoint: 1 },
    ]
    .map(|mut call| encode(frame::CALL, 0, &mut call))
    .to_vec()
}

fn queues() -> Vec<Frame> {
    use msg::*;
    let attributes = Some(CreationAttributes {
        flags: CreationFlags(0),
        sizes: [1_000; PRIORITIES],
        retention: Time(1_000_000_000),
    });
    let (name, timeout) = (name("safMq=a"), Time(1_000_000_000));
    let message =
        Message { kind: 1, version: 2, priority: 3, sender: Some(name.clone()), data: "m".into() };
    let destination = name.clone();
    [
        Call::Initialize { version: Version::b(3, 1), callbacks: Callbacks::default() },
        Call::Open { name: name.clone(), attributes, flags: OpenFlags::CREATE, timeout },
        Call::Send { destination: destination.clone(), message: message.clone(), timeout },
        Call::SendAsync { invocation: 4, destination, message, ack: AckFlags::DELIVERED },
        Call::Get { queue: 1, room: Some(9), timeout },
        Call::StatusGet { name: name.clone() },
        Call::RetentionTimeSet { queue: 1, retention: timeout },
        Call::Cancel { queue: 1 },
        Call::List,
        Call::Unlink { name },
        Call::Close { queue: 1 },
    ]
    .map(|mut call| encode(frame::CALL, 0, &mut call))
    .to_vec()
}

fn membership() -> Vec<Frame> {
    use clm::*;
    let callbacks = Callbacks { node_get: true, track: true };
    let node = name("n1");
    [
        Call::Initialize { api: Api::B04, version: Version::b(4, 1), callbacks },
        Call::Track { api: Api::B04, flags: TrackFlags(0x17), buffer: Buffer::Items(3) },
        Call::NodeGet { api: Api::B04, node: NodeId(1), timeout: Time(1_000_000_000) },
        Call::NodeGetAsync { invocation: 5, node: LOCAL_NODE },
        Call::Response { invocation: 1, response: Response::Ok },
        Call::CreateNode { node: name("spare") },
        Call::Admin { node: name("spare"), operation: AdminOperation::LOCK },
        Call::ModifyNode { node, attribute: Attribute::LockCallbackTimeout(Time(5)) },
        Call::DeleteNode { node: name("spare") },
        Call::Remove { node: name("n7"), cause: name("safHE=blade") },
        Call::Configuration,
        Call::TrackStop,
    ]
    .map(|mut call| encode(frame::CALL, 0, &mut call))
    .to_vec()
}

fn availability() -> Vec<Frame> {
    use amf::*;
    let (version, callbacks) = (Version::b(1, 1), Callbacks::COMPONENT);
    let component = name("safComp=a");
    [
        Call::Initialize { version, api: Api::B01, callbacks, component: Some(component.clone()) },
        Call::ComponentNameGet,
        Call::Register { component: component.clone(), proxy: None },
        Call::HaStateGet { component: component.clone(), csi: name("safCsi=a") },
        Call::ErrorReport { component: component.clone(), detected: Time(0), recovery: 2 },
        Call::Admin { object: name("safSu=a"), operation: AdminOperation::Lock },
        Call::Explain { object: component },
        Call::State,
    ]
    .map(|mut call| encode(frame::CALL, 0, &mut call))
    .to_vec()
}

/// The same call with other values, or, now and then, something that is no call.
fn otherwise(service: ServiceId, frame: Frame, rng: &mut fastrand::Rng) -> Frame {
    let mut other = frame.clone();
    for _ in 0..40 {
        other.header = damaged(&frame.header, &mut |below| rng.usize(..below)).into();
        let understood = match service {
            ServiceId::CKPT => decode::<ckpt::Call>(&other).is_ok(),
            ServiceId::MSG => decode::<msg::Call>(&other).is_ok(),
            ServiceId::CLM => decode::<clm::Call>(&other).is_ok(),
            _ => decode::<amf::Call>(&other).is_ok(),
        };
        if understood {
            break;
        }
    }
    other
}

/// A cluster of one node: what it orders is delivered to it.
struct Node {
    core: Core,
    at: Instant,
    index: u64,
    deadline: Option<GroupTime>,
    /// Sessions that are open, and the calls that are not answered.
    open: BTreeSet<SessionId>,
    owed: BTreeMap<SessionId, BTreeSet<u64>>,
    /// What was ordered, for who damages it.
    ordered: Vec<Bytes>,
    fatal: bool,
}

impl Node {
    fn blank() -> Self {
        let config =
            CoreConfig { cluster: "test".into(), name: name("n1"), limits: CoreLimits::default() };
        let settings =
            ais_services::Settings { clm: ais_clm_settings(), ..ais_services::Settings::default() };
        let core = Core::new(config, ais_services::all(NodeId(1), settings));
        let (open, owed) = (BTreeSet::new(), BTreeMap::new());
        let at = Instant::START;
        Self { core, at, index: 0, deadline: None, open, owed, ordered: Vec::new(), fatal: false }
    }

    fn new() -> Self {
        let mut node = Self::blank();
        node.step(Event::Admitted(ME));
        let member = Member {
            id: ME,
            name: name("n1"),
            role: Role::Voter,
            addresses: vec![],
            boot_time: Time::BEGIN,
            joined_view: 1,
        };
        let stamp = node.stamp();
        node.step(Event::View(stamp, View { number: 1, members: vec![member] }));
        node.step(Event::Lease(Lease::Held));
        node
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        let nanos = self.at.since_start().as_nanos();
        Stamp { index: self.index, time: GroupTime(u64::try_from(nanos).unwrap()), wall: 0 }
    }

    fn open(&mut self, number: u64, service: ServiceId) {
        let (session, version) = (SessionId(number), Version::b(1, 1));
        let peer = Peer { key: ProcessKey(number), pid: 100, uid: 0 };
        self.step(Event::SessionOpened { session, peer, service, version, program: String::new() });
    }

    fn call(&mut self, session: SessionId, frame: Frame) {
        if self.open.contains(&session) {
            if frame.kind == frame::CALL {
                self.owed.entry(session).or_default().insert(frame.tag);
            }
            self.step(Event::Frame(session, MAIN, frame));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.at = self.at + time;
        if self.core.deadline().is_some_and(|it| it <= self.at) {
            self.step(Event::Deadline);
        }
        let now = self.stamp();
        if self.deadline.is_some_and(|it| it <= now.time) {
            self.step(Event::Time(now));
        }
    }

    fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut effects = Vec::new();
            self.core.step(Now { at: self.at, wall: Time::BEGIN }, event, &mut effects);
            for effect in effects {
                let stamp = self.stamp();
                match effect {
                    Effect::Order(bytes) => {
                        self.ordered.push(bytes.clone());
                        events.push_back(Event::Ordered(stamp, ME, bytes));
                    }
                    Effect::OrderProcessEnded(it) => {
                        events.push_back(Event::ProcessEnded(stamp, it))
                    }
                    Effect::Barrier(number) => events.push_back(Event::BarrierPassed(number)),
                    Effect::Keep(number, ..) => events.push_back(Event::Saved(number)),
                    Effect::Perform(service, action, _) => {
                        let done = Done::Ended(Exit::Code(0));
                        events.push_back(Event::ActionDone(service, action, done));
                    }
                    Effect::GroupDeadline(deadline) => self.deadline = deadline,
                    Effect::Welcome(session) => assert!(self.open.insert(session)),
                    Effect::CloseSession(session, _) => {
                        self.open.remove(&session);
                        self.owed.remove(&session);
                    }
                    Effect::Reply(session, _, frame) => {
                        let owed = self.owed.get_mut(&session).expect("a session that is open");
                        assert!(owed.remove(&frame.tag), "answered twice, or not asked");
                    }
                    Effect::Callback(session, _) => assert!(self.open.contains(&session)),
                    Effect::Fatal(_) => self.fatal = true,
                    Effect::ToPeer(..) | Effect::BreakLink(_) | Effect::SetFault { .. } => {}
                }
            }
        }
    }
}

fn ais_clm_settings() -> ais_clm::Settings {
    ais_clm::Settings::new("test").with_node(NodeId(1), &name("n1"))
}

/// Programs: each call of a session sound, damaged, or with a body that does not fit.
#[test]
fn no_call_of_a_program_hurts_the_node() {
    let mut rng = fastrand::Rng::with_seed(6);
    let (mut answered, mut ended) = (0, 0);
    for case in 0..150 {
        let mut node = Node::new();
        for turn in 0..12 {
            let service = SERVICES[rng.usize(..SERVICES.len())];
            let session = SessionId(case * 100 + turn + 1);
            node.open(session.0, service);
            for mut frame in sound(service, 100) {
                if rng.bool() {
                    frame = otherwise(service, frame, &mut rng);
                }
                if rng.u8(..60) == 0 {
                    frame.body.push(Bytes::from_static(b"more than was announced"));
                }
                let before = node.open.contains(&session);
                node.call(session, frame);
                answered += usize::from(node.owed.get(&session).is_some_and(BTreeSet::is_empty));
                ended += usize::from(before && !node.open.contains(&session));
                node.pass(Duration::from_millis(rng.u64(..400)));
            }
            if rng.bool() {
                node.step(Event::ProcessExited(ProcessKey(session.0)));
                assert!(!node.open.contains(&session), "a session outlives its process");
            }
        }
        assert!(!node.fatal);
    }
    assert!(answered > 3_000 && ended > 50, "{answered} answered, {ended} sessions ended");
}

/// What comes on the log or from the disk: nonsense is refused, and said to be.
#[test]
fn nonsense_on_the_log_or_in_a_snapshot_is_refused() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut node = Node::new();
    for (number, service) in (1..).zip(SERVICES) {
        node.open(number, service);
        for frame in sound(service, 100) {
            node.call(SessionId(number), frame);
            node.pass(Duration::from_millis(10));
        }
    }
    assert!(node.ordered.len() > 10, "{}", node.ordered.len());
    let snapshot = node.core.snapshot();
    let mut fatal = 0;
    for _ in 0..3_000 {
        let mut blank = Node::blank();
        blank.step(Event::Admitted(MemberId { node: NodeId(2), incarnation: Incarnation(1) }));
        let stamp = blank.stamp();
        let bytes = damaged(&snapshot, &mut |below| rng.usize(..below));
        blank.step(Event::Restore(stamp, bytes.into()));
        fatal += usize::from(blank.fatal);
    }
    assert!(fatal > 1_000, "{fatal} of 3000 damaged snapshots were refused");
    let entries = node.ordered;
    for _ in 0..3_000 {
        let mut node = Node::new();
        let stamp = node.stamp();
        let entry = &entries[rng.usize(..entries.len())];
        let bytes = damaged(entry, &mut |below| rng.usize(..below));
        node.step(Event::Ordered(stamp, ME, bytes.into()));
        let stamp = node.stamp();
        let kept = damaged(&snapshot, &mut |below| rng.usize(..below));
        node.step(Event::Kept(stamp, kept.into()));
    }
}
