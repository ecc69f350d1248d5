//! What the original does not have. Every default is its behaviour.

use crate::Error;
use std::time::Duration;

/// What the original does not have. `Options::default()` behaves as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Wait between a failure and the next instance.
    pub back_off: Option<BackOff>,
    /// Give up when too many instances failed in too short a time.
    pub limit: Option<Limit>,
    /// What the supervisor exits with when the last instance was killed by a signal.
    pub killed: KilledStatus,
    /// The instance is killed when its supervisor ends, however that ends.
    pub bound: bool,
    /// The supervisor, and with it the instance, is killed when the thread that started it ends.
    pub with_parent: bool,
    /// SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 to the supervisor go to the instance. After
    /// SIGTERM, SIGINT or SIGQUIT the end of the instance is the end of the supervisor.
    pub pass_signals: bool,
    /// The next instance is forked ahead of need, and waits for its turn.
    pub spare: bool,
    /// An instance ends at once, however much memory it has; the memory is freed afterwards, by a
    /// process that shares it.
    pub keep_memory: bool,
    /// The pipes to the supervisor do not stay open in programs that the instance executes.
    pub close_on_exec: bool,
    /// The instance will execute another program (see [`adopt`](crate::adopt)). The end of that is always a
    /// failure, and health is checked only if it asks for it. What `ais sam run` needs.
    pub executes: bool,
    /// With `executes`: its end is no failure if it exits with 0.
    pub success_ends: bool,
    /// The number before that of the first instance: a supervisor that takes over from another one goes
    /// on counting. After 4294967295 comes 0.
    pub count_from: u32,
}

/// How long to wait before the next instance. Each failure doubles the wait; an instance that lived
/// `reset_after` has it begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// After the first failure. More than 0.
    pub first: Duration,
    /// Never longer than this.
    pub longest: Duration,
    /// An instance that lived this long counts as well.
    pub reset_after: Duration,
}

/// When to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many restarts are made within `within`; the next failure is the last. At most 10,000.
    pub restarts: u32,
    /// In this time.
    pub within: Duration,
    /// What then.
    pub then: GiveUp,
}

/// How to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// As under the policy QUIT.
    Quit,
    /// As after `mark_failed`; needs the published state.
    MarkFailed,
}

/// What the supervisor exits with when the last instance was killed by a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KilledStatus {
    /// 0, as the original does.
    #[default]
    Zero,
    /// 128 and the number of the signal, as shells do.
    Shell,
}

impl Options {
    /// Exactly the original.
    pub(crate) const NONE: Self = Self {
        back_off: None,
        limit: None,
        killed: KilledStatus::Zero,
        bound: false,
        with_parent: false,
        pass_signals: false,
        spare: false,
        keep_memory: false,
        close_on_exec: false,
        executes: false,
        success_ends: false,
        count_from: 0,
    };

    /// # Errors
    /// INVALID_PARAM for what makes no sense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.back_off.is_some_and(|it| it.first.is_zero() || it.longest < it.first) {
            let text = "a back-off begins with more than 0 and no more than its longest";
            return Err(Error::Option(text.to_owned()));
        }
        if self.limit.is_some_and(|it| it.restarts > 10_000 || it.within.is_zero()) {
            let text = "a limit is at most 10000 restarts in a time of more than 0";
            return Err(Error::Option(text.to_owned()));
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::NONE
    }
}
