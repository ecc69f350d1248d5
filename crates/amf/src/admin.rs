//! What operators order (chapter 9), and when it is done.

use crate::apply::Verdict;
use crate::error::Refusal;
use crate::ledger::{Deed, Ledger};
use crate::state::{Component, Group, Job, Object, Place, State};
use ais_types::amf::{AdminOperation, AdminState, OperationalState, PresenceState};
use ais_types::{MemberId, Name};
use alloc::format;
use alloc::string::ToString;

impl State {
    /// Begins an operation; its end is told by [`Group::reconcile`].
    pub(crate) fn admin(
        &mut self,
        object: Name,
        operation: AdminOperation,
        member: MemberId,
        request: u64,
    ) -> Verdict {
        match self.try_admin(&object, operation) {
            Ok(group) => {
                let group = &mut self.groups[group];
                let failed = group.failed();
                group.job =
                    Some(Job { object, operation, member, request, failed, repaired: false });
                None
            }
            Err(refusal) => Some(Err(refusal)),
        }
    }

    fn try_admin(&mut self, name: &Name, operation: AdminOperation) -> Result<usize, Refusal> {
        let object = self.names.get(name).ok_or_else(|| Refusal::NoSuchObject(name.clone()))?;
        let unsupported = || Refusal::NotSupported(format!("{operation} of {name}"));
        let object = *object;
        let index = object.group().ok_or_else(unsupported)?;
        let group = &mut self.groups[index];
        if operation == AdminOperation::Repaired {
            let Object::Unit(_, unit) = object else { return Err(unsupported()) };
            group.repaired(index, unit, name, &mut self.ledger)?;
        } else {
            let state = group.admin_state_mut(object).ok_or_else(unsupported)?;
            let only_si = matches!(object, Object::Instance(..));
            let next = next(name, *state, operation, only_si).ok_or_else(unsupported)??;
            let interrupts = *state == AdminState::ShuttingDown;
            if group.job.is_some() || !(group.settled() || interrupts) {
                return Err(Refusal::Busy(group.name.clone()));
            }
            *group.admin_state_mut(object).expect("it had one a moment ago") = next;
            self.kept_changes += 1;
            self.ledger.note(name, format!("{next}, by the operator's order"));
        }
        self.touched.insert(index);
        Ok(index)
    }
}

/// The state after the operation (table of §3.2.1.2); `None`: there is no such operation.
fn next(
    object: &Name,
    state: AdminState,
    operation: AdminOperation,
    instance: bool,
) -> Option<Result<AdminState, Refusal>> {
    use AdminOperation as Op;
    use AdminState::{Locked, LockedInstantiation, ShuttingDown, Unlocked};
    let no_op = || Refusal::NoOp { object: object.clone(), state: state.to_string(), operation };
    let bad = || Refusal::BadOperation { object: object.clone(), state, operation };
    Some(match (operation, state) {
        (Op::LockInstantiation | Op::UnlockInstantiation, _) if instance => return None,
        (Op::Unlock, Locked | ShuttingDown) => Ok(Unlocked),
        (Op::Lock, Unlocked | ShuttingDown) | (Op::UnlockInstantiation, LockedInstantiation) => {
            Ok(Locked)
        }
        (Op::Shutdown, Unlocked) => Ok(ShuttingDown),
        (Op::LockInstantiation, Locked) => Ok(LockedInstantiation),
        (Op::Unlock, Unlocked)
        | (Op::Lock | Op::UnlockInstantiation, Locked)
        | (Op::Shutdown, ShuttingDown)
        | (Op::LockInstantiation, LockedInstantiation) => Err(no_op()),
        (Op::Unlock | Op::Lock, LockedInstantiation)
        | (Op::Shutdown, Locked | LockedInstantiation)
        | (Op::LockInstantiation | Op::UnlockInstantiation, Unlocked | ShuttingDown) => Err(bad()),
        (
            Op::Restart | Op::SiSwap | Op::SgAdjust | Op::Repaired | Op::EamStart | Op::EamStop,
            _,
        ) => return None,
    })
}

impl Group {
    pub(crate) fn admin_state(&self, object: Object) -> Option<AdminState> {
        match object {
            Object::Group(_) => Some(self.admin),
            Object::Unit(_, unit) => Some(self.units[unit].admin),
            Object::Instance(_, instance) => Some(self.instances[instance].admin),
            Object::Application | Object::Component(_) | Object::Csi(..) => None,
        }
    }

    pub(crate) fn admin_state_mut(&mut self, object: Object) -> Option<&mut AdminState> {
        match object {
            Object::Group(_) => Some(&mut self.admin),
            Object::Unit(_, unit) => Some(&mut self.units[unit].admin),
            Object::Instance(_, instance) => Some(&mut self.instances[instance].admin),
            Object::Application | Object::Component(_) | Object::Csi(..) => None,
        }
    }

