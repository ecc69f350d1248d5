//! A cluster of cores in one thread: one order, links that never reorder, time that is set.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test helper, of which each test file uses its part"
)]

use ais_ckpt::{Ckpt, Command, Message, Settings};
use ais_service::{Caller, Entry, Input, Instant, Link, Now, Output, Service};
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, Incarnation, Member, MemberId, Name, NodeId, Outcome,
    ProcessId, Role, Stamp, Time, Version, View,
    ckpt::{
        Call, Callback, Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement,
        Reply, SectionId, WriteElement,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub type Client = ClientId;

/// Wall clock at the start of every test.
pub const WALL: i64 = 1_000_000 * 1_000_000_000;

pub struct Cluster {
    nodes: BTreeMap<NodeId, Ckpt>,
    view: View,
    index: u64,
    elapsed: Duration,
    /// What is under way, in order.
    queue: VecDeque<(MemberId, Input<Ckpt>)>,
    /// Messages from and to these are lost.
    cut: BTreeSet<NodeId>,
    /// While set, messages on the data path wait in `held`.
    pub hold: bool,
    /// Messages on the data path to these wait in `held`.
    pub slow: BTreeSet<u32>,
    settings: BTreeMap<u32, Settings>,
    /// Counts what happens: when which call was answered.
    pub clock: u64,
    answered_at: BTreeMap<Caller, u64>,
    held: VecDeque<(MemberId, Input<Ckpt>)>,
    replies: BTreeMap<Caller, Outcome<Reply>>,
    callbacks: BTreeMap<ClientId, Vec<Callback>>,
    processes: BTreeMap<ClientId, ProcessId>,
    requests: u64,
    pub trace: Vec<String>,
}

pub fn member(node: u32) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(1) }
}

impl Cluster {
    /// Nodes 1 to `size`, all members.
    pub fn of(size: u32) -> Self {
        Self::with(size, Settings { faults: true, ..Settings::default() })
    }

    /// The same, each set so.
    pub fn with(size: u32, settings: Settings) -> Self {
        Self::of_each((1..=size).map(|node| (node, settings)).collect())
    }

    /// These nodes, each set so.
    pub fn of_each(settings: BTreeMap<u32, Settings>) -> Self {
        let size = u32::try_from(settings.len()).unwrap();
        let mut cluster = Self {
            settings,
            slow: BTreeSet::new(),
            clock: 0,
            answered_at: BTreeMap::new(),
            nodes: BTreeMap::new(),
            view: View::default(),
            index: 0,
            elapsed: Duration::ZERO,
            queue: VecDeque::new(),
            cut: BTreeSet::new(),
            hold: false,
            held: VecDeque::new(),
            replies: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            processes: BTreeMap::new(),
            requests: 0,
            trace: Vec::new(),
        };
        for node in 1..=size {
            cluster.nodes.insert(NodeId(node), Ckpt::new(NodeId(node), cluster.settings[&node]));
            cluster.view.members.push(a_member(node));
        }
        cluster.new_view();
        for a in 1..=size {
            for b in (1..=size).filter(|b| *b != a) {
                cluster.queue.push_back((member(a), Input::Link(member(b), Link::Up)));
            }
        }
        cluster.run();
        cluster.trace.clear();
        cluster
    }

    fn now(&self) -> Now {
        let wall = Time(WALL).plus(Time::from(self.elapsed));
        Now { at: Instant::START + self.elapsed, wall }
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        let nanos = u64::try_from(self.elapsed.as_nanos()).unwrap();
        Stamp { index: self.index, time: GroupTime(nanos), wall: self.now().wall.0 }
    }

    fn everywhere(&mut self, input: impl Fn(Stamp) -> Input<Ckpt>) {
        let stamp = self.stamp();
        for node in self.nodes.keys() {
            self.queue.push_back((member(node.0), input(stamp)));
        }
    }

    fn new_view(&mut self) {
        self.view.number += 1;
        let view = self.view.clone();
        self.everywhere(|stamp| Input::View(stamp, view.clone()));
    }

    /// Until nothing is under way any more.
    pub fn run(&mut self) {
        while let Some((to, input)) = self.queue.pop_front() {
            self.deliver(to, input);
        }
    }

    /// The first so many things that are under way; `false`: there were fewer.
    pub fn run_some(&mut self, count: usize) -> bool {
        (0..count).all(|_| {
            let first = self.queue.pop_front();
            let some = first.is_some();
            first.into_iter().for_each(|(to, input)| self.deliver(to, input));
            some
        })
    }

