//! A cluster in one thread: members of a group on a network in memory, on a paused clock.

use crate::{disk::Disk, judge::Judge};
use ais_group::{
    Delivery, Group, GroupHandle, Identity, Priority,
    raft::{Config, Durability, Raft, Store},
};
use ais_transport::{
    Class,
    memory::{Conditions, Network},
};
use ais_types::{MemberId, NodeId, Role, Time};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// One life of a node: numbers every life in the run.
pub(crate) type Life = u64;

/// A running life.
pub(crate) struct Node {
    pub(crate) life: Life,
    pub(crate) handle: Arc<dyn GroupHandle>,
    tasks: Vec<JoinHandle<()>>,
}

/// The cluster.
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) nodes: BTreeMap<u32, Node>,
    pub(crate) judge: Arc<Mutex<Judge>>,
    pub(crate) rng: fastrand::Rng,
    voters: Vec<u32>,
    witnesses: Vec<u32>,
    pub(crate) failure: Duration,
    pub(crate) plug_timeout: Duration,
    /// What becomes of the logs; `None`: nodes have no disks.
    pub(crate) log: Option<Durability>,
    disks: BTreeMap<u32, Arc<Disk>>,
    /// Failure timeouts that differ from that of the others.
    pub(crate) strange: BTreeMap<u32, Duration>,
    /// Whose log is on disk whatever that of the others is.
    pub(crate) durable: BTreeSet<u32>,
    /// Whether anybody may join.
    pub(crate) open: bool,
    /// What nodes were invited with.
    pub(crate) secrets: BTreeMap<u32, u128>,
    lives: Life,
    /// Whether something is cut, or has not yet recovered from it.
    pub(crate) cut: bool,
}

/// The wall clock of the simulation.
fn wall() -> Time {
    Time(0)
}

impl World {
    pub(crate) fn new(seed: u64, voters: &[u32]) -> Self {
        let conditions = Conditions {
            latency: Duration::from_micros(200),
            jitter: Duration::from_micros(800),
            patience: Duration::from_secs(3),
            ..Conditions::default()
        };
        Self {
            network: Network::with(seed, conditions),
            nodes: BTreeMap::new(),
            judge: Arc::default(),
            rng: fastrand::Rng::with_seed(seed),
            voters: voters.to_vec(),
            witnesses: Vec::new(),
            failure: Duration::from_millis(500),
            plug_timeout: Duration::from_secs(3),
            log: None,
            disks: BTreeMap::new(),
            strange: BTreeMap::new(),
            durable: BTreeSet::new(),
            open: true,
            secrets: BTreeMap::new(),
            lives: 0,
            cut: false,
        }
    }

    pub(crate) fn with_witness(mut self, node: u32) -> Self {
        self.witnesses.push(node);
        self
    }

    /// Starts the next life of a node.
    pub(crate) fn start(&mut self, node: u32) {
        self.stop_tasks(node);
        self.lives += 1;
        let life = self.lives;
        let role = if self.witnesses.contains(&node) {
            Role::Witness
        } else if self.voters.contains(&node) {
            Role::Voter
        } else {
            Role::Payload
        };
        let identity = Identity {
            node: NodeId(node),
            name: format!("node-{node}").as_str().try_into().unwrap(),
            role,
            addresses: Vec::new(),
            boot_time: Time(0),
        };
        let mut config = Config::new("sim", identity, self.voters.iter().map(|it| NodeId(*it)));
        (config.seed, config.wall) = (self.rng.u64(..), wall);
        (config.failure_timeout, config.plug_timeout) = (self.failure, self.plug_timeout);
        config.failure_timeout = self.strange.get(&node).copied().unwrap_or(self.failure);
        (config.open, config.secret) = (self.open, self.secrets.get(&node).copied());
        if let Some(log) = self.log {
            config.storage = Some(Store(self.disks.entry(node).or_default().clone()));
            config.log = if self.durable.contains(&node) { Durability::Disk } else { log };
        }
        let channel = self.network.node(NodeId(node), self.rng.u64(1..)).open(Class::Control);
        let (group, run) = Raft::start(config, channel).unwrap();
        let handle = group.handle();
        self.judge.lock().unwrap().begin(life, node);
        let owner = own(life, group, self.judge.clone());
        let tasks =
            vec![tokio::spawn(run), tokio::spawn(owner), tokio::spawn(be_well(handle.clone()))];
        self.nodes.insert(node, Node { life, handle, tasks });
    }

    /// Everybody has lost everything but the disks: nothing that was promised before holds.
    pub(crate) fn new_era(&mut self) {
        assert!(self.nodes.is_empty(), "somebody remembers");
        *self.judge.lock().unwrap() = Judge::default();
    }

    /// Ends a node as `kill -9` does: its peers see its sessions closed.
    pub(crate) fn kill(&mut self, node: u32) {
        self.stop_tasks(node);
        self.network.stop(NodeId(node));
    }

    /// Ends a node as a loss of power does: its peers see nothing.
    pub(crate) fn vanish(&mut self, node: u32) {
        self.network.vanish(NodeId(node));
        self.stop_tasks(node);
    }

    fn stop_tasks(&mut self, node: u32) {
        if let Some(old) = self.nodes.remove(&node) {
            old.tasks.iter().for_each(JoinHandle::abort);
            self.judge.lock().unwrap().dead(old.life);
        }
    }

    /// The owner of a node answers no more; the node itself lives.
    pub(crate) fn freeze_owner(&mut self, node: u32) {
        self.nodes[&node].tasks[2].abort();
    }

