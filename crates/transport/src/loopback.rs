//! Where the processes of one machine find room to talk to each other.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::RangeInclusive,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// How many addresses are tried.
const TRIES: u32 = 64;

/// An address of this machine alone at which these ports are free, for TCP and for UDP. The whole
/// of 127.0.0.0/8 is this machine: each cluster of processes takes an address of its own, so
/// that clusters do not meet, and no outgoing connection gets a port in between.
///
/// # Errors
/// `AddrInUse` if none was found.
pub fn free_loopback(ports: RangeInclusive<u16>) -> io::Result<Ipv4Addr> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..TRIES {
        let number = (process::id() << 8).wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let [_, a, b, c] = number.to_be_bytes();
        // Each number is another address: two clusters may ask at the same time.
        let ip = Ipv4Addr::new(127, a, b.max(1), 1 + c % 254);
        let free =
            |port| TcpListener::bind((ip, port)).is_ok() && UdpSocket::bind((ip, port)).is_ok();
        if ports.clone().all(free) {
            return Ok(ip);
        }
    }
    let text = "no free loopback address was found; is the network of this machine up?";
    Err(io::Error::new(io::ErrorKind::AddrInUse, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_twice_gets_two_addresses_and_taken_ports_are_passed_over() {
        let first = free_loopback(7001..=7003).unwrap();
        let second = free_loopback(7001..=7003).unwrap();
        assert_ne!(first, second);
        // The one that would come next is taken.
        let [_, a, b, c] = second.octets();
        let next = Ipv4Addr::new(127, a, b, c + 1);
        let _taken = UdpSocket::bind((next, 7002)).unwrap();
        let third = free_loopback(7001..=7003).unwrap();
        assert!(third.is_loopback() && ![first, second, next].contains(&third));
    }
}