    /// One thing that is under way, any of those that may come next: the order on a link, and that
    /// of the group, are kept. `false`: there is none.
    pub fn run_any(&mut self, random: &mut fastrand::Rng) -> bool {
        let way = |(to, input): &(MemberId, Input<Ckpt>)| match input {
            Input::Message(from, _) | Input::Link(from, _) => (*to, Some(*from)),
            _ => (*to, None),
        };
        let mut ways = BTreeSet::new();
        let first = self.queue.iter().enumerate().filter(|(_, it)| ways.insert(way(it)));
        let first: Vec<usize> = first.map(|it| it.0).collect();
        let Some(&at) = random.choice(&first) else { return false };
        let (to, input) = self.queue.remove(at).unwrap();
        self.deliver(to, input);
        true
    }

    fn deliver(&mut self, to: MemberId, input: Input<Ckpt>) {
        let slow = self.hold || self.slow.contains(&to.node.0);
        if slow && matches!(input, Input::Message(..)) {
            self.held.push_back((to, input));
            return;
        }
        self.clock += 1;
        let now = self.now();
        let Some(core) = self.nodes.get_mut(&to.node) else { return };
        let mut out = Vec::new();
        core.step(now, input, &mut out);
        for output in out {
            self.effect(to, output);
        }
    }

    fn effect(&mut self, from: MemberId, output: Output<Ckpt>) {
        match output {
            Output::Reply(caller, outcome) => {
                self.trace.push(format!("{from} reply {}", outcome_text(&outcome)));
                self.answered_at.insert(caller, self.clock);
                let before = self.replies.insert(caller, outcome);
                assert!(before.is_none(), "a call is answered once");
            }
            Output::Callback(client, callback) => {
                self.trace.push(format!("{from} callback {callback:?}"));
                self.callbacks.entry(client).or_default().push(callback);
            }
            Output::Order(command) => {
                self.trace.push(format!("{from} order {}", command_text(&command)));
                self.everywhere(|stamp| {
                    Input::Ordered(Entry { stamp, from, command: command.clone() })
                });
            }
            Output::Barrier(number) => {
                self.trace.push(format!("{from} barrier"));
                self.queue.push_back((from, Input::Barrier(number)));
            }
            Output::Send(to, message) => {
                self.trace.push(format!("{from} to {to}: {}", message_text(&message)));
                let lost = self.cut.contains(&from.node) || self.cut.contains(&to.node);
                if !lost {
                    self.queue.push_back((to, Input::Message(from, message)));
                }
            }
            Output::Perform(..) => panic!("checkpoints perform nothing"),
        }
    }

    /// Lets go of what was held back on the data path.
    pub fn release_held(&mut self) {
        self.hold = false;
        self.slow.clear();
        self.queue.append(&mut self.held);
        self.run();
    }

