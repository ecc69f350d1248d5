//! Checkpoints: what a program asks, is answered, and is told (`SAI-AIS-CKPT-B.02.02 §3`).
//!
//! Flag words and enumerations arrive as the program wrote them ([`OpenFlags`],
//! [`CreationFlags`], [`SectionsChosen`]): which of them are legal is the service's rule. Only a
//! null pointer and an ill-formed C section id (`{0, ptr}`, `{n, NULL}`) cannot be said here; the
//! C library refuses those itself.

mod attributes;
mod feed;
mod listed;
mod section;

pub use attributes::{CheckpointDescriptor, CreationAttributes, CreationFlags, OpenFlags};
pub use feed::{Change, ChangeSet, Changes, Scanned};
pub use listed::{
    CheckpointStatus, Counters, Follower, Listed, ListedReplica, Notification, Progress, Shown,
    Transfer,
};
pub use section::{
    ReadElement, SectionDescriptor, SectionId, SectionIdTooLong, SectionState, SectionsChosen,
    TrackElement, WriteElement,
};

use crate::{ErrorCode, Name, Payload, Payloads, Position, Time, Version};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The versions served. The client library answers from this list what version to ask for when
/// Initialize is refused.
pub const VERSIONS: &[Version] = &[Version::b(1, 1), Version::b(2, 2)];

/// The version of the track extension, which [`Call::InitializeTracking`] is asked for.
pub const TRACK_VERSION: Version = Version::b(2, 3);

