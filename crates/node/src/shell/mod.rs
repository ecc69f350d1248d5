//! The shell: sockets, a group, a clock and processes around one [`Core`].
//!
//! Everything here runs on the thread of the runtime it was started on, in one task that owns the
//! core; small tasks only read connections and watch processes. Nothing ever waits while it holds
//! the core.

mod clock;
mod connection;
mod effects;
mod handle;
mod launcher;
mod leave;
mod listener;
mod operator;
mod peers;
mod processes;
mod server;

pub use handle::{NodeHandle, Program};
pub use launcher::{LaunchNotice, LaunchRequest, Launcher, NoLauncher};
pub use listener::SocketConfig;

use crate::{ConnectionId, Core, CoreConfig, CoreLimits, Driven, Effect, Event, ProcessKey};
use ais_group::{Delivery, Group, GroupError, GroupHandle, Message};
use ais_service::{ActionId, Exit, Lease, Link};
use ais_transport::{Event as PeerEvent, Kind, Transport};
use ais_types::{Name, Outcome, ServiceId, node};
use ais_wire::Frame;
use clock::Clock;
use futures::{
    future::{BoxFuture, FutureExt, pending},
    stream::{FuturesUnordered, StreamExt},
};
use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

/// How often the group hears that this node is well, and queues to peers are tried again.
const TICK: Duration = Duration::from_millis(20);

/// So much of a kind is taken in at a time before anything else has its turn.
const TURN: usize = 64;

/// How a node is called and reached.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: Name,
    /// How nodes reach each other, for who is invited.
    pub transport: Kind,
    /// The socket for programs of this machine; `None` for programs of this process only.
    pub socket: Option<SocketConfig>,
    /// What others may cost this node.
    pub limits: NodeLimits,
}

/// What others may cost this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// Of the core.
    pub core: CoreLimits,
    /// Bytes on their way to one connection of a program; more end its session. A single frame
    /// may be larger.
    pub outbound_bytes: usize,
    /// Connections of programs at a time; one more is refused.
    pub connections: usize,
    /// Connections of one process at a time; one more is refused.
    pub process_connections: usize,
    /// Bytes on their way to one member; more break the link.
    pub peer_bytes: usize,
    /// How long a node that is stopped waits for the end of its processes before it says good-bye.
    /// After that it goes without: the others find out by themselves, and wait out its lease.
    pub farewell: Duration,
    /// Orders and barriers that the group has not answered; with more, programs are not listened
    /// to until it has.
    pub asked: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            core: CoreLimits::default(),
            outbound_bytes: 16 << 20,
            connections: 8192,
            process_connections: 2048,
            peer_bytes: 64 << 20,
            farewell: Duration::from_secs(5),
            asked: 4096,
        }
    }
}

/// What a node stands on.
pub struct NodeParts {
    /// One order and one view.
    pub group: Box<dyn Group>,
    /// The data path; `None` for a node that is alone.
    pub transport: Option<Box<dyn Transport>>,
    /// Who starts processes.
    pub launcher: Box<dyn Launcher>,
    /// The services, in the order in which they hear what all hear: CKPT, MSG, CLM, AMF.
    pub services: Vec<Box<dyn Driven>>,
}

/// Why a node could not start or had to stop.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShellError {
    /// The socket for programs.
    #[error("cannot listen at {path}: {reason}")]
    Socket {
        /// Where.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A process that connected.
    #[error("cannot watch process {pid}: {reason}")]
    Process {
        /// Which.
        pid: u32,
        /// Why.
        reason: String,
    },
    /// It was told to.
    #[error("it was told to stop")]
    Stopped,
    /// The group has ordered this incarnation out; the node may start over.
    #[error("it is out of its group ({0}); start it again to come back as a new incarnation")]
    Left(String),
    /// The launcher is gone.
    #[error("the keeper of its processes is gone")]
    Launcher,
    /// The core cannot go on.
    #[error("{0}")]
    Fatal(String),
}

/// Starts nodes. What runs is reached by a [`NodeHandle`].
#[derive(Debug)]
pub struct Node;

impl Node {
    /// Starts a node on the current runtime, which should have one thread and no other work.
    ///
    /// # Errors
    /// [`ShellError::Socket`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(config: NodeConfig, parts: NodeParts) -> Result<NodeHandle, ShellError> {
        let listener = config.socket.as_ref().map(listener::Listener::bind).transpose()?;
        // Bounded, so that programs cannot outrun the core; the readers wait.
        let (sender, inbox) = mpsc::channel(1024);
        let (ended, end) = watch::channel(None);
        let shell = Shell::new(config, parts, listener, sender.clone(), inbox);
        tokio::spawn(async move {
            let reason = shell.run().await;
            tracing::info!(%reason, "the node has stopped");
            ended.send_replace(Some(reason));
        });
        Ok(NodeHandle::new(sender, end))
    }
}

