//! What must hold at all times, one file each; and the ledger of what was promised.

pub(crate) mod actives;
pub(crate) mod agreement;
pub(crate) mod healing;
mod membership;
pub(crate) mod messages;
mod updates;

pub(crate) use messages::Fate;
pub(crate) use updates::Floor;

use crate::programs::Part;
use ais_types::{NodeId, View};
use std::{collections::BTreeMap, time::Duration};

/// What was promised to whom, and what was seen.
#[derive(Default)]
pub(crate) struct Ledger {
    sections: BTreeMap<(crate::programs::Kind, u64), updates::Section>,
    /// Updates acknowledged.
    pub(crate) updates: u64,
    /// Reads compared.
    pub(crate) reads: u64,
    /// All views there were.
    pub(crate) views: BTreeMap<u64, View>,
    /// Who was told to be active.
    pub(crate) actives: actives::Actives,
    /// Messages sent and received.
    pub(crate) messages: messages::Messages,
    /// The end is near: nobody sends any more.
    pub(crate) quiet: bool,
    /// What trackers were told, by the number of the membership.
    memberships: BTreeMap<u64, Vec<NodeId>>,
    /// When each role last got something done.
    progress: BTreeMap<(NodeId, Part), Duration>,
    /// The replicated state after each place of the log, of the first that was there.
    states: BTreeMap<u64, agreement::State>,
}

impl Ledger {
    /// This role got something done.
    pub(crate) fn progress(&mut self, node: NodeId, part: Part, now: Duration) {
        self.progress.insert((node, part), now);
    }
}
