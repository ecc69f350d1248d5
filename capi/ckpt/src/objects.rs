//! What handles of this library stand for.

use crate::types::SaCkptCallbacksT_2;
use ais_capi::{Children, Failure, Handles, Library, Loans, bad_handle, fail};
use ais_client::{Ckpt, Session};
use ais_types::ErrorCode;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All handles of this library in this process.
static HANDLES: Handles<Object> = Handles::new();

/// Section ids and read buffers that programs have to free.
pub(crate) static LOANS: Loans = Loans::new();

/// What a handle stands for.
#[derive(Clone)]
enum Object {
    Library(Arc<CkptLibrary>),
    Checkpoint(Arc<Checkpoint>),
    Iteration(Arc<Iteration>),
}

/// A library handle.
pub(crate) type CkptLibrary = Library<Ckpt<Session>, Program>;

/// What a library handle knows of its program.
pub(crate) struct Program {
    pub(crate) callbacks: SaCkptCallbacksT_2,
    /// The checkpoint handle of each checkpoint that is open, by the node's number for it.
    open: Mutex<BTreeMap<u64, u64>>,
}

impl Program {
    pub(crate) fn new(callbacks: SaCkptCallbacksT_2) -> Self {
        Self { callbacks, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle by which the program knows what the node knows by this number.
    pub(crate) fn handle_of(&self, number: u64) -> Option<u64> {
        self.open().get(&number).copied()
    }
}

/// An open checkpoint.
pub(crate) struct Checkpoint {
    pub(crate) library: Arc<CkptLibrary>,
    /// The node's number for it.
    pub(crate) number: u64,
    /// The most bytes in a section, if the program said so when it opened.
    pub(crate) section_max: Option<u64>,
    iterations: Children,
}

/// A walk over sections.
pub(crate) struct Iteration {
    pub(crate) checkpoint: Arc<Checkpoint>,
    /// The node's number for it.
    pub(crate) number: u64,
    /// The octets of the last section's id: the program may look at them until the next call.
    last: Mutex<Box<[u8]>>,
}

impl Iteration {
    /// Keeps the octets, and says where they are.
    pub(crate) fn keep(&self, octets: &[u8]) -> *mut u8 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = octets.into();
        if last.is_empty() { std::ptr::null_mut() } else { last.as_mut_ptr() }
    }
}

fn none_left() -> Failure {
    fail(ErrorCode::NoResources, "the process has a million handles open; close some")
}

/// Issues a library handle.
pub(crate) fn issue_library(library: CkptLibrary) -> Result<u64, Failure> {
    let library = Arc::new(library);
    HANDLES.insert(Object::Library(Arc::clone(&library))).ok_or_else(|| {
        library.finalize();
        none_left()
    })
}

/// Issues a handle for what the node has opened.
pub(crate) fn issue_checkpoint(
    library: &Arc<CkptLibrary>,
    number: u64,
    section_max: Option<u64>,
) -> Result<u64, Failure> {
    let (library, iterations) = (Arc::clone(library), Children::default());
    let checkpoint = Arc::new(Checkpoint { library, number, section_max, iterations });
    let library = &checkpoint.library;
    let Some(handle) = HANDLES.insert(Object::Checkpoint(Arc::clone(&checkpoint))) else {
        // Nobody would ever close it.
        let _ = library.ask(|ckpt| ckpt.close(number));
        return Err(none_left());
    };
    library.callbacks().open().insert(number, handle);
    match library.children().adopt(handle) {
        true => Ok(handle),
        false => {
            // Finalized meanwhile: the node has closed it.
            HANDLES.remove(handle);
            Err(bad_handle())
        }
    }
}

/// Issues a handle for a walk.
pub(crate) fn issue_iteration(checkpoint: &Arc<Checkpoint>, number: u64) -> Result<u64, Failure> {
    let (parent, last) = (Arc::clone(checkpoint), Mutex::default());
    let iteration = Iteration { checkpoint: parent, number, last };
    let Some(handle) = HANDLES.insert(Object::Iteration(Arc::new(iteration))) else {
        let _ = checkpoint.library.ask(|ckpt| ckpt.section_iteration_finalize(number));
        return Err(none_left());
    };
    match checkpoint.iterations.adopt(handle) {
        true => Ok(handle),
        false => {
            HANDLES.remove(handle);
            Err(bad_handle())
        }
    }
}

pub(crate) fn library(handle: u64) -> Result<Arc<CkptLibrary>, Failure> {
    match HANDLES.get(handle) {
        Some(Object::Library(it)) => Ok(it),
        Some(Object::Checkpoint(_) | Object::Iteration(_)) | None => Err(bad_handle()),
    }
}

pub(crate) fn checkpoint(handle: u64) -> Result<Arc<Checkpoint>, Failure> {
    match HANDLES.get(handle) {
        Some(Object::Checkpoint(it)) => Ok(it),
        Some(Object::Library(_) | Object::Iteration(_)) | None => Err(bad_handle()),
    }
}

pub(crate) fn iteration(handle: u64) -> Result<Arc<Iteration>, Failure> {
    match HANDLES.get(handle) {
        Some(Object::Iteration(it)) => Ok(it),
        Some(Object::Library(_) | Object::Checkpoint(_)) | None => Err(bad_handle()),
    }
}

/// Ends a library handle and all that was opened through it.
pub(crate) fn end_library(handle: u64) -> Result<(), Failure> {
    let library = library(handle)?;
    // Of several threads one goes on.
    HANDLES.remove(handle).ok_or_else(bad_handle)?;
    for child in library.children().end() {
        if let Ok(it) = checkpoint(child) {
            end_checkpoint(child, &it);
        }
    }
    library.finalize();
    Ok(())
}

/// A checkpoint handle is closed, and its walks with it.
pub(crate) fn end_checkpoint(handle: u64, it: &Checkpoint) {
    HANDLES.remove(handle);
    for iteration in it.iterations.end() {
        HANDLES.remove(iteration);
    }
    it.library.children().release(handle);
    it.library.callbacks().open().remove(&it.number);
}

/// A walk is over.
pub(crate) fn end_iteration(handle: u64, it: &Iteration) {
    HANDLES.remove(handle);
    it.checkpoint.iterations.release(handle);
}
