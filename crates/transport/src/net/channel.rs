//! The channel of one class: what its owner holds, and the task that knows its peers.

use super::{
    Protocol, Shared, accept,
    outbox::{Outbox, Refused},
    peer::{self, Word},
    stats::count,
    udp,
};
use crate::{Cause, Class, Event, FaultSwitch, Peer, SendError, Transport};
use ais_types::NodeId;
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{collections::BTreeMap, io, sync::Arc};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
};

/// Events that may wait for the owner.
const EVENTS_MAX: usize = 1024;
/// Knocks that may wait.
const KNOCKS_MAX: usize = 64;
/// Peers a channel may have: more turn up only by mistake or malice.
const PEERS_MAX: usize = 1024;
/// Received bytes are counted in units of this.
const UNIT: usize = 1024;

/// The channel of one class of a [`NetNode`](super::NetNode).
#[derive(Debug)]
pub struct NetChannel {
    shared: Arc<Shared>,
    class: Class,
    happened: mpsc::Receiver<Happened>,
    /// The sessions the owner was told of.
    told: BTreeMap<NodeId, (Peer, Arc<Outbox>)>,
    /// Dropped, it ends the tasks of the channel.
    _open: watch::Sender<()>,
}

/// What the tasks of a channel tell its owner.
#[derive(Debug)]
pub(super) enum Happened {
    Up(Peer, Arc<Outbox>),
    Frame(Peer, Bytes, OwnedSemaphorePermit),
    Down(Peer, Cause),
}

/// What the tasks of a channel know.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) class: Class,
    pub(super) way: Way,
    happened: mpsc::Sender<Happened>,
    /// Room for received frames.
    memory: Arc<Semaphore>,
    memory_units: u32,
    /// Closed when the owner has gone.
    pub(super) open: watch::Receiver<()>,
}

/// How a channel gets its connections.
#[derive(Clone, Debug)]
pub(super) enum Way {
    Tcp,
    /// By its own endpoint.
    Udp(Box<udp::Quic>, quinn::Endpoint),
}

/// The owner of the channel has gone.
#[derive(Debug)]
pub(super) struct Gone;

impl Context {
    pub(super) async fn tell(&self, happened: Happened) -> Result<(), Gone> {
        self.happened.send(happened).await.map_err(|_| Gone)
    }

    /// Waits for memory for a received frame.
    pub(super) async fn memory(&self, bytes: usize) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes / UNIT + 1).unwrap_or(u32::MAX).min(self.memory_units);
        let permit = self.memory.clone().acquire_many_owned(units).await;
        permit.expect("nobody closes this semaphore")
    }

    /// Waits until the owner has gone.
    pub(super) async fn closed(&self) {
        let mut open = self.open.clone();
        while open.changed().await.is_ok() {}
    }
}

pub(super) fn open(shared: Arc<Shared>, class: Class) -> NetChannel {
    let (tell, happened) = mpsc::channel(EVENTS_MAX);
    let (open, still_open) = watch::channel(());
    match way(&shared, class) {
        Ok(way) => start(shared.clone(), class, way, tell, still_open),
        // Its owner sees that it is closed.
        Err(error) => tracing::error!(?class, %error, "the channel cannot be opened"),
    }
    NetChannel { shared, class, happened, told: BTreeMap::new(), _open: open }
}

fn way(shared: &Shared, class: Class) -> io::Result<Way> {
    match shared.config.protocol {
        Protocol::Tcp => Ok(Way::Tcp),
        Protocol::Udp => {
            let socket = shared.open().sockets.remove(&class);
            let socket = socket.ok_or_else(|| io::Error::other("it was opened before"))?;
            let quic = shared.quic.clone().ok_or_else(|| io::Error::other("no QUIC"))?;
            let endpoint = quic.endpoint(socket)?;
            Ok(Way::Udp(Box::new(quic), endpoint))
        }
    }
}

