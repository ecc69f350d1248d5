//! The original process: it forks instances, watches over each, and buries it.

mod bury;
mod give_up;
mod inbox;
mod instance;
mod spare;
mod watch;

use crate::{
    Cause, Death, Error, Options, Policy, Recovery, State,
    library::{Library, lock},
    node::NodeLink,
    sys::{Signals, monotonic_ns},
};
use ais_types::resources::{Entry, ProcessState};
use give_up::Patience;
use instance::Fork;
use rustix::process::{Signal, set_parent_process_death_signal};
use spare::Spare;
use std::{os::fd::OwnedFd, time::Duration};
use watch::Verdict;

/// What was agreed on before the split.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// `None`: for ever.
    pub(crate) interval: Option<Duration>,
    pub(crate) policy: Policy,
    pub(crate) options: Options,
}

impl Rules {
    pub(crate) fn of(library: &Library) -> Result<Self, Error> {
        let (policy, options) = (library.policy, library.options.clone());
        let marks = options.limit.is_some_and(|it| it.then == crate::GiveUp::MarkFailed);
        if marks && !policy.published {
            let text =
                "a limit that marks the process failed needs the policy flag 0x10 (published)";
            return Err(Error::Option(text.to_owned()));
        }
        Ok(Self { interval: interval(library.interval), policy, options })
    }

    /// What an executed program asks for holds where nothing else was agreed on: the longer line of who
    /// started it comes first.
    fn adopt(&mut self, interval: Option<Duration>, policy: Policy) {
        self.interval = self.interval.or(interval);
        self.policy.published |= policy.published;
        self.policy.quorum |= policy.quorum;
        if !self.options.executes {
            self.policy.recovery = policy.recovery;
        }
    }

    /// In milliseconds; 0: never.
    pub(crate) fn poll_period(&self) -> u64 {
        let period = self.interval.map_or(0, |it| it.as_millis());
        u64::try_from(period).unwrap_or(u64::MAX)
    }
}

fn interval(milliseconds: i32) -> Option<Duration> {
    let milliseconds = u64::try_from(milliseconds).unwrap_or(0);
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// The original process from the split on.
pub(crate) struct Supervisor {
    pub(crate) rules: Rules,
    pub(crate) node: Option<Box<dyn NodeLink>>,
    pub(crate) quorate: bool,
    patience: Patience,
    spare: Option<Spare>,
    /// When there is to be one.
    spare_due_ns: Option<u64>,
    /// How many spares died of themselves in a row.
    spares_lost: u32,
    /// Signals to be passed on, and the mask of the program itself.
    signals: Option<(OwnedFd, Signals)>,
    /// It was told to end: no other instance.
    ending: bool,
    /// There were too many failures.
    given_up: bool,
}

impl Supervisor {
    pub(crate) fn new(rules: Rules, node: Option<Box<dyn NodeLink>>) -> Self {
        let patience = Patience::new(&rules.options);
        Self {
            rules,
            node,
            quorate: false,
            patience,
            spare: None,
            spare_due_ns: None,
            spares_lost: 0,
            signals: None,
            ending: false,
            given_up: false,
        }
    }

    /// Forks the first instance and watches. Returns in every instance with its number, and in the
    /// supervisor only if that cannot go on.
    ///
    /// # Safety
    /// That of [`register`](crate::raw::register).
    #[expect(unsafe_code, reason = "the process is forked")]
    pub(crate) unsafe fn run(mut self) -> Result<u32, Error> {
        // SAFETY: the caller's promise.
        let returned = unsafe { self.supervise() };
        if returned.is_err() {
            self.give_back();
        }
        returned
    }

    #[expect(unsafe_code, reason = "the process is forked")]
    unsafe fn supervise(&mut self) -> Result<u32, Error> {
        self.prepare()?;
        loop {
            self.publish(Entry::State(ProcessState::Stopped)).map_err(Error::Publish)?;
            // SAFETY: the caller's promise.
            let mut instance = match unsafe { self.next_instance() }? {
                Fork::Child(number) => return Ok(number),
                Fork::Parent(instance) => instance,
            };
            self.patience.born(monotonic_ns());
            self.want_spare(monotonic_ns());
            let verdict = loop {
                match self.watch(&mut instance).map_err(Error::Supervisor)? {
                    Verdict::SpareDue => {
                        // SAFETY: the caller's promise.
                        if let Some(number) = unsafe { self.have_spare() } {
                            return Ok(number);
                        }
                    }
                    verdict @ (Verdict::Recovery | Verdict::Quit) => break verdict,
                }
            };
            let death = self.bury(instance).map_err(Error::Supervisor)?;
            let verdict = self.judge(verdict, death);
            if verdict != Verdict::Recovery || self.rules.policy.recovery == Recovery::Quit {
                self.end(verdict, death);
            }
            if !self.wait_before_next().map_err(Error::Supervisor)? {
                let verdict = if self.given_up { Verdict::Recovery } else { Verdict::Quit };
                self.end(verdict, death);
            }
        }
    }

    fn prepare(&mut self) -> Result<(), Error> {
        let split = |error: rustix::io::Errno| Error::Split(error.into());
        if self.rules.options.with_parent {
            let parent = rustix::process::getppid();
            set_parent_process_death_signal(Some(Signal::KILL)).map_err(split)?;
            if rustix::process::getppid() != parent {
                // It has ended already; so do we.
                crate::sys::end_at_once(1);
            }
        }
        if self.rules.options.pass_signals {
            let passed = Signals::of(watch::PASSED);
            let before = passed.block();
            self.signals = Some((crate::sys::signal_fd(passed).map_err(Error::Split)?, before));
        }
        Ok(())
    }

    /// The original process goes on as ordinary code.
    fn give_back(&mut self) {
        self.dismiss_spare();
        if let Some((_, before)) = self.signals.take() {
            before.restore();
        }
        self.hand_back_node();
    }

    pub(crate) fn hand_back_node(&mut self) {
        if let Some(node) = self.node.take() {
            lock().node = Some(node);
        }
    }

    /// What the end of an instance means after all.
    fn judge(&mut self, verdict: Verdict, death: Death) -> Verdict {
        let options = &self.rules.options;
        let success = options.success_ends && death.end == crate::End::Exited(0);
        if self.ending || (options.executes && success && death.cause == Cause::Itself) {
            return Verdict::Quit;
        }
        verdict
    }

    /// The supervisor exits.
    fn end(&mut self, verdict: Verdict, death: Death) -> ! {
        self.dismiss_spare();
        match verdict {
            Verdict::Recovery => {
                // Nobody is left to be told that it did not work.
                let _ = self.publish(Entry::State(ProcessState::Failed));
            }
            Verdict::Quit | Verdict::SpareDue => self.withdraw(),
        }
        self.node = None;
        if let Some((_, before)) = self.signals.take() {
            before.restore();
        }
        std::process::exit(death.status(self.rules.options.killed))
    }
}

/// In a child: this is an instance now, and not a supervisor any more.
impl Supervisor {
    /// Gives back which signals the program itself had blocked, if they are others now.
    #[must_use]
    fn become_instance(&mut self) -> Option<Signals> {
        if let Some(node) = self.node.take() {
            node.abandon();
        }
        self.spare = None;
        let mut library = lock();
        library.state = State::Registered;
        library.node = None;
        library.health = None;
        library.starting = false;
        self.signals.take().map(|(_, before)| before)
    }
}
