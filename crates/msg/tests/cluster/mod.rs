//! A cluster of message services in one thread: one ordered log, links without loss, faults.

#![allow(dead_code, reason = "a test helper, of which each test file uses its part")]

use ais_msg::{Command, Message, Msg, Settings};
use ais_service::{Caller, Entry, Input, Instant, Lease, Link, Now, Output, Service};
use ais_types::{
    ClientId, ErrorCode, GroupTime, Incarnation, Member, MemberId, Name, NodeId, Payload,
    ProcessId, Role, Stamp, Time, Version, View,
    msg::{
        Call, Callback, Callbacks, CreationAttributes, CreationFlags, Listed, Message as Letter,
        OpenFlags, Received, Reply,
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// From whom, to whom, what.
type Held = (MemberId, MemberId, Message);

pub(crate) type Answer = Result<Reply, ErrorCode>;

struct Node {
    core: Msg,
    /// What has reached it and is not taken yet.
    inputs: VecDeque<Input<Msg>>,
}

pub(crate) struct Cluster {
    nodes: BTreeMap<MemberId, Node>,
    members: Vec<MemberId>,
    view: u64,
    index: u64,
    clock: Duration,
    requests: u64,
    pub(crate) answers: BTreeMap<u64, Answer>,
    pub(crate) callbacks: Vec<Callback>,
    /// What the services have put out, in order.
    pub(crate) trace: Vec<String>,
    /// Links that hold everything back: what waits on them.
    held: BTreeMap<(u32, u32), Vec<Held>>,
}

pub(crate) fn member(node: u32) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(1) }
}

/// A process on a node with one session.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) node: u32,
    number: u64,
}

impl Program {
    pub(crate) fn client(self) -> ClientId {
        ClientId { member: member(self.node), number: self.number }
    }

    pub(crate) fn process(self) -> ProcessId {
        ProcessId { member: member(self.node), number: self.number }
    }
}

fn output_text(output: &Output<Msg>) -> String {
    match output {
        Output::Reply(caller, Ok(Reply::Received(it))) => {
            format!("replies to {}: received {:?}", caller.process, text(it))
        }
        Output::Reply(caller, Ok(reply)) => format!("replies to {}: {reply:?}", caller.process),
        Output::Reply(caller, Err(error)) => {
            format!("replies to {}: {:?}", caller.process, error.code)
        }
        Output::Callback(client, callback) => format!("calls {client} back: {callback:?}"),
        Output::Order(command) => format!("orders {}", command_text(command)),
        Output::Barrier(_) => "asks for a barrier".to_owned(),
        Output::Send(to, Message::Replica(queue, message)) => {
            // Only its kind: what is in it is the replica's own matter.
            let text = format!("{message:?}");
            format!("to {to}: {queue} {}", text.split(' ').next().unwrap_or_default())
        }
        Output::Send(to, message) => format!("to {to}: {message:?}"),
        Output::Perform(..) => "performs".to_owned(),
    }
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Open { process, name, attributes, .. } => {
            let create = if attributes.is_some() { " CREATE" } else { "" };
            format!("Open{create} {name:?} for {process}")
        }
        Command::Close { open } => format!("Close of handle {} of {}", open.handle, open.client),
        Command::CloseAll { client } => format!("CloseAll of {client}"),
        Command::Unlink { name, .. } => format!("Unlink {name:?}"),
        Command::Retain { retention, .. } => format!("Retain for {retention:?}"),
        Command::Completed { queue, epoch, member } => {
            format!("Completed: {queue} on {member}, epoch {epoch}")
        }
        Command::Sealed { seals } => format!("Sealed {seals:?}"),
        Command::Drained { queue, epoch, to } => format!("Drained: {queue} to {to}, epoch {epoch}"),
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("short")
}

pub(crate) fn attributes(flags: CreationFlags, retention: Time) -> CreationAttributes {
    CreationAttributes { flags, sizes: [1_000; 4], retention }
}

pub(crate) fn letter(text: &str) -> Letter {
    let data = Payload::from(text.as_bytes().to_vec());
    Letter { kind: 1, version: 1, priority: 2, sender: None, data }
}

pub(crate) fn text(received: &Received) -> String {
    String::from_utf8_lossy(&received.message.data).into_owned()
}

