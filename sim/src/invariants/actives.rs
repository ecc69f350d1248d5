//! Never two are active for one service instance; in the calm, exactly one is.
//!
//! Active is a process that lives and was told to be, until it is told otherwise. Told is whoever
//! has heard it: what is on its way to the process does not count yet.

use crate::{availability::Setting, world::World};
use ais_node::ProcessKey;
use ais_types::{Name, amf::HaState};
use std::collections::BTreeMap;

/// What components were told last. There is one service instance.
#[derive(Default)]
pub(crate) struct Actives {
    states: BTreeMap<ProcessKey, (Name, HaState)>,
    /// How often one became active.
    pub(crate) activations: u64,
}

impl Actives {
    /// A component is told to take this state, or to give up.
    pub(super) fn told(
        &mut self,
        process: ProcessKey,
        component: &Name,
        state: Option<HaState>,
    ) -> Result<(), String> {
        match state {
            Some(state) => self.states.insert(process, (component.clone(), state)),
            None => self.states.remove(&process),
        };
        self.activations += u64::from(state == Some(HaState::Active));
        let actives = self.count(HaState::Active);
        let (process, states) = (process.0, &self.states);
        let why = || format!("process {process} is told {state:?}: {actives} active: {states:?}");
        if actives > 1 { Err(why()) } else { Ok(()) }
    }

    /// A process is no more.
    pub(crate) fn ended(&mut self, process: ProcessKey) {
        self.states.remove(&process);
    }

    /// What a component was told to be, if a process of it lives.
    pub(super) fn state_of(&self, component: &Name) -> Option<HaState> {
        self.states.values().find(|(name, _)| name == component).map(|(_, state)| *state)
    }

    fn count(&self, state: HaState) -> usize {
        // One that serves its last users still serves.
        let same =
            |it: HaState| it == state || state == HaState::Active && it == HaState::Quiescing;
        self.states.values().filter(|(_, it)| same(*it)).count()
    }
}

impl super::Ledger {
    /// A component takes a state, or gives up.
    pub(crate) fn told(
        &mut self,
        process: ProcessKey,
        component: &Name,
        state: Option<HaState>,
    ) -> Result<(), String> {
        self.actives.told(process, component, state)?;
        state.map_or(Ok(()), |state| self.orders.told(component, state))
    }
}

/// To be called when the calm is over: everything is assigned.
pub(crate) fn assigned(world: &mut World) {
    if world.scene.setting == Setting::None {
        return;
    }
    let actives = &world.ledger.actives;
    let counts = (actives.count(HaState::Active), actives.count(HaState::Standby));
    if counts != (1, 1) {
        let states = format!("{:?}", actives.states);
        world.fail(format!("after the calm (active, standby) is {counts:?}: {states}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_active_is_noticed() {
        let mut actives = Actives::default();
        let name = |it: &str| Name::new(it).expect("it is short");
        let tell = |actives: &mut Actives, process, state| {
            actives.told(ProcessKey(process), &name("C"), state)
        };
        let active = Some(HaState::Active);
        assert_eq!(tell(&mut actives, 1, active), Ok(()));
        assert!(tell(&mut actives, 2, active).is_err());
        actives.ended(ProcessKey(1));
        assert_eq!(tell(&mut actives, 2, active), Ok(()));
        assert_eq!(tell(&mut actives, 2, Some(HaState::Quiesced)), Ok(()));
        assert_eq!(tell(&mut actives, 3, active), Ok(()));
        assert_eq!(tell(&mut actives, 3, Some(HaState::Quiescing)), Ok(()));
        assert!(tell(&mut actives, 4, active).is_err());
    }
}
