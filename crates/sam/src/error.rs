//! Why a call of SAM failed.

use crate::State;
use ais_types::ErrorCode;

/// Why a call of SAM failed. Each variant has one code of the specification, whose numbers are those
/// of `cs_error_t`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call does not fit the state of the library.
    #[error("sam: {call} is not legal in state {state}; {help}")]
    State {
        /// What was called.
        call: &'static str,
        /// In which state.
        state: State,
        /// What to do.
        help: &'static str,
    },
    /// The recovery policy is none.
    #[error(
        "sam: {0:#x} is no recovery policy; it is 1 (quit) or 2 (restart), with 0x08 (quorum) and 0x10 (published) added or not"
    )]
    Policy(i32),
    /// A pointer that must not be null.
    #[error("sam: {0} needs a place to write to, and was given none")]
    Null(&'static str),
    /// The buffer does not hold what is stored.
    #[error(
        "sam: {stored} bytes are stored and only {given} were asked for; ask data_getsize first"
    )]
    Buffer {
        /// How much is stored.
        stored: usize,
        /// How much fits.
        given: usize,
    },
    /// More than can be stored.
    #[error("sam: {0} bytes cannot be stored; store less")]
    TooBig(usize),
    /// There is no memory for what is to be stored.
    #[error("sam: there is no memory for {0} bytes of stored data; what was stored before stays")]
    Memory(usize),
    /// Health checks are not asked for.
    #[error("sam: the interval is 0, so there are no health checks that a callback could make")]
    NoInterval,
    /// No callback was given, and there was none to take away.
    #[error("sam: there is no callback to take away; register one first")]
    NoCallback,
    /// The published state was not asked for.
    #[error("sam: mark_failed needs the policy flag 0x10 (published): nobody would see the mark")]
    NotPublished,
    /// The process cannot be split as it should be.
    #[error("sam: the process cannot be split: {0}")]
    Split(#[source] std::io::Error),
    /// The first pipe cannot be made.
    #[error("sam: no pipe to the supervisor can be made: {0}; are there too many files open?")]
    Pipe(#[source] std::io::Error),
    /// The supervisor does not answer.
    #[error("sam: the supervisor of this process is gone; end, and let yourself be started anew")]
    SupervisorGone,
    /// The supervisor cannot go on.
    #[error("sam: the supervisor cannot wait for its instance: {0}")]
    Supervisor(#[source] std::io::Error),
    /// A thread for health checks cannot be started.
    #[error("sam: no thread for health checks can be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The supervisor refused.
    #[error("sam: the supervisor refused: {0}")]
    Refused(ErrorCode),
    /// The node cannot be reached at initialisation, or it refused.
    #[error("sam: quorum cannot be asked for: {}", .0.text)]
    Quorum(ais_types::Error),
    /// The state cannot be published before an instance is made.
    #[error("sam: the state cannot be published: {}", .0.text)]
    Publish(ais_types::Error),
    /// The published object cannot be made at registration.
    #[error("sam: the process cannot be published: {}", .0.text)]
    PublishAtFirst(ais_types::Error),
    /// The process has more than one thread.
    #[error(
        "sam: this process has {0} threads, and only the calling one would live on in the supervised instance; register before you start threads"
    )]
    Threads(usize),
    /// The threads of this process cannot be counted.
    #[error("sam: the threads of this process cannot be counted ({0}); is /proc mounted?")]
    Uncounted(#[source] std::io::Error),
    /// An option is out of its range.
    #[error("sam: {0}")]
    Option(String),
    /// Stored data is not of the type asked for.
    #[error("sam: what is stored is not what is asked for: {0}")]
    Stored(String),
    /// The library itself is broken.
    #[error("sam: a fault of the library itself: {0}")]
    Fault(String),
}

impl Error {
    /// The code of the specification.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::State { .. } | Self::Split(_) | Self::PublishAtFirst(_) => ErrorCode::BadHandle,
            Self::Policy(_)
            | Self::Null(_)
            | Self::Buffer { .. }
            | Self::NoInterval
            | Self::NoCallback
            | Self::NotPublished
            | Self::Option(_)
            | Self::Stored(_) => ErrorCode::InvalidParam,
            Self::TooBig(_) => ErrorCode::TooBig,
            Self::Memory(_) => ErrorCode::NoMemory,
            Self::Pipe(_)
            | Self::SupervisorGone
            | Self::Supervisor(_)
            | Self::Thread(_)
            | Self::Fault(_) => ErrorCode::Library,
            Self::Refused(code) => *code,
            Self::Quorum(error) | Self::Publish(error) => error.code,
            Self::Threads(_) | Self::Uncounted(_) => ErrorCode::BadOperation,
        }
    }
}
