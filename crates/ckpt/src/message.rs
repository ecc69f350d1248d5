//! What nodes say to each other on the data path.

use crate::{CheckpointId, Content};
use ais_types::{Payload, Payloads};
use serde::{Deserialize, Serialize};

/// Something about the replicas of one checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Which.
    pub checkpoint: CheckpointId,
    /// What.
    pub inner: ais_replica::Message<Content>,
}

impl Payloads for Message {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.inner.payloads(visit);
    }
}
