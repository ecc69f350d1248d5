//! Replicated timers: they run on the group's time and fire only at an ordered `Time`.

use crate::state::{Number, Place};
use ais_service::Timers;
use ais_types::GroupTime;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What a replicated timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Alarm {
    /// The first assignments wait no longer for units that are still to come.
    Startup,
    /// No node's configuration has the model any more: the kept one is taken.
    Recall,
    /// A start, a question or a termination takes too long.
    Overdue(Number),
    /// The failures of a unit are no longer counted together.
    Probation(Place),
    /// The fail-overs of a unit are no longer counted together.
    Repair(Place),
}

/// When which of them is due.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(Alarm, GroupTime)>", into = "Vec<(Alarm, GroupTime)>")]
pub(crate) struct Alarms {
    timers: Timers<GroupTime, Alarm>,
    set: alloc::collections::BTreeSet<Alarm>,
}

impl Alarms {
    /// Sets or moves one; without a moment it is forgotten.
    pub(crate) fn set(&mut self, alarm: Alarm, at: Option<GroupTime>) {
        match at {
            Some(at) => {
                self.timers.set(alarm, at);
                self.set.insert(alarm);
            }
            None => self.clear(alarm),
        }
    }

    /// Forgets one.
    pub(crate) fn clear(&mut self, alarm: Alarm) {
        self.timers.clear(&alarm);
        self.set.remove(&alarm);
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<GroupTime> {
        self.timers.next()
    }

    /// Takes out the next one that is due.
    pub(crate) fn pop_due(&mut self, now: GroupTime) -> Option<Alarm> {
        let alarm = self.timers.pop_due(now)?;
        self.set.remove(&alarm);
        Some(alarm)
    }
}

impl From<Vec<(Alarm, GroupTime)>> for Alarms {
    fn from(all: Vec<(Alarm, GroupTime)>) -> Self {
        let mut alarms = Self::default();
        all.into_iter().for_each(|(alarm, at)| alarms.set(alarm, Some(at)));
        alarms
    }
}

impl From<Alarms> for Vec<(Alarm, GroupTime)> {
    fn from(alarms: Alarms) -> Self {
        let due = |alarm: &Alarm| Some((*alarm, alarms.timers.get(alarm)?));
        alarms.set.iter().filter_map(due).collect()
    }
}
