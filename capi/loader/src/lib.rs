//! Calls any implementation's C library, found at run time, in the words of [`ais_types`].
//!
//! The conformance suite speaks to an implementation in calls, replies and callbacks. This crate
//! turns each call into the C function that stands for it, with the structures a C program would
//! pass, and what comes back into a reply. It is the program's side of the C interface; nothing of
//! our own libraries' code is in it but the layouts.
#![allow(non_snake_case, reason = "C names are as in the headers")]

mod ckpt;
mod clm;
mod symbols;

pub use ckpt::CkptLibrary;
pub use clm::ClmLibrary;

use ais_capi::types::SA_AIS_OK;
use ais_types::{Error, ErrorCode, Outcome};
use std::os::fd::{FromRawFd, OwnedFd};

/// What a C function returned.
fn outcome(function: &str, code: u32) -> Outcome<()> {
    match ErrorCode::from_number(code) {
        None if code == SA_AIS_OK => Ok(()),
        None => Err(Error::new(ErrorCode::Library, format!("{function} returned {code}"))),
        Some(code) => Err(Error::new(code, function)),
    }
}

/// A call that is no function of the C interface.
fn no_function(what: &str) -> Error {
    Error::new(ErrorCode::NotSupported, format!("{what} is no function of the C interface"))
}

/// A function that the library does not have.
fn lacks(function: &str) -> Error {
    Error::new(ErrorCode::NotSupported, format!("the library has no {function}"))
}

/// A descriptor of its own for a selection object; `None` if it is no descriptor.
#[must_use]
pub fn duplicate(object: i32) -> Option<OwnedFd> {
    // SAFETY: `fcntl` checks the number; what it returns is ours alone.
    let copy = unsafe { libc::fcntl(object, libc::F_DUPFD_CLOEXEC, 0) };
    // SAFETY: not -1, so it is a new descriptor that nobody else owns.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}
