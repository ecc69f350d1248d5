//! The functions of the original, one for one, over the one record of the process.
//!
//! This is what a C library is made of: each function has the name, the states and the codes of the
//! original. Programs in Rust want [`Sam`](crate::Sam) instead.
//!
//! No function may be called from the callback of [`hc_callback_register`] that waits for that callback
//! to return; apart from that all may be called from any thread, and from a signal handler.

use crate::{
    Death, Error, Options, Policy, State,
    health::{Callback, Health, STACK_OF_C},
    library::lock,
    link,
    node::Connector,
    register,
};
use std::sync::Arc;

const INITIALIZED: &[State] = &[State::Initialized, State::Registered, State::Started];
const INITIALIZE: &str = "initialize first; after finalize nothing is legal";

/// Sets what the original does not have.
///
/// # Errors
/// BAD_HANDLE once there is an instance; INVALID_PARAM for options that make no sense.
pub fn set_options(options: Options) -> Result<(), Error> {
    let mut library = lock();
    let legal = [State::NotInitialized, State::Initialized];
    library.expect("set_options", &legal, "set options before register")?;
    options.check()?;
    library.instance = options.count_from;
    library.options = options;
    Ok(())
}

/// Sets where the node is that policies with quorum or published state need. Default: with the feature
/// `node` the one that the environment names, and none without.
///
/// # Errors
/// BAD_HANDLE once SAM is initialised.
pub fn set_connector(connector: Arc<dyn Connector>) -> Result<(), Error> {
    let mut library = lock();
    library.expect("set_connector", &[State::NotInitialized], "say where the node is first")?;
    library.connector = Some(connector);
    Ok(())
}

/// Begins. `interval` is in milliseconds; 0 or less: health is not checked.
///
/// # Errors
/// INVALID_PARAM for a policy that is none; BAD_HANDLE a second time; with quorum that of the node.
#[doc(alias = "sam_initialize")]
pub fn initialize(interval: i32, policy: i32) -> Result<(), Error> {
    let policy = Policy::from_number(policy)?;
    let mut library = lock();
    library.expect("initialize", &[State::NotInitialized], "a process initializes SAM once")?;
    let adopted = crate::adopt::is_offered();
    if policy.quorum && !adopted {
        let mut node = library.connect().map_err(Error::Quorum)?;
        node.track_quorum().map_err(Error::Quorum)?;
        library.node = Some(node);
    }
    library.interval = interval;
    library.policy = policy;
    library.warn_signal = libc::SIGTERM;
    library.data = Vec::new();
    library.state = State::Initialized;
    Ok(())
}

/// Splits the process. The calling process becomes the supervisor and stays in this call until it
/// exits; its child, the instance, returns from it with its number, counted from 1. So does every
/// later instance, with the memory that the supervisor had.
///
/// # Errors
/// In the calling process only: BAD_HANDLE in any state but initialised, or if it cannot be split or
/// published; LIBRARY without a first pipe, or if the supervisor cannot wait any more; with published
/// state that of the node before a restart.
///
/// # Safety
/// Only the calling thread lives on in the instance: whatever another thread has locked, stays locked
/// there for ever, and whatever it has half done stays so.
#[doc(alias = "sam_register")]
#[expect(unsafe_code, reason = "the process is forked")]
pub unsafe fn register() -> Result<u32, Error> {
    // SAFETY: the caller answers for the other threads.
    unsafe { register::register() }
}

/// Has the health of this instance checked. Under a policy with quorum it waits until there is quorum,
/// for ever if need be.
///
/// # Errors
/// BAD_HANDLE in any state but registered; LIBRARY if the supervisor is gone; that of the node.
#[doc(alias = "sam_start")]
pub fn start() -> Result<(), Error> {
    let mut library = lock();
    let help = "register first, and start once";
    library.expect("start", &[State::Registered], help)?;
    if library.starting {
        return Err(Error::State { call: "start", state: State::Registered, help });
    }
    let line = library.line()?;
    line.say(&[link::START])?;
    if line.starts.is_some() {
        library.starting = true;
        drop(library);
        // Unlocked: this may take long, and the program has other things to do.
        let answer = line.starts.as_ref().map_or(Ok(()), link::answer);
        library = lock();
        library.starting = false;
        answer?;
        library.expect("start", &[State::Registered], "it was finalized meanwhile")?;
    } else if library.policy.published {
        line.answer()?;
    }
    library.state = State::Started;
    if let Some(health) = &library.health {
        health.run();
    }
    Ok(())
}

/// Ends the checking of health; `start` begins it anew.
///
/// # Errors
/// BAD_HANDLE in any state but started; LIBRARY if the supervisor is gone; that of the node.
#[doc(alias = "sam_stop")]
pub fn stop() -> Result<(), Error> {
    let mut library = lock();
    library.expect("stop", &[State::Started], "start first")?;
    library.stop()
}

impl crate::library::Library {
    fn stop(&mut self) -> Result<(), Error> {
        let line = self.line()?;
        line.say(&[link::STOP])?;
        if self.policy.published {
            line.answer()?;
        }
        if let Some(health) = &self.health {
            health.pause();
        }
        self.state = State::Registered;
        Ok(())
    }
}

/// Says that all is well. To be called more often than the interval.
///
/// # Errors
/// BAD_HANDLE in any state but started; LIBRARY if the supervisor is gone.
#[doc(alias = "sam_hc_send")]
pub fn hc_send() -> Result<(), Error> {
    let library = lock();
    library.expect("hc_send", &[State::Started], "start first")?;
    library.line()?.beat()
}