/// What comes to the shell from its own tasks and handles.
pub(super) enum Inbound {
    /// A frame from a program.
    Frame(ConnectionId, Frame),
    /// A connection ended; by garbage, if so.
    Closed(ConnectionId, Option<String>),
    /// A connection takes bytes again.
    Writable(ConnectionId),
    /// A process ended.
    Died(ProcessKey),
    /// A program inside this process connects.
    Connect(ProcessKey, std::os::unix::net::UnixStream),
    /// A program inside this process ends.
    Exit(ProcessKey),
    /// Somebody wants to look inside.
    Inspect(Box<dyn FnOnce(&Core) + Send>),
    /// The owner wants the node to leave its group and to stop.
    Stop(oneshot::Sender<()>),
}

/// What the group has answered.
enum Asked {
    Ordered(Result<(), GroupError>),
    Barriers(Vec<u64>, Result<(), GroupError>),
    Kept(u64),
    Administered(ConnectionId, u64, Outcome<node::Reply>),
    Left,
}

struct Shell {
    core: Core,
    clock: Clock,
    group: Box<dyn Group>,
    handle: Arc<dyn GroupHandle>,
    transport: Option<Box<dyn Transport>>,
    /// `None` once it is gone, and all processes with it.
    launcher: Option<Box<dyn Launcher>>,
    listener: Option<listener::Listener>,
    sender: mpsc::Sender<Inbound>,
    inbox: mpsc::Receiver<Inbound>,
    server: server::Server,
    peers: peers::Peers,
    asked_max: usize,
    /// Orders of operators that are not answered yet.
    administering: usize,
    cluster: String,
    wire: Kind,
    asked: FuturesUnordered<BoxFuture<'static, Asked>>,
    /// Who asked the launcher for what, by the launcher's number.
    launches: BTreeMap<u64, (ServiceId, ActionId)>,
    launched: u64,
    /// Who waits for the end of what the launcher kills.
    kills: BTreeMap<u64, Vec<(ServiceId, ActionId)>>,
    /// What is still to be told to the core.
    events: VecDeque<Event>,
    effects: Vec<Effect>,
    lease_until: Option<Instant>,
    next_tick: Instant,
    node_name: String,
    stop: Option<ShellError>,
    /// Who has asked this node to leave. Nobody is served any more from then on.
    stopping: Vec<oneshot::Sender<()>>,
    farewell: Duration,
    /// Until then the good-bye waits for the end of the node's processes.
    farewell_until: Option<Instant>,
}

impl Shell {
    fn new(
        config: NodeConfig,
        parts: NodeParts,
        listener: Option<listener::Listener>,
        sender: mpsc::Sender<Inbound>,
        inbox: mpsc::Receiver<Inbound>,
    ) -> Self {
        let NodeConfig { cluster, name, transport, socket: _, limits } = config;
        let node_name = name.to_string();
        let peers = peers::Peers::new(cluster.clone(), limits.peer_bytes);
        let core = CoreConfig { cluster: cluster.clone(), name, limits: limits.core };
        Self {
            core: Core::new(core, parts.services),
            clock: Clock::start(),
            handle: parts.group.handle(),
            group: parts.group,
            transport: parts.transport,
            launcher: Some(parts.launcher),
            listener,
            server: server::Server::new(limits, sender.clone()),
            sender,
            inbox,
            peers,
            asked_max: limits.asked,
            administering: 0,
            cluster,
            wire: transport,
            asked: FuturesUnordered::new(),
            launches: BTreeMap::new(),
            launched: 0,
            kills: BTreeMap::new(),
            events: VecDeque::new(),
            effects: Vec::new(),
            lease_until: None,
            next_tick: Instant::now(),
            node_name,
            stop: None,
            stopping: Vec::new(),
            farewell: limits.farewell,
            farewell_until: None,
        }
    }

