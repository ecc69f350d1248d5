//! Members on threads of their own, on the real clock.
#![expect(clippy::unwrap_used, reason = "tests")]

use ais_group::{
    Delivery, Group, GroupHandle, Identity, Priority,
    raft::{Config, Raft},
};
use ais_transport::{Class, memory::Network};
use ais_types::{NodeId, Role, Time, View};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{interval, timeout},
};

struct Node {
    handle: Arc<dyn GroupHandle>,
    view: watch::Receiver<View>,
    tasks: [JoinHandle<()>; 2],
}

impl Node {
    fn start(network: &Network, node: u32) -> Self {
        let identity = Identity {
            node: NodeId(node),
            name: "node".try_into().unwrap(),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time(0),
        };
        let memory = network.node(NodeId(node), u64::from(node));
        let config = Config::new("threads", identity, (1..=3).map(NodeId));
        let open = move || async move { Ok(memory.open(Class::Control)) };
        let group = Raft::on_thread(config, open).unwrap();
        let (handle, (views, view)) = (group.handle(), watch::channel(View::default()));
        let tasks = [tokio::spawn(own(group, views)), tokio::spawn(be_well(handle.clone()))];
        Self { handle, view, tasks }
    }

    async fn sees(&mut self, members: usize) {
        let seen = self.view.wait_for(|view| view.members.len() == members);
        timeout(Duration::from_secs(20), seen).await.unwrap().unwrap();
    }
}

async fn own(mut group: Raft, views: watch::Sender<View>) {
    while let Some(delivery) = group.next().await {
        match delivery {
            Delivery::View(_, view) => drop(views.send_replace(view)),
            Delivery::Snapshot(reply) => drop(reply.send("".into())),
            _other => {}
        }
    }
}

async fn be_well(handle: Arc<dyn GroupHandle>) {
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        handle.alive();
    }
}

#[tokio::test]
async fn three_threads_agree_and_notice_that_one_has_ended() {
    let network = Network::new(1);
    let mut nodes: Vec<Node> = (1..=3).map(|node| Node::start(&network, node)).collect();
    for node in &mut nodes {
        node.sees(3).await;
        node.handle.multicast(Priority::Medium, "hello".into()).await.unwrap();
        node.handle.barrier().await.unwrap();
    }
    let gone = nodes.pop().unwrap();
    gone.tasks.iter().for_each(JoinHandle::abort);
    drop(gone);
    for node in &mut nodes {
        node.sees(2).await;
        node.handle.barrier().await.unwrap();
    }
}
