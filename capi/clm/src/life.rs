//! Initialize, SelectionObjectGet, Dispatch, Finalize (`SAI-AIS-CLM-B.04.01 §3.5`).

use crate::{
    callbacks,
    objects::{self, Program, Registered},
    types::{SaClmCallbacksT, SaClmCallbacksT_4, SaClmHandleT},
};
use ais_capi::{
    Failure, Library, Loans, Out, Rules, entry, fail, optional, program, required,
    types::{SaAisErrorT, SaDispatchFlagsT, SaSelectionObjectT, SaVersionT},
};
use ais_client::{Clm, Endpoint, Session};
use ais_types::{ErrorCode, Unsupported, Version, clm::Api};

/// Each entry point serves its own generation: the first B.01, the other one B.02 to B.04.
fn negotiate(api: Api, requested: Version) -> Result<Version, Unsupported> {
    let newest = api.version();
    match api {
        Api::B04 if requested.release == newest.release && requested.major < 2 => {
            Err(Unsupported(newest))
        }
        Api::B01 | Api::B04 => requested.negotiate(&[newest]),
    }
}

/// # Safety
/// Both pointers are NULL or good for what they point to.
unsafe fn initialize(
    handle: *mut SaClmHandleT,
    registered: Registered,
    version: *mut SaVersionT,
) -> Result<(), Failure> {
    // SAFETY: by contract.
    let (handle, requested) =
        unsafe { (Out::new(handle, "clmHandle")?, required(version, "version")?) };
    let requested = Version::from(*requested);
    // SAFETY: by contract; it was just read.
    let granted = unsafe { Out::new(version, "version") }?;
    let api = registered.api();
    let newest = negotiate(api, requested).map_err(|Unsupported(nearest)| {
        granted.set(nearest.into());
        fail(ErrorCode::Version, format!("CLM {requested} is not served here; ask for {nearest}"))
    })?;
    let (endpoint, which) = (Endpoint::from_env(), registered.which());
    let clm = Clm::<Session>::initialize_with(&endpoint, program(), api, requested, which)?;
    let rules = Rules { later_codes: requested.major >= 3 };
    let library = Library::new(clm, Program { registered, loans: Loans::new() }, rules);
    handle.set(objects::issue(library)?);
    granted.set(newest.into());
    Ok(())
}

/// `saClmInitialize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmInitialize(
    clmHandle: *mut SaClmHandleT,
    clmCallbacks: *const SaClmCallbacksT,
    version: *mut SaVersionT,
) -> SaAisErrorT {
    entry("saClmInitialize", || {
        // SAFETY: the caller's word.
        let callbacks = unsafe { optional(clmCallbacks) }.copied().unwrap_or_default();
        // SAFETY: the caller's word.
        unsafe { initialize(clmHandle, Registered::B01(callbacks), version) }
    })
}

/// `saClmInitialize_4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmInitialize_4(
    clmHandle: *mut SaClmHandleT,
    clmCallbacks: *const SaClmCallbacksT_4,
    version: *mut SaVersionT,
) -> SaAisErrorT {
    entry("saClmInitialize_4", || {
        // SAFETY: the caller's word.
        let callbacks = unsafe { optional(clmCallbacks) }.copied().unwrap_or_default();
        // SAFETY: the caller's word.
        unsafe { initialize(clmHandle, Registered::B04(callbacks), version) }
    })
}

/// `saClmSelectionObjectGet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmSelectionObjectGet(
    clmHandle: SaClmHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaAisErrorT {
    entry("saClmSelectionObjectGet", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(selectionObject, "selectionObject") }?;
        out.set(objects::library(clmHandle)?.selection_object()?);
        Ok(())
    })
}

/// `saClmDispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmDispatch(
    clmHandle: SaClmHandleT,
    dispatchFlags: SaDispatchFlagsT,
) -> SaAisErrorT {
    entry("saClmDispatch", || {
        let library = objects::library(clmHandle)?;
        library.dispatch(dispatchFlags, |callback| callbacks::run(&library, &callback))
    })
}

/// `saClmFinalize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmFinalize(clmHandle: SaClmHandleT) -> SaAisErrorT {
    entry("saClmFinalize", || objects::end(clmHandle))
}
