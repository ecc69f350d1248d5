//! Which transport a configuration asks for.

use std::{fmt, net::SocketAddr, str::FromStr};

/// A kind of transport, as configurations name it: `memory`, `tcp`, `udp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within one process.
    Memory,
    /// TCP.
    Tcp,
    /// UDP. Not supported yet.
    Udp,
}

/// Why a transport cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No transport has this name.
    #[error("no transport is called {0:?}: use memory or tcp")]
    Unknown(String),
    /// Not in this release.
    #[error("transport {0} is not supported yet: use tcp")]
    NotSupported(Kind),
    /// Without certificates everybody on the network could join.
    #[error(
        "{0} is not a loopback address: without certificates nodes talk on loopback only; use \
         127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
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
    /// This kind, if the release has it.
    ///
    /// # Errors
    /// [`TransportError::NotSupported`]
    pub fn supported(self) -> Result<Self, TransportError> {
        match self {
            Self::Memory | Self::Tcp => Ok(self),
            Self::Udp => Err(TransportError::NotSupported(self)),
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
    fn names_go_both_ways_and_udp_is_not_there_yet() {
        for kind in [Kind::Memory, Kind::Tcp, Kind::Udp] {
            assert_eq!(kind.to_string().parse::<Kind>().unwrap(), kind);
        }
        assert!("sctp".parse::<Kind>().unwrap_err().to_string().contains("sctp"));
        let error = Kind::Udp.supported().unwrap_err().to_string();
        assert_eq!(error, "transport udp is not supported yet: use tcp");
    }
}
