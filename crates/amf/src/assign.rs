//! The reconciler: turns the difference between the planned roles and what the components have
//! acknowledged into the next callbacks (§3.6.2, §7.9).
//!
//! In this order, each as soon as it may: who is to stop being active is quiesced; what is not
//! wanted is removed; who is to be active is told so once nobody else may act; who is to be
//! standby is told so once the active is. A component is asked one thing at a time.

use crate::ledger::{Deed, Ledger};
use crate::plan::{Candidate, two_n};
use crate::state::{Component, Group, Hold, Last, Number, Place, Question, Work};
use ais_types::amf::{
    AdminState, Callback, CsiDescriptor, CsiFlags, HaState, OperationalState, PresenceState,
    Redundancy, StateDescriptor, Transition,
};
use ais_types::{Name, Time};
use alloc::format;
use alloc::vec::Vec;

/// What a component is to be told for one CSI.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Move {
    csi: usize,
    state: HaState,
    detail: StateDescriptor,
}

impl Group {
    /// Decides who should be active and standby.
    pub(crate) fn plan(&mut self, ledger: &mut Ledger) {
        let units: Vec<_> = (0..self.units.len()).map(|unit| self.candidate(unit)).collect();
        let roles = match self.redundancy {
            Redundancy::TwoN => two_n(&units, self.roles, self.starting),
        };
        if roles.active.is_some() {
            self.starting = false;
        }
        if roles.active != self.roles.active {
            let rule = match (self.roles.active, roles.active) {
                (None, _) => "it is the preferred one in service",
                (_, None) => "no unit is in service",
                (_, active) if active == self.roles.standby => "the standby takes over",
                (Some(_), Some(_)) => "the active is out of service, there is no standby",
            };
            self.note_role(HaState::Active, roles.active, rule, ledger);
        }
        if roles.standby != self.roles.standby {
            let rule = "the first in service besides the active";
            self.note_role(HaState::Standby, roles.standby, rule, ledger);
        }
        self.roles = roles;
    }

    fn note_role(&self, role: HaState, unit: Option<usize>, rule: &str, ledger: &mut Ledger) {
        match unit.map(|unit| &self.units[unit].name) {
            Some(unit) => {
                ledger.note(&self.name, format!("{unit} is to be {role}: {rule}"));
                ledger.note(unit, format!("it is to be {role}: {rule}"));
            }
            None => ledger.note(&self.name, format!("nobody is to be {role}: {rule}")),
        }
    }

    fn candidate(&self, unit: usize) -> Candidate {
        let it = &self.units[unit];
        let in_service = self.in_service(unit);
        let unlocked = self.admin == AdminState::Unlocked && it.admin == AdminState::Unlocked;
        let healthy = it.operational == OperationalState::Enabled;
        Candidate {
            in_service,
            acts: it.acts(),
            expected: unlocked && healthy && !in_service && !it.presence_is_final(),
        }
    }

    /// Asks what can be asked now.
    pub(crate) fn assign(&mut self, group: usize, ledger: &mut Ledger) {
        self.leave(group, ledger);
        self.give_up(group, ledger);
        self.activate(group, ledger);
        self.stand_by(group, ledger);
    }

    /// What the CSI is to be on the unit.
    fn wanted(&self, unit: usize, csi: usize) -> Option<HaState> {
        let instance = &self.instances[self.csis[csi].instance];
        if instance.admin != AdminState::Unlocked || !self.in_service(unit) {
            return None;
        }
        let is = |role: Option<usize>| role == Some(unit);
        match (is(self.roles.active), is(self.roles.standby)) {
            (true, _) => Some(HaState::Active),
            (false, true) => Some(HaState::Standby),
            (false, false) => None,
        }
    }

    /// The components that can be asked something now.
    fn ready(&self, group: usize) -> impl Iterator<Item = Place> + use<> {
        let ready = |(unit, component, it): (usize, usize, &Component)| {
            let can = it.ready() && !self.units[unit].lost;
            can.then_some(Place { group, unit, component })
        };
        self.components().filter_map(ready).collect::<Vec<_>>().into_iter()
    }

    fn at(&self, place: Place) -> &Component {
        &self.units[place.unit].components[place.component]
    }

