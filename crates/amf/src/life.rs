//! Processes of components: starting, ending, removing them.
//!
//! ```text
//! UNINSTANTIATED -> INSTANTIATING -> INSTANTIATED -> TERMINATING -> UNINSTANTIATED
//!                     |  ^   (failed: clean up, try again)   |
//!                     v  |                                   v
//!            INSTANTIATION_FAILED      RESTARTING      TERMINATION_FAILED
//! ```

use crate::ledger::{Deed, Ledger};
use crate::state::{Component, Group, Place, Question, Unit, Work};
use ais_service::{Run, Spawn, Wait};
use ais_types::amf::{Callback, OperationalState, PresenceState};
use ais_types::{Name, Time};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A unit that fails over so often within the probation of its restarts is repaired only when
/// that has passed: a component that is broken for good may not keep its node busy.
const FAILOVERS_MAX: u32 = 5;

impl Group {
    /// Starts and ends what is to run and what is not.
    pub(crate) fn live(&mut self, group: usize, ledger: &mut Ledger) {
        for unit in 0..self.units.len() {
            let it = &self.units[unit];
            if it.lost || it.host.is_none() {
                continue;
            }
            if it.operational == OperationalState::Enabled && self.may_run(unit) {
                self.bring_up(group, unit, ledger);
            } else {
                self.bring_down(group, unit, ledger);
            }
        }
    }

    /// Starts the lowest level that does not run yet (§3.8.2).
    fn bring_up(&mut self, group: usize, unit: usize, ledger: &mut Ledger) {
        let it = &self.units[unit];
        // What is left of the old must be gone before anything new begins.
        if it.components.iter().any(|it| matches!(it.work, Work::Cleaning(_) | Work::Ending(_))) {
            return;
        }
        let missing = |it: &&Component| it.presence != PresenceState::Instantiated;
        let Some(level) = it.components.iter().filter(missing).map(|it| it.spec.level).min() else {
            return;
        };
        for component in 0..it.components.len() {
            let whole = &self.units[unit];
            let it = &whole.components[component];
            // A component that failed over comes back when its unit has given up its work.
            let mendable = !whole.assigned() && whole.failovers < FAILOVERS_MAX;
            let repairable = it.operational == OperationalState::Enabled || mendable;
            if it.spec.level == level && it.startable() && repairable {
                self.start(Place { group, unit, component }, ledger);
            }
        }
    }

    fn start(&mut self, place: Place, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        let host = unit.host.expect("only units with a host are brought up");
        let it = &mut unit.components[place.component];
        let number = ledger.open(place, it.spec.instantiate_timeout);
        it.attempts += 1;
        it.start = number;
        it.work = Work::Starting(number);
        if it.presence == PresenceState::Uninstantiated {
            it.presence = PresenceState::Instantiating;
        }
        let spawn = Spawn { command: it.spec.command.clone(), environment: environment(it) };
        ledger.note(&it.spec.name, format!("start it, attempt {}", it.attempts));
        let component = it.spec.name.clone();
        ledger.effect(host, Deed::Start { number, component, spawn });
    }

    /// Ends the highest level that still runs (§3.8.2), once it has no work any more.
    fn bring_down(&mut self, group: usize, unit: usize, ledger: &mut Ledger) {
        let components = &self.units[unit].components;
        let running = components.iter().filter(|it| !it.down());
        let Some(level) = running.map(|it| it.spec.level).max() else { return };
        for component in 0..components.len() {
            let it = &self.units[unit].components[component];
            if it.spec.level != level || !it.holds.is_empty() {
                continue;
            }
            let place = Place { group, unit, component };
            match it.presence {
                PresenceState::Instantiated if it.ready() => self.terminate(place, ledger),
                PresenceState::Instantiating | PresenceState::Restarting => {
                    self.clean(place, PresenceState::Terminating, ledger);
                }
                PresenceState::Instantiated
                | PresenceState::Terminating
                | PresenceState::Uninstantiated
                | PresenceState::InstantiationFailed
                | PresenceState::TerminationFailed => {}
            }
        }
    }

