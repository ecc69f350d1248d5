//! What nodes say to each other on the data path.

use crate::{Content, QueueId};
use ais_types::{Payload, Payloads};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Something about one queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// About its copies.
    Replica(QueueId, Box<ais_replica::Message<Content>>),
    /// Say when you have heard the order up to this place: then you refuse what it has ended.
    Heard {
        /// The place in the order.
        index: u64,
        /// The sender's number for it.
        ticket: u64,
    },
    /// I have.
    HaveHeard {
        /// The number of the question.
        ticket: u64,
    },
}

impl Payloads for Message {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Replica(_, message) => message.payloads(visit),
            Self::Heard { .. } | Self::HaveHeard { .. } => {}
        }
    }
}
