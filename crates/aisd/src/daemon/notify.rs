//! Tells the supervisor of services (systemd) how the daemon is.

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType, sendto, socket};
use std::{env, os::unix::ffi::OsStrExt};

/// It listens.
pub(super) fn ready() {
    tell(b"READY=1");
}

/// It is about to end.
pub(super) fn stopping() {
    tell(b"STOPPING=1");
}

/// A supervisor that is not there, or does not listen, is none of our business.
fn tell(state: &[u8]) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name),
        None => SocketAddrUnix::new(path.as_os_str()),
    };
    let told = address.and_then(|address| {
        let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
        sendto(&socket, state, SendFlags::NOSIGNAL, &address)
    });
    if let Err(error) = told {
        tracing::warn!(%error, "cannot tell NOTIFY_SOCKET");
    }
}
