//! Checkpoint management (`SAI-AIS-CKPT-B.02.02 §3.6`).

use crate::{
    objects::{self, end_checkpoint},
    types::{
        SaCkptCheckpointCreationAttributesT, SaCkptCheckpointDescriptorT, SaCkptCheckpointHandleT,
        SaCkptHandleT,
    },
};
use ais_capi::{
    Out, entry, name, optional,
    types::{SaAisErrorT, SaInvocationT, SaNameT, SaTimeT},
};
use ais_types::{
    Time,
    ckpt::{CreationAttributes, OpenFlags},
};

/// `saCkptCheckpointOpen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointOpen(
    ckptHandle: SaCkptHandleT,
    checkpointName: *const SaNameT,
    checkpointCreationAttributes: *const SaCkptCheckpointCreationAttributesT,
    checkpointOpenFlags: u32,
    timeout: SaTimeT,
    checkpointHandle: *mut SaCkptCheckpointHandleT,
) -> SaAisErrorT {
    entry("saCkptCheckpointOpen", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(checkpointHandle, "checkpointHandle") }?;
        let library = objects::library(ckptHandle)?;
        // SAFETY: the caller's word.
        let (name, attributes) = unsafe {
            (name::read(checkpointName, "checkpointName")?, optional(checkpointCreationAttributes))
        };
        let attributes = attributes.copied().map(CreationAttributes::from);
        let (flags, timeout) = (OpenFlags(checkpointOpenFlags), Time(timeout));
        let number = library.ask(|ckpt| ckpt.open(name, attributes, flags, timeout))?;
        // With attributes the open succeeds only if they are the checkpoint's.
        let section_max = attributes.map(|it| it.max_section_size);
        out.set(objects::issue_checkpoint(&library, number, section_max)?);
        Ok(())
    })
}

/// `saCkptCheckpointOpenAsync`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointOpenAsync(
    ckptHandle: SaCkptHandleT,
    invocation: SaInvocationT,
    checkpointName: *const SaNameT,
    checkpointCreationAttributes: *const SaCkptCheckpointCreationAttributesT,
    checkpointOpenFlags: u32,
) -> SaAisErrorT {
    entry("saCkptCheckpointOpenAsync", || {
        let library = objects::library(ckptHandle)?;
        // SAFETY: the caller's word.
        let (name, attributes) = unsafe {
            (name::read(checkpointName, "checkpointName")?, optional(checkpointCreationAttributes))
        };
        let attributes = attributes.copied().map(CreationAttributes::from);
        let flags = OpenFlags(checkpointOpenFlags);
        library.ask(|ckpt| ckpt.open_async(invocation, name, attributes, flags))
    })
}

/// `saCkptCheckpointClose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointClose(
    checkpointHandle: SaCkptCheckpointHandleT,
) -> SaAisErrorT {
    entry("saCkptCheckpointClose", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // Refused, it stays open.
        it.library.ask(|ckpt| ckpt.close(it.number))?;
        end_checkpoint(checkpointHandle, &it);
        Ok(())
    })
}

/// `saCkptCheckpointUnlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointUnlink(
    ckptHandle: SaCkptHandleT,
    checkpointName: *const SaNameT,
) -> SaAisErrorT {
    entry("saCkptCheckpointUnlink", || {
        let library = objects::library(ckptHandle)?;
        // SAFETY: the caller's word.
        let name = unsafe { name::read(checkpointName, "checkpointName") }?;
        library.ask(|ckpt| ckpt.unlink(name))
    })
}

/// `saCkptCheckpointRetentionDurationSet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointRetentionDurationSet(
    checkpointHandle: SaCkptCheckpointHandleT,
    retentionDuration: SaTimeT,
) -> SaAisErrorT {
    entry("saCkptCheckpointRetentionDurationSet", || {
        let it = objects::checkpoint(checkpointHandle)?;
        it.library.ask(|ckpt| ckpt.retention_duration_set(it.number, Time(retentionDuration)))
    })
}

/// `saCkptActiveReplicaSet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptActiveReplicaSet(
    checkpointHandle: SaCkptCheckpointHandleT,
) -> SaAisErrorT {
    entry("saCkptActiveReplicaSet", || {
        let it = objects::checkpoint(checkpointHandle)?;
        it.library.ask(|ckpt| ckpt.active_replica_set(it.number))
    })
}

/// `saCkptCheckpointStatusGet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointStatusGet(
    checkpointHandle: SaCkptCheckpointHandleT,
    checkpointStatus: *mut SaCkptCheckpointDescriptorT,
) -> SaAisErrorT {
    entry("saCkptCheckpointStatusGet", || {
        // SAFETY: the caller's word.
        let out = unsafe { Out::new(checkpointStatus, "checkpointStatus") }?;
        let it = objects::checkpoint(checkpointHandle)?;
        let status = it.library.ask(|ckpt| ckpt.status(it.number))?;
        out.set(SaCkptCheckpointDescriptorT {
            checkpointCreationAttributes: status.attributes.into(),
            numberOfSections: status.number_of_sections,
            memoryUsed: status.memory_used,
        });
        Ok(())
    })
}