impl Cluster {
    pub(crate) fn new(nodes: u32, copies: u32) -> Self {
        let mut cluster = Self {
            nodes: BTreeMap::new(),
            members: (1..=nodes).map(member).collect(),
            view: 0,
            index: 0,
            clock: Duration::ZERO,
            requests: 0,
            answers: BTreeMap::new(),
            callbacks: Vec::new(),
            trace: Vec::new(),
            held: BTreeMap::new(),
        };
        for it in cluster.members.clone() {
            let core = Msg::new(it.node, Settings { copies });
            cluster.nodes.insert(it, Node { core, inputs: VecDeque::new() });
        }
        cluster.announce();
        cluster
    }

    pub(crate) fn program(&mut self, node: u32) -> Program {
        self.program_of(node, Version::b(3, 1))
    }

    pub(crate) fn program_of(&mut self, node: u32, version: Version) -> Program {
        self.requests += 1;
        let program = Program { node, number: self.requests };
        let callbacks =
            Callbacks { open: true, group_track: true, delivered: true, received: true };
        let answer = self.ask(program, Call::Initialize { version, callbacks });
        assert!(matches!(answer, Ok(Reply::Initialized(_))), "{answer:?}");
        program
    }

    /// Calls, lets everything settle, and gives the answer.
    pub(crate) fn ask(&mut self, program: Program, call: Call) -> Answer {
        let request = self.begin(program, call);
        self.settle();
        self.answers.remove(&request).expect("answered")
    }

    /// Calls, and gives the number that the answer will have.
    pub(crate) fn begin(&mut self, program: Program, call: Call) -> u64 {
        self.requests += 1;
        let (client, process) = (program.client(), program.process());
        let caller = Caller { client, process, request: self.requests };
        self.input(member(program.node), Input::Call(caller, call));
        self.requests
    }

    pub(crate) fn cancel(&mut self, program: Program, request: u64) {
        let (client, process) = (program.client(), program.process());
        self.input(member(program.node), Input::Cancelled(Caller { client, process, request }));
    }

    pub(crate) fn open(&mut self, program: Program, queue: &str, it: CreationAttributes) -> Answer {
        let (name, attributes) = (name(queue), Some(it));
        let flags = OpenFlags::CREATE;
        self.ask(program, Call::Open { name, attributes, flags, timeout: Time::END })
    }

    pub(crate) fn reopen(&mut self, program: Program, queue: &str, flags: OpenFlags) -> Answer {
        let (name, attributes, timeout) = (name(queue), None, Time::END);
        self.ask(program, Call::Open { name, attributes, flags, timeout })
    }

    pub(crate) fn send(&mut self, program: Program, queue: &str, text: &str) -> Answer {
        let (destination, message, timeout) = (name(queue), letter(text), Time::END);
        self.ask(program, Call::Send { destination, message, timeout })
    }

    /// What is there, at once.
    pub(crate) fn get(&mut self, program: Program, queue: u64) -> Result<String, ErrorCode> {
        match self.ask(program, Call::Get { queue, room: None, timeout: Time::BEGIN })? {
            Reply::Received(received) => Ok(text(&received)),
            other => panic!("{other:?}"),
        }
    }

    /// The process ends without a word.
    pub(crate) fn kill(&mut self, program: Program) {
        let stamp = self.stamp();
        self.order(|| Input::ProcessEnded(stamp, program.process()));
        self.settle();
    }

    /// A node is gone from the view, and stops at once.
    pub(crate) fn lose(&mut self, node: u32) {
        self.nodes.remove(&member(node));
        self.members.retain(|it| *it != member(node));
        self.announce();
    }

    /// A blank node joins, and is filled with what another has.
    pub(crate) fn join(&mut self, node: u32, copies: u32) {
        let mut core = Msg::new(NodeId(node), Settings { copies });
        let donor = self.nodes.values().next().expect("somebody is there");
        core.restore(member(node), donor.core.snapshot());
        self.nodes.insert(member(node), Node { core, inputs: VecDeque::new() });
        self.members.push(member(node));
        self.announce();
    }

    /// What an operator sees on a node, but for what only holders of copies know.
    pub(crate) fn list(&mut self, node: u32) -> Vec<Listed> {
        let program = self.program(node);
        let Ok(Reply::List(mut list)) = self.ask(program, Call::List) else { panic!("a list") };
        list.iter_mut().for_each(|it| it.usage = None);
        list
    }

