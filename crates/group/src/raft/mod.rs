//! A group of many nodes, on the consensus library `openraft`, over any transport.
//!
//! Each member runs one task that owns the group's replicated state, the control channel and the
//! clock ([`Run`]). The library agrees on a log of entries; members deliver what they do.
//!
//! - With the log in memory ([`Durability::Memory`]) a restarted node has forgotten it and comes
//!   back as another participant and the next incarnation: first as a learner, then in the place of
//!   its former life. So it never votes with what it forgot, and until it is back it counts as
//!   lost. If a majority of the voters loses its memory at once, the group cannot go on without an
//!   operator's word ([`GroupHandle::reform`]); if all do, they form a new one.
//! - With the log on disk ([`Durability::Disk`]) it is the same participant and the next
//!   incarnation: consensus goes on whoever restarts. The state of the owners lives in the members:
//!   if all of them end at once, what is left of it is what they [kept](GroupHandle::keep).
//! - An order is kept in memory until it is delivered or this incarnation ends; entries are kept
//!   in the log until every member of the view has them, and who is more than 50,000 entries or
//!   64 MiB behind is ordered out. A voter is ordered out only while a majority remains without it.
//! - The library reports peers that are down as errors, again and again: keep its target
//!   `openraft` out of logs for people.
//! - Elections are held by turn, never by the library's own timers: a voter campaigns when its
//!   leader has been silent for as long as voters refuse another, and a majority is there to vote.

mod config;
mod cuts;
#[cfg(test)]
mod damage;
mod door;
mod form;
mod join;
mod lead;
mod lease;
mod link;
mod log;
mod machine;
mod member;
mod network;
mod orders;
mod owner;
mod packet;
mod peers;
mod reform;
mod rules;
mod saved;
mod state;
mod tidy;
mod types;
mod unserved;
mod voters;

pub use config::{Config, ConfigError, Durability, Store};

use crate::{
    Cluster, ClusterOrder, Delivery, Group, GroupError, GroupHandle, PAYLOAD_MAX, PlugOrder,
    Priority,
    feed::{Feed, Reader, Waiter, feed},
    room::Room,
};
use ais_transport::Transport;
use ais_types::{GroupTime, MemberId, ProcessId, Stamp};
use async_trait::async_trait;
use bytes::Bytes;
use config::Timing;
use form::Forming;
use lease::Lease;
use link::Link;
use log::Log;
use machine::Machine;
use member::{Command, Member, Shared, Sources};
use network::Network;
use orders::Orders;
use saved::Saving;
use state::What;
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};

/// A member of a group of many nodes.
#[derive(Debug)]
pub struct Raft {
    reader: Reader,
    handle: Arc<Handle>,
}

/// The member's task; it does nothing unless polled. Dropping it ends the member as a crash does.
pub struct Run(Pin<Box<dyn Future<Output = ()> + Send>>);

/// The task's ends of what connects it with its owner.
struct Ends {
    feed: Feed,
    commands: mpsc::UnboundedReceiver<Command>,
    leader: watch::Sender<Option<MemberId>>,
    cluster: watch::Sender<Cluster>,
    shared: Shared,
}

#[derive(Debug)]
struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    leader: watch::Receiver<Option<MemberId>>,
    cluster: watch::Receiver<Cluster>,
    shared: Shared,
    /// For recovery traffic, and for the rest.
    rooms: [Room; 2],
}

impl Raft {
    /// A member, and the task that is to be run on the runtime on which the transport was opened.
    /// The transport is the channel of [`Class::Control`](ais_transport::Class::Control).
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn start<T: Transport>(config: Config, transport: T) -> Result<(Self, Run), ConfigError> {
        config.check()?;
        let (raft, ends) = Self::ends();
        let run = async move { live(config, Box::new(transport), ends).await };
        Ok((raft, Run(Box::pin(run))))
    }

