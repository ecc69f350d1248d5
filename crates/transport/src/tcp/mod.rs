//! Sessions over TCP: one connection a class and pair of nodes.
//!
//! The node with the lower id dials; one with the higher id that has no session knocks at the
//! other's door and is dialled back ([`docs/wire.md`] has the bytes). Each channel's sockets are
//! driven by the runtime on which [`TcpNode::open`] was called; the listener by the one on which
//! [`TcpNode::bind`] was.
//!
//! There is no keepalive: who must know whether a silent peer still lives sends heartbeats. A
//! write that makes no progress for [`Config::stuck`] breaks the session.
//!
//! [`docs/wire.md`]: https://docs.rs/crate/ais-transport

mod accept;
mod channel;
mod frames;
mod hello;
mod outbox;
mod peer;
mod session;

pub use channel::TcpChannel;

use crate::{Class, Limits, Peer, TransportError};
use ais_types::NodeId;
use hello::Hello;
use peer::Word;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, task::AbortHandle};

/// How a node is reached, and whom it reaches.
#[derive(Clone, Debug)]
pub struct Config {
    /// Nodes of other clusters are refused.
    pub cluster: String,
    /// This life of this node.
    pub me: Peer,
    /// Its name, for the logs of its peers.
    pub name: String,
    /// Where to listen; port 0 for any. Loopback only.
    pub listen: SocketAddr,
    /// Where peers listen, as far as known. Others may turn up by themselves.
    pub peers: BTreeMap<NodeId, SocketAddr>,
    /// For control.
    pub control: Limits,
    /// For data.
    pub data: Limits,
    /// How long a write may make no progress.
    pub stuck: Duration,
    /// How long a connection may take to be made, and to say its hello.
    pub hello: Duration,
}

impl Config {
    /// A node without known peers, with the usual limits.
    #[must_use]
    pub fn new(cluster: &str, me: Peer, listen: SocketAddr) -> Self {
        Self {
            cluster: cluster.to_owned(),
            me,
            name: me.node.to_string(),
            listen,
            peers: BTreeMap::new(),
            control: Limits::of(Class::Control),
            data: Limits::of(Class::Data),
            stuck: Duration::from_secs(5),
            hello: Duration::from_secs(5),
        }
    }

    const fn limits(&self, class: Class) -> &Limits {
        match class {
            Class::Control => &self.control,
            Class::Data => &self.data,
        }
    }
}

/// What has happened since the start, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sessions begun.
    pub sessions: u64,
    /// Connections that ended before they were a session: refused here, or by the peer.
    pub refused: u64,
    /// Sessions ended because of a malformed frame.
    pub malformed: u64,
    /// Sessions ended because a write was stuck.
    pub stuck: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Frames received.
    pub frames_received: u64,
}

#[derive(Debug, Default)]
struct Counters {
    sessions: AtomicU64,
    refused: AtomicU64,
    malformed: AtomicU64,
    stuck: AtomicU64,
    frames_sent: AtomicU64,
    frames_received: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// One life of a node on TCP. Clones are the same node; the listener ends with the last.
#[derive(Clone, Debug)]
pub struct TcpNode {
    shared: Arc<Shared>,
    _listener: Arc<Listening>,
}

/// What all tasks of a node know.
#[derive(Debug)]
struct Shared {
    config: Config,
    address: SocketAddr,
    counters: Counters,
    open: Mutex<Open>,
}

/// What changes.
#[derive(Debug, Default)]
struct Open {
    peers: BTreeMap<NodeId, SocketAddr>,
    channels: BTreeMap<Class, mpsc::Sender<(NodeId, Word)>>,
}

/// The listener's task; ends when dropped.
#[derive(Debug)]
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TcpNode {
    /// Starts to listen. The runtime on which this is called drives the listener.
    ///
    /// # Errors
    /// [`TransportError::NotLoopback`] and [`TransportError::Listen`].
    pub async fn bind(config: Config) -> Result<Self, TransportError> {
        config.peers.values().chain([&config.listen]).try_for_each(loopback)?;
        let failed = |error| TransportError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let open = Mutex::new(Open { peers: config.peers.clone(), channels: BTreeMap::new() });
        let counters = Counters::default();
        let shared = Arc::new(Shared { config, address, counters, open });
        let task = tokio::spawn(accept::run(shared.clone(), listener));
        Ok(Self { shared, _listener: Arc::new(Listening(task.abort_handle())) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Tells where a peer listens, or listens now.
    ///
    /// # Errors
    /// [`TransportError::NotLoopback`].
    pub fn add_peer(&self, node: NodeId, address: SocketAddr) -> Result<(), TransportError> {
        loopback(&address)?;
        let mut open = self.shared.open();
        open.peers.insert(node, address);
        for channel in open.channels.values() {
            // A channel too busy to hear it asks again when it next dials.
            let _ = channel.try_send((node, Word::Address(address)));
        }
        Ok(())
    }

    /// Opens the channel of a class, once in the node's life. The runtime on which this is called
    /// drives its sockets.
    #[must_use]
    pub fn open(&self, class: Class) -> TcpChannel {
        channel::open(self.shared.clone(), class)
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            sessions: read(&counters.sessions),
            refused: read(&counters.refused),
            malformed: read(&counters.malformed),
            stuck: read(&counters.stuck),
            frames_sent: read(&counters.frames_sent),
            frames_received: read(&counters.frames_received),
        }
    }
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().expect("nothing panics while it holds the peers")
    }

    fn me(&self) -> NodeId {
        self.config.me.node
    }

    /// What this node says of itself.
    fn hello(&self, class: Class, to: NodeId) -> Hello {
        Hello {
            class,
            from: self.config.me,
            to,
            address: self.address,
            cluster: self.config.cluster.clone(),
            name: self.config.name.clone(),
        }
    }

    /// Why this hello is not for us, if so.
    fn objection(&self, hello: &Hello) -> Option<String> {
        let Config { cluster, me, .. } = &self.config;
        if hello.cluster != *cluster {
            Some(format!("this is cluster {cluster:?}, not {:?}", hello.cluster))
        } else if hello.to != me.node {
            Some(format!("this is node {}, not {}: see the peers' addresses", me.node, hello.to))
        } else if hello.from.node == me.node {
            Some(format!("two nodes have the id {}", me.node))
        } else {
            None
        }
    }
}

fn loopback(address: &SocketAddr) -> Result<(), TransportError> {
    match address.ip().is_loopback() {
        true => Ok(()),
        false => Err(TransportError::NotLoopback(*address)),
    }
}
