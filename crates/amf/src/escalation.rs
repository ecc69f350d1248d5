//! Escalation: the same component failing again and again is not restarted for ever (§3.11.2).
//!
//! ```text
//!           an error                 limit of component restarts reached
//!   Idle ------------> Component(n) ------------------------------------> Unit(n)
//!    ^                     |                                                |
//!    +---------------------+------------------------------------------------+
//!      the probation ends, or the limit of unit restarts is reached: fail-over
//! ```

use ais_types::Time;
use ais_types::amf::{Escalation, Limit};
use serde::{Deserialize, Serialize};

/// How far the errors of a unit have come. All its components count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// No error lately.
    #[default]
    Idle,
    /// Components are restarted; so many errors.
    Component(u32),
    /// The whole unit is restarted; so many errors.
    Unit(u32),
}

/// What to do about an error that recommends a component restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    RestartComponent,
    RestartUnit,
    FailOver,
}

/// The limits of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) component: Limit,
    pub(crate) unit: Limit,
    pub(crate) mode: Escalation,
}

/// What an error leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escalated {
    pub(crate) phase: Phase,
    pub(crate) step: Step,
    /// A probation of this length begins; `None`: the running one goes on.
    pub(crate) probation: Option<Time>,
}

impl Phase {
    /// What one more error leads to.
    pub(crate) fn error(self, limits: &Limits) -> Escalated {
        match self {
            Self::Idle => Self::component(0, Some(limits.component.probation), limits),
            Self::Component(count) => Self::component(count, None, limits),
            Self::Unit(count) => Self::unit(count, None, limits),
        }
    }

    fn component(count: u32, probation: Option<Time>, limits: &Limits) -> Escalated {
        if !reaches(count, limits.component.max, limits.mode) {
            let phase = Self::Component(count + 1);
            return Escalated { phase, step: Step::RestartComponent, probation };
        }
        let probation = Some(limits.unit.probation);
        match limits.mode {
            // The error that reaches the limit restarts the unit, and does not count there.
            Escalation::AtMax if limits.unit.max > 0 => {
                Escalated { phase: Self::Unit(0), step: Step::RestartUnit, probation }
            }
            Escalation::AtMax => failed_over(),
            Escalation::AboveMax => Self::unit(0, probation, limits),
        }
    }

    fn unit(count: u32, probation: Option<Time>, limits: &Limits) -> Escalated {
        if reaches(count, limits.unit.max, limits.mode) {
            return failed_over();
        }
        Escalated { phase: Self::Unit(count + 1), step: Step::RestartUnit, probation }
    }
}

const fn failed_over() -> Escalated {
    Escalated { phase: Phase::Idle, step: Step::FailOver, probation: None }
}

/// Whether one more error after `count` is one too many.
const fn reaches(count: u32, max: u32, mode: Escalation) -> bool {
    match mode {
        Escalation::AtMax => count + 1 >= max,
        Escalation::AboveMax => count >= max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{FailOver, RestartComponent, RestartUnit};
    use alloc::vec::Vec;

    #[track_caller]
    fn check(mode: Escalation, component: u32, unit: u32, expected: &[Step]) {
        let limit = |max| Limit { max, probation: Time::ONE_SECOND };
        let limits = Limits { component: limit(component), unit: limit(unit), mode };
        let mut phase = Phase::Idle;
        let mut steps = Vec::new();
        for _ in expected {
            let next = phase.error(&limits);
            phase = next.phase;
            steps.push(next.step);
        }
        assert_eq!(steps, expected);
    }

    /// A370, which is B26 of the tutorials: three kills recover in place, the fourth fails over.
    #[test]
    fn at_max_of_two_and_two_fails_over_at_the_fourth() {
        check(
            Escalation::AtMax,
            2,
            2,
            &[RestartComponent, RestartUnit, RestartUnit, FailOver, RestartComponent],
        );
    }

    /// A371.
    #[test]
    fn above_max_of_two_and_two_fails_over_at_the_fifth() {
        check(
            Escalation::AboveMax,
            2,
            2,
            &[RestartComponent, RestartComponent, RestartUnit, RestartUnit, FailOver],
        );
    }

    /// A384.
    #[test]
    fn above_max_of_one_and_two_fails_over_at_the_fourth() {
        let expected = [RestartComponent, RestartUnit, RestartUnit, FailOver];
        check(Escalation::AboveMax, 1, 2, &expected);
    }

    /// A376.
    #[test]
    fn a_limit_of_none_escalates_at_once() {
        check(Escalation::AtMax, 0, 2, &[RestartUnit]);
        check(Escalation::AboveMax, 0, 2, &[RestartUnit]);
        check(Escalation::AtMax, 0, 0, &[FailOver]);
        check(Escalation::AboveMax, 0, 0, &[FailOver]);
    }
}