/// Has a thread of this process say that all is well, four times an interval, and ask `callback` each
/// fourth time. Anything but 0 ends that for this instance. `None` takes the callback away: the
/// program says itself how it is.
///
/// # Errors
/// BAD_HANDLE in any state but registered; INVALID_PARAM if the interval is 0, and for `None` if there
/// never was a callback; LIBRARY if there can be no thread.
#[doc(alias = "sam_hc_callback_register")]
pub fn hc_callback_register(callback: Option<Callback>) -> Result<(), Error> {
    callback_with_stack(callback, STACK_OF_C)
}

/// The same, with so many bytes of stack for the thread.
pub(crate) fn callback_with_stack(callback: Option<Callback>, stack: usize) -> Result<(), Error> {
    let mut library = lock();
    let help = "register callbacks between register and start";
    library.expect("hc_callback_register", &[State::Registered], help)?;
    if library.interval == 0 {
        return Err(Error::NoInterval);
    }
    if let Some(health) = &library.health {
        health.replace(callback);
        return Ok(());
    }
    let callback = callback.ok_or(Error::NoCallback)?;
    library.health = Some(Health::start(library.interval, callback, stack)?);
    Ok(())
}

/// How many bytes are stored.
///
/// # Errors
/// BAD_HANDLE before initialize and after finalize.
#[doc(alias = "sam_data_getsize")]
pub fn data_getsize() -> Result<usize, Error> {
    let library = lock();
    library.expect("data_getsize", INITIALIZED, INITIALIZE)?;
    Ok(library.data.len())
}

/// What is stored, if it is no longer than `size`. Empty: nothing is stored.
///
/// # Errors
/// BAD_HANDLE before initialize and after finalize; INVALID_PARAM if more is stored.
#[doc(alias = "sam_data_restore")]
pub fn data_restore(size: usize) -> Result<Vec<u8>, Error> {
    let library = lock();
    library.expect("data_restore", INITIALIZED, INITIALIZE)?;
    let stored = library.data.len();
    if stored > size {
        return Err(Error::Buffer { stored, given: size });
    }
    Ok(library.data.clone())
}

/// Stores bytes for later instances, in place of what was stored. `None`, as well as nothing at all,
/// deletes.
///
/// # Errors
/// BAD_HANDLE before initialize and after finalize; NO_MEMORY; LIBRARY if the supervisor is gone.
#[doc(alias = "sam_data_store")]
pub fn data_store(data: Option<&[u8]>) -> Result<(), Error> {
    let mut library = lock();
    library.expect("data_store", INITIALIZED, INITIALIZE)?;
    let data = data.unwrap_or_default();
    if library.active.is_some() {
        let line = library.line()?;
        let mut head = [link::DATA_STORE; 1 + size_of::<usize>()];
        head[1..].copy_from_slice(&data.len().to_ne_bytes());
        line.say(&head)?;
        line.say(data)?;
        line.answer()?;
    }
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.len()).map_err(|_| Error::Memory(data.len()))?;
    copy.extend_from_slice(data);
    library.data = copy;
    Ok(())
}

/// Sets the signal that warns an instance before it is killed. The number is not checked.
///
/// # Errors
/// BAD_HANDLE before initialize and after finalize, and if the supervisor is gone; LIBRARY if it goes
/// during the call.
#[doc(alias = "sam_warn_signal_set")]
pub fn warn_signal_set(signal: i32) -> Result<(), Error> {
    let mut library = lock();
    library.expect("warn_signal_set", INITIALIZED, INITIALIZE)?;
    if library.active.is_some() {
        let help = "the supervisor is gone; end, and let yourself be started anew";
        let gone = Error::State { call: "warn_signal_set", state: library.state, help };
        let line = library.line()?;
        line.say(&[link::WARN_SIGNAL_SET]).map_err(|_| gone)?;
        line.say(&signal.to_ne_bytes())?;
        line.answer()?;
    }
    library.warn_signal = signal;
    Ok(())
}

/// Gives up: this instance is killed, no other follows, and the published state is `failed`.
///
/// # Errors
/// BAD_HANDLE but in registered and started; INVALID_PARAM unless the state is published; LIBRARY if the
/// supervisor is gone.
#[doc(alias = "sam_mark_failed")]
pub fn mark_failed() -> Result<(), Error> {
    let library = lock();
    let legal = [State::Registered, State::Started];
    library.expect("mark_failed", &legal, "register first")?;
    if !library.policy.published {
        return Err(Error::NotPublished);
    }
    library.line()?.say(&[link::MARK_FAILED])
}

/// Ends SAM in this process, for ever. The supervisor stays until the process exits.
///
/// # Errors
/// BAD_HANDLE before initialize and a second time; what `stop` fails with, and then nothing has changed.
#[doc(alias = "sam_finalize")]
pub fn finalize() -> Result<(), Error> {
    let mut library = lock();
    library.expect("finalize", INITIALIZED, "initialize first, and finalize once")?;
    if library.state == State::Started {
        library.stop()?;
    } else if library.starting {
        // Whoever waits in start need not any more.
        library.line()?.say(&[link::STOP])?;
    }
    library.data = Vec::new();
    library.state = State::Finalized;
    Ok(())
}

/// How the instance before this one ended; `None` in the first.
#[must_use]
pub fn last_death() -> Option<Death> {
    lock().last_death
}

/// The state of the library in this process.
#[must_use]
pub fn state() -> State {
    lock().state
}
