//! Our own engines keep the contract.

use ais_group::{
    Group, Identity, Solo,
    check::{Engine, check},
    raft::{Config, Raft},
};
use ais_transport::{Class, memory::Network};
use ais_types::{NodeId, Role, Time};
use std::collections::BTreeMap;
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
}

impl Three {
    fn new() -> Self {
        Self { network: Network::new(1), lives: 0, runs: BTreeMap::new() }
    }
}

impl Engine for Three {
    fn nodes(&self) -> Vec<NodeId> {
        (1..=3).map(NodeId).collect()
    }
    fn start(&mut self, node: NodeId) -> Box<dyn Group> {
        self.lives += 1;
        let channel = self.network.node(node, self.lives).open(Class::Control);
        let config =
            Config { seed: self.lives, ..Config::new("check", identity(node), self.nodes()) };
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
}

#[tokio::test(start_paused = true)]
async fn solo_keeps_the_contract() {
    check(|| Alone).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raft_keeps_the_contract() {
    check(Three::new).await.unwrap();
}
