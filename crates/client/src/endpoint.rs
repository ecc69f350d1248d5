//! Where the node is.

use crate::connection::MANNERS;
use ais_types::{Error, ErrorCode, Outcome};
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with, sockopt},
};
use std::{
    env, fmt, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The variable that names the node's socket.
pub const SOCKET_VARIABLE: &str = "AIS_SOCKET";

/// The node's socket if [`SOCKET_VARIABLE`] does not say otherwise.
pub const DEFAULT_SOCKET: &str = "/run/ais/ais.sock";

/// Makes connections to a node in this process: one end each of a pair of sockets.
pub trait Connect: Send + Sync {
    /// A new connection.
    ///
    /// # Errors
    /// When the node has stopped, or the process has no file descriptor left.
    fn connect(&self) -> io::Result<UnixStream>;
}

impl<F: Fn() -> io::Result<UnixStream> + Send + Sync> Connect for F {
    fn connect(&self) -> io::Result<UnixStream> {
        self()
    }
}

/// Where the node is.
#[derive(Clone)]
pub enum Endpoint {
    /// Behind a Unix socket.
    Path(PathBuf),
    /// In this process.
    Inside(Arc<dyn Connect>),
}

impl Endpoint {
    /// What [`SOCKET_VARIABLE`] names, or [`DEFAULT_SOCKET`].
    #[must_use]
    pub fn from_env() -> Self {
        let path = env::var_os(SOCKET_VARIABLE).unwrap_or_else(|| DEFAULT_SOCKET.into());
        Self::Path(path.into())
    }

    /// A node in this process.
    pub fn inside(connect: impl Connect + 'static) -> Self {
        Self::Inside(Arc::new(connect))
    }

    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        match self {
            Self::Path(path) => connect(path),
            Self::Inside(node) => node.connect(),
        }
    }

    /// The first connection of a session could not be made.
    pub(crate) fn connect_first(&self) -> Outcome<UnixStream> {
        self.connect().map_err(|error| {
            let text = format!(
                "no node answers at {self} ({error}); is the daemon running, and does \
                 {SOCKET_VARIABLE} name its socket?"
            );
            Error::new(ErrorCode::TryAgain, text)
        })
    }
}

/// Connects, also if signals arrive, and not for ever if the node has stopped accepting.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Sending is bounded by the same time; it holds from here on.
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(MANNERS))?;
    while let Err(error) = rustix::net::connect(&socket, &address) {
        if error != Errno::INTR {
            return Err(error.into());
        }
    }
    Ok(socket.into())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Inside(_) => f.write_str("this process"),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}
