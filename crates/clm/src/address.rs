//! A node's address as CLM tells it.

use ais_types::clm::{Address, AddressFamily};
use alloc::{format, string::String};
use core::net::{IpAddr, SocketAddr};

/// The first of these that is an IP address, with a port or without; none is an empty IPv4
/// address (`saClmNodeAddressT`, clm.md §3.4).
pub(crate) fn of(addresses: &[String]) -> Address {
    let ip = |text: &String| {
        let with_port = text.parse::<SocketAddr>().map(|it| it.ip());
        with_port.or_else(|_| text.parse::<IpAddr>()).ok()
    };
    match addresses.iter().find_map(ip) {
        Some(IpAddr::V4(ip)) => Address { family: AddressFamily::Inet, text: format!("{ip}") },
        Some(IpAddr::V6(ip)) => {
            let groups = ip.segments().map(|it| format!("{it:x}"));
            Address { family: AddressFamily::Inet6, text: groups.join(":") }
        }
        None => Address { family: AddressFamily::Inet, text: String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    #[track_caller]
    fn check(address: &str, family: AddressFamily, text: &str) {
        let expected = Address { family, text: text.to_owned() };
        assert_eq!(of(&["memory".to_owned(), address.to_owned()]), expected);
    }

    #[test]
    fn ports_are_left_out_and_ipv6_has_eight_groups() {
        check("10.0.0.1:4000", AddressFamily::Inet, "10.0.0.1");
        check("10.0.0.1", AddressFamily::Inet, "10.0.0.1");
        check("[fe80::1]:4000", AddressFamily::Inet6, "fe80:0:0:0:0:0:0:1");
        check("somewhere", AddressFamily::Inet, "");
    }
}
