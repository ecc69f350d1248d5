//! `libsam.so`: the Simple Availability Manager for programs in C (`sam.h`).
//!
//! The functions of [`ais_sam::c`] under the names by which C knows them; there each says what it
//! does and what it may return.
#![allow(clippy::missing_safety_doc, reason = "the safety of each function is that of its header")]

use ais_sam::c::{self, HcCallback};
use std::{
    ffi::{c_int, c_uint, c_void},
    sync::Once,
};

/// A library has its own copy of the standard library: this hook is nobody else's, and a program
/// that did not ask is told nothing.
fn be_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var_os("AIS_C_TRACE").is_none_or(|it| it == "0") {
            std::panic::set_hook(Box::new(|_| {}));
        }
    });
}

/// `sam_initialize`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_initialize(time_interval: c_int, recovery_policy: c_int) -> c_int {
    be_silent();
    c::initialize(time_interval, recovery_policy)
}

/// `sam_finalize`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_finalize() -> c_int {
    c::finalize()
}

/// `sam_register`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sam_register(instance_id: *mut c_uint) -> c_int {
    // SAFETY: the caller's word; a program in C knows that only this thread goes on in the child.
    unsafe { c::register(instance_id) }
}

/// `sam_start`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_start() -> c_int {
    c::start()
}

/// `sam_stop`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_stop() -> c_int {
    c::stop()
}

/// `sam_warn_signal_set`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_warn_signal_set(warn_signal: c_int) -> c_int {
    c::warn_signal_set(warn_signal)
}

/// `sam_hc_send`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_hc_send() -> c_int {
    c::hc_send()
}

/// `sam_hc_callback_register`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_hc_callback_register(callback: Option<HcCallback>) -> c_int {
    c::hc_callback_register(callback)
}

/// `sam_data_getsize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sam_data_getsize(size: *mut usize) -> c_int {
    // SAFETY: the caller's word.
    unsafe { c::data_getsize(size) }
}

/// `sam_data_restore`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sam_data_restore(data: *mut c_void, size: usize) -> c_int {
    // SAFETY: the caller's word.
    unsafe { c::data_restore(data, size) }
}

/// `sam_data_store`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sam_data_store(data: *const c_void, size: usize) -> c_int {
    // SAFETY: the caller's word.
    unsafe { c::data_store(data, size) }
}

/// `sam_mark_failed`.
#[unsafe(no_mangle)]
pub extern "C" fn sam_mark_failed() -> c_int {
    c::mark_failed()
}