    /// A member on a thread of its own, so that nothing the owner does can delay its heartbeats.
    /// `open` is called there, inside the thread's runtime; if it fails, the first and last delivery
    /// is [`Delivery::Left`].
    ///
    /// # Errors
    /// When the configuration cannot work, or the system gives no thread.
    pub fn on_thread<T, O, F>(config: Config, open: O) -> Result<Self, StartError>
    where
        T: Transport,
        O: FnOnce() -> F + Send + 'static,
        F: Future<Output = std::io::Result<T>>,
    {
        config.check()?;
        let (raft, ends) = Self::ends();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = move || {
            runtime.block_on(async move {
                match open().await {
                    Ok(transport) => {
                        live(config, Box::new(transport), ends).await;
                    }
                    Err(error) => {
                        ends.feed
                            .tell(Delivery::Left(format!("the transport does not open: {error}")));
                    }
                }
            });
        };
        std::thread::Builder::new().name("ais-group".into()).spawn(body)?;
        Ok(raft)
    }

    fn ends() -> (Self, Ends) {
        let (feed, reader) = feed();
        let (sender, commands) = mpsc::unbounded_channel();
        let (leader, leader_seen) = watch::channel(None);
        let shared = Shared {
            start: Instant::now(),
            alive: Arc::new(AtomicU64::new(0)),
            me: Arc::new(OnceLock::new()),
            left: Arc::new(OnceLock::new()),
        };
        let (cluster, cluster_seen) = watch::channel(Cluster::default());
        let handle = Handle {
            commands: sender,
            leader: leader_seen,
            cluster: cluster_seen,
            shared: shared.clone(),
            rooms: [Room::new(), Room::new()],
        };
        let raft = Self { reader, handle: Arc::new(handle) };
        (raft, Ends { feed, commands, leader, cluster, shared })
    }
}

/// A member on a thread of its own cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no thread.
    #[error("no thread for the group: {0}")]
    Thread(#[from] std::io::Error),
}

/// Sets a member up and lives its life.
async fn live(mut config: Config, transport: Box<dyn Transport>, ends: Ends) {
    let Ends { feed, commands, leader, cluster, shared } = ends;
    let timing = Timing::new(config.failure_timeout);
    let mut rng = fastrand::Rng::with_seed(config.seed);
    let life = types::placeholder(config.identity.node) | u64::from(rng.u32(1..));
    let store = config.storage.as_ref().map(|it| it.0.clone());
    let durable = config.log == Durability::Disk;
    let opened = Log::open(store, durable).await;
    let (log, loaded) = match opened {
        Ok(it) => it,
        Err(error) => return feed.tell(Delivery::Left(format!("its store: {error}"))),
    };
    let raft_id = loaded.raft.unwrap_or(life);
    if let Err(error) = log.begin(raft_id).await {
        return feed.tell(Delivery::Left(format!("its store: {error}")));
    }
    if let Some(saved) = loaded.saved.as_ref().filter(|it| !it.voters.is_empty()) {
        config.voters = saved.voters.clone();
    }
    let (agreed_sender, agreed) = mpsc::unbounded_channel();
    let (outgoing_sender, outgoing) = mpsc::unbounded_channel();
    let network = Network { outgoing: outgoing_sender, backoff: timing.ping / 2 };
    let library = Arc::new(timing.library(&config.cluster));
    let machine = Machine::new(agreed_sender, log.clone(), loaded.snapshot);
    let raft = match openraft::Raft::new(raft_id, library, network, log.clone(), machine).await {
        Ok(raft) => raft,
        Err(error) => {
            return feed.tell(Delivery::Left(format!("consensus does not start: {error}")));
        }
    };
    let now = Instant::now();
    let member = Member {
        config,
        timing,
        rng,
        raft,
        raft_id,
        life,
        log,
        kept: loaded.saved.as_ref().map(|it| (it.kept_at, it.kept.clone())).unwrap_or_default(),
        saved: loaded.saved,
        saving: Saving::default(),
        found: None,
        expecting: Vec::new(),
        reforming: None,
        reform_done: None,
        reformed: false,
        forget: false,
        silenced: false,
        unfit: false,
        link: Link::new(transport),
        feed,
        shared,
        jobs: JoinSet::new(),
        state: state::State::default(),
        applied: None,
        clock: None,
        me: None,
        group: loaded.group,
        forming: Forming::new(now),
        joining: None,
        sponsored: BTreeMap::new(),
        leader: None,
        leading: None,
        followed: None,
        contact: now,
        // A former life may have been part of a quorum just now.
        led: loaded.voted,
        rushed: loaded.voted,
        campaign_at: now,
        lease: Lease::default(),
        unserved: None,
        said_unserved: false,
        orders: Orders::default(),
        deadline: None,
        leaving: None,
        purge: 0,
        end: None,
        ticked: now,
        hello_at: now,
        ping_at: now,
        tidy_at: now,
    };
    member.run(Sources { commands, agreed, outgoing, leader, cluster }).await;
}