    /// Quiesces who is active and should not be; those that depend on it first (§3.8.1.3).
    fn leave(&mut self, group: usize, ledger: &mut Ledger) {
        for place in self.ready(group) {
            let leaving = |(csi, hold): (&usize, &Hold)| {
                let unwanted = self.wanted(place.unit, *csi) != Some(HaState::Active);
                let state = self.leaving_state(place.unit, *csi, hold.state?)?;
                let free = !self.has_active_dependents(place.unit, *csi);
                let detail = StateDescriptor::None;
                (unwanted && free).then_some(Move { csi: *csi, state, detail })
            };
            let moves = self.at(place).holds.iter().filter_map(leaving).collect();
            self.tell(place, moves, ledger);
        }
    }

    /// QUIESCING while something is shutting down, else QUIESCED.
    fn leaving_state(&self, unit: usize, csi: usize, now: HaState) -> Option<HaState> {
        let instance = &self.instances[self.csis[csi].instance];
        let states = [self.admin, self.units[unit].admin, instance.admin];
        let locked =
            |it: &AdminState| matches!(it, AdminState::Locked | AdminState::LockedInstantiation);
        let gently = states.contains(&AdminState::ShuttingDown) && !states.iter().any(locked);
        match now {
            HaState::Active if gently => Some(HaState::Quiescing),
            HaState::Active => Some(HaState::Quiesced),
            HaState::Quiescing if !gently => Some(HaState::Quiesced),
            HaState::Quiescing | HaState::Quiesced | HaState::Standby => None,
        }
    }

    fn has_active_dependents(&self, unit: usize, csi: usize) -> bool {
        let unit = &self.units[unit];
        let depends = |other: &usize| self.csis[*other].depends_on.contains(&csi);
        let active = |other: usize| unit.taker(other).state(other) == Some(HaState::Active);
        (0..self.csis.len()).filter(depends).any(active)
    }

    /// Removes what is not wanted any more.
    fn give_up(&mut self, group: usize, ledger: &mut Ledger) {
        for place in self.ready(group) {
            let it = self.at(place);
            let unwanted = |csi: &usize| self.wanted(place.unit, *csi).is_none();
            let going: Vec<usize> = it.holds.keys().copied().filter(unwanted).collect();
            let free = |csi: &usize| self.removable(place, *csi);
            if going.len() == it.holds.len() && !going.is_empty() {
                // Everything goes: with one callback, once all of it can.
                if going.iter().all(free) {
                    self.remove(place, going, CsiFlags::TargetAll, ledger);
                }
            } else if let Some(csi) = going.into_iter().find(free) {
                self.remove(place, [csi].into(), CsiFlags::TargetOne, ledger);
            }
        }
    }

    fn removable(&self, place: Place, csi: usize) -> bool {
        // What could not be cleaned up never quiesces (§4.8).
        let may_quiesce = |unit: &crate::state::Unit| {
            let it = unit.taker(csi);
            it.holds.get(&csi).is_some_and(|it| it.acts) && !it.failed()
        };
        match self.at(place).state(csi) {
            // A standby that is out of service goes at once. One whose instance or group stops
            // stays until the active has quiesced (§10.1): it might still be needed.
            Some(HaState::Standby) => {
                !self.in_service(place.unit) && self.admin == AdminState::Unlocked
                    || !self.units.iter().any(may_quiesce)
            }
            // What has quiesced goes when its successor is active, or when there is none.
            Some(HaState::Quiesced) => match self.roles.active {
                Some(unit) if self.wanted(unit, csi) == Some(HaState::Active) => {
                    self.units[unit].taker(csi).state(csi) == Some(HaState::Active)
                }
                Some(_) | None => true,
            },
            Some(HaState::Active | HaState::Quiescing) | None => false,
        }
    }

    /// Tells who is to be active, once nobody else may act.
    fn activate(&mut self, group: usize, ledger: &mut Ledger) {
        let Some(unit) = self.roles.active else { return };
        let others = self.units.iter().enumerate().filter(|(other, _)| *other != unit);
        if others.map(|(_, it)| it).any(crate::state::Unit::acts) {
            return;
        }
        for place in self.ready(group).filter(|it| it.unit == unit) {
            let moves =
                (0..self.csis.len()).filter_map(|csi| self.activation(place, csi)).collect();
            self.tell(place, moves, ledger);
        }
    }