    /// Restarts whoever was told that its life is over, as a daemon would be.
    pub(crate) fn restart_the_left(&mut self) {
        let left: Vec<u32> = {
            let judge = self.judge.lock().unwrap();
            self.nodes
                .iter()
                .filter(|(_, it)| judge.has_left(it.life))
                .map(|(node, _)| *node)
                .collect()
        };
        left.into_iter().for_each(|node| self.start(node));
    }

    /// Orders a message of its own from a node, in the background.
    pub(crate) fn multicast(&mut self, node: u32, priority: Priority) {
        let Some(it) = self.nodes.get(&node) else { return };
        let (life, handle, judge) = (it.life, it.handle.clone(), self.judge.clone());
        let payload = judge.lock().unwrap().compose(life, priority);
        tokio::spawn(async move {
            if handle.multicast(priority, payload.clone()).await.is_ok() {
                judge.lock().unwrap().acknowledged(life, &payload);
            }
        });
    }

    /// All owners want this to be found again, and it is saved.
    pub(crate) async fn keep(&self, kept: &str) {
        let at = self.judge().order.values().next_back().map(|it| it.0).unwrap_or_default();
        for it in self.nodes.values() {
            it.handle.keep(at, bytes(kept)).await.unwrap();
        }
    }

    /// Creates a plug and takes it out of each view that puts it in, or forgets to.
    pub(crate) fn plug(&mut self, node: u32, forgetful: bool) {
        let Some(it) = self.nodes.get(&node) else { return };
        let (life, handle, judge) = (it.life, it.handle.clone(), self.judge.clone());
        let patience = Duration::from_millis(self.rng.u64(..300));
        tokio::spawn(async move {
            let Ok(plug) = handle.recovery_plug("storm").await else { return };
            if forgetful {
                return;
            }
            loop {
                let view = judge.lock().unwrap().lives[&life].view.number;
                sleep_until(Instant::now() + patience).await;
                if plug.unplug(view).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        sleep_until(Instant::now() + time).await;
    }

    /// Waits until this holds. Panics after the time given.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        most: Duration,
        mut holds: impl FnMut(&Judge) -> bool,
    ) {
        let end = Instant::now() + most;
        while !holds(&self.judge.lock().unwrap()) {
            assert!(Instant::now() < end, "not within {most:?}: {what}\n{}", self.describe());
            self.pass(Duration::from_millis(1)).await;
            self.restart_the_left();
        }
    }

    /// Waits until all running nodes are in the last view of each, and hold a lease.
    pub(crate) async fn settled(&mut self, most: Duration) {
        let end = Instant::now() + most;
        loop {
            let lives: Vec<(u32, Life)> = self.nodes.iter().map(|(n, it)| (*n, it.life)).collect();
            if self.judge.lock().unwrap().settled(&lives) {
                return;
            }
            assert!(Instant::now() < end, "not settled within {most:?}\n{}", self.describe());
            self.pass(Duration::from_millis(1)).await;
            self.restart_the_left();
        }
    }

    pub(crate) fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap()
    }

    /// The node that leads, as most see it.
    pub(crate) fn leader(&self) -> u32 {
        let leaders: Vec<u32> = (self.nodes.values())
            .filter_map(|it| it.handle.leader().map(|leader| leader.node.0))
            .filter(|it| self.nodes.contains_key(it))
            .collect();
        let most =
            leaders.iter().max_by_key(|it| leaders.iter().filter(|other| other == it).count());
        *most.unwrap()
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.nodes.keys().copied().collect()
    }

    /// The running nodes but these.
    pub(crate) fn others(&self, not: &[u32]) -> Vec<u32> {
        self.nodes.keys().copied().filter(|it| !not.contains(it)).collect()
    }

    pub(crate) fn lives(&self) -> Vec<(u32, Life)> {
        self.nodes.iter().map(|(node, it)| (*node, it.life)).collect()
    }

    pub(crate) fn life(&self, node: u32) -> Life {
        self.nodes[&node].life
    }

    pub(crate) fn id(&self, node: u32) -> MemberId {
        self.judge().lives[&self.life(node)].me.unwrap()
    }

    pub(crate) fn start_the_missing(&mut self, all: &[u32]) {
        for node in all {
            if !self.nodes.contains_key(node) {
                self.start(*node);
            }
        }
    }

    /// Whether this node may lose its memory: nothing is cut, and with it no more voters than a
    /// minority are without a lease.
    pub(crate) fn may_lose(&self, voters: &[u32], node: u32) -> bool {
        let judge = self.judge();
        let now = Instant::now().into_std();
        let well = |voter: &&u32| {
            let life = self.nodes.get(voter).map(|it| it.life);
            life.is_some_and(|life| judge.lives[&life].lease.is_some_and(|until| until > now))
        };
        let rest = voters.iter().filter(|voter| **voter != node).filter(well).count();
        !voters.contains(&node) || (!self.cut && rest > voters.len() / 2)
    }

    /// All who run agree, and nothing that was acknowledged is lost.
    pub(crate) fn verdict(&self) {
        self.judge().verdict(&self.lives());
    }

    fn describe(&self) -> String {
        self.judge.lock().unwrap().describe()
    }
}

/// Takes the deliveries of one life.
async fn own(life: Life, mut group: Raft, judge: Arc<Mutex<Judge>>) {
    while let Some(delivery) = group.next().await {
        let me = group.me();
        match delivery {
            Delivery::Snapshot(reply) => {
                let state = judge.lock().unwrap().state(life);
                reply.send(state).unwrap();
            }
            other => judge.lock().unwrap().delivered(life, me, other),
        }
    }
}

/// Says again and again that the owner is well.
async fn be_well(handle: Arc<dyn GroupHandle>) {
    loop {
        handle.alive();
        sleep_until(Instant::now() + Duration::from_millis(50)).await;
    }
}

/// The bytes of a text.
pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