impl Future for Run {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}

#[async_trait]
impl Group for Raft {
    fn handle(&self) -> Arc<dyn GroupHandle> {
        self.handle.clone()
    }

    fn me(&self) -> Option<MemberId> {
        self.handle.shared.me.get().copied()
    }

    async fn next(&mut self) -> Option<Delivery> {
        self.reader.next().await
    }
}

impl Handle {
    async fn order(&self, priority: Priority, what: What) -> Result<(), GroupError> {
        let size = match &what {
            What::Message(payload) => payload.len(),
            What::ProcessEnded(_) | What::Barrier | What::Plug(..) | What::Cluster(_) => 0,
        };
        let [recovery, ordinary] = &self.rooms;
        let room = if priority.flows_always() { recovery } else { ordinary };
        let place = tokio::select! {
            biased;
            place = room.place(size) => place.ok_or_else(|| self.gone())?,
            // When this incarnation ends, what waits for room does, too.
            () = self.commands.closed() => return Err(self.gone()),
        };
        let (waiter, done): (Waiter, _) = oneshot::channel();
        let command = Command::Order(priority, what, waiter, place);
        self.commands.send(command).map_err(|_| self.gone())?;
        done.await.map_err(|_| self.gone())?
    }

    fn gone(&self) -> GroupError {
        let reason = self.shared.left.get().cloned();
        GroupError::Left(reason.unwrap_or_else(|| "its task has ended".into()))
    }
}

#[async_trait]
impl GroupHandle for Handle {
    async fn multicast(&self, priority: Priority, payload: Bytes) -> Result<(), GroupError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(GroupError::TooLarge { size: payload.len(), limit: PAYLOAD_MAX });
        }
        self.order(priority, What::Message(payload)).await
    }

    async fn order_plug(&self, name: &str, order: PlugOrder) -> Result<(), GroupError> {
        self.order(Priority::Recovery, What::Plug(name.into(), order)).await
    }

    async fn process_ended(&self, process: ProcessId) -> Result<(), GroupError> {
        self.order(Priority::High, What::ProcessEnded(process)).await
    }

    async fn barrier(&self) -> Result<(), GroupError> {
        self.order(Priority::Recovery, What::Barrier).await
    }

    fn group_deadline(&self, deadline: Option<GroupTime>) {
        // A member that is out has no deadlines.
        let _ = self.commands.send(Command::Deadline(deadline));
    }

    async fn keep(&self, at: Stamp, kept: Bytes) -> Result<(), GroupError> {
        let (done, saved) = oneshot::channel();
        self.commands.send(Command::Keep(at, kept, done)).map_err(|_| self.gone())?;
        saved.await.map_err(|_| self.gone())?
    }

    async fn order_cluster(&self, order: ClusterOrder) -> Result<(), GroupError> {
        self.order(Priority::Recovery, What::Cluster(order)).await?;
        let (node, votes) = match order {
            ClusterOrder::AddVoter(node) => (node, true),
            ClusterOrder::RemoveVoter(node) => (node, false),
            ClusterOrder::Invite { .. } => return Ok(()),
        };
        let (done, followed) = oneshot::channel();
        self.commands.send(Command::Expect(node, votes, done)).map_err(|_| self.gone())?;
        followed.await.map_err(|_| self.gone())?
    }

    fn cluster(&self) -> Cluster {
        self.cluster.borrow().clone()
    }

    async fn reform(&self) -> Result<(), GroupError> {
        let (done, reformed) = oneshot::channel();
        self.commands.send(Command::Reform(done)).map_err(|_| self.gone())?;
        reformed.await.map_err(|_| self.gone())?
    }

    fn alive(&self) {
        let nanos = self.shared.start.elapsed().as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX).max(1);
        self.shared.alive.store(nanos, Ordering::Relaxed);
    }

    async fn leave(&self) {
        let (done, left) = oneshot::channel();
        if self.commands.send(Command::Leave(done)).is_ok() {
            // An error says the same: it is out.
            let _ = left.await;
        }
    }

    fn leader(&self) -> Option<MemberId> {
        *self.leader.borrow()
    }
}
