//! The node among its peers: one node, a channel for each class, each on the thread that uses it.

use super::failure::Failure;
use crate::config::Config;
use ais_transport::{
    Class, FaultSwitch, Peer,
    net::{Config as NetConfig, NetNode},
};
use std::env;

/// What the former life in this process leaves to the next: a cable stays pulled.
pub(super) const FAULTS: &str = "AIS_FAULTS";

/// The fault switch, if the node has one.
pub(super) fn faults(config: &Config) -> Option<FaultSwitch> {
    if !config.faults {
        return None;
    }
    tracing::warn!("this node has a fault switch: it is for development");
    let left = env::var(FAULTS).ok().and_then(|text| text.parse().ok());
    Some(left.unwrap_or_default())
}

/// Listens, and knows its peers; `None` for a node without any.
pub(super) async fn listen(
    config: &Config,
    faults: Option<FaultSwitch>,
) -> Result<Option<NetNode>, Failure> {
    let this = config.this();
    let Some(protocol) = config.transport.protocol().filter(|_| !config.is_alone()) else {
        return Ok(None);
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
    net.faults = faults;
    Ok(Some(NetNode::bind(net).await?))
}

/// The channel of services' data.
pub(super) fn data(node: &NetNode) -> Box<dyn ais_transport::Transport> {
    Box::new(node.open(Class::Data))
}
