//! What a supervised program does.

use crate::{Death, Error, health::STACK_OF_RUST, raw};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

/// The process as an instance: it has a supervisor.
#[derive(Debug)]
pub struct Instance {
    number: u32,
}

/// Health is checked as long as this lives. Dropped it ends that, unless the thread panics: then the
/// supervisor is to see a failure.
#[derive(Debug)]
#[must_use = "health is checked as long as this lives"]
pub struct Started<'a> {
    instance: PhantomData<&'a mut Instance>,
}

impl Instance {
    pub(super) fn new(number: u32) -> Self {
        Self { number }
    }

    /// Its number: 1 for the first, and one more after each failure.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How the instance before it ended; `None` in the first.
    #[must_use]
    pub fn last_death(&self) -> Option<Death> {
        raw::last_death()
    }

    /// Keeps a value for later instances, in place of the one before.
    ///
    /// # Errors
    /// INVALID_PARAM if the value cannot be serialised; NO_MEMORY; LIBRARY if the supervisor is gone.
    pub fn store<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        let bytes = ais_wire::try_encode_bytes(value).map_err(Error::Stored)?;
        raw::data_store(Some(&bytes))
    }

    /// Keeps nothing.
    ///
    /// # Errors
    /// LIBRARY if the supervisor is gone.
    pub fn forget(&self) -> Result<(), Error> {
        raw::data_store(None)
    }

    /// The value that was kept by this instance or one before; `None` if there is none.
    ///
    /// # Errors
    /// INVALID_PARAM if it is of another type.
    pub fn restore<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let bytes = raw::data_restore(usize::MAX)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        ais_wire::decode_bytes(&bytes).map(Some).map_err(|error| Error::Stored(error.to_string()))
    }

    /// Sets the signal that warns this instance and later ones. The number is not checked.
    ///
    /// # Errors
    /// BAD_HANDLE or LIBRARY if the supervisor is gone.
    pub fn warn_signal(&self, signal: i32) -> Result<(), Error> {
        raw::warn_signal_set(signal)
    }

    /// Has health checked from now on: the program calls [`Started::beat`] more often than the interval.
    /// Under a policy with quorum it waits for that first, for ever if need be.
    ///
    /// # Errors
    /// LIBRARY if the supervisor is gone; that of the node.
    pub fn start(&mut self) -> Result<Started<'_>, Error> {
        raw::start()?;
        Ok(Started { instance: PhantomData })
    }

    /// The same, with a thread that beats as long as `is_well` says so. It is asked once an interval, in
    /// that thread; one that panics, or does not return, is not well.
    ///
    /// # Errors
    /// INVALID_PARAM without an interval; LIBRARY if there can be no thread; as [`start`](Self::start).
    pub fn start_asked(
        &mut self,
        is_well: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Started<'_>, Error> {
        let ask = move || {
            let well = catch_unwind(AssertUnwindSafe(&is_well)).unwrap_or(false);
            i32::from(!well)
        };
        raw::callback_with_stack(Some(Arc::new(ask)), STACK_OF_RUST)?;
        self.start()
    }

    /// Gives up: this instance is killed, no other follows, and the published state is `failed`.
    ///
    /// # Errors
    /// INVALID_PARAM unless the state is published; LIBRARY if the supervisor is gone.
    pub fn mark_failed(&self) -> Result<(), Error> {
        raw::mark_failed()
    }

    /// Ends the supervision, for ever; the supervisor exits when this process does, with its status.
    ///
    /// # Errors
    /// Those of stopping.
    pub fn finalize(self) -> Result<(), Error> {
        raw::finalize()
    }
}

impl Started<'_> {
    /// All is well.
    ///
    /// # Errors
    /// LIBRARY if the supervisor is gone.
    pub fn beat(&self) -> Result<(), Error> {
        raw::hc_send()
    }

    /// See [`Instance::mark_failed`].
    ///
    /// # Errors
    /// INVALID_PARAM unless the state is published; LIBRARY if the supervisor is gone.
    pub fn mark_failed(&self) -> Result<(), Error> {
        raw::mark_failed()
    }

    /// Keeps a value: [`Instance::store`].
    ///
    /// # Errors
    /// As there.
    pub fn store<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        Instance::new(0).store(value)
    }

    /// Health is not checked any more.
    ///
    /// # Errors
    /// LIBRARY if the supervisor is gone; that of the node.
    pub fn stop(self) -> Result<(), Error> {
        std::mem::forget(self);
        raw::stop()
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            // Without a supervisor there is nothing to stop.
            let _ = raw::stop();
        }
    }
}
