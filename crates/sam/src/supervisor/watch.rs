//! Watching over one instance.

use super::{Supervisor, inbox::Command, instance::Instance};
use crate::{
    Cause, Policy, Recovery,
    library::lock,
    sys::{self, monotonic_ns},
    turn::turn,
};
use ais_types::{
    ErrorCode,
    resources::{Entry, ProcessState},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read},
};
use std::{io, os::fd::AsFd, time::Duration};

/// What goes to the instance under [`Options::pass_signals`](crate::Options::pass_signals).
pub(super) const PASSED: &[i32] =
    &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

/// Those of them after which there is no other instance.
const ENDING: &[i32] = &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];

/// What is read of a line at a time, and how often in a row.
const PIECE: usize = 16 << 10;
const PIECES: usize = 64;

/// Why the watch is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The instance has failed.
    Recovery,
    /// It has ended, and that is no failure.
    Quit,
    /// It goes on, and it is time for a spare, or the one there was is gone.
    SpareDue,
}

/// Whether the health of an instance is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Monitoring {
    Off,
    /// It is to be on when there is quorum.
    WaitingForQuorum,
    On,
}

/// How the watch over one instance stands.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) monitoring: Monitoring,
    /// An instance is warned once in its life.
    pub(super) warned: bool,
    /// Why it was warned, as long as it has said nothing since.
    pub(super) blame: Cause,
    /// Since when nothing was heard.
    silent_since_ns: u64,
    /// The link to the node broke; that cannot get worse.
    quorum_broken: bool,
    /// The program that it executed has taken its place, and makes health checks if it likes.
    adopted: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            monitoring: Monitoring::Off,
            warned: false,
            blame: Cause::Itself,
            silent_since_ns: monotonic_ns(),
            quorum_broken: false,
            adopted: false,
        }
    }
}

/// What a wait ended with.
#[derive(Default)]
struct Ready {
    interrupted: bool,
    said: bool,
    ended: bool,
    quorum: bool,
    spare: bool,
    signal: bool,
}

impl Supervisor {
    /// Watches until there is a verdict.
    ///
    /// # Errors
    /// When the system refuses to wait or to read.
    pub(super) fn watch(&mut self, instance: &mut Instance) -> io::Result<Verdict> {
        loop {
            let limit = self.time_left(instance);
            if limit == Some(Duration::ZERO) {
                if self.kill_step(instance, Cause::MissedHealthCheck) {
                    return Ok(Verdict::Recovery);
                }
                continue;
            }
            let spare = self.spare_due_ns.map(|due_ns| due_ns.saturating_sub(monotonic_ns()));
            if spare == Some(0) {
                return Ok(Verdict::SpareDue);
            }
            let limit = [limit, spare.map(Duration::from_nanos)].into_iter().flatten().min();
            let ready = self.wait(Some(instance), limit)?;
            if ready.interrupted || ready.said || ready.quorum {
                instance.watch.silent_since_ns = monotonic_ns();
            }
            if ready.signal {
                self.pass_signals(instance);
            }
            if ready.said || ready.ended {
                // Ended first: what was said before the end counts.
                if let Some(verdict) = self.listen(instance, ready.ended)? {
                    return Ok(verdict);
                }
            }
            if ready.quorum && self.quorum_changed(instance) {
                return Ok(Verdict::Recovery);
            }
            if ready.spare {
                return Ok(Verdict::SpareDue);
            }
        }
    }

    fn time_left(&self, instance: &Instance) -> Option<Duration> {
        let watch = &instance.watch;
        if watch.monitoring == Monitoring::On && watch.quorum_broken {
            // As the original sees it: an event that never ends.
            return Some(Duration::ZERO);
        }
        // A program that may know nothing of SAM may be silent.
        let checked = watch.adopted || !self.rules.options.executes;
        let on = checked && watch.monitoring == Monitoring::On;
        let interval = self.rules.interval.filter(|_| on)?;
        let silent = Duration::from_nanos(monotonic_ns().saturating_sub(watch.silent_since_ns));
        Some(interval.saturating_sub(silent))
    }