    fn terminate(&mut self, place: Place, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        let it = &mut unit.components[place.component];
        let (Some(host), Some(registered)) = (unit.host, it.registered) else { return };
        let number = ledger.open(place, it.spec.terminate_timeout);
        it.presence = PresenceState::Terminating;
        it.work = Work::Asked(number, Question::Terminate);
        ledger.note(&it.spec.name, "ask it to terminate");
        let component = it.spec.name.clone();
        let callback = Callback::Terminate { invocation: number, component };
        ledger.effect(host, Deed::Ask(registered.client, callback));
    }

    /// Removes whatever runs of a component; `presence` says what for.
    pub(crate) fn clean(&mut self, place: Place, presence: PresenceState, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        let host = unit.host.expect("what runs has a host");
        let it = &mut unit.components[place.component];
        it.presence = presence;
        if matches!(it.work, Work::Cleaning(_)) {
            return;
        }
        it.drop_work(ledger);
        if let Some(registered) = it.registered.take() {
            ledger.processes.remove(&registered.process);
        }
        let number = ledger.open(place, Time::END);
        it.work = Work::Cleaning(number);
        let run = it.spec.cleanup.clone().map(|command| Run {
            command,
            environment: environment(it),
            timeout: it.spec.cleanup_timeout.limit().unwrap_or(core::time::Duration::MAX),
            wait: Wait::Everything,
        });
        let component = it.spec.name.clone();
        ledger.effect(host, Deed::Clean { number, component, run });
    }

    /// A clean-up is over.
    pub(crate) fn cleaned(
        &mut self,
        place: Place,
        result: Result<(), String>,
        ledger: &mut Ledger,
    ) {
        let it = &mut self.units[place.unit].components[place.component];
        it.drop_work(ledger);
        if let Err(reason) = result {
            it.presence = PresenceState::TerminationFailed;
            it.operational = OperationalState::Disabled;
            // Its work stays with it: nobody else may be active while it may still act (§4.8).
            ledger.note(&it.spec.name, format!("TERMINATION_FAILED: clean-up failed: {reason}"));
            self.units[place.unit].operational = OperationalState::Disabled;
            return;
        }
        it.forget_process(ledger);
        it.holds.clear();
        let exhausted = it.attempts >= it.attempts_max();
        match it.presence {
            PresenceState::Instantiating | PresenceState::Restarting if exhausted => {
                self.instantiation_failed(place, ledger);
            }
            PresenceState::Terminating => it.set_down(),
            PresenceState::Instantiating
            | PresenceState::Restarting
            | PresenceState::Uninstantiated
            | PresenceState::Instantiated
            | PresenceState::InstantiationFailed
            | PresenceState::TerminationFailed => {}
        }
    }

    /// §4.6: no attempt is left. The whole unit goes, since it is of no use without this one.
    fn instantiation_failed(&mut self, place: Place, ledger: &mut Ledger) {
        let unit = &mut self.units[place.unit];
        let it = &mut unit.components[place.component];
        it.presence = PresenceState::InstantiationFailed;
        it.operational = OperationalState::Disabled;
        ledger.note(&it.spec.name, format!("INSTANTIATION_FAILED after {} attempts", it.attempts));
        ledger.note(&unit.name, "DISABLED: a component cannot be started");
        unit.operational = OperationalState::Disabled;
        if unit.assigned() {
            self.clean_unit(place, ledger);
        }
    }

    /// Ends all components of a unit abruptly.
    pub(crate) fn clean_unit(&mut self, place: Place, ledger: &mut Ledger) {
        for component in 0..self.units[place.unit].components.len() {
            let it = &self.units[place.unit].components[component];
            if !it.down() {
                self.clean(Place { component, ..place }, PresenceState::Terminating, ledger);
            }
        }
    }

