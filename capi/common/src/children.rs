//! Handles that end with another one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The handles that were issued through a handle and end with it.
#[derive(Debug, Default)]
pub struct Children(Mutex<Family>);

#[derive(Debug, Default)]
struct Family {
    ended: bool,
    handles: BTreeSet<u64>,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Family> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle was issued. `false`: too late, the parent has ended.
    #[must_use]
    pub fn adopt(&self, handle: u64) -> bool {
        let mut family = self.lock();
        if !family.ended {
            family.handles.insert(handle);
        }
        !family.ended
    }

    /// A handle ended by itself.
    pub fn release(&self, handle: u64) {
        self.lock().handles.remove(&handle);
    }

    /// The parent ends: the handles that end with it.
    #[must_use]
    pub fn end(&self) -> BTreeSet<u64> {
        let mut family = self.lock();
        family.ended = true;
        std::mem::take(&mut family.handles)
    }
}
