//! The functions of the original with the arguments of C: what `libsam.so` exports, but for their names.
//!
//! Each returns a `cs_error_t`: 1, or the number of the code that the function of the same name in
//! `raw` fails with. A fault of the library itself is 2 and never unwinds into C.
#![expect(unsafe_code, reason = "C gives pointers")]

use crate::{Error, health::Callback, raw};
use std::{
    ffi::{c_int, c_uint, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::Arc,
};

/// `CS_OK`.
pub const OK: c_int = 1;

/// `CS_ERR_LIBRARY`.
const LIBRARY: c_int = 2;

/// What is health-checked in C.
pub type HcCallback = extern "C" fn() -> c_int;

fn code(call: impl FnOnce() -> Result<(), Error>) -> c_int {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => c_int::try_from(error.code().number()).unwrap_or(LIBRARY),
        Err(_) => LIBRARY,
    }
}

/// `sam_initialize`: see [`raw::initialize`].
#[must_use]
pub fn initialize(time_interval: c_int, recovery_policy: c_int) -> c_int {
    code(|| raw::initialize(time_interval, recovery_policy))
}

/// `sam_register`: see [`raw::register`].
///
/// # Safety
/// That of [`raw::register`]; and `instance_id` is null or a place for a number.
#[must_use]
pub unsafe fn register(instance_id: *mut c_uint) -> c_int {
    code(|| {
        // SAFETY: the caller answers for the other threads.
        let number = unsafe { raw::register() }?;
        if !instance_id.is_null() {
            // SAFETY: the caller's promise.
            unsafe { instance_id.write(number) };
        }
        Ok(())
    })
}

/// `sam_start`: see [`raw::start`].
#[must_use]
pub fn start() -> c_int {
    code(raw::start)
}

/// `sam_stop`: see [`raw::stop`].
#[must_use]
pub fn stop() -> c_int {
    code(raw::stop)
}

/// `sam_finalize`: see [`raw::finalize`].
#[must_use]
pub fn finalize() -> c_int {
    code(raw::finalize)
}

/// `sam_hc_send`: see [`raw::hc_send`].
#[must_use]
pub fn hc_send() -> c_int {
    code(raw::hc_send)
}

/// `sam_mark_failed`: see [`raw::mark_failed`].
#[must_use]
pub fn mark_failed() -> c_int {
    code(raw::mark_failed)
}

/// `sam_hc_callback_register`: see [`raw::hc_callback_register`].
#[must_use]
pub fn hc_callback_register(callback: Option<HcCallback>) -> c_int {
    code(|| {
        raw::hc_callback_register(
            callback.map(|callback| -> Callback { Arc::new(move || callback()) }),
        )
    })
}

/// `sam_warn_signal_set`: see [`raw::warn_signal_set`].
#[must_use]
pub fn warn_signal_set(signal: c_int) -> c_int {
    code(|| raw::warn_signal_set(signal))
}

/// `sam_data_getsize`: see [`raw::data_getsize`]. Null is INVALID_PARAM in every state.
///
/// # Safety
/// `size` is null or a place for a number.
#[must_use]
pub unsafe fn data_getsize(size: *mut usize) -> c_int {
    code(|| {
        if size.is_null() {
            return Err(Error::Null("data_getsize"));
        }
        let stored = raw::data_getsize()?;
        // SAFETY: the caller's promise.
        unsafe { size.write(stored) };
        Ok(())
    })
}

/// `sam_data_restore`: see [`raw::data_restore`]. Null is INVALID_PARAM in every state. What is behind the
/// stored bytes in the buffer is not touched.
///
/// # Safety
/// `data` is null or a place for `size` bytes.
#[must_use]
pub unsafe fn data_restore(data: *mut c_void, size: usize) -> c_int {
    code(|| {
        if data.is_null() {
            return Err(Error::Null("data_restore"));
        }
        let stored = raw::data_restore(size)?;
        // SAFETY: no more than `size` bytes are stored, or it had failed; `stored` is a copy of our own.
        unsafe { data.cast::<u8>().copy_from_nonoverlapping(stored.as_ptr(), stored.len()) };
        Ok(())
    })
}

/// `sam_data_store`: see [`raw::data_store`]. TOO_BIG, in every state and also with null, for sizes that
/// no memory has; null deletes.
///
/// # Safety
/// `data` is null or `size` readable bytes.
#[must_use]
pub unsafe fn data_store(data: *const c_void, size: usize) -> c_int {
    code(|| {
        if size >= isize::MAX.cast_unsigned() {
            return Err(Error::TooBig(size));
        }
        if data.is_null() {
            return raw::data_store(None);
        }
        // SAFETY: the caller's promise, and `size` is less than any object's greatest size.
        raw::data_store(Some(unsafe { slice::from_raw_parts(data.cast(), size) }))
    })
}
