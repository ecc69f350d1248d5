//! Both transports keep the contract.

mod common;

use ais_transport::{
    Class, Limits, Peer, Subject, Transport, check,
    memory::{Conditions, MemoryChannel, MemoryNode, Network},
    tcp::{TcpChannel, TcpNode},
};
use ais_types::NodeId;
use async_trait::async_trait;
use common::{Proxy, config};
use std::{collections::BTreeMap, time::Duration};

struct Memory(Network);

#[async_trait]
impl Subject for Memory {
    type Channel = MemoryChannel;

    async fn start(&mut self, me: Peer) -> [MemoryChannel; 2] {
        let node: MemoryNode = self.0.node(me.node, me.nonce);
        Class::ALL.map(|class| node.open(class))
    }
    async fn stop(&mut self, me: Peer) {
        self.0.stop(me.node);
    }
    async fn break_session(&mut self) {
        self.0.break_session(NodeId(1), NodeId(2), Class::Data);
    }
    fn frame_max(&self, class: Class) -> usize {
        Limits::of(class).frame_max
    }
}

#[tokio::test(start_paused = true)]
async fn memory_without_delay() {
    check(&mut Memory(Network::new(1))).await;
}

#[tokio::test(start_paused = true)]
async fn memory_with_delays() {
    let latency = Duration::from_millis(3);
    let conditions = Conditions { latency, jitter: latency, ..Conditions::default() };
    check(&mut Memory(Network::with(2, conditions))).await;
}

/// Node 1 reaches node 2 through a proxy, which can break their connections.
struct Tcp {
    nodes: BTreeMap<NodeId, TcpNode>,
    proxy: Proxy,
}

#[async_trait]
impl Subject for Tcp {
    type Channel = TcpChannel;

    async fn start(&mut self, me: Peer) -> [TcpChannel; 2] {
        let mut config = config(me);
        if me.node == NodeId(1) {
            config.peers.insert(NodeId(2), self.proxy.address);
        }
        let node = TcpNode::bind(config).await.expect("a loopback port");
        if me.node == NodeId(2) {
            self.proxy.lead_to(node.address());
        }
        let channels = Class::ALL.map(|class| node.open(class));
        self.nodes.insert(me.node, node);
        channels
    }
    async fn stop(&mut self, me: Peer) {
        self.nodes.remove(&me.node);
    }
    async fn break_session(&mut self) {
        self.proxy.break_all();
    }
    fn frame_max(&self, class: Class) -> usize {
        Limits::of(class).frame_max
    }
}

#[tokio::test]
async fn tcp() {
    let proxy = Proxy::start().await;
    check(&mut Tcp { nodes: BTreeMap::new(), proxy }).await;
}

/// Swaps two frames: the check must see it.
struct Liar(MemoryChannel, Option<ais_transport::Event>);

#[async_trait]
impl Transport for Liar {
    fn send(&mut self, to: Peer, frame: bytes::Bytes) -> Result<(), ais_transport::SendError> {
        self.0.send(to, frame)
    }
    async fn next(&mut self) -> Option<ais_transport::Event> {
        use ais_transport::Event;
        if let Some(kept) = self.1.take() {
            return Some(kept);
        }
        let first = self.0.next().await?;
        if !matches!(&first, Event::Frame(_, frame) if frame.len() == 13) {
            return Some(first);
        }
        let second = self.0.next().await?;
        self.1 = Some(first);
        Some(second)
    }
    fn ready(&self, to: Peer) -> futures::future::BoxFuture<'static, ()> {
        self.0.ready(to)
    }
}

struct Lying(Memory);

#[async_trait]
impl Subject for Lying {
    type Channel = Liar;

    async fn start(&mut self, me: Peer) -> [Liar; 2] {
        self.0.start(me).await.map(|channel| Liar(channel, None))
    }
    async fn stop(&mut self, me: Peer) {
        self.0.stop(me).await;
    }
    async fn break_session(&mut self) {
        self.0.break_session().await;
    }
    fn frame_max(&self, class: Class) -> usize {
        self.0.frame_max(class)
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "in order, unaltered")]
async fn the_check_can_fail() {
    check(&mut Lying(Memory(Network::new(3)))).await;
}