fn start(
    shared: Arc<Shared>,
    class: Class,
    way: Way,
    happened: mpsc::Sender<Happened>,
    open: watch::Receiver<()>,
) {
    let (knock, knocks) = mpsc::channel(KNOCKS_MAX);
    let memory_units = u32::try_from(shared.config.limits(class).queue_bytes / UNIT + 1)
        .unwrap_or(u32::MAX)
        .min(u32::MAX >> 4);
    let peers = {
        let mut open = shared.open();
        open.channels.insert(class, knock);
        open.peers.clone()
    };
    let memory = Arc::new(Semaphore::new(memory_units as usize));
    let context = Context { shared, class, way, happened, memory, memory_units, open };
    tokio::spawn(run(Arc::new(context), peers.into_keys().collect(), knocks));
}

/// Keeps one task a peer, as long as the channel is open.
async fn run(
    context: Arc<Context>,
    known: Vec<NodeId>,
    mut knocks: mpsc::Receiver<(NodeId, Word)>,
) {
    let mut doors: BTreeMap<NodeId, mpsc::Sender<Word>> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut add = |doors: &mut BTreeMap<_, _>, node: NodeId| {
        if doors.len() < PEERS_MAX && node != context.shared.me() && !doors.contains_key(&node) {
            let (door, knocks) = mpsc::channel(4);
            doors.insert(node, door);
            tasks.spawn(peer::run(context.clone(), node, knocks));
        }
    };
    for node in known {
        add(&mut doors, node);
    }
    if let Way::Udp(quic, endpoint) = &context.way {
        let (shared, context) = (context.shared.clone(), context.clone());
        let door = accept::Door::Class(context.class);
        let listening = udp::listen(shared, (**quic).clone(), endpoint.clone(), door);
        tokio::spawn(async move {
            tokio::select! { () = listening => {}, () = context.closed() => {} }
        });
    }
    loop {
        let (node, knock) = tokio::select! {
            knock = knocks.recv() => match knock { Some(it) => it, None => break },
            () = context.closed() => break,
        };
        add(&mut doors, node);
        if let Some(door) = doors.get(&node) {
            // Who finds the door crowded comes back.
            let _ = door.try_send(knock);
        }
    }
    drop(doors);
    // Each says good-bye by itself.
    while tasks.join_next().await.is_some() {}
}

impl NetChannel {
    fn session(&self, to: Peer) -> Option<&Arc<Outbox>> {
        self.told.get(&to.node).filter(|(peer, _)| *peer == to).map(|(_, outbox)| outbox)
    }
}

#[async_trait]
impl Transport for NetChannel {
    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError> {
        if frame.len() > self.shared.config.limits(self.class).frame_max {
            return Err(SendError::TooLarge(frame.len()));
        }
        let outbox = self.session(to).ok_or(SendError::NotConnected(to))?;
        outbox.push(frame).map_err(|refused| match refused {
            Refused::Closed => SendError::NotConnected(to),
            Refused::Full => {
                count(&self.shared.counters.pushed_back);
                SendError::Full(to)
            }
        })
    }

    async fn next(&mut self) -> Option<Event> {
        Some(match self.happened.recv().await? {
            Happened::Up(peer, outbox) => {
                self.told.insert(peer.node, (peer, outbox));
                Event::Up(peer)
            }
            Happened::Frame(peer, frame, _memory) => Event::Frame(peer, frame),
            Happened::Down(peer, cause) => {
                self.told.remove(&peer.node);
                Event::Down(peer, cause)
            }
        })
    }

    fn ready(&self, to: Peer) -> BoxFuture<'static, ()> {
        let outbox = self.session(to).cloned();
        Box::pin(async move {
            if let Some(outbox) = outbox {
                outbox.ready().await;
            }
        })
    }

    fn faults(&self) -> Option<&FaultSwitch> {
        self.shared.config.faults.as_ref()
    }
}

impl Drop for NetChannel {
    fn drop(&mut self) {
        self.shared.open().channels.remove(&self.class);
    }
}
