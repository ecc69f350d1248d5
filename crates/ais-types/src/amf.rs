//! What programs ask AMF, are answered, and are told.
//!
//! Source: `SAI-AIS-AMF-B.04.01`. Objects have any name that is unique in the model: a plain one
//! (`csa104CompI0`) or a distinguished one (`safComp=C1,safSu=SU1,safSg=SG,safApp=App`).

mod model;
mod report;
mod states;

pub use model::{
    Application, Command, Component, Csi, Escalation, Group, Instance, Limit, Model, Redundancy,
    Unit,
};
pub use report::{
    Cause, ComponentReport, CsiReport, GroupReport, InstanceReport, State, UnitReport,
};
pub use states::{
    AdminOperation, AdminState, AssignmentState, CsiFlags, HaState, OperationalState,
    PresenceState, ReadinessState, Recovery, Transition,
};

use crate::{ErrorCode, Name, Payloads, Time, Version};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Through which function a program initialised the library; it bounds the version it can get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Api {
    /// `saAmfInitialize`: B.01 and B.02.
    #[doc(alias = "saAmfInitialize")]
    B01,
    /// `saAmfInitialize_3`: B.03.
    #[doc(alias = "saAmfInitialize_3")]
    B03,
    /// `saAmfInitialize_4`: B.04.
    #[doc(alias = "saAmfInitialize_4")]
    B04,
}

impl Api {
    /// The version to ask for when no other is meant.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::B01 => Version::b(1, 1),
            Self::B03 => Version::b(3, 1),
            Self::B04 => Version::b(4, 1),
        }
    }

    /// The versions that this function offers.
    #[must_use]
    pub const fn offered(self) -> &'static [Version] {
        const B02: &[Version] = &[Version::b(1, 1), Version::b(2, 1)];
        const B03: &[Version] = &[Version::b(3, 1)];
        const B04: &[Version] = &[Version::b(4, 1)];
        match self {
            Self::B01 => B02,
            Self::B03 => B03,
            Self::B04 => B04,
        }
    }
}

/// Which callbacks a program has registered (`SaAmfCallbacksT`).
#[doc(alias = "SaAmfCallbacksT")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callbacks {
    /// `saAmfHealthcheckCallback`.
    pub healthcheck: bool,
    /// `saAmfComponentTerminateCallback`.
    pub terminate: bool,
    /// `saAmfCSISetCallback`.
    pub csi_set: bool,
    /// `saAmfCSIRemoveCallback`.
    pub csi_remove: bool,
    /// `saAmfProtectionGroupTrackCallback`.
    pub protection_group: bool,
}

impl Callbacks {
    /// What a component that registers itself needs.
    pub const COMPONENT: Self = Self {
        healthcheck: false,
        terminate: true,
        csi_set: true,
        csi_remove: true,
        protection_group: false,
    };
}

/// Who sees to it that a healthcheck happens (`SaAmfHealthcheckInvocationT`).
#[doc(alias = "SaAmfHealthcheckInvocationT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthcheckInvocation {
    /// AMF calls back every period.
    #[doc(alias = "SA_AMF_HEALTHCHECK_AMF_INVOKED")]
    Framework = 1,
    /// The component confirms at least once a period.
    #[doc(alias = "SA_AMF_HEALTHCHECK_COMPONENT_INVOKED")]
    Component = 2,
}

/// How a program answers a callback.
///
/// The codes are as in C, so that illegal ones can be refused by the service: `None` is OK.
pub type Answer = Option<ErrorCode>;

