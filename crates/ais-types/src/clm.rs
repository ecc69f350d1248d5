//! What programs ask CLM, are answered, and are told (`SAI-AIS-CLM-B.04.01`, with `B.01.01`).

mod admin;

pub use admin::{AdminOperation, AdminState, Attribute, Configuration, ConfiguredNode};

use crate::{ErrorCode, Name, NodeId, Payloads, Time, TrackFlags, Version};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Stands for the caller's own node in a query. Never a node's number.
#[doc(alias = "SA_CLM_LOCAL_NODE_ID")]
pub const LOCAL_NODE: NodeId = NodeId(u32::MAX);

/// The versions of the service, one a generation of its functions.
pub const VERSIONS: &[Version] = &[Version::b(1, 1), Version::b(4, 1)];

/// Which generation of the functions a call belongs to. A handle keeps the one it was
/// initialised with; functions of the other one answer VERSION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Api {
    /// `saClmInitialize`, `saClmClusterTrack`, `saClmClusterNodeGet`.
    B01,
    /// `saClmInitialize_4`, `saClmClusterTrack_4`, `saClmClusterNodeGet_4`, `saClmResponse_4`.
    B04,
}

impl Api {
    /// What this generation is called when versions are negotiated.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::B01 => Version::b(1, 1),
            Self::B04 => Version::b(4, 1),
        }
    }
}

/// Which callbacks a program registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Callbacks {
    /// `saClmClusterNodeGetCallback`.
    pub node_get: bool,
    /// `saClmClusterTrackCallback`.
    pub track: bool,
}

/// What a program asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// First on every session.
    #[doc(alias = "saClmInitialize")]
    #[doc(alias = "saClmInitialize_4")]
    Initialize {
        /// The entry point that was called.
        api: Api,
        /// As requested; the minor number does not matter.
        version: Version,
        /// What was registered.
        callbacks: Callbacks,
    },
    /// Asks for the current membership, for its changes, or for both.
    #[doc(alias = "saClmClusterTrack")]
    #[doc(alias = "saClmClusterTrack_4")]
    Track {
        /// The function that was called.
        api: Api,
        /// What is asked for.
        flags: TrackFlags,
        /// Where the current membership goes. Matters only with [`TrackFlags::CURRENT`].
        buffer: Buffer,
    },
    /// Ends tracking.
    #[doc(alias = "saClmClusterTrackStop")]
    TrackStop,
    /// Asks for one node and waits.
    #[doc(alias = "saClmClusterNodeGet")]
    #[doc(alias = "saClmClusterNodeGet_4")]
    NodeGet {
        /// The function that was called.
        api: Api,
        /// Which node; [`LOCAL_NODE`] for the caller's own.
        node: NodeId,
        /// How long to wait.
        timeout: Time,
    },
    /// Asks for one node; the answer is a callback.
    #[doc(alias = "saClmClusterNodeGetAsync")]
    NodeGetAsync {
        /// Comes back in the callback.
        invocation: u64,
        /// Which node; [`LOCAL_NODE`] for the caller's own.
        node: NodeId,
    },
    /// Answers a callback of step VALIDATE or START.
    #[doc(alias = "saClmResponse_4")]
    Response {
        /// From the callback.
        invocation: u64,
        /// What the program says to it.
        response: Response,
    },
    /// An operator's order about a node; answered when it is done, however long that takes.
    Admin {
        /// The node's name.
        node: Name,
        /// What is to be done.
        operation: AdminOperation,
    },
    /// Takes a member out of the membership for the rest of its present life, as platform
    /// management does: who tracks VALIDATE is asked first, then who tracks START. Answered when
    /// it is out, or with FAILED_OPERATION when somebody objected.
    Remove {
        /// The node's name.
        node: Name,
        /// What the members are told as the cause, e.g. the DN of an execution environment.
        cause: Name,
    },
    /// Adds a node to the configuration.
    CreateNode {
        /// The node's name.
        node: Name,
    },
    /// Takes a node out of the configuration. It has to be LOCKED, and no member.
    DeleteNode {
        /// The node's name.
        node: Name,
    },
    /// Changes an attribute of a configured node.
    ModifyNode {
        /// The node's name.
        node: Name,
        /// The attribute and its new value.
        attribute: Attribute,
    },
    /// Asks for the configured nodes and their states.
    Configuration,
}

/// Where the answer to [`TrackFlags::CURRENT`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Buffer {
    /// No buffer was given: into a callback.
    None,
    /// Into memory that the library allocates.
    Library,
    /// Into the caller's array of so many items.
    Items(u32),
}

/// An answer to a step.
#[doc(alias = "SaClmResponseT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// Go on.
    Ok,
    /// Do not; only for VALIDATE.
    Rejected,
    /// Could not prepare; the change goes on.
    Error,
}

