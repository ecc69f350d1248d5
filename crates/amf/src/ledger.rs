//! What the groups share: the numbers of what is under way, timers, causes, and what is to be done.

use crate::alarms::{Alarm, Alarms};
use crate::error::Refusal;
use crate::state::{Number, Place};
use ais_service::{Run, Spawn};
use ais_types::amf::{Callback, Cause};
use ais_types::{ClientId, GroupTime, MemberId, Name, ProcessId, Stamp, Time};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How many decisions about one object are remembered.
const CAUSES_MAX: usize = 16;

/// What one member is to do, or to tell.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) member: MemberId,
    pub(crate) deed: Deed,
}

/// What is to be done there.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Start the component's process.
    Start { number: Number, component: Name, spawn: Spawn },
    /// Remove whatever is left of the component.
    Clean { number: Number, component: Name, run: Option<Run> },
    /// Ask the component something.
    Ask(ClientId, Callback),
    /// Tell a caller what became of an administrative operation.
    Answer(u64, Result<(), Refusal>),
}

/// What the groups share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// The last number given.
    last: Number,
    /// Whose number it is, while it is open.
    open: BTreeMap<Number, Place>,
    pub(crate) alarms: Alarms,
    /// Whose process it is.
    pub(crate) processes: BTreeMap<ProcessId, Place>,
    causes: BTreeMap<Name, VecDeque<Cause>>,
    /// The entry that is being applied.
    #[serde(skip)]
    stamp: Stamp,
    #[serde(skip)]
    event: String,
    #[serde(skip)]
    pub(crate) effects: Vec<Effect>,
}

impl Ledger {
    /// An entry begins to be applied.
    pub(crate) fn begin(&mut self, stamp: Stamp, event: String) {
        self.stamp = stamp;
        self.event = event;
    }

    /// The group's time of the entry.
    pub(crate) const fn time(&self) -> GroupTime {
        self.stamp.time
    }

    /// Opens a number; it is overdue after `timeout`.
    pub(crate) fn open(&mut self, place: Place, timeout: Time) -> Number {
        self.last += 1;
        self.open.insert(self.last, place);
        self.alarms.set(Alarm::Overdue(self.last), self.stamp.time.after(timeout));
        self.last
    }

    /// Gives an open number a new time-out.
    pub(crate) fn prolong(&mut self, number: Number, timeout: Time) {
        self.alarms.set(Alarm::Overdue(number), self.stamp.time.after(timeout));
    }

    /// Closes a number: whatever still comes for it is late.
    pub(crate) fn close(&mut self, number: Number) {
        self.open.remove(&number);
        self.alarms.clear(Alarm::Overdue(number));
    }

    /// Whose open number it is.
    pub(crate) fn whose(&self, number: Number) -> Option<Place> {
        self.open.get(&number).copied()
    }

    /// Has something done.
    pub(crate) fn effect(&mut self, member: MemberId, deed: Deed) {
        self.effects.push(Effect { member, deed });
    }

    /// Remembers what was decided about an object, and what led to it.
    pub(crate) fn note(&mut self, object: &Name, decision: impl Into<String>) {
        let cause = Cause {
            index: self.stamp.index,
            wall: Time(self.stamp.wall),
            event: self.event.clone(),
            decision: decision.into(),
        };
        let causes = self.causes.entry(object.clone()).or_default();
        if causes.len() == CAUSES_MAX {
            causes.pop_front();
        }
        causes.push_back(cause);
    }

    /// What was decided about an object, oldest first.
    pub(crate) fn causes(&self, object: &Name) -> Vec<Cause> {
        self.causes.get(object).map(|it| it.iter().cloned().collect()).unwrap_or_default()
    }
}
