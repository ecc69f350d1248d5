//! The node among its peers: one node, a channel for each class, each on the thread that uses it.

use super::failure::Failure;
use crate::config::{Config, Transport};
use ais_transport::{
    Class, FaultSwitch, Peer,
    net::{Config as NetConfig, NetNode, Protocol},
};

/// Listens, and knows its peers; `None` for a node without any.
pub(super) async fn listen(config: &Config) -> Result<Option<NetNode>, Failure> {
    let this = config.this();
    let protocol = match config.transport {
        _ if config.is_alone() => return Ok(None),
        Transport::Memory => return Ok(None),
        Transport::Tcp => Protocol::Tcp,
        Transport::Udp => Protocol::Udp,
    };
    let me = Peer { node: this.id, nonce: fastrand::u64(..) };
    let listen = config.listen.or(this.address).expect("over a network every node has an address");
    let mut net = NetConfig::new(&config.cluster, me, listen);
    net.protocol = protocol;
    net.name.clone_from(&this.name);
    net.peers = config.peers().filter_map(|peer| Some((peer.id, peer.address?))).collect();
    net.names = config.peers().map(|peer| (peer.id, peer.name.clone())).collect();
    let tls = config.tls.as_ref().map(|files| files.load()).transpose();
    net.tls = tls.map_err(ais_transport::TransportError::from)?;
    net.faults = config.faults.then(FaultSwitch::new);
    if config.faults {
        tracing::warn!("this node has a fault switch: it is for development");
    }
    Ok(Some(NetNode::bind(net).await?))
}

/// The channel of services' data.
pub(super) fn data(node: &NetNode) -> Box<dyn ais_transport::Transport> {
    Box::new(node.open(Class::Data))
}
