//! What operators see of a checkpoint.

use super::{CheckpointDescriptor, CreationAttributes};
use crate::{MemberId, Name};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A checkpoint, as the answering node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name, or the one it had.
    pub name: Name,
    /// The name is free again; the data live until the last close.
    pub unlinked: bool,
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

/// A replica of a checkpoint.
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
