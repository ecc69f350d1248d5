//! From what a program is told to the C function that it registered for it.

use crate::{
    objects::{self, CkptLibrary},
    types::{SaCkptIOVectorElementT, SaCkptSectionIdT},
};
use ais_capi::number_of;
use ais_types::ckpt::{Callback, TrackElement};
use std::{ptr, sync::Arc};

/// Runs one callback in this thread. No lock is held.
pub(crate) fn run(library: &Arc<CkptLibrary>, callback: Callback) {
    let program = library.callbacks();
    match callback {
        Callback::Open { invocation, outcome } => {
            let outcome = outcome
                .map_err(|code| library.known(code))
                .and_then(|it| objects::issue_checkpoint(library, it, None).map_err(|e| e.code));
            let (handle, code) = match outcome {
                Ok(handle) => (handle, None),
                Err(code) => (0, Some(code)),
            };
            if let Some(run) = program.callbacks.saCkptCheckpointOpenCallback {
                // SAFETY: the program registered it for this.
                unsafe { run(invocation, handle, number_of(code)) };
            }
        }
        Callback::Synchronize { invocation, outcome, .. } => {
            let code = outcome.err().map(|code| library.known(code));
            if let Some(run) = program.callbacks.saCkptCheckpointSynchronizeCallback {
                // SAFETY: the program registered it for this.
                unsafe { run(invocation, number_of(code)) };
            }
        }
        Callback::Track { checkpoint, elements } => {
            let handle = program.handle_of(checkpoint);
            if let (Some(run), Some(handle)) =
                (program.callbacks.saCkptCheckpointTrackCallback, handle)
            {
                with_vector(&elements, |vector| {
                    let count = u32::try_from(vector.len()).unwrap_or(u32::MAX);
                    // SAFETY: the program registered it for this; the vector lives until it
                    // returns.
                    unsafe { run(handle, vector.as_mut_ptr(), count) };
                });
            }
        }
        // For operators; no function of this library asks for it.
        Callback::Notification(_) => {}
    }
}

/// The elements as C sees them, without data.
fn with_vector(elements: &[TrackElement], run: impl FnOnce(&mut [SaCkptIOVectorElementT])) {
    let mut ids: Vec<Vec<u8>> = elements.iter().map(|it| it.section.as_bytes().into()).collect();
    let element = |(it, id): (&TrackElement, &mut Vec<u8>)| SaCkptIOVectorElementT {
        sectionId: SaCkptSectionIdT {
            idLen: u16::try_from(id.len()).unwrap_or(u16::MAX),
            id: if id.is_empty() { ptr::null_mut() } else { id.as_mut_ptr() },
        },
        dataBuffer: ptr::null_mut(),
        dataSize: it.size,
        dataOffset: it.offset,
        readSize: 0,
    };
    let mut vector: Vec<_> = elements.iter().zip(&mut ids).map(element).collect();
    run(&mut vector);
}
