//! Sessions over sockets: TCP, or QUIC over UDP; with certificates, or on loopback without.
//!
//! The node with the lower id dials; one with the higher id that has no session knocks at the
//! other's door and is dialled back ([`docs/wire.md`] has the bytes). Each channel's sockets are
//! driven by the runtime on which [`NetNode::open`] was called; the door by the one on which
//! [`NetNode::bind`] was.
//!
//! With certificates ([`Config::tls`]) every connection is encrypted, both sides show theirs, and a
//! peer's has to be for the node name in its hello. Without, nodes listen and dial on loopback only;
//! what goes over UDP is encrypted even then, since QUIC cannot do otherwise, but nobody knows with
//! whom.
//!
//! What they promise beyond the contract, and what not:
//! - *TCP*: there is no keepalive: who must know whether a silent peer still lives sends heartbeats. A
//!   write that makes no progress for [`Config::stuck`] breaks the session. On the same host the end
//!   of a peer's process is known at once.
//! - *UDP*: a peer of which nothing is heard for [`Config::stuck`] breaks the session. The end of a
//!   process on the same host, which UDP does not tell, is noticed within 40 ms.
//!
//! [`docs/wire.md`]: https://docs.rs/crate/ais-transport

mod accept;
mod channel;
mod frames;
mod hello;
mod link;
mod outbox;
mod peer;
mod probe;
mod session;
mod stats;
mod tcp;
mod udp;

pub use channel::NetChannel;
pub use stats::Stats;

use crate::{Class, FaultSwitch, Limits, Peer, Tls, TransportError};
use ais_types::NodeId;
use hello::Hello;
use peer::Word;
use stats::Counters;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, task::AbortHandle};

/// Lives that have ended are remembered, so many of a node and class.
const ENDED_MAX: usize = 16;

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP: one connection a class and pair of nodes.
    Tcp,
    /// QUIC over UDP: one connection a class and pair of nodes, with one stream.
    Udp,
}

