//! The node on TCP: one node, a channel for each class, each on the thread that uses it.

use super::failure::Failure;
use crate::config::Config;
use ais_transport::{
    Class, Peer,
    tcp::{Config as TcpConfig, TcpNode},
};

/// Listens, and knows its peers.
pub(super) async fn listen(config: &Config) -> Result<TcpNode, Failure> {
    let this = config.this();
    let me = Peer { node: this.id, nonce: fastrand::u64(..) };
    let listen = config.listen.or(this.address).expect("with TCP every node has an address");
    let mut tcp = TcpConfig::new(&config.cluster, me, listen);
    tcp.name.clone_from(&this.name);
    let peers = config.peers().filter_map(|peer| Some((peer.id, peer.address?)));
    tcp.peers = peers.collect();
    Ok(TcpNode::bind(tcp).await?)
}

/// The channel of services' data.
pub(super) fn data(node: &TcpNode) -> Box<dyn ais_transport::Transport> {
    Box::new(node.open(Class::Data))
}
