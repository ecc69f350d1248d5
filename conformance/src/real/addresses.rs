//! Where the nodes of a cluster listen.

use ais_conformance_core::Trouble;
use ais_transport::free_loopback;
use std::net::SocketAddr;

/// Below those that the system gives to whoever asks for any.
const PORT: u16 = 7001;

/// Addresses that no other cluster has.
pub(super) fn addresses(count: usize) -> Result<Vec<SocketAddr>, Trouble> {
    let ports = PORT..=PORT + u16::try_from(count).expect("scenarios have few nodes");
    let ip = free_loopback(ports.clone()).map_err(|error| Trouble::Broken(error.to_string()))?;
    Ok(ports.take(count).map(|port| (ip, port).into()).collect())
}