/// What a program is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To `Initialize`: the version granted.
    Initialized(Version),
    /// To `Initialize`: ERR_VERSION, and the version to ask for instead. There is no handle.
    VersionRefused(Version),
    /// To `Track` without CURRENT, or when the current membership goes into a callback.
    Tracked,
    /// To `Track` with CURRENT and a buffer.
    Current(Notification),
    /// To `Track` with CURRENT and the caller's array: ERR_NO_SPACE, and how many items it takes.
    NoSpace(u32),
    /// To `TrackStop`: callbacks numbered below this (see [`TrackCallback::tracking`]) that were
    /// not dispatched yet are dropped by the library.
    Stopped(u64),
    /// To `NodeGet`.
    Node(ClusterNode),
    /// To `NodeGetAsync`: the answer follows as a callback.
    Asked,
    /// To `Response`.
    Responded,
    /// To `Admin`, `Remove`, `CreateNode`, `DeleteNode` and `ModifyNode`.
    Done,
    /// To `Configuration`.
    Configuration(Configuration),
}

/// What a program is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// The answer to `NodeGetAsync`.
    #[doc(alias = "SaClmClusterNodeGetCallbackT_4")]
    NodeGet {
        /// From the call.
        invocation: u64,
        /// The node, or the code of the failure.
        node: Result<ClusterNode, ErrorCode>,
    },
    /// The membership, or what changed in it.
    #[doc(alias = "SaClmClusterTrackCallbackT_4")]
    Track(TrackCallback),
}

impl Callback {
    /// Whether a `TrackStop` answered with [`Reply::Stopped`]`(stopped)` removes this callback.
    #[must_use]
    pub fn is_stale(&self, stopped: u64) -> bool {
        match self {
            Self::NodeGet { .. } => false,
            Self::Track(it) => it.tracking < stopped,
        }
    }
}

/// The membership, or what changed in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackCallback {
    /// How many times this handle had stopped tracking when the callback was made. Callbacks and
    /// replies travel apart; by this number the library knows which ones a stop removed.
    pub tracking: u64,
    /// View and nodes.
    pub notification: Notification,
    /// Members after the transition; for VALIDATE, START and ABORTED before it.
    pub members: u32,
    /// Not 0 in VALIDATE and START: what to respond with.
    pub invocation: u64,
    /// What the operation or event was directed at, if anything.
    pub root_cause: Option<Name>,
    /// How far the change is.
    pub step: Step,
    /// How long the response is waited for.
    pub time_supervision: Time,
    /// Not `None`: notifications may have been lost.
    pub error: Option<ErrorCode>,
}

/// How far a change of the membership is.
#[doc(alias = "SaClmChangeStepT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// May it be?
    Validate,
    /// It will be; prepare.
    Start,
    /// It will not be.
    Aborted,
    /// It is.
    Completed,
}

/// `SaClmClusterNotificationBufferT_4`.
#[doc(alias = "SaClmClusterNotificationBufferT_4")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The number of the membership this speaks of: the same in the whole cluster.
    pub view: u64,
    /// By ascending node id.
    pub items: Vec<Item>,
}

/// One node in a notification.
#[doc(alias = "SaClmClusterNotificationT_4")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The node.
    pub node: ClusterNode,
    /// What became of it.
    pub change: Change,
}

/// What became of a node.
#[doc(alias = "SaClmClusterChangesT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Nothing.
    NoChange,
    /// It became a member.
    Joined,
    /// It is no member any more.
    Left,
    /// Still a member, but something about it is different.
    Reconfigured,
    /// Its shutdown was called off.
    Unlock,
    /// It is being shut down.
    Shutdown,
}

/// What is known of a node.
#[doc(alias = "SaClmClusterNodeT_4")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterNode {
    /// Unique among the members.
    pub id: NodeId,
    /// Where it is reached.
    pub address: Address,
    /// Its configured name; survives restarts.
    pub name: Name,
    /// The PLM execution environment that hosts it; empty if there is none.
    pub execution_environment: Name,
    /// Whether it is a member.
    pub member: bool,
    /// When it was booted (wall clock).
    pub boot_time: Time,
    /// The view in which it became a member.
    pub initial_view: u64,
}

/// `SaClmNodeAddressT`.
#[doc(alias = "SaClmNodeAddressT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Of which kind.
    pub family: AddressFamily,
    /// `d.d.d.d` or eight groups of hexadecimal digits; empty if not known.
    pub text: String,
}

/// `SaClmNodeAddressFamilyT`.
#[doc(alias = "SaClmNodeAddressFamilyT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressFamily {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Payloads for Call {}
impl Payloads for Reply {}
impl Payloads for Callback {}
