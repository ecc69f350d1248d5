//! Two nodes of one host say hello over TCP: `cargo run -p ais-transport --example ping`, and with
//! `udp` behind it over UDP.

use ais_transport::{
    Class, Event, Peer, Transport,
    net::{Config, NetChannel, NetNode, Protocol},
};
use ais_types::NodeId;
use std::{error::Error, net::SocketAddr};

async fn node(
    id: u32,
    peer: Option<(u32, SocketAddr)>,
) -> Result<(NetNode, NetChannel), Box<dyn Error>> {
    // A nonce that no other life of the node has.
    let me = Peer { node: NodeId(id), nonce: fastrand::u64(..) };
    let mut config = Config::new("example", me, "127.0.0.1:0".parse()?);
    if std::env::args().nth(1).as_deref() == Some("udp") {
        config.protocol = Protocol::Udp;
    }
    config.peers = peer.map(|(id, address)| (NodeId(id), address)).into_iter().collect();
    let node = NetNode::bind(config).await?;
    let channel = node.open(Class::Data);
    Ok((node, channel))
}

/// Answers every frame with the same frame.
async fn echo(mut channel: NetChannel) {
    while let Some(event) = channel.next().await {
        if let Event::Frame(peer, frame) = event {
            println!("node 2: {} from {}", String::from_utf8_lossy(&frame), peer.node);
            // A full queue or a lost session: node 1 sees what it does not get back.
            let _ = channel.send(peer, frame);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (second, channel) = node(2, None).await?;
    tokio::spawn(echo(channel));
    let (_first, mut channel) = node(1, Some((2, second.address()))).await?;
    while let Some(event) = channel.next().await {
        match event {
            Event::Up(peer) => {
                println!("node 1: {} is up", peer.node);
                channel.send(peer, "ping".into())?;
            }
            Event::Frame(peer, frame) => {
                println!("node 1: {} back from {}", String::from_utf8_lossy(&frame), peer.node);
                return Ok(());
            }
            Event::Down(peer, cause) => println!("node 1: {} is down: {cause:?}", peer.node),
        }
    }
    Ok(())
}
