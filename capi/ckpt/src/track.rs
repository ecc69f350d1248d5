//! The extension that tells of changes made through other handles ("B.02.03").

use crate::{
    objects,
    types::{SaCkptCheckpointHandleT, SaCkptHandleT},
};
use ais_capi::{entry, fail, types::SaAisErrorT};
use ais_types::ErrorCode;

/// `saCkptTrack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptTrack(ckptHandle: SaCkptHandleT) -> SaAisErrorT {
    entry("saCkptTrack", || objects::library(ckptHandle)?.ask(|ckpt| ckpt.track()))
}

/// `saCkptTrackStop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptTrackStop(ckptHandle: SaCkptHandleT) -> SaAisErrorT {
    entry("saCkptTrackStop", || objects::library(ckptHandle)?.ask(|ckpt| ckpt.track_stop()))
}

/// `saCkptCheckpointTrack`: there is no such thing for a single checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointTrack(
    checkpointHandle: SaCkptCheckpointHandleT,
) -> SaAisErrorT {
    not_for_one("saCkptCheckpointTrack", checkpointHandle)
}

/// `saCkptCheckpointTrackStop`: there is no such thing for a single checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointTrackStop(
    checkpointHandle: SaCkptCheckpointHandleT,
) -> SaAisErrorT {
    not_for_one("saCkptCheckpointTrackStop", checkpointHandle)
}

fn not_for_one(function: &'static str, handle: u64) -> SaAisErrorT {
    entry(function, || {
        let text = format!("checkpoint {handle:#x} alone cannot be tracked: use saCkptTrack");
        Err(fail(ErrorCode::NotSupported, text))
    })
}