/// What AMF can be asked. The first call of a session is [`Call::Initialize`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Opens the library handle, which is the session.
    #[doc(alias = "saAmfInitialize")]
    Initialize {
        /// What the program asks for.
        version: Version,
        /// Through which function.
        api: Api,
        /// Which callbacks it has.
        callbacks: Callbacks,
        /// `SA_AMF_COMPONENT_NAME` of its environment.
        component: Option<Name>,
    },
    /// Which component the calling process belongs to (§7.6.3). `NOT_EXIST`: none.
    #[doc(alias = "saAmfComponentNameGet")]
    ComponentNameGet,
    /// The calling process stands for the component and takes work for it (§7.6.1).
    #[doc(alias = "saAmfComponentRegister")]
    Register {
        /// The component.
        component: Name,
        /// Its proxy, if it is proxied (not supported).
        proxy: Option<Name>,
    },
    /// Ends that; up to B.03 (§6.6.2 there). Unless AMF asked for it, it is an error on the component.
    #[doc(alias = "saAmfComponentUnregister")]
    Unregister {
        /// The component.
        component: Name,
        /// Its proxy, if it is proxied (not supported).
        proxy: Option<Name>,
    },
    /// Which HA state the component has for the CSI (§7.9.1), once it has acknowledged it.
    #[doc(alias = "saAmfHAStateGet")]
    HaStateGet {
        /// A registered component.
        component: Name,
        /// A CSI assigned to it.
        csi: Name,
    },
    /// The component answers a callback (§7.13).
    #[doc(alias = "saAmfResponse")]
    Response {
        /// Of the callback.
        invocation: u64,
        /// OK (`None`) or `FAILED_OPERATION`.
        answer: Answer,
    },
    /// The component serves nobody any more after a QUIESCING (§7.9.4).
    #[doc(alias = "saAmfCSIQuiescingComplete")]
    QuiescingComplete {
        /// Of the QUIESCING callback.
        invocation: u64,
        /// OK (`None`) or `FAILED_OPERATION`.
        answer: Answer,
    },
    /// Somebody saw an error of a component (§7.12.1).
    #[doc(alias = "saAmfComponentErrorReport")]
    ErrorReport {
        /// The component in error.
        component: Name,
        /// When, by the wall clock; 0: now.
        detected: Time,
        /// `SaAmfRecommendedRecoveryT` as given: 1..=9 are known.
        recovery: u32,
    },
    /// The errors of a component are gone (§7.12.3).
    #[doc(alias = "saAmfComponentErrorClear")]
    ErrorClear {
        /// The component.
        component: Name,
    },
    /// Starts a healthcheck (§7.8.1).
    #[doc(alias = "saAmfHealthcheckStart")]
    HealthcheckStart {
        /// The component to check.
        component: Name,
        /// 1 to 32 bytes.
        key: Vec<u8>,
        /// Who sees to it.
        invocation: HealthcheckInvocation,
        /// What to do when it fails, as in [`Call::ErrorReport`].
        recovery: u32,
    },
    /// The component says how it is (§7.8.3).
    #[doc(alias = "saAmfHealthcheckConfirm")]
    HealthcheckConfirm {
        /// The component.
        component: Name,
        /// Of the healthcheck.
        key: Vec<u8>,
        /// OK (`None`) or `FAILED_OPERATION`.
        result: Answer,
    },
    /// Ends a healthcheck (§7.8.4).
    #[doc(alias = "saAmfHealthcheckStop")]
    HealthcheckStop {
        /// The component.
        component: Name,
        /// Of the healthcheck.
        key: Vec<u8>,
    },
    /// Watches a process (§7.7.1). Not supported.
    #[doc(alias = "saAmfPmStart")]
    PmStart {
        /// The component it belongs to.
        component: Name,
    },
    /// Ends that. Not supported.
    #[doc(alias = "saAmfPmStop")]
    PmStop {
        /// The component it belongs to.
        component: Name,
    },
    /// Follows who is assigned to a CSI (§7.11.1). Not supported.
    #[doc(alias = "saAmfProtectionGroupTrack")]
    ProtectionGroupTrack {
        /// The CSI.
        csi: Name,
    },
    /// An operator's order (chapter 9). Answered when its effects are complete.
    Admin {
        /// A unit, a group or an instance (SI) by name.
        object: Name,
        /// What to do with it.
        operation: AdminOperation,
    },
    /// The whole tree, for operators.
    State,
    /// Why an object is as it is, for operators: the last decisions about it.
    Explain {
        /// Any object of the model.
        object: Name,
    },
    /// Gives the cluster its model, if it has none. `EXIST`: it has another one.
    LoadModel(Model),
}

/// What AMF answers when a call succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// To [`Call::Initialize`]: the version offered.
    Initialized(Version),
    /// To [`Call::Initialize`]: VERSION, and the version to ask for instead. There is no handle.
    VersionRefused(Version),
    /// To [`Call::ComponentNameGet`].
    ComponentName(Name),
    /// To [`Call::HaStateGet`].
    HaState(HaState),
    /// To [`Call::State`].
    State(State),
    /// To [`Call::Explain`]: oldest first.
    Causes(Vec<Cause>),
}

/// What AMF tells a program unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// Take or change work (§7.9.2). To be answered by [`Call::Response`].
    #[doc(alias = "SaAmfCSISetCallbackT")]
    CsiSet {
        /// To answer with; never 0.
        invocation: u64,
        /// The component meant.
        component: Name,
        /// The state to take.
        state: HaState,
        /// For which CSI, and how.
        csi: CsiDescriptor,
    },
    /// Give up work (§7.9.3). To be answered by [`Call::Response`].
    #[doc(alias = "SaAmfCSIRemoveCallbackT")]
    CsiRemove {
        /// To answer with; never 0.
        invocation: u64,
        /// The component meant.
        component: Name,
        /// The CSI; empty for [`CsiFlags::TargetAll`].
        csi: Name,
        /// One, or all.
        flags: CsiFlags,
    },
    /// End the component (§7.10.1). To be answered by [`Call::Response`].
    #[doc(alias = "SaAmfComponentTerminateCallbackT")]
    Terminate {
        /// To answer with; never 0.
        invocation: u64,
        /// The component meant.
        component: Name,
    },
    /// Say how you are (§7.8.2). To be answered by [`Call::Response`].
    #[doc(alias = "SaAmfHealthcheckCallbackT")]
    Healthcheck {
        /// To answer with; never 0.
        invocation: u64,
        /// The component meant.
        component: Name,
        /// Of the healthcheck.
        key: Vec<u8>,
    },
}

/// `SaAmfCSIDescriptorT` (§7.4.7.9).
#[doc(alias = "SaAmfCSIDescriptorT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsiDescriptor {
    /// A new CSI, one that the component has, or all that it has.
    pub flags: CsiFlags,
    /// The CSI; empty for [`CsiFlags::TargetAll`].
    pub name: Name,
    /// What goes with the state.
    pub detail: StateDescriptor,
    /// The CSI's attributes: only with [`CsiFlags::AddOne`]. A name with several values comes
    /// several times.
    pub attributes: Vec<(String, String)>,
}

/// `SaAmfCSIStateDescriptorT`: what goes with an HA state.
#[doc(alias = "SaAmfCSIStateDescriptorT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateDescriptor {
    /// With ACTIVE.
    Active {
        /// What became of the previous active.
        transition: Transition,
        /// The previous active component; for [`Transition::NewAssign`], where the specification
        /// leaves it unused, the component itself.
        active: Name,
    },
    /// With STANDBY.
    Standby {
        /// The component that is active; empty if none is.
        active: Name,
        /// 1: the first to take over.
        rank: u32,
    },
    /// With QUIESCED and QUIESCING.
    None,
}

impl Payloads for Call {}
impl Payloads for Reply {}
impl Payloads for Callback {}