    fn activation(&self, place: Place, csi: usize) -> Option<Move> {
        let unit = &self.units[place.unit];
        let active = |csi: &usize| unit.taker(*csi).state(*csi) == Some(HaState::Active);
        let due = unit.takers[csi] == place.component
            && self.wanted(place.unit, csi) == Some(HaState::Active)
            && !active(&csi)
            && self.csis[csi].depends_on.iter().all(active);
        let detail = self.transition(place, csi);
        due.then_some(Move { csi, state: HaState::Active, detail })
    }

    fn transition(&self, place: Place, csi: usize) -> StateDescriptor {
        let own = self.at(place);
        let mine = |it: &Last| it.unit == place.unit;
        let stopped = matches!(own.state(csi), Some(HaState::Quiesced | HaState::Quiescing));
        match self.csis[csi].last {
            // Called back while it was stopping: its own predecessor.
            Some(last) if mine(&last) && stopped => StateDescriptor::Active {
                transition: Transition::Quiesced,
                active: own.spec.name.clone(),
            },
            Some(last) if !mine(&last) => {
                let previous = &self.units[last.unit].components[last.component];
                let transition =
                    if last.quiesced { Transition::Quiesced } else { Transition::NotQuiesced };
                StateDescriptor::Active { transition, active: previous.spec.name.clone() }
            }
            // Nobody was active before, or it is back after a restart in place.
            Some(_) | None => StateDescriptor::Active {
                transition: Transition::NewAssign,
                active: own.spec.name.clone(),
            },
        }
    }

    /// Tells who is to be standby, once the active is active.
    fn stand_by(&mut self, group: usize, ledger: &mut Ledger) {
        let (Some(active), Some(standby)) = (self.roles.active, self.roles.standby) else { return };
        let done = |csi: usize| {
            self.wanted(active, csi) != Some(HaState::Active)
                || self.units[active].taker(csi).state(csi) == Some(HaState::Active)
        };
        if !(0..self.csis.len()).all(done) {
            return;
        }
        for place in self.ready(group).filter(|it| it.unit == standby) {
            let moves =
                (0..self.csis.len()).filter_map(|csi| self.standing_by(place, csi)).collect();
            self.tell(place, moves, ledger);
        }
    }

    fn standing_by(&self, place: Place, csi: usize) -> Option<Move> {
        let active = self.units[self.roles.active?].taker(csi).spec.name.clone();
        let own = self.at(place).state(csi);
        let due = self.units[place.unit].takers[csi] == place.component
            && self.wanted(place.unit, csi) == Some(HaState::Standby)
            && matches!(own, None | Some(HaState::Quiesced));
        let detail = StateDescriptor::Standby { active, rank: 1 };
        due.then_some(Move { csi, state: HaState::Standby, detail })
    }

    /// Asks a component to make the first of these moves, or all at once where one callback says
    /// it: what it has before what it is to get, since it may not be active and standby at once.
    fn tell(&mut self, place: Place, moves: Vec<Move>, ledger: &mut Ledger) {
        let it = self.at(place);
        if !it.ready() {
            return;
        }
        let has = |it: &&Move| self.at(place).holds.contains_key(&it.csi);
        let changes: Vec<&Move> = moves.iter().filter(has).collect();
        let alike = |it: &&Move| it.state == changes[0].state && it.detail == changes[0].detail;
        match changes.first() {
            Some(first) if changes.len() == it.holds.len() && changes.iter().all(alike) => {
                let csis = changes.iter().map(|it| it.csi).collect();
                let told = (*first).clone();
                self.set(place, csis, told, CsiFlags::TargetAll, ledger);
            }
            Some(first) => {
                let told = (*first).clone();
                self.set(place, [told.csi].into(), told, CsiFlags::TargetOne, ledger);
            }
            None => {
                if let Some(told) = moves.into_iter().next() {
                    self.set(place, [told.csi].into(), told, CsiFlags::AddOne, ledger);
                }
            }
        }
    }

