//! Why a call is refused.

use ais_types::{
    Error, ErrorCode, Name, NodeId, TrackFlags,
    clm::{AdminOperation, AdminState, Api},
};

/// Why a call is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The session never called Initialize, or was refused.
    #[error("this handle was never initialised; initialise CLM first")]
    NotInitialised,
    /// Initialize on a handle that has been initialised.
    #[error("this handle is initialised; a second handle needs a session of its own")]
    Initialised,
    /// A function of the other generation.
    #[error("the handle was initialised for {0:?}; use that generation's function")]
    Generation(Api),
    /// Flags that do not exist, contradict each other, or say nothing.
    #[error("track flags {0:#04x}: give CURRENT, and at most one of CHANGES and CHANGES_ONLY")]
    Flags(u8),
    /// An array without room for any item.
    #[error("the array for the membership has room for 0 items; give it room, or none at all")]
    EmptyArray,
    /// A callback that the call needs.
    #[error("no {0} callback was registered at Initialize")]
    NoCallback(&'static str),
    /// TrackStop without tracking.
    #[error("no tracking of changes is in effect on this handle")]
    NotTracking,
    /// Node 0, or a negative time-out.
    #[error("{0}")]
    Parameter(&'static str),
    /// The caller's node is no member.
    #[error("node {0} is no member of the cluster; unlock it, or wait until it is one")]
    Unavailable(NodeId),
    /// The caller's node is not even configured.
    #[error("node {0} is not part of the cluster's configuration; create it there")]
    Unconfigured(NodeId),
    /// No member with this id.
    #[error("no member of the cluster has the id {0}")]
    NoMember(NodeId),
    /// The same, for programs of release B.01.
    #[error("no member of the cluster has the id {0}")]
    NoMemberB01(NodeId),
    /// Time ran out.
    #[error("time ran out")]
    TimedOut,
    /// A response that nobody waits for.
    #[error("no response is owed to invocation {0}")]
    NothingOwed(u64),
    /// REJECTED to a START.
    #[error("the change is decided: invocation {0} takes OK or ERROR, and not REJECTED")]
    CannotReject(u64),
    /// A name that no configured node has.
    #[error("no node {0:?} is configured; `ais clm nodes` shows those that are")]
    NoNode(Name),
    /// A node of that name is configured.
    #[error("node {0} is configured already")]
    NodeExists(Name),
    /// The configuration is full.
    #[error("{0} nodes are configured, and no more can be; delete some")]
    Nodes(usize),
    /// A node that is not locked is deleted.
    #[error("node {0} is not locked; lock it, and delete it then")]
    NotLocked(Name),
    /// It is so already.
    #[error("node {0} is {1} already")]
    NoOp(Name, AdminState),
    /// It is so already: no member.
    #[error("node {0} is no member")]
    NotIn(Name),
    /// Another operation waits for responses.
    #[error("another operation on node {0} waits for responses; wait for its end")]
    UnderWay(Name),
    /// No such operation.
    #[error("a node has no {0}; unlock, lock or shut it down")]
    NoOperation(AdminOperation),
    /// The shutdown was overtaken.
    #[error("the shutdown of node {0} was overtaken by another operation")]
    Interrupted(Name),
    /// Somebody objected.
    #[error("node {0} stays a member: a program that was asked objected")]
    Rejected(Name),
    /// Too much is under way on this handle.
    #[error("{0} queries of this handle are under way; wait for some of them")]
    Queries(usize),
}

impl Refused {
    /// The flags, refused.
    #[must_use]
    pub(crate) const fn flags(flags: TrackFlags) -> Self {
        Self::Flags(flags.0)
    }

    /// The code that the specification gives to it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotInitialised => ErrorCode::BadHandle,
            Self::Initialised => ErrorCode::BadOperation,
            Self::Generation(_) => ErrorCode::Version,
            Self::Flags(_) => ErrorCode::BadFlags,
            Self::EmptyArray
            | Self::Parameter(_)
            | Self::NoMemberB01(_)
            | Self::NothingOwed(_)
            | Self::CannotReject(_)
            | Self::NoNode(_) => ErrorCode::InvalidParam,
            Self::NodeExists(_) => ErrorCode::Exist,
            Self::Nodes(_) => ErrorCode::NoResources,
            Self::NotLocked(_) | Self::UnderWay(_) => ErrorCode::BadOperation,
            Self::NoOp(..) | Self::NotIn(_) => ErrorCode::NoOp,
            Self::NoOperation(_) => ErrorCode::NotSupported,
            Self::Interrupted(_) => ErrorCode::Interrupt,
            Self::Rejected(_) => ErrorCode::FailedOperation,
            Self::NoCallback(_) => ErrorCode::Init,
            Self::NotTracking | Self::NoMember(_) => ErrorCode::NotExist,
            Self::Unavailable(_) | Self::Unconfigured(_) => ErrorCode::Unavailable,
            Self::TimedOut => ErrorCode::Timeout,
            Self::Queries(_) => ErrorCode::TryAgain,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code(), alloc::format!("{refused}"))
    }
}