    /// A process stands for the component.
    pub(crate) fn registered(&mut self, place: Place, ledger: &mut Ledger) {
        let it = &mut self.units[place.unit].components[place.component];
        it.drop_work(ledger);
        it.presence = PresenceState::Instantiated;
        it.operational = OperationalState::Enabled;
        it.attempts = 0;
        ledger.note(&it.spec.name, "INSTANTIATED: it has registered");
    }

    /// A unit that failed over and ended in order is mended by starting it again (§3.11.1.4).
    pub(crate) fn repair(&mut self, ledger: &mut Ledger) {
        let down = |it: &Component| it.presence == PresenceState::Uninstantiated;
        for unit in self.units.iter_mut().filter(|_| self.auto_repair) {
            let disabled = unit.operational == OperationalState::Disabled;
            let often = unit.failovers >= FAILOVERS_MAX;
            if disabled && !often && !unit.lost && unit.components.iter().all(down) {
                unit.enable();
                ledger.note(&unit.name, "ENABLED: everything of it has ended; repaired");
            }
        }
    }
}

impl Unit {
    /// It is as good as new.
    pub(crate) fn enable(&mut self) {
        self.operational = OperationalState::Enabled;
        self.components.iter_mut().for_each(|it| it.operational = OperationalState::Enabled);
    }

    /// Nothing of it is on its node any more: the node has surely stopped.
    pub(crate) fn released(&mut self, ledger: &mut Ledger) {
        self.host = None;
        self.lost = false;
        self.restarts = 0;
        self.failovers = 0;
        self.phase = crate::escalation::Phase::Idle;
        for it in &mut self.components {
            it.drop_work(ledger);
            it.forget_process(ledger);
            it.holds.clear();
            if !it.failed() {
                it.set_down();
            }
        }
        if !self.components.iter().any(Component::failed) {
            self.enable();
        }
        ledger.note(&self.name, "nothing of it runs: its node has surely stopped");
    }
}

impl Component {
    fn startable(&self) -> bool {
        use PresenceState::{Instantiating, Restarting, Uninstantiated};
        self.work == Work::Idle
            && matches!(self.presence, Uninstantiated | Instantiating | Restarting)
    }

    /// §4.6: a component that may not be restarted has one attempt.
    fn attempts_max(&self) -> u32 {
        if self.spec.disable_restart { 1 } else { self.spec.attempts.max(1) }
    }

    /// Ends what is under way; what still comes for it is late.
    pub(crate) fn drop_work(&mut self, ledger: &mut Ledger) {
        let work = core::mem::replace(&mut self.work, Work::Idle);
        work.number().into_iter().chain(self.quiescing.take()).for_each(|it| ledger.close(it));
    }

    fn forget_process(&mut self, ledger: &mut Ledger) {
        let registered = self.registered.take().map(|it| it.process);
        let process = self.process.take().map(|(process, _)| process);
        for it in registered.into_iter().chain(process) {
            ledger.processes.remove(&it);
        }
    }

    /// It has ended.
    pub(crate) fn set_down(&mut self) {
        self.presence = PresenceState::Uninstantiated;
        self.attempts = 0;
        self.restarts = 0;
    }

    /// It has ended in order.
    pub(crate) fn ended(&mut self, ledger: &mut Ledger) {
        self.drop_work(ledger);
        self.forget_process(ledger);
        self.holds.clear();
        self.set_down();
        ledger.note(&self.spec.name, "UNINSTANTIATED: it has terminated");
    }
}

/// What a component's process and its commands find in their environment (§4.2).
fn environment(it: &Component) -> Vec<(String, String)> {
    let name = |name: &Name| ("SA_AMF_COMPONENT_NAME".to_string(), name.to_text().into_owned());
    it.spec.environment.iter().cloned().chain([name(&it.spec.name)]).collect()
}
