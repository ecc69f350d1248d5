//! Where the nodes of a cluster listen.

use ais_conformance_core::Trouble;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below those that the system gives to whoever asks for any.
const PORT: u16 = 7001;

/// Addresses that no other cluster has. The whole of 127.0.0.0/8 is this machine: each cluster takes
/// one of its own, so that nobody's outgoing connection gets a port in between.
pub(super) fn addresses(count: usize) -> Result<Vec<SocketAddr>, Trouble> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..64 {
        let number = (process::id() << 8).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let [_, a, b, c] = number.to_be_bytes();
        // Each number is another address: two clusters may ask at the same time.
        let ip = Ipv4Addr::new(127, a, b.max(1), 1 + c % 254);
        let all: Vec<SocketAddr> = (PORT..).take(count).map(|port| (ip, port).into()).collect();
        if all.iter().all(|address| TcpListener::bind(address).is_ok()) {
            return Ok(all);
        }
    }
    Err(Trouble::Broken("no free loopback address; is the network of this machine up?".to_owned()))
}
