//! Handles: numbers that say which object of this process is meant, and that are never issued
//! twice.

use std::{
    collections::VecDeque,
    ptr,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicPtr, AtomicU64, Ordering},
    },
};

/// How many bits of a handle say where its object is kept; the others count all handles issued.
const PLACE_BITS: u32 = 20;
const PLACES_MAX: usize = 1 << PLACE_BITS;

/// The handles of a library.
///
/// A handle is a place and a serial number. Places are used again, serial numbers are not: a
/// stale or made-up handle is found out.
///
/// A child of fork has no handles, whatever its parent had: its first `insert` begins a table of
/// its own. It never touches the parent's, whose lock another thread may have held at the fork.
/// Serial numbers go on, so that what was inherited stays invalid.
#[derive(Debug)]
pub struct Handles<T> {
    of_process: AtomicPtr<OfProcess<T>>,
    serials: AtomicU64,
}

#[derive(Debug)]
struct OfProcess<T> {
    process: u32,
    /// What a child of fork has inherited. It is never looked at, and never freed: other processes
    /// share what it stands for. It is kept so that it does not count as lost.
    _inherited: *mut Self,
    table: RwLock<Table<T>>,
}

#[derive(Debug)]
struct Table<T> {
    places: Vec<Option<(u64, T)>>,
    /// Used again in turn.
    free: VecDeque<usize>,
}

impl<T: Clone> Handles<T> {
    /// No handle yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { of_process: AtomicPtr::new(ptr::null_mut()), serials: AtomicU64::new(0) }
    }

    /// Issues a handle; never 0. `None`: there are a million already.
    pub fn insert(&self, object: T) -> Option<u64> {
        let serial = self.serials.fetch_add(1, Ordering::Relaxed) + 1;
        let mut table =
            self.of_this_process().table.write().unwrap_or_else(PoisonError::into_inner);
        let place = match table.free.pop_front() {
            Some(place) => place,
            None if table.places.len() < PLACES_MAX => {
                table.places.push(None);
                table.places.len() - 1
            }
            None => return None,
        };
        let handle = serial << PLACE_BITS | place as u64;
        table.places[place] = Some((handle, object));
        Some(handle)
    }

    /// What the handle stands for, if it is valid.
    pub fn get(&self, handle: u64) -> Option<T> {
        let table = self.existing()?.table.read().unwrap_or_else(PoisonError::into_inner);
        match table.places.get(place_of(handle)) {
            Some(Some((there, object))) if *there == handle => Some(object.clone()),
            Some(Some(_) | None) | None => None,
        }
    }

    /// Invalidates a handle; of several threads one is given the object.
    pub fn remove(&self, handle: u64) -> Option<T> {
        let mut table = self.existing()?.table.write().unwrap_or_else(PoisonError::into_inner);
        let place = place_of(handle);
        let there = table.places.get_mut(place)?;
        if there.as_ref().is_none_or(|(it, _)| *it != handle) {
            return None;
        }
        let removed = there.take();
        table.free.push_back(place);
        drop(table);
        removed.map(|(_, object)| object)
    }

    /// How many handles are valid.
    pub fn len(&self) -> usize {
        let Some(it) = self.existing() else { return 0 };
        let table = it.table.read().unwrap_or_else(PoisonError::into_inner);
        table.places.len() - table.free.len()
    }

    /// Whether no handle is valid.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The table of this process, if it has issued a handle.
    fn existing(&self) -> Option<&OfProcess<T>> {
        let there = self.of_process.load(Ordering::Acquire);
        // SAFETY: the pointer is NULL or came from `Box::into_raw` in `of_this_process`, was
        // published with Release, and what it points to is never freed or changed but through
        // its lock.
        let there = unsafe { there.as_ref() }?;
        (there.process == std::process::id()).then_some(there)
    }

    fn of_this_process(&self) -> &OfProcess<T> {
        loop {
            if let Some(it) = self.existing() {
                return it;
            }
            let inherited = self.of_process.load(Ordering::Acquire);
            let table = Table { places: Vec::new(), free: VecDeque::new() };
            let process = std::process::id();
            let own = OfProcess { process, _inherited: inherited, table: RwLock::new(table) };
            let own = Box::into_raw(Box::new(own));
            let exchanged = self.of_process.compare_exchange(
                inherited,
                own,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if exchanged.is_err() {
                // SAFETY: `own` is from `Box::into_raw` just above and nobody else has seen it.
                drop(unsafe { Box::from_raw(own) });
            }
        }
    }
}

impl<T: Clone> Default for Handles<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn place_of(handle: u64) -> usize {
    (handle & (PLACES_MAX as u64 - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::BTreeMap, sync::Arc, thread};

    #[test]
    fn a_handle_is_found_until_it_is_removed_and_never_issued_again() {
        let handles = Handles::new();
        let first = handles.insert("a").unwrap();
        assert_ne!(first, 0);
        assert_eq!(handles.get(first), Some("a"));
        assert_eq!(handles.remove(first), Some("a"));
        assert_eq!(handles.remove(first), None);
        let second = handles.insert("b").unwrap();
        assert_eq!(handles.get(first), None);
        assert_eq!(handles.get(second), Some("b"));
    }

    proptest! {
        #[test]
        fn the_table_is_like_a_map(steps in prop::collection::vec((0..3u8, any::<u64>()), 1..200)) {
            let handles = Handles::new();
            let mut model: BTreeMap<u64, u64> = BTreeMap::new();
            let mut gone = Vec::new();
            for (step, value) in steps {
                match (step, model.keys().next().copied()) {
                    (0, _) | (_, None) => {
                        model.insert(handles.insert(value).unwrap(), value);
                    }
                    (1, Some(handle)) => {
                        prop_assert_eq!(handles.remove(handle), model.remove(&handle));
                        gone.push(handle);
                    }
                    (_, Some(_)) => prop_assert_eq!(handles.get(value), model.get(&value).copied()),
                }
                prop_assert_eq!(handles.len(), model.len());
            }
            for (handle, value) in &model {
                prop_assert_eq!(handles.get(*handle), Some(*value));
            }
            prop_assert!(gone.iter().all(|it| handles.get(*it).is_none()));
        }
    }

    #[test]
    fn of_many_threads_one_removes() {
        let handles = Arc::new(Handles::new());
        for _ in 0..100 {
            let handle = handles.insert(()).unwrap();
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let handles = Arc::clone(&handles);
                    thread::spawn(move || usize::from(handles.remove(handle).is_some()))
                })
                .collect();
            assert_eq!(threads.into_iter().map(|it| it.join().unwrap()).sum::<usize>(), 1);
        }
    }
}
