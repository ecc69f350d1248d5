//! Pointers of a caller: NULL is found out here, everything else is the caller's word.

use crate::{Failure, invalid};

/// What a pointer points to.
///
/// # Errors
/// INVALID_PARAM for NULL.
///
/// # Safety
/// A pointer that is not NULL points to a `T` that nobody changes meanwhile.
pub unsafe fn required<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Failure> {
    // SAFETY: the caller's word.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid(format!("{what} is NULL")))
}

/// What a pointer points to, if it is not NULL.
///
/// # Safety
/// As [`required`].
pub unsafe fn optional<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: the caller's word.
    unsafe { pointer.as_ref() }
}

/// So many `T`. For none the pointer may be NULL.
///
/// # Errors
/// INVALID_PARAM for NULL, and for more than can be in memory.
///
/// # Safety
/// A pointer that is not NULL points to so many `T` that nobody changes meanwhile.
pub unsafe fn slice<'a, T>(pointer: *const T, count: u64, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(invalid(format!("{what} is NULL")));
    }
    let count = usize::try_from(count).ok();
    let fits = |count: &usize| {
        count.checked_mul(size_of::<T>()).is_some_and(|it| isize::try_from(it).is_ok())
    };
    let count =
        count.filter(fits).ok_or_else(|| invalid(format!("{what} is larger than any memory")))?;
    // SAFETY: the caller's word; the length was checked to be one that a slice can have.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Where a result goes.
#[derive(Debug)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place for a result. It is written with [`Out::set`] only, so it need not be initialised.
    ///
    /// # Errors
    /// INVALID_PARAM for NULL.
    ///
    /// # Safety
    /// A pointer that is not NULL points to memory for a `T` until the function returns.
    pub unsafe fn new(pointer: *mut T, what: &str) -> Result<Self, Failure> {
        match pointer.is_null() {
            true => Err(invalid(format!("{what} is NULL"))),
            false => Ok(Self(pointer)),
        }
    }

    /// Writes the result.
    pub fn set(&self, value: T) {
        // SAFETY: not NULL, and by the contract of `new` good for a `T`.
        unsafe { self.0.write(value) }
    }
}