/// What a program asks. Handles are the numbers that [`Reply`] and [`Callback`] issued; 0 is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// The first call of a session (§3.5.1).
    #[doc(alias = "saCkptInitialize")]
    Initialize {
        /// What the program is written for; gates the rules that apply to it.
        version: Version,
        /// Which callbacks it has.
        callbacks: Callbacks,
    },
    /// As [`Call::Initialize`], for programs with a track callback: the version is `B.02` with a
    /// minor number of 3 or more, or it is refused (VERSION).
    #[doc(alias = "saCkptInitialize_2")]
    InitializeTracking {
        /// What the program is written for.
        version: Version,
        /// Which callbacks it has.
        callbacks: Callbacks,
    },
    /// Opens, and creates if asked to (§3.6.1). Answered by [`Reply::Opened`].
    #[doc(alias = "saCkptCheckpointOpen")]
    Open {
        /// Which.
        name: Name,
        /// With `CREATE` and only then.
        attributes: Option<CreationAttributes>,
        /// What for.
        flags: OpenFlags,
        /// After this: TIMEOUT, and nothing stays open.
        timeout: Time,
    },
    /// As [`Call::Open`], answered [`Reply::Done`] at once and [`Callback::Open`] later.
    #[doc(alias = "saCkptCheckpointOpenAsync")]
    OpenAsync {
        /// Comes back with the callback.
        invocation: u64,
        /// Which.
        name: Name,
        /// With `CREATE` and only then.
        attributes: Option<CreationAttributes>,
        /// What for.
        flags: OpenFlags,
    },
    /// Gives a checkpoint handle back (§3.6.3).
    #[doc(alias = "saCkptCheckpointClose")]
    Close {
        /// The handle.
        checkpoint: u64,
    },
    /// Frees the name; the data go with the last close (§3.6.4).
    #[doc(alias = "saCkptCheckpointUnlink")]
    Unlink {
        /// Which.
        name: Name,
    },
    /// How long to keep the checkpoint from the next last close on (§3.6.5).
    #[doc(alias = "saCkptCheckpointRetentionDurationSet")]
    RetentionDurationSet {
        /// The handle.
        checkpoint: u64,
        /// Not negative.
        duration: Time,
    },
    /// Makes this node's replica the active one (§3.6.6).
    #[doc(alias = "saCkptActiveReplicaSet")]
    ActiveReplicaSet {
        /// The handle.
        checkpoint: u64,
    },
    /// Attributes and use (§3.6.7). Answered by [`Reply::Status`].
    #[doc(alias = "saCkptCheckpointStatusGet")]
    StatusGet {
        /// The handle.
        checkpoint: u64,
    },
    /// Creates a section (§3.7.1). Answered by [`Reply::SectionCreated`].
    #[doc(alias = "saCkptSectionCreate")]
    SectionCreate {
        /// The handle.
        checkpoint: u64,
        /// [`SectionId::none`]: the service makes one up.
        section: SectionId,
        /// When it goes by itself; [`Time::END`] is never.
        expiration: Time,
        /// Its first content.
        data: Payload,
    },
    /// Deletes a section (§3.7.3).
    #[doc(alias = "saCkptSectionDelete")]
    SectionDelete {
        /// The handle.
        checkpoint: u64,
        /// Which.
        section: SectionId,
    },
    /// When a section goes by itself (§3.7.4).
    #[doc(alias = "saCkptSectionExpirationTimeSet")]
    SectionExpirationTimeSet {
        /// The handle.
        checkpoint: u64,
        /// Which.
        section: SectionId,
        /// A moment; [`Time::END`] is never.
        expiration: Time,
    },
    /// Begins to walk over sections (§3.7.5). Answered by [`Reply::IterationStarted`].
    #[doc(alias = "saCkptSectionIterationInitialize")]
    SectionIterationInitialize {
        /// The handle.
        checkpoint: u64,
        /// Over which.
        chosen: SectionsChosen,
        /// What the two choices by expiration time compare with.
        expiration: Time,
    },
    /// The next section (§3.7.6). Answered by [`Reply::Section`].
    #[doc(alias = "saCkptSectionIterationNext")]
    SectionIterationNext {
        /// The iteration handle.
        iteration: u64,
    },
    /// Ends a walk (§3.7.7).
    #[doc(alias = "saCkptSectionIterationFinalize")]
    SectionIterationFinalize {
        /// The iteration handle.
        iteration: u64,
    },
    /// Writes into sections, all or nothing (§3.8.1).
    #[doc(alias = "saCkptCheckpointWrite")]
    Write {
        /// The handle.
        checkpoint: u64,
        /// In this order; later ones win.
        elements: Vec<WriteElement>,
    },
    /// Replaces the content of a section, its size too (§3.8.2).
    #[doc(alias = "saCkptSectionOverwrite")]
    Overwrite {
        /// The handle.
        checkpoint: u64,
        /// Which; [`SectionId::none`] is the default section.
        section: SectionId,
        /// The new content.
        data: Payload,
    },
    /// Reads out of sections (§3.8.3). Answered by [`Reply::Read`].
    #[doc(alias = "saCkptCheckpointRead")]
    Read {
        /// The handle.
        checkpoint: u64,
        /// What, in the order of the answer.
        elements: Vec<ReadElement>,
    },
    /// Waits until every replica has what the active one has (§3.8.5).
    #[doc(alias = "saCkptCheckpointSynchronize")]
    Synchronize {
        /// The handle.
        checkpoint: u64,
        /// After this: TIMEOUT.
        timeout: Time,
    },
    /// As [`Call::Synchronize`], answered at once and [`Callback::Synchronize`] later.
    #[doc(alias = "saCkptCheckpointSynchronizeAsync")]
    SynchronizeAsync {
        /// The handle.
        checkpoint: u64,
        /// Comes back with the callback.
        invocation: u64,
    },
    /// From now on [`Callback::Track`] tells what others change in the checkpoints that this
    /// session has open with `WRITE`: an extension, B.02.03.
    #[doc(alias = "saCkptTrack")]
    Track,
    /// Ends [`Call::Track`].
    #[doc(alias = "saCkptTrackStop")]
    TrackStop,
    /// Sections with their content, page by page: with [`Call::Changes`] a copy of the checkpoint
    /// that stays up to date. Needs `READ`. Answered by [`Reply::Scanned`]. An extension.
    Scan {
        /// The handle.
        checkpoint: u64,
        /// Those after this one; `None` from the first.
        after: Option<SectionId>,
    },
    /// What was changed after a place in the history of the checkpoint; waits until there is
    /// something. Needs `READ`. Answered by [`Reply::Changes`]. An extension.
    Changes {
        /// The handle.
        checkpoint: u64,
        /// Where the last answer ended; `None` is answered at once, with the place of now.
        after: Option<Position>,
        /// After this: TIMEOUT.
        timeout: Time,
    },
    /// A fault, for tests: what an update that was cut off in the middle leaves behind. Needs
    /// `WRITE`. ACCESS_DENIED unless the node was told to allow it; BAD_OPERATION unless the
    /// checkpoint is `WR_ACTIVE_REPLICA_WEAK`.
    Corrupt {
        /// The handle.
        checkpoint: u64,
        /// Which.
        section: SectionId,
    },
    /// For operators: checkpoints, at most [`LISTED_MAX`] of them. Needs no Initialize. Answered by
    /// [`Reply::List`].
    List {
        /// Those with greater numbers; 0 from the first.
        after: u64,
    },
    /// For operators: the checkpoint of this name, and those that had it. Needs no Initialize.
    /// Answered by [`Reply::Shown`].
    Show {
        /// Which.
        name: Name,
    },
    /// For operators: what the node's service has done and holds. Needs no Initialize. Answered by
    /// [`Reply::Counters`].
    Counters,
    /// For operators: from now on [`Callback::Notification`] tells what the specification has the
    /// service notify. Needs no Initialize.
    Observe,
}

