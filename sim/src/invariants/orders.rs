//! What operators ordered holds: what is locked has no work, what is locked for instantiation does
//! not run, and an order that does not fit is refused (§3.2.1.2, chapter 9).
//!
//! One operator at a time gives orders, so that the state of an object is known when its order was
//! answered. One whose outcome nobody heard may still come true for a while.

use super::Ledger;
use ais_node::ProcessKey;
use ais_types::{
    ErrorCode, Name,
    amf::{AdminOperation, AdminState, HaState},
};
use std::{collections::BTreeMap, time::Duration};

/// For how long an order without an answer may still be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(20);

/// The objects of the model that can be ordered about.
pub(crate) const OBJECTS: [&str; 4] = ["SU1", "SU2", "SG", "SI"];
const COMPONENTS: [&str; 2] = ["C1", "C2"];

/// What is known of the administrative states.
#[derive(Default)]
pub(crate) struct Orders {
    /// Whose turn it is to give orders.
    holder: Option<ProcessKey>,
    /// The order that is not answered yet.
    given: Option<(Name, AdminOperation)>,
    known: BTreeMap<Name, AdminState>,
    /// What is known of these does not count before this.
    doubted: BTreeMap<Name, Duration>,
    /// Processes of components.
    running: BTreeMap<ProcessKey, Name>,
    /// An order was understood: the model is there.
    model: bool,
    /// Orders answered.
    pub(crate) answered: u64,
}

impl Orders {
    /// Everything that was in memory is gone: what was ordered is on the disks.
    pub(super) fn lose_power(&mut self) {
        let (known, doubted) = (std::mem::take(&mut self.known), std::mem::take(&mut self.doubted));
        *self = Self { answered: self.answered, known, doubted, ..Self::default() };
    }

    /// What was ordered last is on no disk of those who are there.
    pub(crate) fn forget_states(&mut self) {
        self.known.clear();
    }

    /// Whether it is this operator's turn.
    pub(crate) fn take_turn(&mut self, operator: ProcessKey) -> bool {
        *self.holder.get_or_insert(operator) == operator
    }

    /// The next one's turn.
    pub(crate) fn give_turn(&mut self) {
        self.holder = None;
    }

    /// An order is given.
    pub(crate) fn given(&mut self, object: &Name, operation: AdminOperation) {
        self.given = Some((object.clone(), operation));
    }

    /// This operator is gone, or will hear no answer.
    pub(crate) fn gave_up(&mut self, operator: ProcessKey, now: Duration) {
        if self.holder != Some(operator) {
            return;
        }
        if let Some((object, _)) = self.given.take() {
            self.known.remove(&object);
            self.doubted.insert(object, now + ON_ITS_WAY);
        }
        self.holder = None;
    }

    /// A component's process runs.
    pub(crate) fn started(&mut self, process: ProcessKey, component: &Name) -> Result<(), String> {
        self.running.insert(process, component.clone());
        match self.state_above(component, &[AdminState::LockedInstantiation]) {
            Some(object) => Err(format!("{component} is started, and {object} may not run")),
            None => Ok(()),
        }
    }

    /// A process is no more.
    pub(crate) fn ended(&mut self, process: ProcessKey, now: Duration) {
        self.running.remove(&process);
        self.gave_up(process, now);
    }

    /// A component is given work.
    pub(super) fn told(&self, component: &Name, state: HaState) -> Result<(), String> {
        let taking = matches!(state, HaState::Active | HaState::Standby);
        let locked = [AdminState::Locked, AdminState::LockedInstantiation];
        match self.state_above(component, &locked).filter(|_| taking) {
            Some(object) => Err(format!("{component} is told {state}, and {object} is locked")),
            None => Ok(()),
        }
    }

    /// The object above the component that is known to be in one of these states.
    fn state_above(&self, component: &Name, states: &[AdminState]) -> Option<&Name> {
        let underway = self.given.as_ref().map(|(object, _)| object);
        let above = |object: &&Name| covers(object, component) && Some(*object) != underway;
        let known = self.known.iter().filter(|(_, state)| states.contains(state));
        known.map(|(object, _)| object).find(above)
    }