    /// Waits for the first thing to happen, or until `limit` is over.
    fn wait(&self, instance: Option<&Instance>, limit: Option<Duration>) -> io::Result<Ready> {
        let line = instance.map(|it| it.line.commands.as_fd());
        let pidfd = instance.and_then(|it| it.pidfd.as_ref()).map(AsFd::as_fd);
        let broken = instance.is_some_and(|it| it.watch.quorum_broken);
        let follows = self.rules.policy.quorum && !broken && instance.is_some();
        let quorum = self.node.as_ref().filter(|_| follows).and_then(|it| it.quorum_fd());
        let spare = self.spare.as_ref().filter(|_| instance.is_some());
        let spare = spare.and_then(|it| it.pidfd()).map(AsFd::as_fd);
        let signals = self.signals.as_ref().map(|(fd, _)| fd.as_fd());
        let sources = [line, pidfd, quorum, spare, signals];
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .flatten()
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
            .collect();
        let limit = limit
            .map(|it| Timespec::try_from(it).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready { interrupted: true, ..Ready::default() }),
            Err(error) => return Err(error.into()),
        }
        let mut happened = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut of = |source: bool| source && happened.next().unwrap_or(false);
        Ok(Ready {
            interrupted: false,
            said: of(sources[0].is_some()),
            ended: of(sources[1].is_some()),
            quorum: of(sources[2].is_some()),
            spare: of(sources[3].is_some()),
            signal: of(sources[4].is_some()),
        })
    }

    /// Warns the first time in the life of an instance, kills any later time. `true`: killed.
    fn kill_step(&mut self, instance: &mut Instance, cause: Cause) -> bool {
        let signal = if instance.watch.warned { libc::SIGKILL } else { lock().warn_signal };
        instance.watch.blame = cause;
        sys::kill(instance.pid, signal);
        if instance.watch.warned {
            return true;
        }
        instance.watch.warned = true;
        instance.watch.silent_since_ns = monotonic_ns();
        false
    }

    /// Hears what was said; a verdict when the line is at its end.
    fn listen(&mut self, instance: &mut Instance, ended: bool) -> io::Result<Option<Verdict>> {
        let mut piece = [0; PIECE];
        for _ in 0..PIECES {
            match read(&instance.line.commands, &mut piece[..]) {
                Ok(0) => return Ok(Some(self.verdict_at_end(instance))),
                Ok(count) => {
                    instance.inbox.push(&piece[..count]);
                    while let Some(command) = instance.inbox.next() {
                        if self.obey(instance, command) {
                            return Ok(Some(Verdict::Recovery));
                        }
                    }
                }
                Err(Errno::INTR) => {}
                // A descendant may hold the line open; the instance is gone all the same.
                Err(Errno::AGAIN) if ended => return Ok(Some(self.verdict_at_end(instance))),
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ended.then(|| self.verdict_at_end(instance)))
    }

    fn verdict_at_end(&self, instance: &Instance) -> Verdict {
        match instance.watch.monitoring {
            Monitoring::On | Monitoring::WaitingForQuorum => Verdict::Recovery,
            // Unless it has not even come so far that it was the program.
            Monitoring::Off if instance.watch.adopted => Verdict::Recovery,
            Monitoring::Off => Verdict::Quit,
        }
    }

    /// Does what the instance says. `true`: it was killed.
    fn obey(&mut self, instance: &mut Instance, command: Command) -> bool {
        if instance.watch.warned && command == Command::Heartbeat {
            instance.watch.blame = Cause::Itself;
        }
        // Whether it is seen is not the instance's trouble.
        let _ = self.publish(Entry::LastUpdated(monotonic_ns()));
        match command {
            Command::Start => self.start(instance),
            Command::Stop => self.stop(instance),
            Command::Heartbeat | Command::Nonsense => {}
            Command::DataStore(data) => {
                lock().data = data;
                instance.line.answer(Ok(()));
            }
            Command::DataTooBig(_) => instance.line.answer(Err(ErrorCode::NoMemory)),
            Command::WarnSignalSet(signal) => {
                lock().warn_signal = signal;
                instance.line.answer(Ok(()));
            }
            Command::MarkFailed => return self.mark_failed(instance),
            Command::Adopt { interval, policy } => {
                let answer = self.adopt(interval, policy);
                if answer.is_ok() {
                    instance.watch.adopted = true;
                    instance.watch.monitoring = Monitoring::Off;
                }
                instance.line.answer(answer);
                if answer.is_ok() {
                    let turn = turn(&lock());
                    instance.line.tell(&turn);
                }
            }
        }
        false
    }

    fn start(&mut self, instance: &mut Instance) {
        let policy = self.rules.policy;
        if instance.watch.monitoring != Monitoring::Off {
            if instance.line.has_starts() || policy.published {
                instance.line.answer_start(Ok(()));
            }
            return;
        }
        if policy.quorum {
            let waits = self.publish(Entry::State(ProcessState::WaitingForQuorum));
            match waits.and_then(|()| self.look_for_quorum(instance)) {
                Ok(true) => {}
                Ok(false) => return instance.watch.monitoring = Monitoring::WaitingForQuorum,
                Err(error) => {
                    let _ = self.publish(Entry::State(ProcessState::Stopped));
                    return instance.line.answer_start(Err(error.code));
                }
            }
        }
        self.begin(instance);
    }

    /// Whether there is quorum, over a new link if the old one broke.
    fn look_for_quorum(&mut self, instance: &mut Instance) -> ais_types::Outcome<bool> {
        instance.watch.quorum_broken = false;
        let looked = self.reach()?.dispatch_quorum();
        match looked {
            Ok(quorate) => self.quorate = quorate,
            Err(error) if error.code == ErrorCode::TryAgain => {}
            Err(error) => {
                self.node = None;
                return Err(error);
            }
        }
        Ok(self.quorate)
    }

    /// From now on the health is watched.
    fn begin(&mut self, instance: &mut Instance) {
        let published = self.publish(Entry::State(ProcessState::Running));
        instance.watch.silent_since_ns = monotonic_ns();
        let answered = instance.line.has_starts() || self.rules.policy.published;
        match published {
            Ok(()) => {
                instance.watch.monitoring = Monitoring::On;
                if answered {
                    instance.line.answer_start(Ok(()));
                }
            }
            Err(error) => {
                instance.watch.monitoring = Monitoring::Off;
                instance.line.answer_start(Err(error.code));
            }
        }
    }

    fn stop(&mut self, instance: &mut Instance) {
        let published = match instance.watch.monitoring {
            Monitoring::Off => Ok(()),
            Monitoring::On | Monitoring::WaitingForQuorum => {
                self.publish(Entry::State(ProcessState::Stopped))
            }
        };
        if published.is_ok() {
            if instance.watch.monitoring == Monitoring::WaitingForQuorum {
                instance.line.answer_start(Err(ErrorCode::BadHandle));
                instance.watch.monitoring = Monitoring::Off;
                // The one who waits is answered; nobody else asked.
                return;
            }
            instance.watch.monitoring = Monitoring::Off;
        }
        if self.rules.policy.published {
            instance.line.answer(published.map_err(|error| error.code));
        }
    }

    fn mark_failed(&mut self, instance: &mut Instance) -> bool {
        self.rules.policy.recovery = Recovery::Quit;
        instance.watch.monitoring = Monitoring::On;
        instance.watch.warned = true;
        self.kill_step(instance, Cause::MarkedFailed)
    }

    /// A program that was executed by the instance has its own wishes.
    fn adopt(&mut self, interval: i32, policy: i32) -> Result<(), ErrorCode> {
        let policy = Policy::from_number(policy).map_err(|error| error.code())?;
        self.rules.adopt(super::interval(interval), policy);
        if self.rules.policy.published {
            let recovery = Entry::Recovery(self.rules.policy.recovery);
            let period = Entry::PollPeriod(self.rules.poll_period());
            let state = Entry::State(ProcessState::Stopped);
            let published =
                [recovery, period, state].into_iter().try_for_each(|it| self.publish(it));
            published.map_err(|_| ErrorCode::BadHandle)?;
        }
        if self.rules.policy.quorum {
            self.reach().map_err(|error| error.code)?;
        }
        Ok(())
    }

    /// `true`: the instance was killed.
    fn quorum_changed(&mut self, instance: &mut Instance) -> bool {
        let Some(node) = &mut self.node else { return false };
        match node.dispatch_quorum() {
            Ok(quorate) => self.quorate = quorate,
            Err(error) if error.code == ErrorCode::TryAgain => return false,
            Err(error) => return self.quorum_lost_sight(instance, error.code),
        }
        match instance.watch.monitoring {
            Monitoring::Off => false,
            Monitoring::WaitingForQuorum if self.quorate => {
                self.begin(instance);
                false
            }
            Monitoring::WaitingForQuorum => false,
            Monitoring::On if self.quorate => false,
            Monitoring::On => self.kill_step(instance, Cause::QuorumLost),
        }
    }

    fn quorum_lost_sight(&mut self, instance: &mut Instance, code: ErrorCode) -> bool {
        self.node = None;
        self.quorate = false;
        instance.watch.quorum_broken = true;
        match instance.watch.monitoring {
            Monitoring::Off => false,
            Monitoring::WaitingForQuorum => {
                instance.watch.monitoring = Monitoring::Off;
                let _ = self.publish(Entry::State(ProcessState::Stopped));
                instance.line.answer_start(Err(code));
                false
            }
            Monitoring::On => self.kill_step(instance, Cause::QuorumLost),
        }
    }

    fn pass_signals(&mut self, instance: &Instance) {
        while let Some(signal) = sys::Signals::of(PASSED).take_pending() {
            self.ending |= ENDING.contains(&signal);
            sys::kill(instance.pid, signal);
        }
    }

    /// Waits for the end of an instance whose line is closed, passing signals on.
    pub(super) fn wait_for_end(&mut self, instance: &Instance) -> io::Result<()> {
        if instance.pidfd.is_none() || self.signals.is_none() {
            return Ok(());
        }
        loop {
            let ready = self.wait_quietly(instance)?;
            if ready.signal {
                self.pass_signals(instance);
            }
            if ready.ended {
                return Ok(());
            }
        }
    }

    /// Waits for the end of the process, or a signal to pass on, and nothing else.
    fn wait_quietly(&self, instance: &Instance) -> io::Result<Ready> {
        let (Some(pidfd), Some((signals, _))) = (&instance.pidfd, &self.signals) else {
            return Ok(Ready { ended: true, ..Ready::default() });
        };
        let mut fds = [PollFd::new(pidfd, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        sys::uninterrupted(|| poll(&mut fds, None))?;
        let [ended, signal] = fds.map(|fd| !fd.revents().is_empty());
        Ok(Ready { ended, signal, ..Ready::default() })
    }

    /// Waits so long, unless a signal ends the supervisor; then `false`.
    pub(super) fn pause(&mut self, pause: Duration) -> io::Result<bool> {
        let until_ns =
            monotonic_ns().saturating_add(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX));
        loop {
            let left = until_ns.saturating_sub(monotonic_ns());
            if left == 0 {
                return Ok(true);
            }
            let ready = self.wait(None, Some(Duration::from_nanos(left)))?;
            if ready.signal {
                while let Some(signal) = sys::Signals::of(PASSED).take_pending() {
                    self.ending |= ENDING.contains(&signal);
                }
            }
            if self.ending {
                return Ok(false);
            }
        }
    }
}