    /// Time passes; whatever is due on the way happens then.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.elapsed + duration;
        while let Some(at) = self.next_due().filter(|at| *at <= end) {
            self.elapsed = self.elapsed.max(at);
            let group = GroupTime(u64::try_from(self.elapsed.as_nanos()).unwrap());
            let now = self.now();
            if self.nodes.values().any(|it| it.group_deadline().is_some_and(|at| at <= group)) {
                self.everywhere(Input::Time);
            }
            for (node, core) in &self.nodes {
                if core.deadline().is_some_and(|at| at <= now.at) {
                    self.queue.push_back((member(node.0), Input::Deadline));
                }
            }
            self.run();
        }
        self.elapsed = end;
    }

    fn next_due(&self) -> Option<Duration> {
        let local = self.nodes.values().filter_map(|it| it.deadline()).map(Instant::since_start);
        let group = self.nodes.values().filter_map(Service::group_deadline);
        local.chain(group.map(|it| Duration::from_nanos(it.0))).min()
    }

    /// A program on a node, without any session yet.
    pub fn stranger(&mut self, node: u32) -> Client {
        let number = self.processes.len() as u64 + 1;
        let client = ClientId { member: member(node), number };
        self.processes.insert(client, ProcessId { member: member(node), number });
        client
    }

    /// A program on a node, initialised with all callbacks.
    pub fn program(&mut self, node: u32, version: Version) -> Client {
        let client = self.stranger(node);
        let callbacks = Callbacks { open: true, synchronize: true, track: false };
        self.call(client, Call::Initialize { version, callbacks }).unwrap();
        client
    }

    /// A program of today.
    pub fn new_program(&mut self, node: u32) -> Client {
        self.program(node, Version::b(2, 2))
    }

    /// Begins a call.
    pub fn begin(&mut self, client: Client, call: Call) -> Caller {
        let caller = self.put(client, call);
        self.run();
        caller
    }

    /// A call is under way, and nothing has happened yet.
    pub fn put(&mut self, client: Client, call: Call) -> Caller {
        self.requests += 1;
        let process = self.processes[&client];
        let caller = Caller { client, process, request: self.requests };
        self.queue.push_back((client.member, Input::Call(caller, call)));
        caller
    }

    /// When a call was answered.
    pub fn answered_at(&self, caller: Caller) -> Option<u64> {
        self.answered_at.get(&caller).copied()
    }

    /// The core of a node.
    pub fn node(&self, node: u32) -> &Ckpt {
        &self.nodes[&NodeId(node)]
    }

    pub fn answer(&mut self, caller: Caller) -> Option<Outcome<Reply>> {
        self.replies.remove(&caller)
    }

    /// Makes a call that is answered without time passing.
    #[track_caller]
    pub fn call(&mut self, client: Client, call: Call) -> Outcome<Reply> {
        let text = format!("{call:?}");
        let caller = self.begin(client, call);
        self.answer(caller).unwrap_or_else(|| panic!("no answer to {text}"))
    }

    pub fn cancel(&mut self, caller: Caller) {
        self.queue.push_back((caller.client.member, Input::Cancelled(caller)));
        self.run();
    }

    pub fn callbacks(&mut self, client: Client) -> Vec<Callback> {
        self.callbacks.remove(&client).unwrap_or_default()
    }

    pub fn finalize(&mut self, client: Client) {
        self.queue.push_back((client.member, Input::Closed(client)));
        self.run();
    }

    pub fn kill(&mut self, client: Client) {
        let process = self.processes[&client];
        self.everywhere(|stamp| Input::ProcessEnded(stamp, process));
        self.run();
    }

    /// A node is gone; the others see it leave, and later that it has stopped.
    pub fn crash(&mut self, node: u32) {
        self.leave(node);
        self.released(node);
    }

    /// A node is gone and the others see it leave; it may still act, for all they know.
    pub fn leave(&mut self, node: u32) {
        self.nodes.remove(&NodeId(node));
        self.held.retain(|(to, _)| to.node != NodeId(node));
        self.view.members.retain(|it| it.id != member(node));
        self.new_view();
        for other in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.queue.push_back((member(other.0), Input::Link(member(node), Link::Down)));
        }
        self.run();
    }

    pub fn released(&mut self, node: u32) {
        self.everywhere(|stamp| Input::Released(stamp, member(node)));
        self.run();
    }

    /// A node joins, filled with the replicated state of another one.
    pub fn join(&mut self, node: u32) {
        let mut core =
            Ckpt::new(NodeId(node), self.settings.get(&node).copied().unwrap_or_default());
        if let Some(other) = self.nodes.values().next() {
            core.restore(member(node), other.snapshot());
        }
        self.nodes.insert(NodeId(node), core);
        self.view.members.push(a_member(node));
        self.view.members.sort_by_key(|it| it.id);
        self.new_view();
        for other in self.nodes.keys().copied().filter(|it| it.0 != node).collect::<Vec<_>>() {
            self.queue.push_back((member(other.0), Input::Link(member(node), Link::Up)));
            self.queue.push_back((member(node), Input::Link(member(other.0), Link::Up)));
        }
        self.run();
    }

    /// The replicated parts of all nodes, as text: they must be equal.
    #[track_caller]
    pub fn assert_agreed(&self) {
        let mut texts: Vec<String> = self
            .nodes
            .values()
            .map(|it| {
                let mut bytes = Vec::new();
                ciborium::into_writer(&it.snapshot(), &mut bytes).unwrap();
                format!("{bytes:?}")
            })
            .collect();
        texts.dedup();
        assert_eq!(texts.len(), 1, "the replicated parts differ");
    }
}

fn a_member(node: u32) -> Member {
    Member {
        id: member(node),
        name: Name::try_from(format!("n{node}").as_str()).unwrap(),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time::BEGIN,
        joined_view: 1,
    }
}

