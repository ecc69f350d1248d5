//! Why AMF refuses a call.

use ais_types::amf::{AdminOperation, AdminState, PresenceState};
use ais_types::{Error, ErrorCode, Name};
use alloc::string::{String, ToString};

/// Why a call is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this session has not been initialised: call Initialize first")]
    NotInitialized,
    #[error("this session has been initialised: one handle, one Initialize")]
    InitializedTwice,
    #[error("this node is no member of the cluster")]
    NoMember { since_b03: bool },
    #[error("{0} is not supported yet")]
    NotSupported(String),
    #[error("{0} is not in this version of the library: Finalize instead")]
    Version(&'static str),
    #[error("{0} needs a callback that the handle does not have: {1}")]
    NoCallback(&'static str, &'static str),
    #[error("the process belongs to no component: SA_AMF_COMPONENT_NAME is not set")]
    NoComponentName,
    #[error("{0} is no component of the model")]
    NoSuchComponent(Name),
    #[error("{0} is no component of the model")]
    UnknownComponent(Name),
    #[error("{0} is not in the model")]
    NoSuchObject(Name),
    #[error("{proxy} is not registered, so it can be nobody's proxy")]
    ProxyNotRegistered { proxy: Name },
    #[error("{0} is not proxied: register it without a proxy")]
    NotProxied(Name),
    #[error("{component} is not the component of the calling process")]
    OtherComponent { component: Name },
    #[error("{0} is registered already")]
    RegisteredAlready(Name),
    #[error("{0} is not registered")]
    NotRegistered(Name),
    #[error("{0} was registered with another handle")]
    OtherHandle(Name),
    #[error("{component} is {presence}: it registers after AMF has started it")]
    NotStarted { component: Name, presence: PresenceState },
    #[error("{csi} is not assigned to {component}")]
    NotAssigned { component: Name, csi: Name },
    #[error("invocation {0} is not that of an unanswered callback of this kind")]
    UnknownInvocation(u64),
    #[error("invocation {0} is of another callback, or another handle's")]
    WrongInvocation(u64),
    #[error("the answer to a callback is OK or FAILED_OPERATION, not {0}")]
    WrongAnswer(ErrorCode),
    #[error("{number} is no recommended recovery")]
    NoSuchRecovery { number: u32, since_b04: bool },
    #[error("{0} does not run ({1}): there is nothing to recover")]
    NothingToRecover(Name, PresenceState),
    #[error("CONTAINER_RESTART is for contained components only, and {0} is none")]
    NotContained(Name),
    #[error("{0} has no error to clear")]
    NoError(Name),
    #[error("{object} is {state}: {operation} changes nothing")]
    NoOp { object: Name, state: String, operation: AdminOperation },
    #[error("{object} is {state}: {operation} is not allowed then")]
    BadOperation { object: Name, state: AdminState, operation: AdminOperation },
    #[error("{0} is busy with an earlier operation or a recovery: try again")]
    Busy(Name),
    #[error("{0}: done, but a component is in a failed presence state; mend it, then REPAIRED")]
    RepairPending(Name),
    #[error("{0} cannot be brought to an end: it still runs")]
    NotRepaired(Name),
    #[error("the cluster has another model: a model cannot be replaced yet")]
    OtherModel,
    #[error("{0}")]
    BadModel(String),
}

impl Refusal {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::NotInitialized => ErrorCode::BadHandle,
            Self::InitializedTwice | Self::BadModel(_) => ErrorCode::InvalidParam,
            Self::NoMember { since_b03: true } => ErrorCode::Unavailable,
            Self::NoMember { since_b03: false } | Self::Busy(_) => ErrorCode::TryAgain,
            Self::NotSupported(_) => ErrorCode::NotSupported,
            Self::Version(_) => ErrorCode::Version,
            Self::NoCallback(..) => ErrorCode::Init,
            Self::NoComponentName
            | Self::NoSuchObject(_)
            | Self::UnknownComponent(_)
            | Self::ProxyNotRegistered { .. }
            | Self::NotRegistered(_)
            | Self::NotAssigned { .. }
            | Self::UnknownInvocation(_) => ErrorCode::NotExist,
            Self::NoSuchComponent(_)
            | Self::NotProxied(_)
            | Self::WrongInvocation(_)
            | Self::WrongAnswer(_)
            | Self::NothingToRecover(..)
            | Self::NotContained(_)
            | Self::NoSuchRecovery { since_b04: false, .. } => ErrorCode::InvalidParam,
            Self::NoSuchRecovery { since_b04: true, .. } => ErrorCode::Access,
            Self::OtherComponent { .. }
            | Self::NotStarted { .. }
            | Self::BadOperation { .. }
            | Self::NotRepaired(_) => ErrorCode::BadOperation,
            Self::RegisteredAlready(_) | Self::OtherModel => ErrorCode::Exist,
            Self::OtherHandle(_) => ErrorCode::BadHandle,
            Self::NoError(_) | Self::NoOp { .. } => ErrorCode::NoOp,
            Self::RepairPending(_) => ErrorCode::RepairPending,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