    /// What must become of an order, as far as that is known.
    fn expected(
        &self,
        object: &Name,
        operation: AdminOperation,
    ) -> Option<Result<AdminState, ErrorCode>> {
        use AdminOperation as Op;
        use AdminState::{Locked, LockedInstantiation, ShuttingDown, Unlocked};
        let starts = matches!(operation, Op::LockInstantiation | Op::UnlockInstantiation);
        if starts && object.to_text() == "SI" {
            return Some(Err(ErrorCode::NotSupported));
        }
        let state = *self.known.get(object)?;
        Some(match (operation, state) {
            (Op::Unlock, Locked | ShuttingDown) => Ok(Unlocked),
            (Op::Lock, Unlocked | ShuttingDown) => Ok(Locked),
            (Op::UnlockInstantiation, LockedInstantiation) => Ok(Locked),
            (Op::LockInstantiation, Locked) => Ok(LockedInstantiation),
            (Op::Shutdown, Unlocked) => Ok(ShuttingDown),
            (Op::Unlock, Unlocked)
            | (Op::Lock | Op::UnlockInstantiation, Locked)
            | (Op::Shutdown, ShuttingDown)
            | (Op::LockInstantiation, LockedInstantiation) => Err(ErrorCode::NoOp),
            (Op::Unlock | Op::Lock | Op::Shutdown, LockedInstantiation)
            | (Op::Shutdown, Locked)
            | (Op::LockInstantiation | Op::UnlockInstantiation, Unlocked | ShuttingDown) => {
                Err(ErrorCode::BadOperation)
            }
            (
                Op::Restart | Op::SiSwap | Op::SgAdjust | Op::Repaired | Op::EamStart | Op::EamStop,
                _,
            ) => return None,
        })
    }
}

/// Whether a component belongs to what the object stands for.
fn covers(object: &Name, component: &Name) -> bool {
    match (object.to_text().as_ref(), component.to_text().as_ref()) {
        ("SG" | "SI", _) | ("SU1", "C1") | ("SU2", "C2") => true,
        (_, _) => false,
    }
}

impl Ledger {
    /// The order that was given is answered.
    pub(crate) fn order_answered(
        &mut self,
        outcome: Result<(), ErrorCode>,
        now: Duration,
    ) -> Result<(), String> {
        let Some((object, operation)) = self.orders.given.take() else {
            return Err(format!("{outcome:?} to an order that nobody gave"));
        };
        if outcome == Err(ErrorCode::NotExist) && !self.orders.model {
            return Ok(());
        }
        self.orders.model = true;
        self.orders.answered += 1;
        let expected = self.orders.expected(&object, operation);
        let wrong = || Err(format!("{operation} of {object} is {outcome:?}, not {expected:?}"));
        match (outcome, expected) {
            // Busy.
            (Err(ErrorCode::TryAgain), _) => Ok(()),
            // It is done, and something is broken: nobody knows what still runs.
            (Err(ErrorCode::RepairPending), None | Some(Ok(_))) => {
                self.orders.known.remove(&object);
                Ok(())
            }
            (Err(code), Some(Err(right))) if code == right => Ok(()),
            (Ok(()), Some(Err(_))) | (Err(_), Some(_)) => wrong(),
            (Err(ErrorCode::NoOp | ErrorCode::BadOperation | ErrorCode::NotSupported), None) => {
                Ok(())
            }
            (Err(_), None) => wrong(),
            (Ok(()), _) => self.order_done(object, operation, now),
        }
    }