pub fn outcome_text(outcome: &Outcome<Reply>) -> String {
    match outcome {
        Ok(reply) => format!("{reply:?}"),
        Err(Error { code, index: None, .. }) => format!("{code:?}"),
        Err(Error { code, index: Some(index), .. }) => format!("{code:?} at {index}"),
    }
}

fn command_text(command: &Command) -> String {
    format!("{command:?}")
}

fn message_text(message: &Message) -> String {
    // Only its kind: what is in it is the replica's own matter.
    match message {
        Message::Replica { checkpoint, inner } => {
            let text = format!("{inner:?}");
            format!("{checkpoint} {}", text.split(' ').next().unwrap_or_default())
        }
        Message::HowFar { checkpoint, .. } => format!("{checkpoint} HowFar"),
        Message::SoFar { .. } => "SoFar".to_owned(),
    }
}

pub fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

pub fn id(text: &str) -> SectionId {
    SectionId::try_from(text).unwrap()
}

pub const READ: OpenFlags = OpenFlags::READ;
pub const WRITE: OpenFlags = OpenFlags::WRITE;
pub const CREATE: OpenFlags = OpenFlags::CREATE;
pub const ALL: u32 = 1;
pub const ACTIVE: u32 = 2;
pub const WEAK: u32 = 4;
pub const COLLOCATED: u32 = 8;

/// Flags, size, retention in nanoseconds, sections, section size, id size.
pub fn attributes(flags: u32, size: u64, keep: i64, max: u32, each: u64) -> CreationAttributes {
    CreationAttributes {
        creation_flags: CreationFlags(flags),
        checkpoint_size: size,
        retention_duration: Time(keep),
        max_sections: max,
        max_section_size: each,
        max_section_id_size: 3,
    }
}

pub const SECOND: i64 = 1_000_000_000;

/// The standard attributes of the vectors (`spec`, chapter 12).
pub fn s1() -> CreationAttributes {
    attributes(ALL, 169, 10 * SECOND, 2, 85)
}
pub fn s2() -> CreationAttributes {
    attributes(ACTIVE, 169, 10 * SECOND, 2, 85)
}
pub fn s3() -> CreationAttributes {
    attributes(WEAK, 85, 10 * SECOND, 1, 85)
}
pub fn s4() -> CreationAttributes {
    attributes(ACTIVE | COLLOCATED, 1069, 10 * SECOND, 2, 600)
}

pub const N: &str = "safCkpt=t,safApp=safCkptService";

pub fn open(
    text: &str,
    attributes: impl Into<Option<CreationAttributes>>,
    flags: OpenFlags,
) -> Call {
    let (name, attributes) = (name(text), attributes.into());
    Call::Open { name, attributes, flags, timeout: Time::END }
}

pub fn create(checkpoint: u64, section: &str, data: &'static [u8]) -> Call {
    let (section, data) = (id(section), data.into());
    Call::SectionCreate { checkpoint, section, expiration: Time::END, data }
}

pub fn overwrite(checkpoint: u64, section: &str, data: &'static [u8]) -> Call {
    Call::Overwrite { checkpoint, section: id(section), data: data.into() }
}

pub fn write(checkpoint: u64, elements: &[(&str, u64, &'static [u8])]) -> Call {
    let element = |it: &(&str, u64, &'static [u8])| WriteElement {
        section: id(it.0),
        offset: it.1,
        data: it.2.into(),
    };
    Call::Write { checkpoint, elements: elements.iter().map(element).collect() }
}

/// The whole of a section.
pub fn read(checkpoint: u64, section: &str) -> Call {
    let elements = vec![ReadElement { section: id(section), offset: 0, size: None }];
    Call::Read { checkpoint, elements }
}

#[track_caller]
pub fn handle(outcome: Outcome<Reply>) -> u64 {
    match outcome {
        Ok(Reply::Opened(handle) | Reply::IterationStarted(handle)) => handle,
        other => panic!("no handle: {other:?}"),
    }
}

#[track_caller]
pub fn bytes(outcome: Outcome<Reply>) -> Vec<u8> {
    match outcome {
        Ok(Reply::Read(data)) => data.iter().flat_map(|it| it.to_vec()).collect(),
        other => panic!("nothing read: {other:?}"),
    }
}

#[track_caller]
pub fn code(outcome: Outcome<Reply>) -> ErrorCode {
    outcome.expect_err("this is to be refused").code
}
