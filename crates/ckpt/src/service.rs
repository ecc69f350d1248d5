//! The service: what comes in, and where it goes.

use crate::{
    CheckpointId, Command, Content, Message, Settings,
    client::Client,
    error::Refused,
    registry::{Registry, Snapshot},
    tracking::Tracked,
    waiting::{Task, Ticket, To, WaitingRoom},
};
use ais_replica::{Early, Replica};
use ais_service::{
    Caller, Entry, Figure, Input, Instant, Lease, Link, Never, Now, Output, Service, Timers,
};
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, MemberId, NodeId, ServiceId, Time,
    ckpt::{Call, Callback, Counters, Reply},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// How long a call without a time-out of its own may wait for other nodes (ais-common §12).
const PATIENCE: Time = Time(10 * Time::ONE_SECOND.0);

/// The checkpoint service of one node.
pub struct Ckpt {
    pub(crate) node: NodeId,
    /// Which life of the node; known from its first view on.
    pub(crate) me: Option<MemberId>,
    pub(crate) settings: Settings,
    /// The replicated part.
    pub(crate) registry: Registry,
    pub(crate) clients: BTreeMap<ClientId, Client>,
    pub(crate) waiting: WaitingRoom,
    /// This node's parts of the checkpoints it has to do with.
    pub(crate) replicas: BTreeMap<CheckpointId, Replica<Content>>,
    /// Messages about checkpoints that are not created here yet.
    pub(crate) early: Early<CheckpointId, Message>,
    /// When to look for sections to expire, where this node is the primary.
    pub(crate) expirations: Timers<Instant, CheckpointId>,
    /// When to look who has not kept up, where this node is the primary.
    pub(crate) looks: Timers<Instant, CheckpointId>,
    /// Last numbers to order, all in one entry.
    pub(crate) seals: Vec<(CheckpointId, u64, u64)>,
    /// Members not to wait for any longer, all in one entry.
    pub(crate) lagging: Vec<(CheckpointId, u64, MemberId)>,
    /// Replicas here that are not waited for any longer, to order that it is known, all in one
    /// entry.
    pub(crate) conceded: Vec<(CheckpointId, u64)>,
    /// Whom this node can reach.
    pub(crate) reachable: BTreeSet<MemberId>,
    /// Who is told what others change.
    pub(crate) tracked: BTreeMap<CheckpointId, Tracked>,
    /// Who is told what the service notifies.
    pub(crate) observers: BTreeSet<ClientId>,
    /// What this node has said of the room for sections, as a primary.
    pub(crate) exhaustions: BTreeMap<CheckpointId, u64>,
    /// What all replicas here cost.
    pub(crate) memory: u64,
    /// It was said that there is no memory for more, and which replicas were given up since.
    pub(crate) said_full: bool,
    pub(crate) given_up: BTreeSet<CheckpointId>,
    pub(crate) counters: Counters,
    lease: Lease,
    /// What was said to this node while it had no lease.
    held: Vec<(MemberId, Message)>,
    pub(crate) now: Now,
    pub(crate) out: Vec<Output<Self>>,
}

impl Ckpt {
    /// The service of a node that has not joined yet.
    #[must_use]
    pub fn new(node: NodeId, settings: Settings) -> Self {
        Self {
            node,
            me: None,
            settings,
            registry: Registry::default(),
            clients: BTreeMap::new(),
            waiting: WaitingRoom::default(),
            replicas: BTreeMap::new(),
            early: Early::new(),
            expirations: Timers::new(),
            looks: Timers::new(),
            seals: Vec::new(),
            lagging: Vec::new(),
            conceded: Vec::new(),
            reachable: BTreeSet::new(),
            tracked: BTreeMap::new(),
            observers: BTreeSet::new(),
            exhaustions: BTreeMap::new(),
            memory: 0,
            said_full: false,
            given_up: BTreeSet::new(),
            counters: Counters::default(),
            // Programs are held back by the node without a lease; this is about the data path.
            lease: Lease::Held,
            held: Vec::new(),
            now: Now { at: Instant::START, wall: Time::BEGIN },
            out: Vec::new(),
        }
    }