    /// Runs until there is a reason not to.
    async fn run(mut self) -> ShellError {
        let mut alarm = pin!(sleep_until(self.wake_at()));
        loop {
            self.settle();
            self.server.flush();
            self.server.set_busy(self.asked.len() > self.asked_max);
            if let Some(reason) = self.stop.take() {
                self.end();
                return reason;
            }
            let wake = self.wake_at();
            if alarm.deadline() != wake {
                alarm.as_mut().reset(wake);
            }
            tokio::select! {
                delivery = self.group.next() => self.delivered(delivery),
                Some(inbound) = self.inbox.recv() => self.inbound_all(inbound),
                event = next_of(&mut self.transport) => self.peer_events(event),
                notice = next_notice(&mut self.launcher) => self.launch_notice(notice),
                Some(answer) = self.asked.next(), if !self.asked.is_empty() => self.answered(answer),
                accepted = accept_of(&mut self.listener) => self.accepted(accepted),
                () = &mut alarm => {}
            }
        }
    }

    /// Tells the core all there is to tell, and does what it asks for.
    fn settle(&mut self) {
        self.tick();
        loop {
            while let Some(event) = self.events.pop_front() {
                self.check_lease();
                self.core.step(self.clock.now(), event, &mut self.effects);
                self.perform_effects();
            }
            let due = self.core.deadline().is_some_and(|at| at <= self.clock.now().at);
            if !due {
                return;
            }
            self.events.push_back(Event::Deadline);
        }
    }

    /// Whatever else is going on: a lease that has run out is over, renewed or not.
    fn check_lease(&mut self) {
        if self.lease_until.is_some_and(|until| until <= Instant::now()) {
            self.lease_until = None;
            self.core.step(self.clock.now(), Event::Lease(Lease::Lost), &mut self.effects);
            self.perform_effects();
        }
    }

    fn tick(&mut self) {
        self.check_lease();
        let now = Instant::now();
        if self.farewell_until.is_some_and(|until| until <= now) {
            tracing::error!("goes without a good-bye: its processes do not end");
            self.stop.get_or_insert(ShellError::Stopped);
        }
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.handle.alive();
        let leader = self.handle.leader();
        self.events.push_back(Event::Leader(leader));
        if let Some(transport) = self.transport.as_deref_mut() {
            self.peers.tend(now, transport);
        }
    }

    fn wake_at(&self) -> Instant {
        let deadline = self.core.deadline().and_then(|at| self.clock.wake_at(at));
        let others = [deadline, self.lease_until, self.farewell_until].into_iter().flatten();
        others.fold(self.next_tick, Instant::min)
    }

    fn delivered(&mut self, delivery: Option<Delivery>) {
        if let (None, Some(me)) = (self.core.me(), self.group.me()) {
            if let Some(transport) = self.transport.as_deref_mut() {
                self.peers.admitted(me, transport);
            }
            self.events.push_back(Event::Admitted(me));
        }
        let event = match delivery {
            Some(Delivery::Restore(stamp, bytes)) => Event::Restore(stamp, bytes),
            Some(Delivery::Kept(stamp, bytes)) => Event::Kept(stamp, bytes),
            Some(Delivery::View(stamp, view)) => Event::View(stamp, view),
            Some(Delivery::Message(stamp, Message { from, payload })) => {
                Event::Ordered(stamp, from, payload)
            }
            Some(Delivery::ProcessEnded(stamp, process)) => Event::ProcessEnded(stamp, process),
            Some(Delivery::Released(stamp, member)) => Event::Released(stamp, member),
            Some(Delivery::Time(stamp)) => Event::Time(stamp),
            // For whoever builds on the group itself: services get their state with it.
            Some(Delivery::Recovery(..)) => return,
            Some(Delivery::Snapshot(reply)) => {
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(self.core.snapshot());
                return;
            }
            Some(Delivery::Lease(until)) => {
                // A node that leaves starts nothing any more, lease or not.
                if let Some(launcher) = self.launcher.as_mut().filter(|_| self.stopping.is_empty())
                {
                    launcher.lease(until);
                }
                self.lease_until = until.map(Instant::from_std);
                Event::Lease(if until.is_some() { Lease::Held } else { Lease::Lost })
            }
            Some(Delivery::Left(reason)) => return self.left(reason),
            Some(Delivery::Refused(reason)) => {
                self.stop.get_or_insert(ShellError::Fatal(reason));
                return;
            }
            None => return self.left("the group is gone".to_owned()),
        };
        self.events.push_back(event);
    }

    /// Out of the group, as was wished or not.
    fn left(&mut self, reason: String) {
        let wished = !self.stopping.is_empty();
        self.stop.get_or_insert(if wished {
            ShellError::Stopped
        } else {
            ShellError::Left(reason)
        });
    }

    /// What came first, and what else is there already: a turn costs more than a frame.
    fn inbound_all(&mut self, first: Inbound) {
        self.inbound(first);
        for _ in 1..TURN {
            let Ok(next) = self.inbox.try_recv() else { return };
            self.inbound(next);
        }
    }

