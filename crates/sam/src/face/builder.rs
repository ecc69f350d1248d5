//! What kind of supervision is wanted.

use super::Instance;
use crate::{BackOff, Connector, Error, KilledStatus, Limit, Options, Policy, Recovery, raw, sys};
use std::{sync::Arc, time::Duration};

/// What kind of supervision is wanted.
///
/// In contrast to C, programs that the instance executes do not inherit its line to the supervisor.
#[derive(Clone)]
#[must_use = "register begins"]
pub struct Builder {
    interval: Option<Duration>,
    policy: Policy,
    warn_signal: Option<i32>,
    options: Options,
    connector: Option<Arc<dyn Connector>>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let options = Options { close_on_exec: true, ..Options::default() };
        Self { interval: None, policy: Policy::QUIT, warn_signal: None, options, connector: None }
    }

    /// Health is checked: an instance that says nothing for so long is warned, and after as long
    /// again killed. From 1 ms to 24 days, in whole milliseconds.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// After a failure the supervisor ends.
    pub fn quit(mut self) -> Self {
        self.policy.recovery = Recovery::Quit;
        self
    }

    /// After a failure the next instance begins.
    pub fn restart(mut self) -> Self {
        self.policy.recovery = Recovery::Restart;
        self
    }

    /// Start waits for quorum, and its loss is a failure. Needs a node.
    pub fn quorum(mut self) -> Self {
        self.policy.quorum = true;
        self
    }

    /// The state is published at the node.
    pub fn published(mut self) -> Self {
        self.policy.published = true;
        self
    }

    /// The signal that warns, if it is not SIGTERM.
    pub fn warn_signal(self, signal: i32) -> Self {
        Self { warn_signal: Some(signal), ..self }
    }

    /// See [`Options::back_off`].
    pub fn back_off(mut self, back_off: BackOff) -> Self {
        self.options.back_off = Some(back_off);
        self
    }

    /// See [`Options::limit`].
    pub fn limit(mut self, limit: Limit) -> Self {
        self.options.limit = Some(limit);
        self
    }

    /// See [`Options::killed`].
    pub fn killed_status(mut self, status: KilledStatus) -> Self {
        self.options.killed = status;
        self
    }

    /// See [`Options::bound`].
    pub fn bound(mut self) -> Self {
        self.options.bound = true;
        self
    }

    /// See [`Options::with_parent`].
    pub fn with_parent(mut self) -> Self {
        self.options.with_parent = true;
        self
    }

    /// See [`Options::pass_signals`].
    pub fn pass_signals(mut self) -> Self {
        self.options.pass_signals = true;
        self
    }

    /// See [`Options::spare`].
    pub fn spare(mut self) -> Self {
        self.options.spare = true;
        self
    }

    /// See [`Options::keep_memory`].
    pub fn keep_memory(mut self) -> Self {
        self.options.keep_memory = true;
        self
    }

    /// All that the original does not have, at once.
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Where the node is, if not where the environment says.
    pub fn connector(self, connector: Arc<dyn Connector>) -> Self {
        Self { connector: Some(connector), ..self }
    }

    /// Splits the process, once in its life. The calling process supervises, stays in here and exits in
    /// here; what returns is the instance, and after each failure the next one.
    ///
    /// # Errors
    /// BAD_OPERATION if there is more than one thread, of which only the calling one would live on in
    /// the instance; otherwise as [`raw::initialize`] and [`raw::register`].
    #[expect(unsafe_code, reason = "the process is forked")]
    pub fn register(self) -> Result<Instance, Error> {
        alone()?;
        let interval = self.milliseconds()?;
        raw::set_options(self.options)?;
        if let Some(connector) = self.connector {
            raw::set_connector(connector)?;
        }
        raw::initialize(interval, self.policy.number())?;
        if let Some(signal) = self.warn_signal {
            raw::warn_signal_set(signal)?;
        }
        // The node's link was made meanwhile, and it promises to start no thread.
        alone()?;
        // SAFETY: no other thread can have locked or half done anything: there is none.
        let number = unsafe { raw::register() }?;
        Ok(Instance::new(number))
    }

    fn milliseconds(&self) -> Result<i32, Error> {
        let Some(interval) = self.interval else { return Ok(0) };
        let whole = interval.as_nanos().div_ceil(1_000_000);
        i32::try_from(whole).ok().filter(|it| *it > 0).ok_or_else(|| {
            Error::Option(format!(
                "an interval is from 1 ms to {} ms, and not {interval:?}",
                i32::MAX
            ))
        })
    }
}

/// # Errors
/// BAD_OPERATION if this process has more than one thread, or nobody knows.
fn alone() -> Result<(), Error> {
    match sys::threads().map_err(Error::Uncounted)? {
        1 => Ok(()),
        more => Err(Error::Threads(more)),
    }
}