    pub(crate) fn order(&mut self, command: Command) {
        self.out.push(Output::Order(command));
    }

    /// Ends a call, or what stands for one.
    pub(crate) fn answer(&mut self, to: To, outcome: Result<Reply, Error>) {
        match to {
            To::Caller(caller) => {
                let outcome = outcome.map_err(|error| self.as_known_to(caller.client, error));
                self.out.push(Output::Reply(caller, outcome));
            }
            To::Open { client, invocation } => {
                let outcome = outcome.map(|reply| match reply {
                    Reply::Opened(handle) => handle,
                    other => unreachable!("an open is answered by a handle, not by {other:?}"),
                });
                let outcome = outcome.map_err(|error| self.as_known_to(client, error).code);
                let callback = Callback::Open { invocation, outcome };
                self.out.push(Output::Callback(client, callback));
            }
            To::Synchronize { client, handle, invocation } => {
                let outcome = outcome.map(|_| ());
                let outcome = outcome.map_err(|error| self.as_known_to(client, error).code);
                let callback = Callback::Synchronize { invocation, checkpoint: handle, outcome };
                self.out.push(Output::Callback(client, callback));
            }
            To::Nobody => {}
        }
    }

    /// ais-common 4.3: no code that is newer than the program.
    fn as_known_to(&self, client: ClientId, error: Error) -> Error {
        use crate::params::Rules;
        match (error.code, self.clients.get(&client).map(|it| it.rules)) {
            (ErrorCode::Unavailable, Some(Rules::B01)) => {
                Error { code: ErrorCode::TryAgain, ..error }
            }
            (_, _) => error,
        }
    }

    /// Lets a call wait. Its own time-out, or the usual patience.
    pub(crate) fn wait(&mut self, to: To, task: Task, timeout: Option<Time>) -> Ticket {
        let until = match to {
            To::Caller(_) => self.now.at.after(timeout.unwrap_or(PATIENCE)),
            // Asynchronous calls have no time-out.
            To::Open { .. } | To::Synchronize { .. } | To::Nobody => None,
        };
        self.waiting.enter(to, task, until)
    }

    /// Ends what waits under this ticket.
    pub(crate) fn finish(&mut self, ticket: Ticket, outcome: Result<Reply, Error>) {
        if let Some(waiting) = self.waiting.leave(ticket) {
            self.answer(waiting.to, outcome);
        }
    }

    fn cancelled(&mut self, caller: Caller) {
        if let Some(ticket) = self.waiting.of_caller(caller) {
            self.abandon(ticket);
        }
    }

    fn timed_out(&mut self, ticket: Ticket) {
        if matches!(self.waiting.get(ticket).map(|it| &it.task), Some(Task::Show { .. })) {
            return self.shown(ticket, None);
        }
        if let Some(to) = self.abandon(ticket) {
            self.answer(to, Err(Refused::TimedOut.into()));
        }
    }

    /// Nobody waits for it any more. What it would open must not stay open.
    pub(crate) fn abandon(&mut self, ticket: Ticket) -> Option<To> {
        let waiting = self.waiting.leave(ticket)?;
        match waiting.task {
            // In the order behind the open, whether that has been delivered or not.
            Task::Open { open, checkpoint, .. } => {
                if let Some(checkpoint) = checkpoint {
                    self.untrack(checkpoint, open);
                }
                self.order(Command::Close { open });
            }
            Task::Data { checkpoint, .. }
            | Task::Synchronize { checkpoint, .. }
            | Task::Follow { checkpoint } => {
                self.with_replica(checkpoint, |replica, out| {
                    replica.cancel(ais_replica::RequestId(ticket.0), out);
                });
            }
            Task::Close { .. }
            | Task::Ordered
            | Task::Activate { .. }
            | Task::Barrier(..)
            | Task::Track { .. }
            | Task::Show { .. } => {}
        }
        Some(waiting.to)
    }

