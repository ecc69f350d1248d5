//! The end of an instance, and whether another follows.

use super::{Supervisor, give_up::Next, instance::Instance};
use crate::{
    Death, End, GiveUp, KilledStatus, Recovery,
    library::lock,
    sys::{monotonic_ns, uninterrupted},
};
use ais_types::resources::Entry;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, waitpid},
};
use std::io;

impl Supervisor {
    /// Waits for the end, however long that takes.
    pub(super) fn bury(&mut self, instance: Instance) -> io::Result<Death> {
        self.wait_for_end(&instance)?;
        let death = Death { end: reap(instance.pid)?, cause: instance.watch.blame };
        lock().last_death = Some(death);
        Ok(death)
    }

    /// Waits as options have it. `false`: there is to be no other instance.
    pub(super) fn wait_before_next(&mut self) -> io::Result<bool> {
        match self.patience.failed(monotonic_ns()) {
            Next::After(pause) if pause.is_zero() => Ok(true),
            Next::After(pause) => self.pause(pause),
            Next::GiveUp(how) => {
                self.given_up = true;
                if how == GiveUp::Quit {
                    self.rules.policy.recovery = Recovery::Quit;
                    // As if that had been the policy; whether it is seen changes nothing.
                    let _ = self.publish(Entry::Recovery(Recovery::Quit));
                }
                Ok(false)
            }
        }
    }
}

/// How a child ended, once it has.
pub(super) fn reap(pid: Pid) -> io::Result<End> {
    match uninterrupted(|| waitpid(Some(pid), WaitOptions::empty())) {
        Ok(Some((_, status))) => Ok(status
            .terminating_signal()
            .map_or_else(|| End::Exited(status.exit_status().unwrap_or(0)), End::Killed)),
        // The program ignores SIGCHLD, or has waited itself.
        Ok(None) | Err(Errno::CHILD) => Ok(End::Unknown),
        Err(error) => Err(error.into()),
    }
}

impl Death {
    /// What the supervisor exits with.
    pub(super) fn status(self, killed: KilledStatus) -> i32 {
        match (self.end, killed) {
            (End::Exited(status), _) => status,
            (End::Killed(signal), KilledStatus::Shell) => 128 + signal,
            (End::Killed(_), KilledStatus::Zero) | (End::Unknown, _) => 0,
        }
    }
}
