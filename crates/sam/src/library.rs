//! The one record of a process, and the lock around it.

use crate::{
    Death, Error, Options, Policy, State,
    health::Health,
    link::ActiveEnd,
    node::{Connector, NodeLink},
    sys::Signals,
};
use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What this process knows. In the supervisor it is what every next instance begins with.
pub(crate) struct Library {
    pub(crate) state: State,
    /// In milliseconds; 0 or less: no limit.
    pub(crate) interval: i32,
    pub(crate) policy: Policy,
    pub(crate) warn_signal: i32,
    /// Empty: nothing is stored.
    pub(crate) data: Vec<u8>,
    /// The number of the last instance forked.
    pub(crate) instance: u32,
    pub(crate) options: Options,
    pub(crate) last_death: Option<Death>,
    /// In an instance, and nowhere else.
    pub(crate) active: Option<Arc<ActiveEnd>>,
    pub(crate) health: Option<Health>,
    /// A start that waits for quorum.
    pub(crate) starting: bool,
    /// The link to the node, until the supervisor takes it.
    pub(crate) node: Option<Box<dyn NodeLink>>,
    pub(crate) connector: Option<Arc<dyn Connector>>,
}

static LIBRARY: Mutex<Library> = Mutex::new(Library {
    state: State::NotInitialized,
    interval: 0,
    policy: Policy::QUIT,
    warn_signal: libc::SIGTERM,
    data: Vec::new(),
    instance: 0,
    options: Options::NONE,
    last_death: None,
    active: None,
    health: None,
    starting: false,
    node: None,
    connector: None,
});

/// The record, locked. As long as that lasts no signal handler runs in this thread: one that calls
/// SAM would wait for ever for the very thread that it has interrupted.
pub(crate) struct Locked {
    library: ManuallyDrop<MutexGuard<'static, Library>>,
    mask: Signals,
}

pub(crate) fn lock() -> Locked {
    let mask = Signals::from_outside().block();
    let library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    Locked { library: ManuallyDrop::new(library), mask }
}

impl Deref for Locked {
    type Target = Library;
    fn deref(&self) -> &Library {
        &self.library
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Library {
        &mut self.library
    }
}

impl Drop for Locked {
    #[expect(unsafe_code, reason = "the lock must go before the signals come")]
    fn drop(&mut self) {
        // SAFETY: the guard is dropped here, once, and not used afterwards: `self` is gone.
        unsafe { ManuallyDrop::drop(&mut self.library) };
        self.mask.restore();
    }
}

impl Library {
    /// # Errors
    /// BAD_HANDLE in any other state.
    pub(crate) fn expect(
        &self,
        call: &'static str,
        legal: &[State],
        help: &'static str,
    ) -> Result<(), Error> {
        if legal.contains(&self.state) {
            return Ok(());
        }
        Err(Error::State { call, state: self.state, help })
    }

    /// The line to the supervisor. There is one in every instance.
    pub(crate) fn line(&self) -> Result<Arc<ActiveEnd>, Error> {
        self.active.clone().ok_or(Error::SupervisorGone)
    }

    pub(crate) fn connect(&self) -> ais_types::Outcome<Box<dyn NodeLink>> {
        match &self.connector {
            Some(connector) => connector.connect(),
            None => crate::default_connector().connect(),
        }
    }
}
