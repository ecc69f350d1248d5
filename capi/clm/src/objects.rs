//! What handles of this library stand for.

use crate::types::{SaClmCallbacksT, SaClmCallbacksT_4};
use ais_capi::{Failure, Handles, Library, Loans, bad_handle, fail};
use ais_client::{Clm, Session};
use ais_types::{
    ErrorCode,
    clm::{Api, Callbacks},
};
use std::sync::Arc;

/// All handles of this library in this process.
static HANDLES: Handles<Arc<ClmLibrary>> = Handles::new();

/// A library handle.
pub(crate) type ClmLibrary = Library<Clm<Session>, Program>;

/// What a library handle knows of its program.
pub(crate) struct Program {
    pub(crate) registered: Registered,
    /// Arrays of notifications that the program has to free.
    pub(crate) loans: Loans,
}

/// The callbacks of a program: their types tell its generation.
#[derive(Clone, Copy)]
pub(crate) enum Registered {
    B01(SaClmCallbacksT),
    B04(SaClmCallbacksT_4),
}

impl Registered {
    pub(crate) fn api(self) -> Api {
        match self {
            Self::B01(_) => Api::B01,
            Self::B04(_) => Api::B04,
        }
    }

    /// Which of them there are.
    pub(crate) fn which(self) -> Callbacks {
        match self {
            Self::B01(it) => Callbacks {
                node_get: it.saClmClusterNodeGetCallback.is_some(),
                track: it.saClmClusterTrackCallback.is_some(),
            },
            Self::B04(it) => Callbacks {
                node_get: it.saClmClusterNodeGetCallback.is_some(),
                track: it.saClmClusterTrackCallback.is_some(),
            },
        }
    }
}

pub(crate) fn issue(library: ClmLibrary) -> Result<u64, Failure> {
    let library = Arc::new(library);
    HANDLES.insert(Arc::clone(&library)).ok_or_else(|| {
        library.finalize();
        fail(ErrorCode::NoResources, "the process has a million handles open; close some")
    })
}

pub(crate) fn library(handle: u64) -> Result<Arc<ClmLibrary>, Failure> {
    HANDLES.get(handle).ok_or_else(bad_handle)
}

/// A handle for functions of this generation.
pub(crate) fn library_of(handle: u64, api: Api) -> Result<Arc<ClmLibrary>, Failure> {
    let library = library(handle)?;
    if library.callbacks().registered.api() != api {
        let text = "the handle is of the other generation of functions (with and without _4)";
        return Err(fail(ErrorCode::Version, text));
    }
    Ok(library)
}

pub(crate) fn end(handle: u64) -> Result<(), Failure> {
    let library = HANDLES.remove(handle).ok_or_else(bad_handle)?;
    library.finalize();
    Ok(())
}
