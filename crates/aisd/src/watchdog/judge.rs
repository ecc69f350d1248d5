//! What is to be said of the supervised processes at a moment.

use ais_types::resources::{Object, ProcessState, Recovery};
use std::collections::BTreeMap;

/// Something that nobody has been told of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) pid: u32,
    pub(super) why: &'static str,
    /// Under QUIT nobody else does anything about it.
    pub(super) is_final: bool,
}

/// Remembers what was told.
#[derive(Debug, Default)]
pub(super) struct Judge {
    told: BTreeMap<u32, &'static str>,
}

const MS: u64 = 1_000_000;

/// A period outside of this is taken for the default.
const PERIOD_MS: std::ops::RangeInclusive<u64> = 500..=120_000;
const PERIOD_MS_DEFAULT: u64 = 6000;

const FAILED: &str = "it has given up";
const SILENT: &str = "its supervisor gives no sign of life";

impl Judge {
    /// What is new, and when to look again if nothing changes before.
    pub(super) fn look(&mut self, now_ns: u64, objects: &[Object]) -> (Vec<Finding>, Option<u64>) {
        self.told.retain(|pid, _| objects.iter().any(|object| object.pid == *pid));
        let mut findings = Vec::new();
        let mut next_ns: Option<u64> = None;
        for object in objects {
            let why = match overdue_ns(object) {
                _ if object.state == Some(ProcessState::Failed) => FAILED,
                Some(overdue_ns) if overdue_ns < now_ns => SILENT,
                due_ns => {
                    self.told.remove(&object.pid);
                    next_ns = [next_ns, due_ns].into_iter().flatten().min();
                    continue;
                }
            };
            if self.told.insert(object.pid, why) != Some(why) {
                let is_final = object.recovery != Some(Recovery::Restart);
                findings.push(Finding { pid: object.pid, why, is_final });
            }
        }
        (findings, next_ns)
    }
}

/// When it is overdue; `None`: never, since its health is not checked at the moment, or at all.
fn overdue_ns(object: &Object) -> Option<u64> {
    if object.state != Some(ProcessState::Running) {
        return None;
    }
    let period_ms = object.poll_period.filter(|period| *period > 0)?;
    let period_ms = if PERIOD_MS.contains(&period_ms) { period_ms } else { PERIOD_MS_DEFAULT };
    let patience_ns = period_ms.saturating_mul(MS).saturating_mul(3) / 2;
    Some(object.last_updated?.saturating_add(patience_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(state: ProcessState, recovery: Recovery, period: u64, updated_ms: u64) -> Object {
        Object {
            pid: 7,
            recovery: Some(recovery),
            poll_period: Some(period),
            last_updated: Some(updated_ms * MS),
            state: Some(state),
        }
    }

    #[test]
    fn failed_is_told_once_and_again_after_it_was_well() {
        let mut judge = Judge::default();
        let failed = object(ProcessState::Failed, Recovery::Quit, 500, 0);
        let found = vec![Finding { pid: 7, why: FAILED, is_final: true }];
        assert_eq!(judge.look(1, &[failed]), (found.clone(), None));
        assert_eq!(judge.look(2, &[failed]), (vec![], None));
        judge.look(3, &[object(ProcessState::Stopped, Recovery::Quit, 500, 0)]);
        assert_eq!(judge.look(4, &[failed]), (found.clone(), None));
        // The number was taken by another process.
        judge.look(5, &[]);
        assert_eq!(judge.look(6, &[failed]), (found, None));
    }

    #[test]
    fn under_restart_it_is_not_final() {
        let failed = object(ProcessState::Failed, Recovery::Restart, 500, 0);
        let (found, _) = Judge::default().look(1, &[failed]);
        assert_eq!(found, [Finding { pid: 7, why: FAILED, is_final: false }]);
    }

    #[test]
    fn silence_is_one_and_a_half_periods() {
        for (period, patience_ms) in [
            (500, 750),
            (1000, 1500),
            (120_000, 180_000),
            (499, 9000),
            (120_001, 9000),
            (100, 9000),
        ] {
            let running = object(ProcessState::Running, Recovery::Quit, period, 1000);
            let due_ns = (1000 + patience_ms) * MS;
            let mut judge = Judge::default();
            assert_eq!(judge.look(due_ns, &[running]), (vec![], Some(due_ns)), "{period}");
            let (found, next_ns) = judge.look(due_ns + 1, &[running]);
            assert_eq!(found, [Finding { pid: 7, why: SILENT, is_final: true }], "{period}");
            assert_eq!(next_ns, None);
        }
    }

    #[test]
    fn who_is_not_checked_may_be_silent() {
        let late = u64::MAX;
        for quiet in [
            object(ProcessState::Stopped, Recovery::Quit, 500, 0),
            object(ProcessState::WaitingForQuorum, Recovery::Quit, 500, 0),
            object(ProcessState::Running, Recovery::Quit, 0, 0),
            Object { pid: 7, ..Object::default() },
        ] {
            assert_eq!(Judge::default().look(late, &[quiet]), (vec![], None));
        }
    }
}
