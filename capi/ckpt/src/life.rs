//! Initialize, SelectionObjectGet, Dispatch, Finalize (`SAI-AIS-CKPT-B.02.02 §3.5`).

use crate::{
    callbacks,
    objects::{self, CkptLibrary, Program},
    types::{SaCkptCallbacksT, SaCkptCallbacksT_2, SaCkptHandleT},
};
use ais_capi::{
    Failure, Library, Out, Rules, entry, fail, optional, program, required,
    types::{SaAisErrorT, SaDispatchFlagsT, SaSelectionObjectT, SaVersionT},
};
use ais_client::{Ckpt, Endpoint, Session};
use ais_types::{
    ErrorCode, Outcome, Unsupported, Version,
    ckpt::{Callbacks, TRACK_VERSION, VERSIONS},
};

/// How the client opens a session.
type Open = fn(&Endpoint, Version, Callbacks, &str) -> Outcome<Ckpt<Session>>;

fn initialize(
    version: Version,
    callbacks: SaCkptCallbacksT_2,
    open: Open,
) -> Result<CkptLibrary, Failure> {
    let registered = Callbacks {
        open: callbacks.saCkptCheckpointOpenCallback.is_some(),
        synchronize: callbacks.saCkptCheckpointSynchronizeCallback.is_some(),
        track: callbacks.saCkptCheckpointTrackCallback.is_some(),
    };
    let ckpt = open(&Endpoint::from_env(), version, registered, program())?;
    let rules = Rules { later_codes: version.major >= 2 };
    Ok(Library::new(ckpt, Program::new(callbacks), rules))
}

/// # Safety
/// Both pointers are NULL or good for what they point to.
unsafe fn initialize_into(
    handle: *mut SaCkptHandleT,
    version: *mut SaVersionT,
    callbacks: SaCkptCallbacksT_2,
    negotiate: fn(Version) -> Result<Version, Unsupported>,
    open: Open,
) -> Result<(), Failure> {
    // SAFETY: by contract.
    let (handle, requested) =
        unsafe { (Out::new(handle, "ckptHandle")?, required(version, "version")?) };
    let requested = Version::from(*requested);
    // SAFETY: by contract; it was just read.
    let granted = unsafe { Out::new(version, "version") }?;
    let newest = negotiate(requested).map_err(|Unsupported(nearest)| {
        granted.set(nearest.into());
        fail(ErrorCode::Version, format!("CKPT {requested} is not served; ask for {nearest}"))
    })?;
    handle.set(objects::issue_library(initialize(requested, callbacks, open)?)?);
    granted.set(newest.into());
    Ok(())
}

/// `saCkptInitialize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptInitialize(
    ckptHandle: *mut SaCkptHandleT,
    callbacks: *const SaCkptCallbacksT,
    version: *mut SaVersionT,
) -> SaAisErrorT {
    entry("saCkptInitialize", || {
        // SAFETY: the caller's word.
        let callbacks = unsafe { optional(callbacks) }.copied().unwrap_or_default().into();
        let negotiate = |requested: Version| requested.negotiate(VERSIONS);
        // SAFETY: the caller's word.
        unsafe {
            initialize_into(ckptHandle, version, callbacks, negotiate, Ckpt::<Session>::initialize)
        }
    })
}

/// `saCkptInitialize_2`, of the track extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptInitialize_2(
    ckptHandle: *mut SaCkptHandleT,
    callbacks: *const SaCkptCallbacksT_2,
    version: *mut SaVersionT,
) -> SaAisErrorT {
    entry("saCkptInitialize_2", || {
        // SAFETY: the caller's word.
        let callbacks = unsafe { optional(callbacks) }.copied().unwrap_or_default();
        let negotiate = |requested: Version| {
            let newest = TRACK_VERSION;
            let served = (requested.release, requested.major) == (newest.release, newest.major)
                && requested.minor >= newest.minor;
            served.then_some(newest).ok_or(Unsupported(newest))
        };
        let open = Ckpt::<Session>::initialize_tracking;
        // SAFETY: the caller's word.
        unsafe { initialize_into(ckptHandle, version, callbacks, negotiate, open) }
    })
}

/// `saCkptSelectionObjectGet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSelectionObjectGet(
    ckptHandle: SaCkptHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaAisErrorT {
    entry("saCkptSelectionObjectGet", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(selectionObject, "selectionObject") }?;
        out.set(objects::library(ckptHandle)?.selection_object()?);
        Ok(())
    })
}

/// `saCkptDispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptDispatch(
    ckptHandle: SaCkptHandleT,
    dispatchFlags: SaDispatchFlagsT,
) -> SaAisErrorT {
    entry("saCkptDispatch", || {
        let library = objects::library(ckptHandle)?;
        library.dispatch(dispatchFlags, |callback| callbacks::run(&library, callback))
    })
}

/// `saCkptFinalize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptFinalize(ckptHandle: SaCkptHandleT) -> SaAisErrorT {
    entry("saCkptFinalize", || objects::end_library(ckptHandle))
}