    /// §9.4.10: the operator says that the unit is mended.
    fn repaired(
        &mut self,
        group: usize,
        unit: usize,
        name: &Name,
        ledger: &mut Ledger,
    ) -> Result<(), Refusal> {
        if self.units[unit].operational == OperationalState::Enabled {
            let (state, operation) = ("ENABLED".to_string(), AdminOperation::Repaired);
            return Err(Refusal::NoOp { object: name.clone(), state, operation });
        }
        if self.job.is_some() || !self.settled() {
            return Err(Refusal::Busy(self.name.clone()));
        }
        let hosted = self.units[unit].host.is_some();
        for component in 0..self.units[unit].components.len() {
            let it = &mut self.units[unit].components[component];
            let place = Place { group, unit, component };
            match it.presence {
                PresenceState::TerminationFailed if hosted => {
                    self.clean(place, PresenceState::Terminating, ledger);
                }
                PresenceState::TerminationFailed | PresenceState::InstantiationFailed => {
                    it.set_down();
                }
                PresenceState::Uninstantiated
                | PresenceState::Instantiating
                | PresenceState::Instantiated
                | PresenceState::Terminating
                | PresenceState::Restarting => {}
            }
        }
        Ok(())
    }

    /// Brings the group nearer to what is wanted; the only place where it is.
    pub(crate) fn reconcile(&mut self, group: usize, ledger: &mut Ledger) {
        loop {
            self.repair(ledger);
            self.plan(ledger);
            // Work before processes: who takes over is told before anybody is started.
            self.assign(group, ledger);
            self.live(group, ledger);
            self.lock_what_has_stopped(ledger);
            if !self.finish(ledger) {
                return;
            }
        }
    }

    /// What was shutting down is locked when its last assignment is gone.
    fn lock_what_has_stopped(&mut self, ledger: &mut Ledger) {
        let mut lock = |name: &Name, admin: &mut AdminState, assigned: bool| {
            if *admin == AdminState::ShuttingDown && !assigned {
                *admin = AdminState::Locked;
                ledger.note(name, "LOCKED: its last assignment is gone");
            }
        };
        let holds = |instance: usize| {
            let of = |csi: &usize| self.csis[*csi].instance == instance;
            self.components().any(|(_, _, it)| it.holds.keys().any(of))
        };
        let assigned: alloc::vec::Vec<bool> = (0..self.instances.len()).map(holds).collect();
        for (it, assigned) in self.instances.iter_mut().zip(assigned) {
            lock(&it.name, &mut it.admin, assigned);
        }
        for it in &mut self.units {
            let assigned = it.assigned();
            lock(&it.name, &mut it.admin, assigned);
        }
        let assigned = self.units.iter().any(crate::state::Unit::assigned);
        lock(&self.name, &mut self.admin, assigned);
    }

    /// When nothing is under way, an operation is over. `true`: there is more to do.
    fn finish(&mut self, ledger: &mut Ledger) -> bool {
        if self.job.as_ref().is_some_and(|it| it.operation == AdminOperation::Shutdown) {
            self.answer(Ok(()), ledger);
        }
        if !self.settled() {
            return false;
        }
        self.forget_who_was_active();
        let Some(job) = &mut self.job else { return false };
        let mut broken = false;
        if job.operation == AdminOperation::Repaired {
            let unit = self.units.iter_mut().find(|it| it.name == job.object);
            let unit = unit.expect("the operation was begun on one of our units");
            let is = |state| move |it: &Component| it.presence == state;
            let down = unit.components.iter().all(is(PresenceState::Uninstantiated));
            if !job.repaired && down {
                job.repaired = true;
                unit.enable();
                unit.failovers = 0;
                ledger.note(&unit.name, "ENABLED, by the operator's order");
                return true;
            }
            if unit.components.iter().any(is(PresenceState::TerminationFailed)) {
                let refusal = Refusal::NotRepaired(job.object.clone());
                self.answer(Err(refusal), ledger);
                return false;
            }
            broken = unit.operational == OperationalState::Disabled;
        }
        let Some(job) = &self.job else { return false };
        let pending = broken || self.failed() > job.failed;
        let refusal = Refusal::RepairPending(job.object.clone());
        self.answer(if pending { Err(refusal) } else { Ok(()) }, ledger);
        false
    }

    fn answer(&mut self, result: Result<(), Refusal>, ledger: &mut Ledger) {
        if let Some(job) = self.job.take() {
            ledger.effect(job.member, Deed::Answer(job.request, result));
        }
    }

    /// Once failures are dealt with, an instance that nobody provides is provided anew, if ever.
    fn forget_who_was_active(&mut self) {
        for csi in 0..self.csis.len() {
            let acts =
                |it: &crate::state::Unit| it.taker(csi).holds.get(&csi).is_some_and(|it| it.acts);
            if !self.units.iter().any(acts) {
                self.csis[csi].last = None;
            }
        }
    }
}