    /// Likewise.
    fn peer_events(&mut self, first: Option<PeerEvent>) {
        self.peer_event(first);
        for _ in 1..TURN {
            let Some(next) = next_of(&mut self.transport).now_or_never() else { return };
            self.peer_event(next);
        }
    }

    fn peer_event(&mut self, event: Option<PeerEvent>) {
        let Some(transport) = self.transport.as_deref_mut() else { return };
        match event {
            Some(PeerEvent::Up(peer)) => self.peers.came_up(peer, transport),
            Some(PeerEvent::Frame(peer, bytes)) => match self.peers.heard(peer, bytes, transport) {
                peers::Heard::Hello(before, member) => {
                    self.events.extend(before.map(|it| Event::Link(it, Link::Down)));
                    self.events.push_back(Event::Link(member, Link::Up));
                }
                peers::Heard::Frame(member, bytes) => {
                    self.events.push_back(Event::PeerFrame(member, bytes));
                }
                peers::Heard::Nothing => {}
            },
            Some(PeerEvent::Down(peer, _)) => {
                if let Some(member) = self.peers.went_down(peer) {
                    self.events.push_back(Event::Link(member, Link::Down));
                }
            }
            None => self.transport = None,
        }
    }

    fn answered(&mut self, answer: Asked) {
        match answer {
            Asked::Ordered(Ok(())) => {}
            Asked::Ordered(Err(
                error @ (GroupError::TooLarge { .. }
                | GroupError::Plug { .. }
                | GroupError::NotSaved(_)
                | GroupError::Pending(_)
                | GroupError::Refused(_)),
            )) => {
                // The core refuses what is too large: the group has another limit than it was told.
                self.stop = Some(ShellError::Fatal(error.to_string()));
            }
            // The group's last delivery says so too.
            Asked::Ordered(Err(GroupError::Left(_))) | Asked::Barriers(_, Err(_)) => {}
            Asked::Barriers(numbers, Ok(())) => {
                self.events.extend(numbers.into_iter().map(Event::BarrierPassed));
            }
            Asked::Kept(number) => self.events.push_back(Event::Saved(number)),
            Asked::Administered(connection, tag, outcome) => {
                self.administered(connection, tag, outcome);
            }
            Asked::Left => self.left(String::new()),
        }
    }

    fn launch_notice(&mut self, notice: Option<LaunchNotice>) {
        if !self.stopping.is_empty() {
            return self.last_notice(notice);
        }
        match notice {
            Some(LaunchNotice::Started { id, pid }) => {
                let key = self.server.processes.started(id, pid);
                self.launch_done(id, crate::Done::Started(key, pid));
            }
            Some(LaunchNotice::Failed { id, reason }) => {
                self.launch_done(id, crate::Done::Ended(Exit::Failed(reason)));
            }
            Some(LaunchNotice::Ended { id, exit }) => match self.server.processes.of_launch(id) {
                Some(key) => self.died(key),
                None => self.launch_done(id, crate::Done::Ended(exit)),
            },
            Some(LaunchNotice::Gone { id }) => {
                for (service, action) in self.kills.remove(&id).unwrap_or_default() {
                    let done = crate::Done::Ended(Exit::Code(0));
                    self.events.push_back(Event::ActionDone(service, action, done));
                }
            }
            // Nobody asked.
            Some(LaunchNotice::Nobody) => {}
            None => self.stop = Some(ShellError::Launcher),
        }
    }

    fn launch_done(&mut self, id: u64, done: crate::Done) {
        if let Some((service, action)) = self.launches.remove(&id) {
            self.events.push_back(Event::ActionDone(service, action, done));
        }
    }

    /// Nothing may act any more: programs are cut off, processes end.
    fn end(&mut self) {
        if let Some(launcher) = &mut self.launcher {
            launcher.lease(None);
        }
        self.server.end();
        for stopped in self.stopping.drain(..) {
            // Whoever waited may have gone.
            let _ = stopped.send(());
        }
    }
}

async fn next_of(transport: &mut Option<Box<dyn Transport>>) -> Option<PeerEvent> {
    match transport {
        Some(transport) => transport.next().await,
        None => pending().await,
    }
}

async fn next_notice(launcher: &mut Option<Box<dyn Launcher>>) -> Option<LaunchNotice> {
    match launcher {
        Some(launcher) => launcher.next().await,
        None => pending().await,
    }
}

async fn accept_of(listener: &mut Option<listener::Listener>) -> listener::Accepted {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}
