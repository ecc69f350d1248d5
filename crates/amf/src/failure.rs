//! Errors on components, and what is done about them (§3.11).

use crate::alarms::Alarm;
use crate::escalation::Step;
use crate::ledger::Ledger;
use crate::state::{Group, Place, Work};
use ais_types::amf::{HaState, OperationalState, PresenceState, Recovery};
use alloc::format;

impl Group {
    /// An error was noticed on a component.
    pub(crate) fn fail(&mut self, place: Place, recovery: Recovery, ledger: &mut Ledger) {
        let unit = &self.units[place.unit];
        let it = &unit.components[place.component];
        // Whatever happens on a node that is lost ends with its release.
        if unit.lost || matches!(it.work, Work::Cleaning(_)) {
            return;
        }
        match it.presence {
            PresenceState::Uninstantiated
            | PresenceState::InstantiationFailed
            | PresenceState::TerminationFailed => {}
            // The attempt has failed; the next one begins after the clean-up.
            PresenceState::Instantiating
            | PresenceState::Restarting
            | PresenceState::Terminating => self.clean(place, it.presence, ledger),
            PresenceState::Instantiated => self.recover(place, recovery, ledger),
        }
    }

    fn recover(&mut self, place: Place, recovery: Recovery, ledger: &mut Ledger) {
        let it = &self.units[place.unit].components[place.component];
        let recovery = match recovery {
            Recovery::NoRecommendation => it.spec.recovery,
            given => given,
        };
        let quiesced = it.holds.values().any(|hold| hold.state == Some(HaState::Quiesced));
        let restartable = !it.spec.disable_restart && !quiesced;
        if recovery == Recovery::ComponentRestart && restartable {
            self.escalate(place, ledger);
        } else {
            // What a component cannot recover from by a restart, others take over.
            self.fail_over(place, self.units[place.unit].failover, ledger);
        }
    }

    fn escalate(&mut self, place: Place, ledger: &mut Ledger) {
        let limits = self.limits;
        let unit = &mut self.units[place.unit];
        let escalated = unit.phase.error(&limits);
        unit.phase = escalated.phase;
        if let Some(probation) = escalated.probation {
            let until = ledger.time().after(probation);
            ledger.alarms.set(Alarm::Probation(Place { component: 0, ..place }), until);
        }
        let restartable = unit.components.iter().all(|it| !it.spec.disable_restart);
        match escalated.step {
            Step::RestartComponent => self.restart_component(place, ledger),
            Step::RestartUnit if restartable => self.restart_unit(place, ledger),
            // The last level takes the whole unit, whatever its own setting (§3.11.2.2).
            Step::RestartUnit | Step::FailOver => self.fail_over(place, true, ledger),
        }
    }

    fn restart_component(&mut self, place: Place, ledger: &mut Ledger) {
        let it = &mut self.units[place.unit].components[place.component];
        it.restarts += 1;
        ledger.note(&it.spec.name, "restart it in place (§3.11.1.3)");
        self.clean(place, PresenceState::Restarting, ledger);
    }

    fn restart_unit(&mut self, place: Place, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        unit.restarts += 1;
        let failed = &unit.components[place.component].spec.name;
        let rule = format!("restart the unit: {failed} failed too often (§3.11.2.2)");
        ledger.note(failed, rule.clone());
        ledger.note(&unit.name, rule);
        for component in 0..unit.components.len() {
            if !self.units[place.unit].components[component].down() {
                self.clean(Place { component, ..place }, PresenceState::Restarting, ledger);
            }
        }
    }

    fn fail_over(&mut self, place: Place, whole: bool, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        let at = Place { component: 0, ..place };
        unit.phase = crate::escalation::Phase::Idle;
        ledger.alarms.clear(Alarm::Probation(at));
        // Counted as long as restarts of the unit are; without limit is not at all.
        let until = ledger.time().after(self.limits.unit.probation);
        unit.failovers = if until.is_some() { unit.failovers + 1 } else { 0 };
        if unit.failovers == 1 {
            ledger.alarms.set(Alarm::Repair(at), until);
        }
        let failed = &unit.components[place.component].spec.name;
        if whole {
            let rule = format!("DISABLED, fail over: {failed} failed (§3.11.1.3)");
            ledger.note(failed, rule.clone());
            ledger.note(&unit.name, rule);
            unit.operational = OperationalState::Disabled;
            let disable = |it: &mut crate::state::Component| {
                it.operational = OperationalState::Disabled;
            };
            unit.components.iter_mut().for_each(disable);
            self.clean_unit(place, ledger);
        } else {
            ledger.note(failed, "DISABLED, fail over the component alone (§3.11.1.3)");
            unit.components[place.component].operational = OperationalState::Disabled;
            self.clean(place, PresenceState::Terminating, ledger);
        }
    }
}
