//! Memory that is given to C: from `malloc`, so that the caller's `free` works as well as the
//! library's own function.

use crate::{Failure, fail, invalid};
use ais_types::ErrorCode;
use std::{
    collections::BTreeSet,
    ffi::c_void,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Room for so many `T`, from `calloc`.
///
/// # Errors
/// NO_MEMORY.
pub fn allocate<T>(count: usize) -> Result<*mut T, Failure> {
    // SAFETY: `calloc` has no preconditions; it checks the product for overflow.
    let pointer = unsafe { libc::calloc(count.max(1), size_of::<T>()) };
    match pointer.is_null() {
        true => Err(fail(ErrorCode::NoMemory, "the program is out of memory")),
        false => Ok(pointer.cast()),
    }
}

/// What is given out and not given back: a pointer that is not from here is not freed.
///
/// A program of B.01 frees with `free`, and its pointers stay here until the allocator gives them
/// out again; that makes this no larger than what the program used at the same time.
#[derive(Debug, Default)]
pub struct Loans(Mutex<BTreeSet<usize>>);

impl Loans {
    /// Nothing given out.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeSet::new()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives out room for so many `T`.
    ///
    /// # Errors
    /// NO_MEMORY.
    pub fn lend<T>(&self, count: usize) -> Result<*mut T, Failure> {
        let pointer = allocate::<T>(count)?;
        self.lock().insert(pointer as usize);
        Ok(pointer)
    }

    /// Gives out a copy of these bytes.
    ///
    /// # Errors
    /// NO_MEMORY.
    pub fn lend_bytes(&self, bytes: &[u8]) -> Result<*mut u8, Failure> {
        let pointer: *mut u8 = self.lend(bytes.len())?;
        // SAFETY: the memory is new, and as long as the bytes.
        unsafe { pointer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(pointer)
    }

    /// Takes back.
    ///
    /// # Errors
    /// INVALID_PARAM for NULL, and for what is not given out.
    pub fn take_back<T>(&self, pointer: *mut T) -> Result<(), Failure> {
        if !self.lock().remove(&(pointer as usize)) {
            return Err(invalid("this memory is not from this library, or was freed before"));
        }
        // SAFETY: it came from `calloc` and was not taken back before: else it were not in there.
        unsafe { libc::free(pointer.cast::<c_void>()) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_out_is_taken_back() {
        let loans = Loans::new();
        let bytes = loans.lend_bytes(b"hello").unwrap();
        let mut own = 1_u8;
        assert!(loans.take_back(&raw mut own).is_err());
        assert!(loans.take_back(std::ptr::null_mut::<u8>()).is_err());
        assert!(loans.take_back(bytes).is_ok());
        assert!(loans.take_back(bytes).is_err());
    }
}
