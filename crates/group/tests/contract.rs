//! Our own engines keep the contract.

#[path = "sim/disk.rs"]
mod disk;

use ais_group::{
    Group, Identity, Solo,
    check::{Engine, Outlives, check},
    raft::{Config, Durability, Raft, Store},
};
use ais_transport::{Class, memory::Network};
use ais_types::{NodeId, Role, Time};
use disk::Disk;
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinHandle;

fn identity(node: NodeId) -> Identity {
    Identity {
        node,
        name: node.to_string().as_str().try_into().expect("a short name"),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time(0),
    }
}

struct Alone;

impl Engine for Alone {
    fn nodes(&self) -> Vec<NodeId> {
        vec![NodeId(1)]
    }
    fn start(&mut self, node: NodeId) -> Box<dyn Group> {
        Box::new(Solo::new(identity(node)))
    }
    fn kill(&mut self, _: NodeId) {}
    fn cut_off(&mut self, _: NodeId) {}
    fn heal(&mut self) {}
}

struct Three {
    network: Network,
    lives: u64,
    runs: BTreeMap<NodeId, JoinHandle<()>>,
    /// What is on disk, if there are any.
    outlives: Outlives,
    disks: BTreeMap<NodeId, Arc<Disk>>,
}

impl Three {
    fn new(outlives: Outlives) -> Self {
        let (runs, disks) = (BTreeMap::new(), BTreeMap::new());
        Self { network: Network::new(1), lives: 0, runs, outlives, disks }
    }
}

impl Engine for Three {
    fn nodes(&self) -> Vec<NodeId> {
        (1..=3).map(NodeId).collect()
    }
    fn start(&mut self, node: NodeId) -> Box<dyn Group> {
        self.lives += 1;
        let channel = self.network.node(node, self.lives).open(Class::Control);
        let disk = || Store(self.disks.entry(node).or_default().clone());
        let (storage, log) = match self.outlives {
            Outlives::Nothing => (None, Durability::Memory),
            Outlives::Kept => (Some({ disk }()), Durability::Memory),
            Outlives::Log => (Some({ disk }()), Durability::Disk),
        };
        let config = Config::new("check", identity(node), self.nodes());
        let config = Config { seed: self.lives, storage, log, ..config };
        let (group, run) = Raft::start(config, channel).expect("a good configuration");
        self.runs.insert(node, tokio::spawn(run));
        Box::new(group)
    }
    fn kill(&mut self, node: NodeId) {
        if let Some(run) = self.runs.remove(&node) {
            run.abort();
        }
        self.network.stop(node);
    }
    fn cut_off(&mut self, node: NodeId) {
        let rest: Vec<NodeId> = self.nodes().into_iter().filter(|it| *it != node).collect();
        self.network.partition(&[&[node], &rest]);
    }
    fn heal(&mut self) {
        self.network.heal_all();
    }
    fn outlives(&self) -> Outlives {
        self.outlives
    }
    fn has_voters(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn solo_keeps_the_contract() {
    check(|| Alone).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raft_keeps_the_contract() {
    check(|| Three::new(Outlives::Nothing)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raft_keeps_the_contract_with_disks() {
    check(|| Three::new(Outlives::Kept)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raft_keeps_the_contract_with_logs_on_disk() {
    check(|| Three::new(Outlives::Log)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_lonely_owner_kept_is_found_again() {
    use ais_group::Delivery;
    let store = Store::new(Disk::default());
    for life in 0..3 {
        let mut group = Solo::keeping(identity(NodeId(1)), store.clone()).await.unwrap();
        let kept = match group.next().await {
            Some(Delivery::Kept(_, kept)) => {
                assert!(matches!(group.next().await, Some(Delivery::View(..))));
                Some(kept)
            }
            Some(Delivery::View(..)) => None,
            other => panic!("{other:?}"),
        };
        let expected = (life > 0).then(|| format!("life {}", life - 1));
        assert_eq!(kept, expected.map(Into::into));
        let at = ais_types::Stamp::default();
        group.handle().keep(at, format!("life {life}").into()).await.unwrap();
    }
}
