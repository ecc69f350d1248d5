//! Which transport a configuration asks for.

use crate::{TlsError, net::Protocol};
use std::{fmt, net::SocketAddr, str::FromStr};

/// A kind of transport, as configurations name it: `memory`, `tcp`, `udp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within one process.
    Memory,
    /// TCP.
    Tcp,
    /// QUIC over UDP.
    Udp,
}

/// Why a transport cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No transport has this name.
    #[error("no transport is called {0:?}: use memory, tcp or udp")]
    Unknown(String),
    /// Without certificates everybody on the network could join.
    #[error(
        "{0} is not a loopback address: without certificates nodes talk on loopback only; make \
         certificates (`ais cert`) or use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// A certificate or a key cannot be used.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// QUIC cannot be had.
    #[error("QUIC cannot be set up: {0}")]
    Quic(String),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's error.
        error: std::io::Error,
    },
}

impl Kind {
    /// What carries the bytes between processes; `None`: it stays within one.
    #[must_use]
    pub const fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Memory => None,
            Self::Tcp => Some(Protocol::Tcp),
            Self::Udp => Some(Protocol::Udp),
        }
    }
}

impl FromStr for Kind {
    type Err = TransportError;

    fn from_str(text: &str) -> Result<Self, TransportError> {
        match text {
            "memory" => Ok(Self::Memory),
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(TransportError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for kind in [Kind::Memory, Kind::Tcp, Kind::Udp] {
            assert_eq!(kind.to_string().parse::<Kind>().unwrap(), kind);
        }
        assert!("sctp".parse::<Kind>().unwrap_err().to_string().contains("sctp"));
    }
}