/// How many checkpoints one [`Reply::List`] has at most: if it has so many, there may be more.
pub const LISTED_MAX: usize = 1000;

/// Which callbacks a program registered at Initialize.
#[doc(alias = "SaCkptCallbacksT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Callbacks {
    /// Without it [`Call::OpenAsync`] is refused (INIT).
    pub open: bool,
    /// Without it [`Call::SynchronizeAsync`] is refused (INIT).
    pub synchronize: bool,
    /// Without it [`Call::Track`] is refused (INIT). Only for programs of B.02.03.
    pub track: bool,
}

/// What a call that succeeded is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Call::Initialize`] and [`Call::InitializeTracking`]: the version the service
    /// implements.
    Initialized(Version),
    /// To [`Call::Open`]: the checkpoint handle.
    Opened(u64),
    /// To every call that has nothing to tell.
    Done,
    /// To [`Call::StatusGet`].
    Status(CheckpointDescriptor),
    /// To [`Call::SectionCreate`]: the id given or made up.
    SectionCreated(SectionId),
    /// To [`Call::SectionIterationInitialize`]: the iteration handle.
    IterationStarted(u64),
    /// To [`Call::SectionIterationNext`].
    Section(SectionDescriptor),
    /// To [`Call::Read`]: the bytes of each element. Shorter than asked for at a section's end.
    Read(Vec<Payload>),
    /// To [`Call::List`]: in the order of their numbers.
    List(Vec<Listed>),
    /// To [`Call::Show`].
    Shown(Vec<Shown>),
    /// To [`Call::Counters`].
    Counters(Counters),
    /// To [`Call::Scan`].
    Scanned(Scanned),
    /// To [`Call::Changes`].
    Changes(Changes),
}

/// What a program is told when it dispatches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// The end of a [`Call::OpenAsync`] (§3.6.2).
    #[doc(alias = "SaCkptCheckpointOpenCallbackT")]
    Open {
        /// As given.
        invocation: u64,
        /// The checkpoint handle.
        outcome: Result<u64, ErrorCode>,
    },
    /// The end of a [`Call::SynchronizeAsync`] (§3.8.6).
    #[doc(alias = "SaCkptCheckpointSynchronizeCallbackT")]
    Synchronize {
        /// As given.
        invocation: u64,
        /// Through which handle it was asked: closing that handle drops the callback, also one
        /// that is waiting in the program to be dispatched.
        checkpoint: u64,
        /// How it went.
        outcome: Result<(), ErrorCode>,
    },
    /// Somebody has changed sections, through another handle, by one call: an extension, B.02.03.
    #[doc(alias = "SaCkptCheckpointTrackCallbackT")]
    Track {
        /// The handle through which the checkpoint is open here. Closing it drops the callback,
        /// also one that is waiting in the program to be dispatched.
        checkpoint: u64,
        /// What was changed, in the order of the call. Without data: read them.
        elements: Vec<TrackElement>,
    },
    /// To whoever has asked to [`Call::Observe`].
    Notification(Notification),
}

impl Payloads for Call {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::SectionCreate { data, .. } | Self::Overwrite { data, .. } => visit(data),
            Self::Write { elements, .. } => elements.payloads(visit),
            Self::Initialize { .. }
            | Self::InitializeTracking { .. }
            | Self::Open { .. }
            | Self::OpenAsync { .. }
            | Self::Close { .. }
            | Self::Unlink { .. }
            | Self::RetentionDurationSet { .. }
            | Self::ActiveReplicaSet { .. }
            | Self::StatusGet { .. }
            | Self::SectionDelete { .. }
            | Self::SectionExpirationTimeSet { .. }
            | Self::SectionIterationInitialize { .. }
            | Self::SectionIterationNext { .. }
            | Self::SectionIterationFinalize { .. }
            | Self::Read { .. }
            | Self::Synchronize { .. }
            | Self::SynchronizeAsync { .. }
            | Self::Track
            | Self::TrackStop
            | Self::Scan { .. }
            | Self::Changes { .. }
            | Self::Corrupt { .. }
            | Self::List { .. }
            | Self::Show { .. }
            | Self::Counters
            | Self::Observe => {}
        }
    }
}

impl Payloads for Reply {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Read(data) => data.payloads(visit),
            Self::Scanned(it) => it.payloads(visit),
            Self::Changes(it) => it.payloads(visit),
            Self::Initialized(_)
            | Self::Opened(_)
            | Self::Done
            | Self::Status(_)
            | Self::SectionCreated(_)
            | Self::IterationStarted(_)
            | Self::Section(_)
            | Self::List(_)
            | Self::Shown(_)
            | Self::Counters(_) => {}
        }
    }
}

impl Payloads for Callback {}
