//! The next instance, forked ahead of need.
//!
//! It holds no more than a fork at the moment of need would, and shows itself to nobody: signals are
//! blocked while it waits, and those that came meanwhile are forgotten when its turn comes, as a process
//! that did not exist would not have got them.

use super::{
    Supervisor,
    bury::reap,
    instance::{Instance, take_line},
};
use crate::{
    Recovery,
    library::lock,
    link::{SupervisorEnd, stream},
    sys::{self, Forked, Signals},
    turn::{hear, tell, turn},
};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process, pidfd_open,
    set_parent_process_death_signal,
};
use std::os::fd::OwnedFd;

/// A spare that dies of itself is replaced so often in a row; then there is none until the next failure.
const LOST_MAX: u32 = 3;

/// A spare is forked when the instance has had so much time to get going: on a machine with few
/// processors the copying would keep it from that.
const AFTER_NS: u64 = 20_000_000;

/// The next instance, waiting.
#[derive(Debug)]
pub(super) struct Spare {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    line: SupervisorEnd,
    /// What it is told when its turn comes.
    release: OwnedFd,
}

impl Spare {
    pub(super) fn pidfd(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref()
    }
}

impl Supervisor {
    /// An instance has begun: soon there is to be a spare, if that was asked for.
    pub(super) fn want_spare(&mut self, now_ns: u64) {
        let wanted = self.rules.options.spare && self.rules.policy.recovery == Recovery::Restart;
        self.spare_due_ns = wanted.then(|| now_ns.saturating_add(AFTER_NS));
    }

    /// Sees to it that there is a spare, if there is to be one. In the spare itself it returns when its
    /// turn has come, with its number. A spare that cannot be made is done without.
    ///
    /// # Safety
    /// That of [`register`](crate::raw::register).
    #[expect(unsafe_code, reason = "the process is forked")]
    pub(super) unsafe fn have_spare(&mut self) -> Option<u32> {
        self.spare_due_ns = None;
        if let Some(lost) = self.spare.take() {
            self.spares_lost += 1;
            bury_spare(lost);
        }
        if self.rules.policy.recovery == Recovery::Quit || self.spares_lost > LOST_MAX {
            return None;
        }
        let line = self.line();
        let (Ok((active, line)), Ok((waiting, release))) = (line, stream()) else { return None };
        let supervisor = getpid();
        let mask = Signals::from_outside().block();
        let library = lock();
        // SAFETY: the caller's promise.
        let forked = unsafe { sys::fork() };
        drop(library);
        match forked {
            Ok(Forked::Child) => {
                drop((line, release));
                die_with(supervisor);
                let before = self.become_instance();
                take_line(active);
                self.keep_memory();
                let number = wait_for_turn(&waiting);
                drop(waiting);
                self.bind_to(supervisor);
                Signals::from_outside().forget_pending();
                before.unwrap_or(mask).restore();
                return Some(number);
            }
            Ok(Forked::Parent(pid)) => {
                let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok();
                self.spare = Some(Spare { pid, pidfd, line, release });
            }
            Err(_) => {}
        }
        mask.restore();
        None
    }

    /// The spare's turn has come. `None`: there is none that can be told.
    pub(super) fn release_spare(&mut self) -> Option<Instance> {
        self.spares_lost = 0;
        let spare = self.spare.take()?;
        let turn = {
            let mut library = lock();
            library.instance = library.instance.wrapping_add(1);
            turn(&library)
        };
        if tell(&spare.release, &turn).is_err() {
            // The fork that takes its place takes its number, too.
            let mut library = lock();
            library.instance = library.instance.wrapping_sub(1);
            drop(library);
            bury_spare(spare);
            return None;
        }
        let mut instance = Instance::new(spare.pid, spare.line);
        instance.pidfd = spare.pidfd;
        Some(instance)
    }

    /// There will be no turn for it.
    pub(super) fn dismiss_spare(&mut self) {
        if let Some(spare) = self.spare.take() {
            bury_spare(spare);
        }
    }
}

fn bury_spare(spare: Spare) {
    // It may have ended already; then there is nothing to kill, and still something to reap.
    let _ = kill_process(spare.pid, Signal::KILL);
    let _ = reap(spare.pid);
}

/// In a spare: it must not outlive its supervisor, whatever happens to that.
fn die_with(supervisor: Pid) {
    // The call cannot fail with a signal that there is.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(supervisor) {
        sys::end_at_once(0);
    }
}

/// In a spare: waits until it is told that it is an instance now. Without a supervisor it never is.
fn wait_for_turn(waiting: &OwnedFd) -> u32 {
    match hear(waiting) {
        Ok(turn) => turn.begin(&mut lock()),
        Err(_) => sys::end_at_once(0),
    }
}