    /// A session is over: nothing of it waits any more, and all it has open is closed.
    fn closed(&mut self, client: ClientId) {
        self.forget(client);
        self.order(Command::CloseAll { client });
    }

    pub(crate) fn forget(&mut self, client: ClientId) {
        for ticket in self.waiting.of_client(client) {
            self.abandon(ticket);
        }
        self.untrack_all(client);
        self.observers.remove(&client);
        self.clients.remove(&client);
    }

    fn deadline_reached(&mut self) {
        while let Some(ticket) = self.waiting.pop_due(self.now.at) {
            self.timed_out(ticket);
        }
        while let Some(checkpoint) = self.expirations.pop_due(self.now.at) {
            self.expire(checkpoint);
        }
        while let Some(checkpoint) = self.looks.pop_due(self.now.at) {
            self.look(checkpoint);
        }
    }

    /// Without a lease this node must not answer anybody: what is said to it waits until the lease
    /// is back. It may not get lost: whoever said it knows of no broken link and would wait for
    /// ever.
    fn lease(&mut self, lease: Lease) {
        self.lease = lease;
        if lease == Lease::Held {
            for (from, message) in core::mem::take(&mut self.held) {
                self.receive(from, message);
            }
        }
    }

    fn message(&mut self, from: MemberId, message: Message) {
        match self.lease {
            Lease::Held => self.receive(from, message),
            // Bounded by what its senders keep unacknowledged.
            Lease::Lost => self.held.push((from, message)),
        }
    }

    /// A new session with a member begins with what it has to say, not with what it said.
    fn link_changed(&mut self, member: MemberId, link: Link) {
        self.held.retain(|(from, _)| *from != member);
        match link {
            Link::Up => self.reachable.insert(member),
            Link::Down => self.reachable.remove(&member),
        };
        self.link(member, link);
    }
}

impl Service for Ckpt {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Message;
    type Command = Command;
    type Snapshot = Snapshot;
    type Kept = Never;

    const ID: ServiceId = ServiceId::CKPT;
    const NAME: &'static str = "ckpt";
    const UNAVAILABLE_SINCE: u8 = 2;

    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        self.now = now;
        match input {
            Input::Call(caller, call) => self.call(caller, call),
            Input::Cancelled(caller) => self.cancelled(caller),
            Input::Closed(client) => self.closed(client),
            Input::Ordered(Entry { stamp, from, command }) => self.ordered(stamp, from, command),
            Input::ProcessEnded(stamp, process) => self.process_ended(stamp, process),
            Input::Kept(_, never) => match never {},
            Input::View(stamp, view) => self.view(stamp, &view),
            Input::Released(_, member) => self.registry.released(member),
            Input::Time(stamp) => self.registry.time(stamp.time),
            Input::Barrier(number) => self.barrier(Ticket(number)),
            Input::Message(from, message) => self.message(from, message),
            Input::Link(member, link) => self.link_changed(member, link),
            Input::Lease(lease) => self.lease(lease),
            Input::Deadline => self.deadline_reached(),
            Input::Done(..) => {}
        }
        self.follow_registry();
        self.order_collected();
        out.append(&mut self.out);
    }

    fn deadline(&self) -> Option<Instant> {
        let timers = [self.waiting.next(), self.expirations.next(), self.looks.next()];
        timers.into_iter().flatten().min()
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        self.registry.next_retention()
    }

    fn snapshot(&self) -> Snapshot {
        self.registry.snapshot()
    }

    fn blank(&self) -> Self {
        Self::new(self.node, self.settings)
    }

    fn figures(&self) -> Vec<Figure> {
        self.all_figures()
    }

    fn restore(&mut self, me: MemberId, snapshot: Snapshot) {
        self.me = Some(me);
        self.registry = Registry::restore(snapshot);
    }
}
