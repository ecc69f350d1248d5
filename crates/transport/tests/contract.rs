//! All transports keep the contract.

mod common;

use ais_transport::{
    Class, Limits, Peer, Subject, Transport, check,
    memory::{Conditions, MemoryChannel, MemoryNode, Network},
    net::{NetChannel, NetNode, Protocol},
};
use ais_types::NodeId;
use async_trait::async_trait;
use common::{Authority, Proxy, config_on};
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

/// Over sockets. On TCP node 1 reaches node 2 through a proxy, which can break their connections.
struct Net {
    protocol: Protocol,
    authority: Option<Authority>,
    nodes: BTreeMap<NodeId, NetNode>,
    proxy: Proxy,
}

impl Net {
    async fn new(protocol: Protocol, authority: Option<Authority>) -> Self {
        Self { protocol, authority, nodes: BTreeMap::new(), proxy: Proxy::start().await }
    }
}

#[async_trait]
impl Subject for Net {
    type Channel = NetChannel;

    async fn start(&mut self, me: Peer) -> [NetChannel; 2] {
        let mut config = config_on(self.protocol, me);
        config.tls = self.authority.as_ref().map(|it| it.tls(&config.name));
        if me.node == NodeId(1) {
            let address = match self.protocol {
                Protocol::Tcp => self.proxy.address,
                Protocol::Udp => {
                    self.nodes.get(&NodeId(2)).map_or(self.proxy.address, NetNode::address)
                }
            };
            config.peers.insert(NodeId(2), address);
        }
        if let (NodeId(2), Some(first)) = (me.node, self.nodes.get(&NodeId(1))) {
            config.peers.insert(NodeId(1), first.address());
        }
        let node = NetNode::bind(config).await.expect("a loopback port");
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
        match self.protocol {
            Protocol::Tcp => self.proxy.break_all(),
            Protocol::Udp => self.nodes[&NodeId(1)].break_session(Class::Data, NodeId(2)),
        }
    }
    fn frame_max(&self, class: Class) -> usize {
        Limits::of(class).frame_max
    }
}

#[tokio::test]
async fn tcp() {
    check(&mut Net::new(Protocol::Tcp, None).await).await;
}

#[tokio::test]
async fn tcp_with_certificates() {
    check(&mut Net::new(Protocol::Tcp, Some(Authority::new())).await).await;
}

#[tokio::test]
async fn udp() {
    check(&mut Net::new(Protocol::Udp, None).await).await;
}

#[tokio::test]
async fn udp_with_certificates() {
    check(&mut Net::new(Protocol::Udp, Some(Authority::new())).await).await;
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
