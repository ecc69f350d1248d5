//! Following a checkpoint: what it holds, and what is changed from then on. An extension.

use super::{SectionDescriptor, SectionId};
use crate::{Payload, Payloads, Position, Time};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One change of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It is there now.
    Created {
        /// Which; never [`SectionId::none`].
        section: SectionId,
        /// When it goes by itself.
        expiration: Time,
        /// Its content.
        data: Payload,
    },
    /// Some of its bytes are others now; it may have grown, with zeros between.
    Written {
        /// Which.
        section: SectionId,
        /// From which byte on.
        offset: u64,
        /// What.
        data: Payload,
    },
    /// Its content and its size are others now.
    Overwritten {
        /// Which.
        section: SectionId,
        /// Its content.
        data: Payload,
    },
    /// Somebody deleted it.
    Deleted {
        /// Which.
        section: SectionId,
    },
    /// It has gone by itself.
    Expired {
        /// Which.
        section: SectionId,
    },
    /// It goes by itself at another time.
    ExpirationSet {
        /// Which.
        section: SectionId,
        /// When.
        expiration: Time,
    },
    /// It cannot be read until it is overwritten.
    Corrupted {
        /// Which.
        section: SectionId,
    },
}

impl Change {
    /// Which section is another one now.
    #[must_use]
    pub const fn section(&self) -> &SectionId {
        match self {
            Self::Created { section, .. }
            | Self::Written { section, .. }
            | Self::Overwritten { section, .. }
            | Self::Deleted { section }
            | Self::Expired { section }
            | Self::ExpirationSet { section, .. }
            | Self::Corrupted { section } => section,
        }
    }
}

/// What one call changed, all at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Where it is in the history of the checkpoint.
    pub position: Position,
    /// When it was asked for, by the wall clock of the node that asked.
    pub at: Time,
    /// In the order of the call.
    pub changes: Vec<Change>,
}

/// The answer to [`Call::Changes`](super::Call::Changes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Where to go on from.
    pub position: Position,
    /// The place asked for is not known any more, or its updates were lost with their replica: the
    /// reader has to begin anew, with [`Call::Scan`](super::Call::Scan).
    pub lost: bool,
    /// What was changed, oldest first.
    pub sets: Vec<ChangeSet>,
}

/// The answer to [`Call::Scan`](super::Call::Scan): some sections, as they all were at one place of
/// the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// The place.
    pub position: Position,
    /// In the order of the ids. Of a corrupted section there are no bytes.
    pub sections: Vec<(SectionDescriptor, Payload)>,
    /// There are no more after these.
    pub end: bool,
}

impl Payloads for Change {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Created { data, .. }
            | Self::Written { data, .. }
            | Self::Overwritten { data, .. } => visit(data),
            Self::Deleted { .. }
            | Self::Expired { .. }
            | Self::ExpirationSet { .. }
            | Self::Corrupted { .. } => {}
        }
    }
}

impl Payloads for ChangeSet {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.changes.payloads(visit);
    }
}

impl Payloads for Changes {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.sets.payloads(visit);
    }
}

impl Payloads for Scanned {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.sections.iter_mut().for_each(|it| visit(&mut it.1));
    }
}
