//! How the instance before this one ended.

use std::fmt;

/// How an instance ended, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// What the system says.
    pub end: End,
    /// What the supervisor knows.
    pub cause: Cause,
}

/// What the system says of the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
    /// Somebody else has taken the news: the program ignores SIGCHLD, or waits for any child.
    Unknown,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Of itself, or by somebody else's hand.
    Itself,
    /// It missed a health check, and was warned or killed.
    MissedHealthCheck,
    /// Quorum was lost, and it was warned or killed.
    QuorumLost,
    /// It asked for it.
    MarkedFailed,
}

impl Death {
    pub(crate) const BYTES: usize = 9;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let (kind, number) = match self.end {
            End::Exited(status) => (0_u32, status),
            End::Killed(signal) => (1, signal),
            End::Unknown => (2, 0),
        };
        let cause = match self.cause {
            Cause::Itself => 0,
            Cause::MissedHealthCheck => 1,
            Cause::QuorumLost => 2,
            Cause::MarkedFailed => 3,
        };
        let mut bytes = [cause; Self::BYTES];
        bytes[1..5].copy_from_slice(&kind.to_ne_bytes());
        bytes[5..9].copy_from_slice(&number.to_ne_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [cause, k0, k1, k2, k3, number @ ..] = bytes;
        let number = i32::from_ne_bytes(number);
        let end = match u32::from_ne_bytes([k0, k1, k2, k3]) {
            0 => End::Exited(number),
            1 => End::Killed(number),
            2 => End::Unknown,
            _ => return None,
        };
        let cause = match cause {
            0 => Cause::Itself,
            1 => Cause::MissedHealthCheck,
            2 => Cause::QuorumLost,
            3 => Cause::MarkedFailed,
            _ => return None,
        };
        Some(Self { end, cause })
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Exited(status) => write!(f, "exited with {status}")?,
            End::Killed(signal) => write!(f, "killed by signal {signal}")?,
            End::Unknown => f.write_str("ended")?,
        }
        match self.cause {
            Cause::Itself => Ok(()),
            Cause::MissedHealthCheck => f.write_str(" after a missed health check"),
            Cause::QuorumLost => f.write_str(" after the loss of quorum"),
            Cause::MarkedFailed => f.write_str(" when it had marked itself failed"),
        }
    }
}
