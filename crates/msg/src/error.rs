//! Why a call is refused: each reason has exactly one code of the specification.

use ais_types::{Error, ErrorCode, Name, msg::Function};

/// A refusal. The text names the object, the broken rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the session was not initialised: call Initialize first")]
    NotInitialised,
    #[error("the session is initialised already: open another one")]
    InitialisedTwice,
    #[error("handle {0:#x} is not open here: never issued, or closed")]
    BadHandle(u64),
    #[error("no {0} callback was registered at Initialize: register one, or do without")]
    NoCallback(&'static str),
    #[error("{0}")]
    Parameter(&'static str),
    #[error("{name}: {rule}")]
    Name { name: Name, rule: &'static str },
    #[error("{what} flags {flags:#x} are unknown")]
    Flags { what: &'static str, flags: u32 },
    #[error("{name}: {rule}")]
    TooBig { name: Name, rule: &'static str },
    #[error("{name}: there is no such queue: create it (CREATE), or wait for who does")]
    NoQueue { name: Name },
    #[error("{name}: exists with another {attribute}: open it with the attributes it has")]
    OtherAttributes { name: Name, attribute: &'static str },
    #[error("{name}: is open: one process at a time can receive")]
    Open { name: Name },
    #[error("{name}: {rule}")]
    Kind { name: Name, rule: &'static str },
    #[error("{name}: priority {priority} has no room for the message: wait until it is read")]
    Full { name: Name, priority: u8 },
    #[error("too many {what}: at most {most}")]
    TooMany { what: &'static str, most: usize },
    #[error("time ran out")]
    TimedOut,
    #[error("the wait was cancelled")]
    Cancelled,
    #[error("nobody waits in Get on handle {0:#x}")]
    NobodyWaits(u64),
    #[error("this node is no member of the cluster: nothing can be opened here")]
    NoMember,
    #[error("{0:?} is not served yet")]
    NotServed(Function),
    #[error("{0:?} is newer than the version asked for at Initialize: ask for B.03.01")]
    Newer(Function),
}

impl Refused {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::NotInitialised | Self::BadHandle(_) => ErrorCode::BadHandle,
            Self::InitialisedTwice | Self::Parameter(_) | Self::Name { .. } => {
                ErrorCode::InvalidParam
            }
            Self::NoCallback(_) => ErrorCode::Init,
            Self::Flags { .. } => ErrorCode::BadFlags,
            Self::TooBig { .. } => ErrorCode::TooBig,
            Self::NoQueue { .. } | Self::NobodyWaits(_) => ErrorCode::NotExist,
            Self::OtherAttributes { .. } => ErrorCode::Exist,
            Self::Open { .. } => ErrorCode::Busy,
            Self::Kind { .. } => ErrorCode::BadOperation,
            Self::Full { .. } => ErrorCode::QueueFull,
            Self::TooMany { .. } => ErrorCode::NoResources,
            Self::TimedOut => ErrorCode::Timeout,
            Self::Cancelled => ErrorCode::Interrupt,
            Self::NoMember => ErrorCode::Unavailable,
            Self::NotServed(_) => ErrorCode::NotSupported,
            Self::Newer(_) => ErrorCode::Version,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code(), alloc::format!("{refused}"))
    }
}
