//! Why a call is refused: each reason has exactly one code of the specification.

use ais_types::{
    Error, ErrorCode, Name, NodeId, Version,
    ckpt::{SectionId, TRACK_VERSION},
};
use thiserror::Error as ThisError;

/// A refusal. The text names the object, the broken rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub(crate) enum Refused {
    #[error("version {requested} is not served; ask for {offered}")]
    Version { requested: Version, offered: Version },
    #[error("tracking is for programs of {TRACK_VERSION} and later: initialize with that version")]
    TooOld,
    #[error("the session was not initialised: call Initialize first")]
    NotInitialised,
    #[error("the session is initialised already: open another one")]
    InitialisedTwice,
    #[error("handle {0:#x} is not open here: never issued, or closed")]
    BadHandle(u64),
    #[error("no {0} callback was registered at Initialize: register one, or call synchronously")]
    NoCallback(&'static str),
    #[error("{rule}")]
    Parameter { rule: &'static str },
    #[error("{name}: {rule}")]
    Name { name: Name, rule: &'static str },
    #[error("{name}: open flags {flags:#x} are empty or unknown: use READ, WRITE, CREATE")]
    OpenFlags { name: Name, flags: u32 },
    #[error("{name}: the checkpoint was opened without {needed}: open it with {needed}")]
    Access { name: Name, needed: &'static str },
    #[error("{name}: {rule}")]
    Kind { name: Name, rule: &'static str },
    #[error("{name}: there is no such checkpoint: create it (CREATE), or wait for who does")]
    NoCheckpoint { name: Name },
    #[error("{name}: exists with another {attribute}: open it with the attributes it has")]
    OtherAttributes { name: Name, attribute: &'static str },
    #[error("{name}: no replica is active: call ActiveReplicaSet on a node that has one")]
    NoActive { name: Name },
    #[error("section {section:?} is not there: create it")]
    NoSection { section: SectionId },
    #[error("section {section:?} is corrupted: overwrite or delete it")]
    Corrupted { section: SectionId },
    #[error("section {section:?} exists already")]
    SectionExists { section: SectionId },
    #[error("the default section is the only one of a checkpoint with maxSections 1")]
    OnlyDefaultSection,
    #[error("all {max} sections are in use: delete one")]
    TooManySections { max: u32 },
    #[error("{needed} bytes do not fit into a checkpoint of {size} bytes: delete sections")]
    CheckpointFull { needed: u64, size: u64 },
    #[error("{needed} bytes do not grow into a checkpoint of {size} bytes: delete sections")]
    NoGrowth { needed: u64, size: u64 },
    #[error("no section id of at most {max} octets is free: give one, or delete sections")]
    NoIdFree { max: u64 },
    #[error("byte {offset} is beyond the {size} bytes of section {section:?}")]
    BeyondEnd { section: SectionId, offset: u64, size: u64 },
    #[error("no more sections")]
    NoSections,
    #[error("{what}: the limit of {limit} is reached: {remedy}")]
    Limit { what: &'static str, limit: u64, remedy: &'static str },
    #[error("the node has no memory for {needed} bytes more: delete sections, or give it more")]
    NoRoom { needed: u64 },
    #[error("{name}: this node has no memory for a replica: close something, or give it more")]
    NoRoomHere { name: Name },
    #[error("this node's programs have {limit} bytes of calls under way: await some")]
    Busy { limit: u64 },
    #[error("sections are corrupted only where the node's configuration allows it (faults)")]
    NoFaults,
    #[error("time ran out: what was asked may be done or not")]
    TimedOut,
    #[error("{0} is not a member of the cluster that hosts checkpoints")]
    NoMember(NodeId),
    #[error("handle {handle:#x}: every replica was lost with its node: close it, create it again")]
    Lost { handle: u64 },
    #[error("the checkpoint went while the call was under way: try again")]
    LostMeanwhile,
}

impl Refused {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Version { .. } | Self::TooOld => ErrorCode::Version,
            Self::NotInitialised | Self::BadHandle(_) | Self::Lost { .. } => ErrorCode::BadHandle,
            Self::NoCallback(_) => ErrorCode::Init,
            Self::InitialisedTwice
            | Self::Parameter { .. }
            | Self::Name { .. }
            | Self::BeyondEnd { .. } => ErrorCode::InvalidParam,
            Self::OpenFlags { .. } => ErrorCode::BadFlags,
            Self::Access { .. } => ErrorCode::Access,
            Self::Kind { .. } => ErrorCode::BadOperation,
            Self::NoCheckpoint { .. }
            | Self::NoActive { .. }
            | Self::NoSection { .. }
            | Self::Corrupted { .. } => ErrorCode::NotExist,
            Self::OtherAttributes { .. }
            | Self::SectionExists { .. }
            | Self::OnlyDefaultSection => ErrorCode::Exist,
            Self::TooManySections { .. } | Self::CheckpointFull { .. } => ErrorCode::NoSpace,
            Self::NoGrowth { .. }
            | Self::NoIdFree { .. }
            | Self::Limit { .. }
            | Self::NoRoom { .. }
            | Self::NoRoomHere { .. } => ErrorCode::NoResources,
            Self::NoFaults => ErrorCode::AccessDenied,
            Self::NoSections => ErrorCode::NoSections,
            Self::TimedOut => ErrorCode::Timeout,
            Self::NoMember(_) => ErrorCode::Unavailable,
            Self::LostMeanwhile | Self::Busy { .. } => ErrorCode::TryAgain,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code(), alloc::format!("{refused}"))
    }
}