    fn set(
        &mut self,
        place: Place,
        csis: Vec<usize>,
        told: Move,
        flags: CsiFlags,
        ledger: &mut Ledger,
    ) {
        let (name, attributes) = match flags {
            CsiFlags::TargetAll => (Name::default(), Vec::new()),
            CsiFlags::TargetOne => (self.csis[told.csi].name.clone(), Vec::new()),
            CsiFlags::AddOne => {
                let csi = &self.csis[told.csi];
                (csi.name.clone(), csi.attributes.clone())
            }
        };
        let Move { state, detail, .. } = told;
        let timeout = self.at(place).spec.callback_timeout;
        let question = Question::Set { csis: csis.clone(), state, complete: false };
        let number = self.open_question(place, question, timeout, ledger);
        for csi in csis {
            let it = &mut self.units[place.unit].components[place.component];
            let hold = it.holds.entry(csi).or_insert(Hold { state: None, acts: false });
            if state == HaState::Active {
                hold.acts = true;
                let Place { unit, component, .. } = place;
                self.csis[csi].last = Some(Last { unit, component, quiesced: false });
            }
        }
        let component = self.at(place).spec.name.clone();
        let object = if name.is_empty() { "all it has" } else { &*name.to_text() };
        ledger.note(&component, format!("tell it to be {state} for {object} ({flags})"));
        let csi = CsiDescriptor { flags, name, detail, attributes };
        let callback = Callback::CsiSet { invocation: number, component, state, csi };
        self.ask(place, callback, ledger);
    }

    fn remove(&mut self, place: Place, csis: Vec<usize>, flags: CsiFlags, ledger: &mut Ledger) {
        let csi = match flags {
            CsiFlags::TargetAll => Name::default(),
            CsiFlags::TargetOne | CsiFlags::AddOne => self.csis[csis[0]].name.clone(),
        };
        let timeout = self.at(place).spec.callback_timeout;
        let number = self.open_question(place, Question::Remove(csis), timeout, ledger);
        let component = self.at(place).spec.name.clone();
        ledger.note(&component, format!("take work from it ({flags})"));
        let callback = Callback::CsiRemove { invocation: number, component, csi, flags };
        self.ask(place, callback, ledger);
    }

    fn open_question(
        &mut self,
        place: Place,
        question: Question,
        timeout: Time,
        ledger: &mut Ledger,
    ) -> Number {
        let it = &mut self.units[place.unit].components[place.component];
        it.quiescing.take().into_iter().for_each(|number| ledger.close(number));
        let number = ledger.open(place, timeout);
        it.work = Work::Asked(number, question);
        number
    }

    fn ask(&self, place: Place, callback: Callback, ledger: &mut Ledger) {
        let registered = self.at(place).registered.expect("only a registered component is asked");
        let host = self.units[place.unit].host.expect("what runs has a host");
        ledger.effect(host, Deed::Ask(registered.client, callback));
    }

    /// A component has done what it was asked.
    pub(crate) fn answered(&mut self, place: Place, question: Question, ledger: &mut Ledger) {
        match question {
            Question::Set { csis, state, complete } => {
                csis.iter().for_each(|csi| self.acknowledged(place, *csi, state));
                if state == HaState::Quiescing && complete {
                    self.quiesced(place);
                }
            }
            Question::Remove(csis) => {
                let it = &mut self.units[place.unit].components[place.component];
                it.holds.retain(|csi, _| !csis.contains(csi));
            }
            Question::Terminate => ledger.note(&self.at(place).spec.name, "it agrees to terminate"),
        }
    }

    fn acknowledged(&mut self, place: Place, csi: usize, state: HaState) {
        let it = &mut self.units[place.unit].components[place.component];
        let acts = matches!(state, HaState::Active | HaState::Quiescing);
        it.holds.insert(csi, Hold { state: Some(state), acts });
        let last = &mut self.csis[csi].last;
        if let Some(last) = last.as_mut().filter(|_| state == HaState::Quiesced) {
            last.quiesced |= (last.unit, last.component) == (place.unit, place.component);
        }
    }

    /// A component has completed its QUIESCING.
    pub(crate) fn quiesced(&mut self, place: Place) {
        let it = self.at(place);
        let quiescing = |csi: &usize| it.state(*csi) == Some(HaState::Quiescing);
        let csis: Vec<usize> = it.holds.keys().copied().filter(quiescing).collect();
        csis.into_iter().for_each(|csi| self.acknowledged(place, csi, HaState::Quiesced));
    }
}

impl crate::state::Unit {
    fn presence_is_final(&self) -> bool {
        use PresenceState::{InstantiationFailed, TerminationFailed};
        matches!(self.presence(), InstantiationFailed | TerminationFailed)
    }
}
