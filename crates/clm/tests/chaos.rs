//! Operators, programs and nodes under a seed: all nodes agree after every entry, numbers grow,
//! equal views are told alike, and whatever is waited for ends.

use ais_clm::{Clm, Command, Settings};
use ais_service::{Caller, Entry, Input, Instant, Now, Output, Service};
use ais_types::{
    ClientId, ErrorCode, GroupTime, Incarnation, Member, MemberId, Name, NodeId, ProcessId, Role,
    Stamp, Time, TrackFlags, View,
    clm::{
        AdminOperation, Api, Attribute, Buffer, Call, Callback, Callbacks, Change, Item, Response,
        Step, TrackCallback,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

const SEEDS: u64 = 300;
const STEPS: usize = 150;
const NODES: u32 = 4;

struct Node {
    clm: Clm,
    me: MemberId,
    ordered: VecDeque<Command>,
    clients: BTreeMap<ClientId, Client>,
}

#[derive(Default)]
struct Client {
    /// The last number told of a membership.
    view: u64,
    /// Invocations not answered yet.
    owed: Vec<(u64, Step)>,
}

struct World {
    rng: fastrand::Rng,
    now: Duration,
    index: u64,
    lives: u64,
    clients: u64,
    requests: u64,
    view: u64,
    nodes: BTreeMap<NodeId, Node>,
    /// Operations that are not answered yet.
    waiting: BTreeSet<(ClientId, u64)>,
    /// What was told of each membership by COMPLETED with all members.
    told: BTreeMap<u64, Vec<Item>>,
    invocations: BTreeSet<u64>,
    operations: u64,
    removed: u64,
}

fn name(node: NodeId) -> Name {
    Name::new(format!("n{}", node.0)).expect("short")
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            rng: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            index: 0,
            lives: 0,
            clients: 0,
            requests: 0,
            view: 0,
            nodes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            told: BTreeMap::new(),
            invocations: BTreeSet::new(),
            operations: 0,
            removed: 0,
        };
        (1..=NODES).for_each(|it| world.boot(NodeId(it)));
        world
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        let time = GroupTime(u64::try_from(self.now.as_nanos()).expect("not that long"));
        Stamp { index: self.index, time, wall: 7 }
    }

    fn some<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.rng.usize(..of.len())])
    }

    fn up(&self) -> Vec<NodeId> {
        self.nodes.keys().copied().collect()
    }

    fn boot(&mut self, id: NodeId) {
        self.lives += 1;
        let me = MemberId { node: id, incarnation: Incarnation(self.lives) };
        let settings = (1..=NODES).fold(Settings::new("chaos"), |settings, it| {
            settings.with_node(NodeId(it), &name(NodeId(it)))
        });
        let mut clm = Clm::new(settings);
        if let Some(other) = self.nodes.values().next() {
            clm.restore(me, other.clm.snapshot());
        }
        let (ordered, clients) = (VecDeque::new(), BTreeMap::new());
        self.nodes.insert(id, Node { clm, me, ordered, clients });
        self.install();
    }

    fn kill(&mut self, id: NodeId) {
        let Some(node) = self.nodes.remove(&id) else { return };
        self.waiting.retain(|(client, _)| client.member != node.me);
        self.install();
    }

    fn install(&mut self) {
        self.view += 1;
        let members = self.nodes.values().map(|it| Member {
            id: it.me,
            name: name(it.me.node),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time(1),
            joined_view: 0,
        });
        let view = View { number: self.view, members: members.collect() };
        let stamp = self.stamp();
        self.deliver(|| Input::View(stamp, view.clone()));
    }

    fn deliver(&mut self, input: impl Fn() -> Input<Clm>) {
        for id in self.up() {
            self.step(id, input());
        }
        let mut states = self.nodes.values().map(|it| it.clm.snapshot());
        let first = states.next().expect("one is always up");
        assert!(states.all(|it| it == first), "nodes differ");
        let members = first.membership().members();
        assert!(members.map(|it| it.initial_view).all(|it| it <= first.membership().number()));
    }

    fn step(&mut self, id: NodeId, input: Input<Clm>) {
        let now = Now { at: Instant::START + self.now, wall: Time(0) };
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let mut out = Vec::new();
        node.clm.step(now, input, &mut out);
        for output in out {
            self.take(id, output);
        }
    }

    fn take(&mut self, id: NodeId, output: Output<Clm>) {
        let node = self.nodes.get_mut(&id).expect("it is up");
        match output {
            Output::Order(command) => node.ordered.push_back(command),
            // Nobody hears what is said to a handle that has ended.
            Output::Reply(caller, _) if !node.clients.contains_key(&caller.client) => {}
            Output::Reply(caller, outcome) => {
                self.waiting.remove(&(caller.client, caller.request));
                if let Err(error) = outcome {
                    let known = [
                        ErrorCode::NoOp,
                        ErrorCode::BadOperation,
                        ErrorCode::Interrupt,
                        ErrorCode::FailedOperation,
                        ErrorCode::InvalidParam,
                        ErrorCode::Unavailable,
                        ErrorCode::NotExist,
                        ErrorCode::Exist,
                    ];
                    assert!(known.contains(&error.code), "{error}");
                }
            }
            Output::Callback(client, Callback::Track(it)) => self.tell(id, client, it),
            other => panic!("CLM does not do that: {other:?}"),
        }
    }

    fn tell(&mut self, id: NodeId, client: ClientId, it: TrackCallback) {
        let node = self.nodes.get_mut(&id).expect("it is up");
        let member = node.clm.snapshot().membership().contains(node.me);
        let known = node.clients.get_mut(&client).expect("a client of this node");
        let TrackCallback { notification, step, invocation, .. } = it;
        assert!(notification.view >= known.view, "views go back");
        known.view = notification.view;
        match step {
            Step::Validate | Step::Start => {
                assert!(self.invocations.insert(invocation), "invocation {invocation} twice");
                known.owed.push((invocation, step));
            }
            Step::Aborted | Step::Completed => assert_eq!(invocation, 0),
        }
        let left = |it: &Item| matches!(it.change, Change::Left | Change::Shutdown);
        if step == Step::Completed && notification.items.iter().any(left) {
            self.removed += 1;
        }
        let unlock = notification.items.iter().any(|it| it.change == Change::Unlock);
        if step == Step::Completed && member && notification.items.len() > 1 && !unlock {
            let told =
                self.told.entry(notification.view).or_insert_with(|| notification.items.clone());
            assert_eq!(*told, notification.items, "view {} is told twice", notification.view);
        }
    }

    /// The oldest entry of some node is delivered.
    fn order(&mut self) -> bool {
        let with: Vec<NodeId> =
            self.nodes.values().filter(|it| !it.ordered.is_empty()).map(|it| it.me.node).collect();
        let Some(id) = self.some(&with) else { return false };
        let node = self.nodes.get_mut(&id).expect("it is up");
        let (from, command) = (node.me, node.ordered.pop_front().expect("it has one"));
        let stamp = self.stamp();
        self.deliver(|| Input::Ordered(Entry { stamp, from, command: command.clone() }));
        true
    }

    fn call(&mut self, client: ClientId, call: Call) {
        self.requests += 1;
        let request = self.requests;
        let process = ProcessId { member: client.member, number: client.number };
        self.waiting.insert((client, request));
        let caller = Caller { client, process, request };
        self.step(client.member.node, Input::Call(caller, call));
    }

    fn client(&mut self) -> Option<ClientId> {
        let all: Vec<ClientId> =
            self.nodes.values().flat_map(|it| it.clients.keys().copied()).collect();
        self.some(&all)
    }

    fn initialise(&mut self) {
        let up = self.up();
        let Some(id) = self.some(&up) else { return };
        self.clients += 1;
        let node = self.nodes.get_mut(&id).expect("it is up");
        let client = ClientId { member: node.me, number: self.clients };
        node.clients.insert(client, Client::default());
        let callbacks = Callbacks { node_get: true, track: true };
        self.call(
            client,
            Call::Initialize { api: Api::B04, version: Api::B04.version(), callbacks },
        );
        let flags = [0x02, 0x12, 0x14, 0x22, 0x32, 0x1a, 0x36 & !0x04];
        let flags = TrackFlags(self.some(&flags).expect("some"));
        self.call(client, Call::Track { api: Api::B04, flags, buffer: Buffer::None });
    }

    fn operate(&mut self) {
        let Some(client) = self.client() else { return };
        let node = name(NodeId(self.rng.u32(1..=NODES)));
        self.operations += 1;
        let call = match self.rng.u32(..9) {
            0 | 1 => Call::Admin { node, operation: AdminOperation::LOCK },
            2..=4 => Call::Admin { node, operation: AdminOperation::UNLOCK },
            5 => Call::Admin { node, operation: AdminOperation::SHUTDOWN },
            6 => Call::Remove { node, cause: Name::new("safEE=x").expect("short") },
            7 => {
                let millis = self.rng.i64(1..3000);
                let timeout = Time(millis * Time::ONE_MILLISECOND.0);
                Call::ModifyNode { node, attribute: Attribute::LockCallbackTimeout(timeout) }
            }
            _ => {
                let environment = Name::new(format!("safEE={}", self.rng.u8(..))).expect("short");
                Call::ModifyNode { node, attribute: Attribute::ExecutionEnvironment(environment) }
            }
        };
        self.call(client, call);
    }

    fn respond(&mut self) {
        let all = self.nodes.values_mut().flat_map(|it| it.clients.iter_mut());
        let owing = all.filter(|(_, it)| !it.owed.is_empty());
        let mut owing: Vec<(ClientId, &mut Client)> = owing.map(|(id, it)| (*id, it)).collect();
        if owing.is_empty() {
            return;
        }
        let at = self.rng.usize(..owing.len());
        let (client, it) = &mut owing[at];
        let (client, (invocation, step)) = (*client, it.owed.remove(0));
        let response = match self.rng.u32(..4) {
            0 => Response::Rejected,
            1 => Response::Error,
            _ => Response::Ok,
        };
        // That is refused, and a response is owed all the same.
        if (step, response) == (Step::Start, Response::Rejected) {
            it.owed.push((invocation, step));
        }
        self.call(client, Call::Response { invocation, response });
    }

    fn end_client(&mut self, client: ClientId, process: bool) {
        let id = client.member.node;
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.clients.remove(&client);
        self.waiting.retain(|(of, _)| *of != client);
        if process {
            let process = ProcessId { member: client.member, number: client.number };
            let stamp = self.stamp();
            self.deliver(|| Input::ProcessEnded(stamp, process));
        } else {
            self.step(id, Input::Closed(client));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let due = self.nodes.values().filter_map(|it| it.clm.group_deadline()).min();
        if due.is_some_and(|it| u128::from(it.0) <= self.now.as_nanos()) {
            let stamp = self.stamp();
            self.deliver(|| Input::Time(stamp));
        }
    }

    fn anything(&mut self) {
        match self.rng.u32(..100) {
            0..35 => drop(self.order()),
            35..50 => self.operate(),
            50..70 => self.respond(),
            70..80 => self.initialise(),
            80..84 => {
                if let Some(client) = self.client() {
                    let process = self.rng.bool();
                    self.end_client(client, process);
                }
            }
            84..87 => {
                if let Some(client) = self.client() {
                    self.call(client, Call::TrackStop);
                }
            }
            87..92 => {
                let millis = self.rng.u64(..2000);
                self.pass(Duration::from_millis(millis));
            }
            92..96 if self.nodes.len() > 2 => {
                let up = self.up();
                let node = self.some(&up).expect("one is always up");
                self.kill(node);
            }
            _ => {
                let down: Vec<NodeId> =
                    (1..=NODES).map(NodeId).filter(|it| !self.nodes.contains_key(it)).collect();
                if let Some(node) = self.some(&down) {
                    self.boot(node);
                }
            }
        }
    }

    /// Nobody orders anything more; whoever is asked answers, or ends.
    fn calm(&mut self) {
        for _ in 0..10_000 {
            if !self.order() {
                break;
            }
        }
        let all: Vec<ClientId> =
            self.nodes.values().flat_map(|it| it.clients.keys().copied()).collect();
        // Those that wait for an operation live on, and answer.
        for client in all {
            if !self.waiting.iter().any(|(of, _)| *of == client) {
                self.end_client(client, false);
            }
        }
        for _ in 0..10_000 {
            while self.order() {}
            let owes =
                self.nodes.values().any(|it| it.clients.values().any(|it| !it.owed.is_empty()));
            if !owes {
                break;
            }
            self.respond();
        }
        self.pass(Duration::from_secs(3600));
        while self.order() {}
    }
}

#[test]
fn nodes_agree_numbers_grow_and_everything_ends() {
    let (mut operations, mut removed) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.anything());
        world.calm();
        let state = world.nodes.values().next().map(|it| it.clm.snapshot());
        let waiting = &world.waiting;
        assert!(waiting.is_empty(), "seed {seed}: {waiting:?} wait for ever: {state:#?}");
        operations += world.operations;
        removed += world.removed;
    }
    assert!(operations > SEEDS * 10 && removed > SEEDS, "{operations} operations, {removed} left");
}
