//! What goes through the group's order.

use ais_types::{
    ClientId, Name, Payloads, ProcessId, Time,
    ckpt::{CreationAttributes, OpenFlags},
};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A checkpoint, for ever: a name that is unlinked and created again is another one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CheckpointId(pub u64);

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// One open of a checkpoint: a handle of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenId {
    /// Whose.
    pub client: ClientId,
    /// The handle.
    pub handle: u64,
}

impl OpenId {
    /// From the first to the last that a client can have.
    pub(crate) fn all_of(client: ClientId) -> core::ops::RangeInclusive<Self> {
        Self { client, handle: 0 }..=Self { client, handle: u64::MAX }
    }
}

/// A change of the replicated part. Every node does it at the same place of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Opens, and creates if need be (§3.6.1).
    Open {
        /// The handle it becomes.
        open: OpenId,
        /// Whose end closes it.
        process: ProcessId,
        /// Which checkpoint.
        name: Name,
        /// With `CREATE`.
        attributes: Option<CreationAttributes>,
        /// What for.
        flags: OpenFlags,
        /// B.01.01: the retention duration must be equal, too.
        compare_retention: bool,
        /// If it is created not collocated: how many replicas to keep.
        copies: u32,
        /// How many checkpoints and how many opens there may be.
        most: (u32, u32),
    },
    /// Gives one handle back (§3.6.3).
    Close {
        /// Which.
        open: OpenId,
    },
    /// Gives all handles of a session back (§3.5.4).
    CloseAll {
        /// Whose.
        client: ClientId,
    },
    /// Frees a name (§3.6.4).
    Unlink {
        /// Counted by the asking node.
        request: u64,
        /// Which.
        name: Name,
    },
    /// Changes the retention duration (§3.6.5).
    Retain {
        /// Counted by the asking node.
        request: u64,
        /// Which.
        checkpoint: CheckpointId,
        /// How long from the next last close on.
        duration: Time,
    },
    /// The sender's replica is to become the active one (§3.6.6).
    Activate {
        /// Of which.
        checkpoint: CheckpointId,
    },
    /// The sender, the primary, has filled a replica.
    Completed {
        /// Of which.
        checkpoint: CheckpointId,
        /// In which epoch.
        epoch: u64,
        /// Where.
        member: ais_types::MemberId,
    },
    /// The sender has stopped following a lost primary; this is the last update it has.
    Sealed {
        /// Of which checkpoints, in which epoch, at which number.
        seals: alloc::vec::Vec<(CheckpointId, u64, u64)>,
    },
    /// The sender, the primary, has handed everything over.
    Drained {
        /// Of which.
        checkpoint: CheckpointId,
        /// In which epoch.
        epoch: u64,
        /// To whom.
        to: ais_types::MemberId,
    },
    /// The sender, the primary, wants to wait no longer for these.
    Lagging {
        /// Of which checkpoints, in which epoch, who.
        members: alloc::vec::Vec<(CheckpointId, u64, ais_types::MemberId)>,
    },
    /// The sender knows that these replicas are not waited for, and answers no reads from them.
    Conceded {
        /// Of which checkpoints, in which epoch.
        replicas: alloc::vec::Vec<(CheckpointId, u64)>,
    },
    /// The sender has no memory for more, and gives these replicas up.
    NoRoom {
        /// Of which.
        checkpoints: alloc::vec::Vec<CheckpointId>,
    },
    /// The sender has memory again.
    Room,
    /// The sender, the primary, tells how often all sections were in use and not any more.
    Exhaustions {
        /// Of which.
        checkpoint: CheckpointId,
        /// So often by now.
        count: u64,
    },
}

impl Payloads for Command {}
