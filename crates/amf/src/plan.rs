//! The planner of 2N: who should be active and who standby. Pure (§3.6.2).

use serde::{Deserialize, Serialize};

/// Which units of a group do its work; indices into its units, which are sorted by rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) active: Option<usize>,
    pub(crate) standby: Option<usize>,
}

/// What the planner must know of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Candidate {
    /// May take assignments.
    pub(crate) in_service: bool,
    /// Is active, or is leaving that state.
    pub(crate) acts: bool,
    /// Is not in service, but is expected to be soon.
    pub(crate) expected: bool,
}

/// Who should be active and who standby, given who was to be so far.
///
/// The active stays as long as it is in service; then its standby follows; then whoever is
/// preferred. At the start of a group (`starting`) the first choice waits for units that are
/// preferred and expected, so that it is the preferred one.
pub(crate) fn two_n(units: &[Candidate], roles: Roles, starting: bool) -> Roles {
    let in_service = |unit: &usize| units.get(*unit).is_some_and(|it| it.in_service);
    let acting = (0..units.len()).find(|unit| units[*unit].in_service && units[*unit].acts);
    let kept = acting.or_else(|| roles.active.filter(in_service));
    let active = kept.or_else(|| roles.standby.filter(in_service)).or_else(|| {
        let best = (0..units.len()).find(in_service);
        best.filter(|best| !(starting && units[..*best].iter().any(|it| it.expected)))
    });
    let other = |unit: &usize| in_service(unit) && Some(*unit) != active;
    let standby = roles.standby.filter(other).or_else(|| (0..units.len()).find(other));
    Roles { active, standby: standby.filter(|_| active.is_some()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Candidate = Candidate { in_service: false, acts: false, expected: false };
    const IN: Candidate = Candidate { in_service: true, ..OUT };
    const ACTS: Candidate = Candidate { acts: true, ..IN };
    const SOON: Candidate = Candidate { expected: true, ..OUT };

    fn roles(active: impl Into<Option<usize>>, standby: impl Into<Option<usize>>) -> Roles {
        Roles { active: active.into(), standby: standby.into() }
    }

    #[track_caller]
    fn check(units: &[Candidate], before: Roles, after: Roles) {
        assert_eq!(two_n(units, before, false), after);
    }

    #[track_caller]
    fn check_start(units: &[Candidate], after: Roles) {
        assert_eq!(two_n(units, Roles::default(), true), after);
    }

    #[test]
    fn the_preferred_unit_is_active_and_the_next_is_standby() {
        check(&[IN, IN, IN], Roles::default(), roles(0, 1));
        check(&[OUT, IN, IN], Roles::default(), roles(1, 2));
        check(&[OUT, IN], Roles::default(), roles(1, None));
        check(&[OUT, OUT], Roles::default(), Roles::default());
    }

    #[test]
    fn the_standby_takes_over_and_a_spare_becomes_standby() {
        check(&[OUT, IN, IN], roles(0, 1), roles(1, 2));
        check(&[IN, OUT, IN], roles(0, 1), roles(0, 2));
        check(&[OUT, OUT, IN], roles(0, 1), roles(2, None));
    }

    #[test]
    fn a_preferred_unit_that_comes_back_is_only_standby() {
        check(&[IN, ACTS], roles(1, None), roles(1, 0));
        check(&[IN, ACTS, IN], roles(1, 2), roles(1, 2));
    }

    #[test]
    fn a_unit_that_was_to_stop_and_may_stay_goes_on() {
        check(&[ACTS, IN], roles(1, None), roles(0, 1));
    }

    #[test]
    fn the_first_choice_waits_for_a_preferred_unit_that_is_expected() {
        check_start(&[SOON, IN], Roles::default());
        check_start(&[IN, SOON], roles(0, None));
        check_start(&[OUT, IN], roles(1, None));
    }
}