/// How a node is reached, and whom it reaches.
#[derive(Clone, Debug)]
pub struct Config {
    /// What carries the bytes; all nodes of a cluster use the same.
    pub protocol: Protocol,
    /// Nodes of other clusters are refused.
    pub cluster: String,
    /// This life of this node.
    pub me: Peer,
    /// Its name.
    pub name: String,
    /// Where to listen; port 0 for any. Without certificates loopback only.
    pub listen: SocketAddr,
    /// Where peers listen, as far as known. Others may turn up by themselves.
    pub peers: BTreeMap<NodeId, SocketAddr>,
    /// What peers are called, as far as known: one that says otherwise is refused.
    pub names: BTreeMap<NodeId, String>,
    /// This node's certificate, and whose it trusts.
    pub tls: Option<Tls>,
    /// Faults on demand, in development.
    pub faults: Option<FaultSwitch>,
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
    /// A node on TCP without known peers and without certificates, with the usual limits.
    #[must_use]
    pub fn new(cluster: &str, me: Peer, listen: SocketAddr) -> Self {
        Self {
            protocol: Protocol::Tcp,
            cluster: cluster.to_owned(),
            me,
            name: me.node.to_string(),
            listen,
            peers: BTreeMap::new(),
            names: BTreeMap::new(),
            tls: None,
            faults: None,
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

impl Config {
    /// Without certificates everybody who reaches an address could join, and listen in.
    fn may_use(&self, address: SocketAddr) -> Result<(), TransportError> {
        match self.tls.is_some() || address.ip().is_loopback() {
            true => Ok(()),
            false => Err(TransportError::NotLoopback(address)),
        }
    }
}

/// One life of a node. Clones are the same node; the listener ends with the last.
#[derive(Clone, Debug)]
pub struct NetNode {
    shared: Arc<Shared>,
    _listener: Arc<Listening>,
}

/// What all tasks of a node know.
#[derive(Debug)]
struct Shared {
    config: Config,
    address: SocketAddr,
    /// Where the classes are, if not there.
    classes: BTreeMap<Class, SocketAddr>,
    quic: Option<udp::Quic>,
    counters: Counters,
    open: Mutex<Open>,
}

/// What changes.
#[derive(Debug, Default)]
struct Open {
    peers: BTreeMap<NodeId, SocketAddr>,
    channels: BTreeMap<Class, mpsc::Sender<(NodeId, Word)>>,
    /// Of classes that have not been opened yet.
    sockets: BTreeMap<Class, UdpSocket>,
    /// Nonces of lives that have ended, and do not come back.
    ended: BTreeMap<(Class, NodeId), VecDeque<u64>>,
}

impl Open {
    fn ended(&mut self, class: Class, life: Peer) {
        let known = self.ended.entry((class, life.node)).or_default();
        if !known.contains(&life.nonce) {
            known.push_back(life.nonce);
        }
        if known.len() > ENDED_MAX {
            known.pop_front();
        }
    }
}

/// The listener's task; ends when dropped.
#[derive(Debug)]
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl NetNode {
    /// Starts to listen. The runtime on which this is called drives the door.
    ///
    /// # Errors
    /// [`TransportError::NotLoopback`], [`TransportError::Listen`] and [`TransportError::Tls`].
    pub async fn bind(config: Config) -> Result<Self, TransportError> {
        for address in config.peers.values().chain([&config.listen]) {
            config.may_use(*address)?;
        }
        if let Some(tls) = &config.tls {
            tls.is_for(&config.name)?;
        }
        match config.protocol {
            Protocol::Tcp => Self::bind_tcp(config).await,
            Protocol::Udp => Self::bind_udp(config),
        }
    }

    async fn bind_tcp(config: Config) -> Result<Self, TransportError> {
        let failed = |error| TransportError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Shared::new(config, address, None, BTreeMap::new());
        let task = tokio::spawn(tcp::listen(shared.clone(), listener));
        Ok(Self { shared, _listener: Arc::new(Listening(task.abort_handle())) })
    }

    fn bind_udp(config: Config) -> Result<Self, TransportError> {
        let failed = |error| TransportError::Listen { address: config.listen, error };
        let quic = udp::Quic::new(&config)?;
        let door = udp::bind(config.listen).map_err(failed)?;
        let address = door.local_addr().map_err(failed)?;
        let door = quic.endpoint(door).map_err(failed)?;
        let mut sockets = BTreeMap::new();
        for class in Class::ALL {
            sockets.insert(class, udp::bind(SocketAddr::new(address.ip(), 0)).map_err(failed)?);
        }
        let shared = Shared::new(config, address, Some(quic.clone()), sockets);
        let listen = udp::listen(shared.clone(), quic, door, accept::Door::Questions);
        let task = tokio::spawn(listen);
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
        self.shared.config.may_use(address)?;
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
    pub fn open(&self, class: Class) -> NetChannel {
        channel::open(self.shared.clone(), class)
    }

    /// Breaks the session of a class with a peer, as a fault would; they reconnect. For tests and
    /// diagnosis.
    pub fn break_session(&self, class: Class, with: NodeId) {
        if let Some(channel) = self.shared.open().channels.get(&class) {
            let _ = channel.try_send((with, Word::Break));
        }
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }
}

impl Shared {
    fn new(
        config: Config,
        address: SocketAddr,
        quic: Option<udp::Quic>,
        sockets: BTreeMap<Class, UdpSocket>,
    ) -> Arc<Self> {
        let at = |(class, socket): (&Class, &UdpSocket)| Some((*class, socket.local_addr().ok()?));
        let classes = sockets.iter().filter_map(at).collect();
        let open = Open { peers: config.peers.clone(), sockets, ..Open::default() };
        let (counters, open) = (Counters::default(), Mutex::new(open));
        Arc::new(Self { config, address, classes, quic, counters, open })
    }

    /// Where a class of this node can be reached.
    fn address_of(&self, class: Class) -> SocketAddr {
        self.classes.get(&class).copied().unwrap_or(self.address)
    }

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

    /// Why this hello is not for us, if so; `certified`: the names in the speaker's certificate.
    fn objection(&self, hello: &Hello, certified: Option<&[String]>) -> Option<String> {
        let Config { cluster, me, names, .. } = &self.config;
        let Hello { from, name, .. } = hello;
        let node = from.node;
        let ended = || {
            let open = self.open();
            open.ended.get(&(hello.class, node)).is_some_and(|it| it.contains(&from.nonce))
        };
        if hello.cluster != *cluster {
            Some(format!("this is cluster {cluster:?}, not {:?}", hello.cluster))
        } else if hello.to != me.node {
            Some(format!("this is node {}, not {}: see the peers' addresses", me.node, hello.to))
        } else if node == me.node {
            Some(format!("two nodes have the id {}", me.node))
        } else if let Some(known) = names.get(&node).filter(|known| *known != name) {
            Some(format!("node {node} is called {known:?} here, not {name:?}"))
        } else if let Some(other) = names.iter().find(|(id, it)| **id != node && *it == name) {
            Some(format!("the name {name:?} is that of node {}", other.0))
        } else if let Some(names) = certified.filter(|names| !names.contains(name)) {
            let names = crate::tls::own_names(names);
            Some(format!("the certificate is for {names}, not for {name:?}"))
        } else if ended() {
            Some(format!("this life of node {node} has ended here: start the node again"))
        } else {
            None
        }
    }
}