    /// It has surely stopped.
    pub(crate) fn release(&mut self, node: u32) {
        let stamp = self.stamp();
        self.order(|| Input::Released(stamp, member(node)));
        self.settle();
    }

    /// Both clocks go on, and every timer that is due fires.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.clock += time;
        let stamp = self.stamp();
        let due = self.nodes.values().any(|it| it.core.group_deadline() <= Some(stamp.time));
        if due {
            self.order(|| Input::Time(stamp));
        }
        let at = Instant::START + self.clock;
        let late = |(it, node): (&MemberId, &Node)| {
            node.core.deadline().is_some_and(|due| due <= at).then_some(*it)
        };
        for it in self.nodes.iter().filter_map(late).collect::<Vec<_>>() {
            self.input(it, Input::Deadline);
        }
        self.settle();
    }

    /// A node may not act any more, or may again.
    pub(crate) fn lease(&mut self, node: u32, lease: Lease) {
        self.input(member(node), Input::Lease(lease));
        self.settle();
    }

    /// Whatever two nodes say to each other waits from now on.
    pub(crate) fn hold(&mut self, a: u32, b: u32) {
        self.held.insert((a.min(b), a.max(b)), Vec::new());
    }

    /// And now it arrives.
    pub(crate) fn let_go(&mut self, a: u32, b: u32) {
        for (from, to, message) in self.held.remove(&(a.min(b), a.max(b))).unwrap_or_default() {
            self.input(to, Input::Message(from, message));
        }
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        let some = |(it, node): (&MemberId, &Node)| (!node.inputs.is_empty()).then_some(*it);
        for _ in 0..100_000 {
            let Some(me) = self.nodes.iter().find_map(some) else { return };
            let now = Now {
                at: Instant::START + self.clock,
                wall: Time(1_000_000 + i64::try_from(self.clock.as_nanos()).expect("short")),
            };
            let node = self.nodes.get_mut(&me).expect("found above");
            let input = node.inputs.pop_front().expect("not empty");
            let mut out = Vec::new();
            node.core.step(now, input, &mut out);
            out.into_iter().for_each(|it| self.perform(me, it));
        }
        panic!("it never settles");
    }

    fn perform(&mut self, me: MemberId, output: Output<Msg>) {
        self.trace.push(format!("{me} {}", output_text(&output)));
        match output {
            Output::Reply(caller, outcome) => {
                let outcome = outcome.map_err(|error| error.code);
                let before = self.answers.insert(caller.request, outcome);
                assert_eq!(before, None, "a call is answered once");
            }
            Output::Callback(_, callback) => self.callbacks.push(callback),
            Output::Order(command) => self.put(me, &command),
            Output::Barrier(number) => self.input(me, Input::Barrier(number)),
            Output::Send(to, message) => {
                let (a, b) = (me.node.0.min(to.node.0), me.node.0.max(to.node.0));
                match self.held.get_mut(&(a, b)) {
                    Some(held) => held.push((me, to, message)),
                    None => self.input(to, Input::Message(me, message)),
                }
            }
            Output::Perform(..) => panic!("queues do nothing to processes"),
        }
    }

    fn put(&mut self, from: MemberId, command: &Command) {
        let stamp = self.stamp();
        self.order(|| Input::Ordered(Entry { stamp, from, command: command.clone() }));
    }

    fn order(&mut self, input: impl Fn() -> Input<Msg>) {
        for it in self.members.clone() {
            self.input(it, input());
        }
    }

    fn announce(&mut self) {
        self.view += 1;
        let member = |id: &MemberId| Member {
            id: *id,
            name: name(&id.node.to_string()),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time::BEGIN,
            joined_view: 1,
        };
        let view = View { number: self.view, members: self.members.iter().map(member).collect() };
        let stamp = self.stamp();
        self.order(|| Input::View(stamp, view.clone()));
        for a in self.members.clone() {
            for b in self.members.clone().into_iter().filter(|b| *b != a) {
                self.input(a, Input::Link(b, Link::Up));
            }
        }
        self.settle();
    }

    fn input(&mut self, to: MemberId, input: Input<Msg>) {
        if let Some(node) = self.nodes.get_mut(&to) {
            node.inputs.push_back(input);
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        let nanos = u64::try_from(self.clock.as_nanos()).expect("tests are short");
        let wall = 1_000_000 + i64::try_from(nanos).expect("tests are short");
        Stamp { index: self.index, time: GroupTime(nanos), wall }
    }
}
