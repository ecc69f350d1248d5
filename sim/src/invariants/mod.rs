//! What must hold at all times, one file each; and the ledger of what was promised.

pub(crate) mod actives;
pub(crate) mod agreement;
pub(crate) mod healing;
mod membership;
pub(crate) mod messages;
pub(crate) mod orders;
pub(crate) mod registers;
mod retention;
mod updates;

pub(crate) use messages::Fate;
pub(crate) use registers::{Act, Underway};
pub(crate) use retention::Closed;
pub(crate) use updates::Floor;

use crate::programs::Part;
use ais_types::NodeId;
use std::{collections::BTreeMap, time::Duration};

/// What was promised to whom, and what was seen.
#[derive(Default)]
pub(crate) struct Ledger {
    sections: BTreeMap<(crate::programs::Kind, u64), updates::Section>,
    /// Updates acknowledged.
    pub(crate) updates: u64,
    /// Reads compared.
    pub(crate) reads: u64,
    /// Who was told to be active.
    pub(crate) actives: actives::Actives,
    /// Messages sent and received.
    pub(crate) messages: messages::Messages,
    /// What operators ordered.
    pub(crate) orders: orders::Orders,
    /// What was written and read by several at the same time.
    pub(crate) registers: registers::Registers,
    /// How often somebody came back to what he had left.
    pub(crate) revisits: u64,
    /// Since when nothing is broken any more.
    pub(crate) calm: Option<Duration>,
    /// The end is near: nobody sends any more.
    pub(crate) quiet: bool,
    /// What trackers were told, by the number of the membership.
    memberships: BTreeMap<u64, Vec<NodeId>>,
    /// When each role last got something done.
    progress: BTreeMap<(NodeId, Part), Duration>,
    /// Which roles got nothing done for too long in the calm, and from when to when.
    idle: BTreeMap<(NodeId, Part), (Duration, Duration)>,
    /// The replicated state after each place of the log, of the first that was there.
    states: BTreeMap<u64, agreement::State>,
}

impl Ledger {
    /// Everything that was in memory is gone, everywhere, and all who knew of it.
    pub(crate) fn forget_all(&mut self) {
        self.registers.interrupt();
        self.sections.clear();
        self.memberships.clear();
        self.messages.forget_all();
        self.orders.lose_power();
    }

    /// This role got something done.
    pub(crate) fn progress(&mut self, node: NodeId, part: Part, now: Duration) {
        let before = self.progress.insert((node, part), now);
        let healed = self.calm.map(|it| it + healing::HEALED);
        if let (Some(before), Some(healed)) = (before, healed)
            && before.max(healed) + healing::RECENTLY < now
        {
            self.idle.entry((node, part)).or_insert((before, now));
        }
    }
}
