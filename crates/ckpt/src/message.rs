//! What nodes say to each other on the data path.

use crate::{CheckpointId, Content};
use ais_types::{Payload, Payloads, ckpt::Progress};
use serde::{Deserialize, Serialize};

/// A message from one node to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Something about the replicas of one checkpoint.
    Replica {
        /// Which.
        checkpoint: CheckpointId,
        /// What.
        inner: ais_replica::Message<Content>,
    },
    /// To the primary: how far are you and the others?
    HowFar {
        /// Of which checkpoint.
        checkpoint: CheckpointId,
        /// The sender's number for the question.
        question: u64,
    },
    /// The answer; `None` if it comes from no primary.
    SoFar {
        /// The question's number.
        question: u64,
        /// How far.
        progress: Option<Progress>,
    },
}

impl Payloads for Message {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Replica { inner, .. } => inner.payloads(visit),
            Self::HowFar { .. } | Self::SoFar { .. } => {}
        }
    }
}
