//! Forking an instance, and what the supervisor keeps of it.

use super::{Supervisor, inbox::Inbox};
use crate::{
    Error, State,
    library::lock,
    link::{self, ActiveEnd, SupervisorEnd},
    sys::{self, Forked},
};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
};
use std::{os::fd::OwnedFd, sync::Arc};

/// Who returns from the making of an instance.
pub(super) enum Fork {
    /// The instance, with its number.
    Child(u32),
    /// Its supervisor.
    Parent(Instance),
}

/// An instance, as its supervisor knows it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) pid: Pid,
    /// Readable when it has ended. Systems before Linux 5.3 have none; there the line has to do.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) line: SupervisorEnd,
    pub(super) inbox: Inbox,
    pub(super) watch: super::watch::Watch,
}

impl Instance {
    pub(super) fn new(pid: Pid, line: SupervisorEnd) -> Self {
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok();
        Self { pid, pidfd, line, inbox: Inbox::default(), watch: super::watch::Watch::new() }
    }
}

impl Supervisor {
    /// The next instance: the spare if there is one, a new fork otherwise.
    ///
    /// # Safety
    /// That of [`register`](crate::raw::register).
    #[expect(unsafe_code, reason = "the process is forked")]
    pub(super) unsafe fn next_instance(&mut self) -> Result<Fork, Error> {
        if let Some(instance) = self.release_spare() {
            return Ok(Fork::Parent(instance));
        }
        // SAFETY: the caller's promise.
        unsafe { self.fork_instance() }
    }

    #[expect(unsafe_code, reason = "the process is forked")]
    unsafe fn fork_instance(&mut self) -> Result<Fork, Error> {
        let (active, line) = self.line()?;
        let supervisor = getpid();
        // Locked across the fork, so that both sides have a whole record, and free it.
        let mut library = lock();
        library.instance = library.instance.wrapping_add(1);
        let number = library.instance;
        // SAFETY: the caller's promise.
        match unsafe { sys::fork() }.map_err(Error::Split)? {
            Forked::Parent(pid) => Ok(Fork::Parent(Instance::new(pid, line))),
            Forked::Child => {
                library.active = Some(Arc::new(active));
                drop(library);
                drop(line);
                let before = self.become_instance();
                self.bind_to(supervisor);
                self.keep_memory();
                if let Some(before) = before {
                    before.restore();
                }
                Ok(Fork::Child(number))
            }
        }
    }

    /// A line to the next instance. Answers to START have a way of their own where they may take long,
    /// or where nobody knows yet what the executed program will ask for.
    pub(super) fn line(&self) -> Result<(ActiveEnd, SupervisorEnd), Error> {
        let options = &self.rules.options;
        link::line(self.rules.policy.quorum || options.executes, options.close_on_exec)
    }

    /// In an instance: dies with its supervisor, if that was asked for.
    pub(super) fn bind_to(&self, supervisor: Pid) {
        let signal = self.rules.options.bound.then_some(Signal::KILL);
        // The call cannot fail with a signal that there is.
        let _ = set_parent_process_death_signal(signal);
        if self.rules.options.bound && getppid() != Some(supervisor) {
            sys::end_at_once(1);
        }
    }

    /// In an instance: see [`Options::keep_memory`](crate::Options::keep_memory).
    pub(super) fn keep_memory(&self) {
        if self.rules.options.keep_memory {
            crate::memory::keep();
        }
    }
}

/// In a child: what it says goes to this line.
pub(super) fn take_line(active: ActiveEnd) {
    let mut library = lock();
    library.active = Some(Arc::new(active));
    library.state = State::Registered;
}
