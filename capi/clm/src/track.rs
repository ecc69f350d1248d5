//! Tracking the membership (`SAI-AIS-CLM-B.04.01`, saClmClusterTrack).

use crate::{
    generation::{Node, items},
    objects::{self, ClmLibrary},
    types::{
        Notification, NotificationBuffer, SaClmClusterNodeT, SaClmClusterNodeT_4, SaClmHandleT,
    },
};
use ais_capi::{Failure, entry, fail, types::SaAisErrorT};
use ais_client::Tracked;
use ais_types::{
    ErrorCode, TrackFlags,
    clm::{self, Buffer},
};

/// # Safety
/// The buffer is NULL or good; its array is NULL or has as many items as it says.
unsafe fn track<N: Node>(
    handle: u64,
    flags: u8,
    buffer: *mut NotificationBuffer<N>,
) -> Result<(), Failure> {
    let library = objects::library_of(handle, N::API)?;
    // SAFETY: by contract; nothing of it is kept.
    let whither = match unsafe { buffer.as_ref() } {
        None => Buffer::None,
        Some(it) if it.notification.is_null() => Buffer::Library,
        Some(it) => Buffer::Items(it.numberOfItems),
    };
    match library.ask(|clm| clm.track_into(TrackFlags(flags), whither))? {
        Tracked::Nothing => Ok(()),
        Tracked::NoSpace(needed) => {
            if !buffer.is_null() {
                // SAFETY: not NULL, and good by contract.
                unsafe { (*buffer).numberOfItems = needed };
            }
            Err(fail(ErrorCode::NoSpace, format!("the membership takes {needed} items")))
        }
        // SAFETY: by contract.
        Tracked::Current(current) => unsafe { fill(&library, buffer, &current) },
    }
}

/// # Safety
/// The buffer is NULL or good; its array is NULL or has as many items as it says.
unsafe fn fill<N: Node>(
    library: &ClmLibrary,
    buffer: *mut NotificationBuffer<N>,
    current: &clm::Notification,
) -> Result<(), Failure> {
    // SAFETY: by contract.
    let Some(buffer) = (unsafe { buffer.as_mut() }) else {
        return Err(fail(ErrorCode::Library, "the node answered into a buffer that was not given"));
    };
    let items = items::<N>(current);
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    if buffer.notification.is_null() {
        let room = library.callbacks().loans.lend::<Notification<N>>(items.len())?;
        buffer.notification = room;
    } else if buffer.numberOfItems < count {
        return Err(fail(ErrorCode::Library, "the node answered more items than there is room"));
    }
    // SAFETY: there is room for so many, as was allocated or checked; the two do not overlap.
    unsafe { buffer.notification.copy_from_nonoverlapping(items.as_ptr(), items.len()) };
    buffer.viewNumber = current.view;
    buffer.numberOfItems = count;
    Ok(())
}

/// # Safety
/// As C's `free`.
unsafe fn free<N: Node>(handle: u64, notification: *mut Notification<N>) -> Result<(), Failure> {
    objects::library_of(handle, N::API)?.callbacks().loans.take_back(notification)
}

/// `saClmClusterTrack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterTrack(
    clmHandle: SaClmHandleT,
    trackFlags: u8,
    notificationBuffer: *mut NotificationBuffer<SaClmClusterNodeT>,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterTrack", || unsafe { track(clmHandle, trackFlags, notificationBuffer) })
}

/// `saClmClusterTrack_4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterTrack_4(
    clmHandle: SaClmHandleT,
    trackFlags: u8,
    notificationBuffer: *mut NotificationBuffer<SaClmClusterNodeT_4>,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterTrack_4", || unsafe { track(clmHandle, trackFlags, notificationBuffer) })
}

/// `saClmClusterTrackStop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterTrackStop(clmHandle: SaClmHandleT) -> SaAisErrorT {
    entry("saClmClusterTrackStop", || objects::library(clmHandle)?.ask(|clm| clm.track_stop()))
}

/// `saClmClusterNotificationFree`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNotificationFree(
    clmHandle: SaClmHandleT,
    notification: *mut Notification<SaClmClusterNodeT>,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterNotificationFree", || unsafe { free(clmHandle, notification) })
}

/// `saClmClusterNotificationFree_4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNotificationFree_4(
    clmHandle: SaClmHandleT,
    notification: *mut Notification<SaClmClusterNodeT_4>,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterNotificationFree_4", || unsafe { free(clmHandle, notification) })
}
