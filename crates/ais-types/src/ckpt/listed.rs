//! What operators see of checkpoints.

use super::{CheckpointDescriptor, CreationAttributes};
use crate::{MemberId, Name, Position, Time};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A checkpoint, as the answering node knows it (`SaCkptCheckpoint`, digest §8.1).
#[doc(alias = "SaCkptCheckpoint")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number: a name that is unlinked and created again is another checkpoint.
    pub id: u64,
    /// Its name, or the one it had.
    pub name: Name,
    /// The name is free again; the data live until the last close.
    pub unlinked: bool,
    /// When it was created, by the leader's wall clock.
    pub created: Time,
    /// As created, with the retention duration of now.
    pub attributes: CreationAttributes,
    /// Where its data are.
    pub replicas: Vec<ListedReplica>,
    /// How many opens there are in the cluster.
    pub users: u32,
    /// Those of them that may read.
    pub readers: u32,
    /// Those of them that may write.
    pub writers: u32,
    /// Sections and bytes, if the answering node has a replica.
    pub content: Option<CheckpointDescriptor>,
}

/// A replica of a checkpoint (`SaCkptReplica`, digest §8.2).
#[doc(alias = "SaCkptReplica")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedReplica {
    /// Where.
    pub member: MemberId,
    /// The one that takes updates first. With `WR_ALL_REPLICAS` the specification knows no active
    /// replica; it is shown here all the same.
    pub active: bool,
    /// Has everything; one that has not is being filled.
    pub complete: bool,
}

/// A checkpoint and how its replicas keep up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The checkpoint.
    pub listed: Listed,
    /// What its primary replica says of itself and the others; `None` when there is none, or it did
    /// not answer in time.
    pub progress: Option<Progress>,
}

/// How the replicas of a checkpoint keep up, as its primary replica knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where the primary is in the history of the checkpoint.
    pub position: Position,
    /// Sections and bytes.
    pub content: CheckpointDescriptor,
    /// How many sections are corrupted.
    pub corrupted: u32,
    /// The others.
    pub followers: Vec<Follower>,
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follower {
    /// Where.
    pub member: MemberId,
    /// How many updates it has not acknowledged.
    pub behind: u64,
    /// While it is being filled.
    pub transfer: Option<Transfer>,
}

/// How far the filling of a replica is, in bytes on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Sent.
    pub sent: u64,
    /// There.
    pub arrived: u64,
    /// About so many in all.
    pub total: u64,
}

/// What the checkpoint service of one node has done since it started, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Changes that this node's programs asked for, and that were done.
    pub writes: u64,
    /// Bytes in them.
    pub bytes_written: u64,
    /// Questions of this node's programs that were answered: reads, status, walks.
    pub reads: u64,
    /// Bytes in the answers.
    pub bytes_read: u64,
    /// Calls that were refused for want of memory.
    pub refused_memory: u64,
    /// Calls that had to wait because the programs' unfinished calls held too many bytes.
    pub refused_busy: u64,
    /// Replicas elsewhere that this node began to fill.
    pub transfers_begun: u64,
    /// Those that were filled.
    pub transfers_done: u64,
    /// Those that were given up because nothing arrived any more.
    pub transfers_stalled: u64,
    /// Replicas elsewhere that went on from where they were.
    pub resumed: u64,
    /// Replicas elsewhere that did not keep up with this node.
    pub lagging: u64,
    /// Replicas here.
    pub replicas: u64,
    /// Bytes of memory that they cost.
    pub memory: u64,
    /// Bytes of memory that they may cost.
    pub memory_max: u64,
    /// Programs' sessions.
    pub sessions: u64,
    /// Calls that wait.
    pub waiting: u64,
}

/// Something that the specification has the service notify (digest §8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The checkpoint.
    pub name: Name,
    /// What has become of its room for sections.
    pub status: CheckpointStatus,
}

/// `SaCkptCheckpointStatusT`.
#[doc(alias = "SaCkptCheckpointStatusT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckpointStatus {
    /// A section could not be created because there are as many as there may be: minor id 0x65.
    #[doc(alias = "SA_CKPT_SECTION_RESOURCES_EXHAUSTED")]
    SectionResourcesExhausted = 1,
    /// After that, one has gone: minor id 0x66.
    #[doc(alias = "SA_CKPT_SECTION_RESOURCES_AVAILABLE")]
    SectionResourcesAvailable = 2,
}
