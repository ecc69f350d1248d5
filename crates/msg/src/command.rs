//! What goes through the group's order.

use ais_types::{
    ClientId, MemberId, Name, Payloads, ProcessId, Time,
    msg::{CreationAttributes, OpenFlags},
};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A queue, for ever: a name that is unlinked and created again is another one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct QueueId(pub u64);

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "q{}", self.0)
    }
}

/// One open of a queue: a handle of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenId {
    /// Whose.
    pub client: ClientId,
    /// The handle.
    pub handle: u64,
}

/// A change of the replicated part. Every node does it at the same place of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A program opens a queue.
    Open {
        /// The handle it is to get.
        open: OpenId,
        /// Whose.
        process: ProcessId,
        /// Which.
        name: Name,
        /// With CREATE.
        attributes: Option<CreationAttributes>,
        /// How.
        flags: OpenFlags,
        /// A B.01 program: the retention time must be the same too.
        compare_retention: bool,
        /// How many copies a new queue has.
        copies: u32,
    },
    /// A program closes it, or gave up opening it.
    Close {
        /// Which handle.
        open: OpenId,
    },
    /// A session has ended.
    CloseAll {
        /// Whose.
        client: ClientId,
    },
    /// A name is to be free.
    Unlink {
        /// The number to answer under.
        request: u64,
        /// Which.
        name: Name,
    },
    /// A retention time is to be changed.
    Retain {
        /// The number to answer under.
        request: u64,
        /// Through which handle.
        open: OpenId,
        /// How long.
        retention: Time,
    },
    /// A copy is filled.
    Completed {
        /// Of which queue.
        queue: QueueId,
        /// In which epoch.
        epoch: u64,
        /// Whose copy.
        member: MemberId,
    },
    /// How far this member's copies are, after a loss.
    Sealed {
        /// Queue, epoch, last number.
        seals: Vec<(QueueId, u64, u64)>,
    },
    /// A primary has handed everything over.
    Drained {
        /// Of which queue.
        queue: QueueId,
        /// In which epoch.
        epoch: u64,
        /// To whom.
        to: MemberId,
    },
}

impl Payloads for Command {}
