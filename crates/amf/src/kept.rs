//! What of it outlives the loss of the whole cluster: the model, and what operators ordered.

use crate::alarms::Alarm;
use crate::state::{Object, State};
use ais_types::amf::{AdminState, Model};
use ais_types::{Name, Stamp, Time};
use alloc::collections::BTreeMap;
use serde::{Deserialize, Serialize};

/// How long a cluster that begins anew waits for a node whose configuration has the model.
const PATIENCE: Time = Time(5 * Time::ONE_SECOND.0);

/// What operators have configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    model: Model,
    /// An operator loaded the model; else the configuration of a node had it.
    ordered: bool,
    /// `saAmf…AdminState` (persistent runtime attributes, SAI-AIS-AMF-B.04.01 §3.2).
    admin: BTreeMap<Name, AdminState>,
}

impl State {
    pub(crate) fn kept(&self) -> Option<Kept> {
        let Some(model) = &self.model else { return self.recalled.clone() };
        let state = |(name, object): (&Name, &Object)| {
            let state = self.groups[object.group()?].admin_state(*object)?;
            Some((name.clone(), settled(state)))
        };
        let admin = self.names.iter().filter_map(state).collect();
        Some(Kept { model: model.clone(), ordered: self.ordered, admin })
    }

    /// What was kept of the cluster that there was before all nodes lost their memory. A model
    /// that an operator loaded is there at once. One that came from the configuration of a node
    /// comes from there again, as it is by now, and is taken from what was kept only if no node
    /// has it any more. Either way objects have the admin states that they had.
    pub(crate) fn recall(&mut self, stamp: Stamp, kept: Kept) {
        self.begin(stamp, "the cluster begins anew with what was kept of it".into());
        self.kept_changes += 1;
        let at_once = kept.ordered;
        self.recalled = Some(kept);
        if at_once {
            self.load_recalled();
        } else {
            self.ledger.alarms.set(Alarm::Recall, self.ledger.time().after(PATIENCE));
        }
    }

    /// Without any other model the kept one is the model.
    pub(crate) fn load_recalled(&mut self) {
        if let (None, Some(kept)) = (&self.model, self.recalled.clone()) {
            // A model that is refused by now waits for one that is not.
            let _ = self.load(kept.model, kept.ordered);
        }
    }

    /// The objects of the model that has just been loaded have the admin states that they had.
    pub(crate) fn restore_admin_states(&mut self) {
        self.ledger.alarms.clear(Alarm::Recall);
        for (name, kept) in self.recalled.take().map(|it| it.admin).unwrap_or_default() {
            let Some(object) = self.names.get(&name) else { continue };
            let group = object.group().and_then(|it| self.groups.get_mut(it));
            if let Some(state) = group.and_then(|it| it.admin_state_mut(*object)) {
                *state = kept;
            }
        }
    }
}

/// What was shutting down has gone down.
const fn settled(state: AdminState) -> AdminState {
    match state {
        AdminState::ShuttingDown => AdminState::Locked,
        AdminState::Unlocked | AdminState::Locked | AdminState::LockedInstantiation => state,
    }
}
