//! The service: what comes in, and where it goes.

use crate::{
    Command, Content, Message, QueueId,
    client::Client,
    error::Refused,
    registry::{Registry, Snapshot},
    waiting::{Task, Ticket, To, WaitingRoom},
};
use ais_replica::{Early, Replica};
use ais_service::{Caller, Entry, Input, Instant, Lease, Link, Never, Now, Output, Service};
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, MemberId, NodeId, ServiceId, Time,
    msg::{Call, Callback, Reply},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How long a call without a time-out of its own may wait for other nodes (ais-common §12).
pub(crate) const PATIENCE: Time = Time(10 * Time::ONE_SECOND.0);

/// What an operator can set for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many nodes have the messages of a queue that is created here: at least 1, and never
    /// more than there are members. With 1 they go with the node that holds the queue.
    pub copies: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { copies: 2 }
    }
}

/// The message service of one node.
#[derive(Debug)]
pub struct Msg {
    pub(crate) node: NodeId,
    /// Which life of the node; known from its first view on.
    pub(crate) me: Option<MemberId>,
    pub(crate) settings: Settings,
    /// The replicated part.
    pub(crate) registry: Registry,
    pub(crate) clients: BTreeMap<ClientId, Client>,
    pub(crate) waiting: WaitingRoom,
    /// This node's parts of the queues it has to do with.
    pub(crate) replicas: BTreeMap<QueueId, Replica<Content>>,
    /// Messages about queues that are not created here yet.
    pub(crate) early: Early<QueueId, Message>,
    /// The handles of this node's programs, by queue.
    pub(crate) receivers: BTreeMap<QueueId, (ClientId, u64)>,
    /// Last numbers to order, all in one entry.
    pub(crate) seals: Vec<(QueueId, u64, u64)>,
    /// How much of the order was heard here.
    pub(crate) heard: u64,
    /// Who wants to know when so much was heard here: index, member, its number.
    pub(crate) questions: Vec<(u64, MemberId, u64)>,
    lease: Lease,
    /// What was said to this node while it had no lease.
    held: Vec<(MemberId, Message)>,
    pub(crate) now: Now,
    pub(crate) out: Vec<Output<Self>>,
}

impl Msg {
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
            receivers: BTreeMap::new(),
            seals: Vec::new(),
            heard: 0,
            questions: Vec::new(),
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
        let outcome = match to.client() {
            Some(client) => outcome.map_err(|error| self.as_known_to(client, error)),
            None => return,
        };
        match to {
            To::Caller(caller) => self.out.push(Output::Reply(caller, outcome)),
            To::Open { client, invocation } => {
                let outcome = outcome.map_err(|error| error.code).map(|reply| match reply {
                    Reply::Opened(handle) => handle,
                    other @ (Reply::Initialized(_)
                    | Reply::VersionRefused(_)
                    | Reply::Done
                    | Reply::Status(_)
                    | Reply::Received(_)
                    | Reply::TooSmall(_)
                    | Reply::List(_)) => {
                        unreachable!("an open is answered by a handle, not by {other:?}")
                    }
                });
                self.out.push(Output::Callback(client, Callback::Open { invocation, outcome }));
            }
            To::Delivered { client, invocation } => {
                let outcome = outcome.map(|_| ()).map_err(|error| error.code);
                let callback = Callback::Delivered { invocation, outcome };
                self.out.push(Output::Callback(client, callback));
            }
            To::Nobody => {}
        }
    }

    /// ais-common 4.3: no code that is newer than the program.
    fn as_known_to(&self, client: ClientId, error: Error) -> Error {
        let older = self.clients.get(&client).is_some_and(|it| it.major < 3);
        if older && error.code == ErrorCode::Unavailable {
            return Error { code: ErrorCode::TryAgain, ..error };
        }
        error
    }

    /// Lets a call wait: its own time-out, or the usual patience.
    pub(crate) fn wait(&mut self, to: To, task: Task, timeout: Option<Time>) -> Ticket {
        let until = match to {
            To::Caller(_) => self.now.at.after(timeout.unwrap_or(PATIENCE)),
            // Asynchronous calls have no time-out.
            To::Open { .. } | To::Delivered { .. } | To::Nobody => None,
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
        // A message is on its way: it must not arrive where nobody waits any more.
        if let Some(Task::Get { popping: true, late: late @ false, .. }) =
            self.waiting.task_mut(ticket)
        {
            *late = true;
            let until = self.now.at.after(PATIENCE);
            return self.waiting.set_deadline(ticket, until);
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
            Task::Open { open, .. } | Task::Emptying { open, .. } => {
                self.order(Command::Close { open });
            }
            Task::Push { queue, .. } | Task::Usage { queue } => {
                self.with_replica(queue, |replica, out| {
                    replica.cancel(ais_replica::RequestId(ticket.0), out);
                });
            }
            // A message that comes all the same goes back.
            Task::Get { .. }
            | Task::Close { .. }
            | Task::Ordered
            | Task::Heard { .. }
            | Task::Barrier(_)
            | Task::Own => {}
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
        self.receivers.retain(|_, it| it.0 != client);
        self.clients.remove(&client);
    }

    fn deadline_reached(&mut self) {
        while let Some(ticket) = self.waiting.pop_due(self.now.at) {
            self.timed_out(ticket);
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
        self.link(member, link);
    }
}

impl Service for Msg {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Message;
    type Command = Command;
    type Snapshot = Snapshot;
    type Kept = Never;

    const ID: ServiceId = ServiceId::MSG;
    const NAME: &'static str = "msg";
    const UNAVAILABLE_SINCE: u8 = 3;

    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        self.now = now;
        match input {
            Input::Call(caller, call) => self.call(caller, call),
            Input::Cancelled(caller) => self.cancelled(caller),
            Input::Closed(client) => self.closed(client),
            Input::Ordered(Entry { stamp, from, command }) => self.ordered(stamp, from, command),
            Input::ProcessEnded(stamp, process) => self.process_ended(stamp, process),
            Input::Kept(_, never) => match never {},
            Input::View(_, view) => self.view(&view),
            Input::Released(stamp, member) => self.released(stamp, member),
            Input::Time(stamp) => self.registry.time(stamp.time),
            Input::Barrier(number) => self.barrier(Ticket(number)),
            Input::Message(from, message) => self.message(from, message),
            Input::Link(member, link) => self.link_changed(member, link),
            Input::Lease(lease) => self.lease(lease),
            Input::Deadline => self.deadline_reached(),
            Input::Done(..) => {}
        }
        self.follow_openings();
        self.follow_registry();
        self.order_seals();
        self.answer_questions();
        out.append(&mut self.out);
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.next()
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

    fn restore(&mut self, me: MemberId, snapshot: Snapshot) {
        self.me = Some(me);
        self.registry = Registry::restore(snapshot);
    }
}
