//! A network inside one process: seeded, on tokio's clock, with faults on demand.
//!
//! Under a paused clock on a current-thread runtime, equal seeds give equal runs. It behaves like
//! TCP between hosts: what cannot pass a cut is kept and sent again when the cut heals, unless the
//! session gives up first ([`Conditions::patience`]); an end that was stopped is noticed at once, one that
//! vanished is not.
//!
//! ```
//! # use ais_transport::{Class, Event, Transport, memory::Network};
//! # use ais_types::NodeId;
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let network = Network::new(7);
//! let mut a = network.node(NodeId(1), 100).open(Class::Data);
//! let mut b = network.node(NodeId(2), 200).open(Class::Data);
//! let Some(Event::Up(peer)) = a.next().await else { panic!() };
//! a.send(peer, "hello".into()).unwrap();
//! assert!(matches!(b.next().await, Some(Event::Up(_))));
//! assert!(matches!(b.next().await, Some(Event::Frame(_, frame)) if frame == "hello"));
//! # }
//! ```

mod channel;
mod session;
mod world;

pub use channel::MemoryChannel;

use crate::{Class, Limits, Peer};
use ais_types::NodeId;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use world::World;

/// How the network behaves by itself.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// How long a frame travels.
    pub latency: Duration,
    /// By how much longer at most, drawn for each frame; frames of a session keep their order.
    pub jitter: Duration,
    /// How long a frame may be stuck before its session is broken.
    pub patience: Duration,
    /// How long it takes until an ended session is tried again.
    pub reconnect: Duration,
    /// Breaks each session by itself after twice this at most; `None` for never.
    pub session_life: Option<Duration>,
    /// For control.
    pub control: Limits,
    /// For data.
    pub data: Limits,
}

impl Default for Conditions {
    /// No delay, no losses.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            patience: Duration::from_secs(5),
            reconnect: Duration::from_millis(10),
            session_life: None,
            control: Limits::of(Class::Control),
            data: Limits::of(Class::Data),
        }
    }
}

impl Conditions {
    pub(crate) const fn limits(&self, class: Class) -> &Limits {
        match class {
            Class::Control => &self.control,
            Class::Data => &self.data,
        }
    }
}

/// The network of the nodes of one process. Clones are the same network.
#[derive(Clone, Debug)]
pub struct Network(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    start: tokio::time::Instant,
    world: Mutex<World>,
}

impl Network {
    /// A network without delay or losses.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Conditions::default())
    }

    /// A network that behaves like this.
    #[must_use]
    pub fn with(seed: u64, conditions: Conditions) -> Self {
        let world = Mutex::new(World::new(seed, conditions));
        Self(Arc::new(Shared { start: tokio::time::Instant::now(), world }))
    }

    /// Adds a node, or the next life of one: the former is stopped by this.
    #[must_use]
    pub fn node(&self, node: NodeId, nonce: u64) -> MemoryNode {
        self.change(|world, now| world.start(Peer { node, nonce }, now));
        MemoryNode { network: self.clone(), me: Peer { node, nonce } }
    }

    /// Nothing passes between the two any more.
    pub fn cut(&self, a: NodeId, b: NodeId) {
        self.change(|world, now| {
            world.set_cut(a, b, true, now);
            world.set_cut(b, a, true, now);
        });
    }

    /// Nothing passes from `from` to `to` any more; the other direction does.
    pub fn cut_one_way(&self, from: NodeId, to: NodeId) {
        self.change(|world, now| world.set_cut(from, to, true, now));
    }

    /// Everything passes between the two again.
    pub fn heal(&self, a: NodeId, b: NodeId) {
        self.change(|world, now| {
            world.set_cut(a, b, false, now);
            world.set_cut(b, a, false, now);
        });
    }

    /// Cuts every pair that is not in one part, and heals every pair that is. Who is in no part
    /// is alone.
    pub fn partition(&self, parts: &[&[NodeId]]) {
        let together = |a, b| parts.iter().any(|part| part.contains(&a) && part.contains(&b));
        self.change(|world, now| world.set_cuts(&|a, b| !together(a, b), now));
    }

    /// Heals every cut and takes back every slowness. Hung nodes stay hung.
    pub fn heal_all(&self) {
        self.change(|world, now| {
            world.set_cuts(&|_, _| false, now);
            world.no_rates();
        });
    }

    /// Bounds what passes from `from` to `to`, in bytes per second; `None` for no bound.
    pub fn slow(&self, from: NodeId, to: NodeId, bytes_per_second: Option<u64>) {
        self.change(|world, _| world.set_rate(from, to, bytes_per_second));
    }

    /// Breaks the session of a class between the two; what is in flight is lost. They reconnect.
    pub fn break_session(&self, a: NodeId, b: NodeId, class: Class) {
        self.change(|world, now| world.break_session(a, b, class, now));
    }

    /// Ends a node as its host does with a process: its peers see its sessions closed at once.
    pub fn stop(&self, node: NodeId) {
        self.change(|world, now| world.stop(node, now));
    }

    /// Ends a node as a loss of power does: nobody is told. The next life of the node brings its
    /// host back.
    pub fn vanish(&self, node: NodeId) {
        self.change(|world, now| world.vanish(node, now));
    }

    /// Halts a node: its channels return nothing, what it sends stays with it, its sessions stay
    /// open.
    pub fn hang(&self, node: NodeId) {
        self.change(|world, now| world.set_hung(node, true, now));
    }

    /// Lets a hung node go on.
    pub fn resume(&self, node: NodeId) {
        self.change(|world, now| world.set_hung(node, false, now));
    }

    fn change<R>(&self, change: impl FnOnce(&mut World, Duration) -> R) -> R {
        change(&mut self.world(), self.now())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().expect("nothing panics while it holds the network")
    }

    fn now(&self) -> Duration {
        self.0.start.elapsed()
    }
}

/// One life of a node on a [`Network`].
#[derive(Clone, Debug)]
pub struct MemoryNode {
    network: Network,
    me: Peer,
}

impl MemoryNode {
    /// Who it is.
    #[must_use]
    pub fn me(&self) -> Peer {
        self.me
    }

    /// Opens the channel of a class; one that was open before is closed.
    #[must_use]
    pub fn open(&self, class: Class) -> MemoryChannel {
        MemoryChannel::open(self.network.clone(), self.me, class)
    }
}
