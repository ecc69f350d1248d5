//! Section management (`SAI-AIS-CKPT-B.02.02 §3.7`).

use crate::{
    data::{within_one_frame, within_section},
    objects::{self, LOANS, end_iteration},
    types::{
        SaCkptCheckpointHandleT, SaCkptSectionCreationAttributesT, SaCkptSectionDescriptorT,
        SaCkptSectionIdT, SaCkptSectionIterationHandleT,
    },
};
use ais_capi::{
    Out, entry, required, slice,
    types::{SaAisErrorT, SaSizeT, SaTimeT},
};
use ais_types::{ErrorCode, Time, ckpt::SectionsChosen};
use std::ffi::c_void;

/// `saCkptSectionCreate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionCreate(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionCreationAttributes: *mut SaCkptSectionCreationAttributesT,
    initialData: *const c_void,
    initialDataSize: SaSizeT,
) -> SaAisErrorT {
    entry("saCkptSectionCreate", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // SAFETY: the caller's word.
        let attributes = unsafe {
            *required(sectionCreationAttributes.cast_const(), "sectionCreationAttributes")?
        };
        // SAFETY: the caller's word.
        let section = unsafe { *required(attributes.sectionId.cast_const(), "sectionId")? };
        // SAFETY: the caller's word.
        let section = unsafe { section.read() }?;
        within_section(&it, initialDataSize)?;
        within_one_frame(initialDataSize)?;
        // SAFETY: the caller's word.
        let data = unsafe { slice(initialData.cast::<u8>(), initialDataSize, "initialData") }?;
        let made_up = section.is_none();
        let (data, expiration) = (data.to_vec(), Time(attributes.expirationTime));
        let created =
            it.library.ask(|ckpt| ckpt.section_create(it.number, section, expiration, data))?;
        if made_up {
            let octets = created.as_bytes();
            let id = LOANS.lend_bytes(octets)?;
            let idLen = u16::try_from(octets.len()).unwrap_or(u16::MAX);
            // SAFETY: it was read from just above.
            unsafe { attributes.sectionId.write(SaCkptSectionIdT { idLen, id }) };
        }
        Ok(())
    })
}

/// `saCkptSectionIdFree`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionIdFree(
    checkpointHandle: SaCkptCheckpointHandleT,
    id: *mut u8,
) -> SaAisErrorT {
    entry("saCkptSectionIdFree", || {
        objects::checkpoint(checkpointHandle)?;
        LOANS.take_back(id)
    })
}

/// `saCkptSectionDelete`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionDelete(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
) -> SaAisErrorT {
    entry("saCkptSectionDelete", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // SAFETY: the caller's word.
        let section = unsafe { required(sectionId, "sectionId")?.read()? };
        it.library.ask(|ckpt| ckpt.section_delete(it.number, section))
    })
}

/// `saCkptSectionExpirationTimeSet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionExpirationTimeSet(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
    expirationTime: SaTimeT,
) -> SaAisErrorT {
    entry("saCkptSectionExpirationTimeSet", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // SAFETY: the caller's word.
        let section = unsafe { required(sectionId, "sectionId")?.read()? };
        let expiration = Time(expirationTime);
        it.library.ask(|ckpt| ckpt.section_expiration_time_set(it.number, section, expiration))
    })
}

/// `saCkptSectionIterationInitialize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionIterationInitialize(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionsChosen: u32,
    expirationTime: SaTimeT,
    sectionIterationHandle: *mut SaCkptSectionIterationHandleT,
) -> SaAisErrorT {
    entry("saCkptSectionIterationInitialize", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(sectionIterationHandle, "sectionIterationHandle") }?;
        let it = objects::checkpoint(checkpointHandle)?;
        let (chosen, expiration) = (SectionsChosen(sectionsChosen), Time(expirationTime));
        let number = it
            .library
            .ask(|ckpt| ckpt.section_iteration_initialize(it.number, chosen, expiration))?;
        out.set(objects::issue_iteration(&it, number)?);
        Ok(())
    })
}

/// `saCkptSectionIterationNext`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionIterationNext(
    sectionIterationHandle: SaCkptSectionIterationHandleT,
    sectionDescriptor: *mut SaCkptSectionDescriptorT,
) -> SaAisErrorT {
    entry("saCkptSectionIterationNext", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(sectionDescriptor, "sectionDescriptor") }?;
        let it = objects::iteration(sectionIterationHandle)?;
        let found = it.checkpoint.library.ask(|ckpt| ckpt.section_iteration_next(it.number))?;
        let octets = found.section.as_bytes();
        let idLen = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        out.set(SaCkptSectionDescriptorT {
            sectionId: SaCkptSectionIdT { idLen, id: it.keep(octets) },
            expirationTime: found.expiration.0,
            sectionSize: found.size,
            sectionState: found.state as u32,
            lastUpdate: found.last_update.0,
        });
        Ok(())
    })
}

/// `saCkptSectionIterationFinalize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionIterationFinalize(
    sectionIterationHandle: SaCkptSectionIterationHandleT,
) -> SaAisErrorT {
    entry("saCkptSectionIterationFinalize", || {
        let it = objects::iteration(sectionIterationHandle)?;
        let ended = it.checkpoint.library.ask(|ckpt| ckpt.section_iteration_finalize(it.number));
        match ended {
            // Without an active replica there is nothing to walk over, and nothing to keep.
            Err(failure) if failure.code != ErrorCode::NotExist => return Err(failure),
            Ok(()) | Err(_) => end_iteration(sectionIterationHandle, &it),
        }
        Ok(())
    })
}
