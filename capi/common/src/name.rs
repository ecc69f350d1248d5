//! `SaNameT`, classic and extended.
//!
//! An extended name holds a pointer instead of octets. Its mark is a `length` that no classic name
//! can have; the pointer lies 8 octets into the structure. Programs that do not opt in
//! (`SA_ENABLE_EXTENDED_NAMES=1`) cannot pass one; the longest name that the services take is
//! [`Name::MAX`] octets all the same.

use crate::{
    Failure, fail, invalid,
    types::{SA_MAX_NAME_LENGTH, SaNameT},
};
use ais_types::{ErrorCode, Name};
use std::{
    env,
    ffi::{CStr, c_char},
    ptr,
    sync::OnceLock,
};

/// The `length` of an extended name.
const EXTENDED: u16 = 0xcd2b;
/// Where in `value` the pointer lies.
const POINTER_AT: usize = 6;
/// The longest name of any service that uses extended names.
const DN_MAX: usize = 2048;

fn extended_names_are_enabled() -> bool {
    static ENABLED: OnceLock<bool> = OnceLock::new();
    *ENABLED.get_or_init(|| env::var_os("SA_ENABLE_EXTENDED_NAMES").is_some_and(|it| it == "1"))
}

/// The name that a caller passes.
///
/// # Errors
/// INVALID_PARAM for NULL and for a length that is none; TOO_BIG for an extended name of more than
/// [`Name::MAX`] octets.
///
/// # Safety
/// A pointer that is not NULL points to a `SaNameT`, and an extended one borrows a string that
/// still lives.
pub unsafe fn read(pointer: *const SaNameT, what: &str) -> Result<Name, Failure> {
    // SAFETY: the caller's word.
    let name = unsafe { crate::required(pointer, what) }?;
    if name.length == EXTENDED && extended_names_are_enabled() {
        // SAFETY: an extended name borrows a string that lives, says the caller.
        let string = unsafe { borrowed(name) };
        let octets = string.map_or(&[][..], CStr::to_bytes);
        let octets = octets.get(..DN_MAX + 1).unwrap_or(octets);
        return Name::new(octets).map_err(|it| fail(ErrorCode::TooBig, it.to_string()));
    }
    let octets = name.value.get(..usize::from(name.length));
    let octets = octets.ok_or_else(|| {
        invalid(format!("{what} says that it has {} octets; 256 is the most", name.length))
    })?;
    Name::new(octets).map_err(|it| invalid(it.to_string()))
}

/// A name for a program: NUL after the octets wherever there is room.
#[must_use]
pub fn write(name: &Name) -> SaNameT {
    let octets = name.as_bytes();
    let mut value = [0; SA_MAX_NAME_LENGTH];
    value[..octets.len()].copy_from_slice(octets);
    SaNameT { length: octets.len().try_into().unwrap_or(0), value }
}

/// `saAisNameLend`.
///
/// # Safety
/// `value` is NULL or a string, `name` is NULL or has room for a `SaNameT`.
pub unsafe fn lend(value: *const c_char, name: *mut SaNameT) {
    if name.is_null() {
        return;
    }
    let string = match value.is_null() {
        true => c"",
        // SAFETY: not NULL, and a string by contract.
        false => unsafe { CStr::from_ptr(value) },
    };
    let octets = string.to_bytes();
    let mut lent = SaNameT { length: 0, value: [0; SA_MAX_NAME_LENGTH] };
    if octets.len() < SA_MAX_NAME_LENGTH {
        lent.value[..octets.len()].copy_from_slice(octets);
        lent.length = octets.len().try_into().unwrap_or(0);
    } else {
        lent.length = EXTENDED;
        let pointer = (value as usize).to_ne_bytes();
        lent.value[POINTER_AT..POINTER_AT + pointer.len()].copy_from_slice(&pointer);
    }
    // SAFETY: not NULL, and room for it by contract.
    unsafe { name.write(lent) };
}

/// `saAisNameBorrow`.
///
/// # Safety
/// `name` is NULL or points to a `SaNameT`.
#[must_use]
pub unsafe fn borrow(name: *const SaNameT) -> *const c_char {
    // SAFETY: by contract.
    let Some(name) = (unsafe { name.as_ref() }) else { return ptr::null() };
    if name.length == EXTENDED {
        return pointer_in(name);
    }
    match name.value.get(usize::from(name.length)) {
        Some(0) => name.value.as_ptr().cast(),
        // Octets without an end are no string.
        Some(_) | None => ptr::null(),
    }
}

fn pointer_in(name: &SaNameT) -> *const c_char {
    let mut pointer = [0; size_of::<usize>()];
    pointer.copy_from_slice(&name.value[POINTER_AT..POINTER_AT + size_of::<usize>()]);
    ptr::with_exposed_provenance(usize::from_ne_bytes(pointer))
}

/// # Safety
/// The string that an extended name borrows still lives.
unsafe fn borrowed(name: &SaNameT) -> Option<&CStr> {
    let pointer = pointer_in(name);
    // SAFETY: by contract.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

/// Exports `saAisNameLend` and `saAisNameBorrow` from a library.
#[macro_export]
macro_rules! export_names {
    () => {
        /// Makes `name` stand for a string: short ones are copied, long ones borrowed.
        ///
        /// # Safety
        /// `value` is NULL or a string, `name` is NULL or has room for a `SaNameT`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn saAisNameLend(
            value: *const ::std::ffi::c_char,
            name: *mut $crate::types::SaNameT,
        ) {
            // SAFETY: the same contract.
            unsafe { $crate::name::lend(value, name) }
        }

        /// A name as a string, or NULL if it is none.
        ///
        /// # Safety
        /// `name` is NULL or points to a `SaNameT`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn saAisNameBorrow(
            name: *const $crate::types::SaNameT,
        ) -> *const ::std::ffi::c_char {
            // SAFETY: the same contract.
            unsafe { $crate::name::borrow(name) }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn lent(text: &str) -> (CString, SaNameT) {
        let text = CString::new(text).unwrap();
        let mut name = SaNameT { length: 7, value: [7; 256] };
        // SAFETY: both live.
        unsafe { lend(text.as_ptr(), &raw mut name) };
        (text, name)
    }

    #[test]
    fn what_is_lent_is_borrowed() {
        for length in [0, 1, 255, 256, 257, 3000] {
            let (text, name) = lent(&"x".repeat(length));
            // SAFETY: the string lives.
            let back = unsafe { CStr::from_ptr(borrow(&raw const name)) };
            assert_eq!(back, &*text);
            assert_eq!(name.length == EXTENDED, length > 255);
        }
    }

    #[test]
    fn a_name_without_an_end_is_no_string() {
        let name = SaNameT { length: 256, value: [b'x'; 256] };
        // SAFETY: it lives.
        assert!(unsafe { borrow(&raw const name) }.is_null());
    }

    #[test]
    fn names_are_read_and_written_and_wrong_lengths_refused() {
        let text = Name::new("safCkpt=x").unwrap();
        let c = write(&text);
        // SAFETY: it lives.
        let read = |name: &SaNameT| unsafe { read(name, "a name") };
        assert_eq!(read(&c).ok(), Some(text));
        let long = SaNameT { length: 257, value: [b'x'; 256] };
        assert_eq!(read(&long).unwrap_err().code, ErrorCode::InvalidParam);
        // Not without the program's opting in.
        assert_eq!(read(&lent(&"x".repeat(300)).1).unwrap_err().code, ErrorCode::InvalidParam);
    }
}