    fn order_done(
        &mut self,
        object: Name,
        operation: AdminOperation,
        now: Duration,
    ) -> Result<(), String> {
        use AdminOperation as Op;
        let state = match operation {
            Op::Unlock => AdminState::Unlocked,
            Op::Lock | Op::UnlockInstantiation => AdminState::Locked,
            Op::LockInstantiation => AdminState::LockedInstantiation,
            // It ends in LOCKED, some time.
            Op::Shutdown => {
                self.orders.known.remove(&object);
                return Ok(());
            }
            Op::Restart | Op::SiSwap | Op::SgAdjust | Op::Repaired | Op::EamStart | Op::EamStop => {
                return Ok(());
            }
        };
        if self.orders.doubted.get(&object).is_some_and(|until| now < *until) {
            return Ok(());
        }
        for component in COMPONENTS {
            let name = Name::new(component).expect("it is short");
            if !covers(&object, &name) {
                continue;
            }
            let has = self.actives.state_of(&name);
            if state != AdminState::Unlocked && has.is_some() {
                return Err(format!("{object} is {state}, and {component} is still {has:?}"));
            }
            let runs = self.orders.running.values().any(|it| *it == name);
            if state == AdminState::LockedInstantiation && runs {
                return Err(format!("{object} is {state}, and {component} still runs"));
            }
        }
        self.orders.known.insert(object, state);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("it is short")
    }

    fn order(
        ledger: &mut Ledger,
        object: &str,
        operation: AdminOperation,
        outcome: Result<(), ErrorCode>,
    ) -> Result<(), String> {
        ledger.orders.given(&name(object), operation);
        ledger.order_answered(outcome, Duration::ZERO)
    }

    #[test]
    fn work_for_what_is_locked_is_noticed() {
        let mut ledger = Ledger::default();
        order(&mut ledger, "SU1", AdminOperation::Lock, Ok(())).expect("nobody has work");
        assert!(ledger.orders.told(&name("C1"), HaState::Active).is_err());
        assert_eq!(ledger.orders.told(&name("C2"), HaState::Active), Ok(()));
        assert_eq!(ledger.orders.told(&name("C1"), HaState::Quiesced), Ok(()));
        order(&mut ledger, "SU1", AdminOperation::Unlock, Ok(())).expect("it was locked");
        assert_eq!(ledger.orders.told(&name("C1"), HaState::Active), Ok(()));
    }

    #[test]
    fn a_lock_that_leaves_work_or_a_process_is_noticed() {
        let mut ledger = Ledger::default();
        let (process, component) = (ProcessKey(1), name("C1"));
        ledger.actives.told(process, &component, Some(HaState::Standby)).expect("no active");
        assert!(order(&mut ledger, "SG", AdminOperation::Lock, Ok(())).is_err());
        ledger.actives.ended(process);
        ledger.orders.started(process, &component).expect("it may run");
        let operation = AdminOperation::LockInstantiation;
        assert!(order(&mut ledger, "SG", operation, Ok(())).is_err());
        ledger.orders.ended(process, Duration::ZERO);
        order(&mut ledger, "SG", operation, Ok(())).expect("nothing runs");
        assert!(ledger.orders.started(process, &component).is_err());
    }

    #[test]
    fn a_wrong_answer_is_noticed() {
        let mut ledger = Ledger::default();
        order(&mut ledger, "SI", AdminOperation::Lock, Ok(())).expect("nobody has work");
        assert!(order(&mut ledger, "SI", AdminOperation::Lock, Ok(())).is_err());
        let no_op = Err(ErrorCode::NoOp);
        assert_eq!(order(&mut ledger, "SI", AdminOperation::Lock, no_op), Ok(()));
        assert!(order(&mut ledger, "SI", AdminOperation::Unlock, no_op).is_err());
        let busy = Err(ErrorCode::TryAgain);
        assert_eq!(order(&mut ledger, "SI", AdminOperation::Unlock, busy), Ok(()));
    }

    #[test]
    fn an_order_that_nobody_heard_of_again_may_still_come_true() {
        let mut ledger = Ledger::default();
        order(&mut ledger, "SU2", AdminOperation::Lock, Ok(())).expect("nobody has work");
        assert!(ledger.orders.take_turn(ProcessKey(1)));
        ledger.orders.given(&name("SU2"), AdminOperation::Unlock);
        ledger.orders.ended(ProcessKey(1), Duration::ZERO);
        assert!(ledger.orders.take_turn(ProcessKey(2)));
        order(&mut ledger, "SU2", AdminOperation::Lock, Ok(())).expect("it may be unlocked");
        assert_eq!(ledger.orders.told(&name("C2"), HaState::Active), Ok(()));
    }
}
