//! Data access (`SAI-AIS-CKPT-B.02.02 §3.8`).

use crate::{
    objects::{self, Checkpoint, LOANS},
    types::{SaCkptCheckpointHandleT, SaCkptIOVectorElementT, SaCkptSectionIdT},
};
use ais_capi::{
    Failure, entry, fail, invalid, required, slice,
    types::{SaAisErrorT, SaInvocationT, SaSizeT, SaTimeT},
};
use ais_types::{
    ErrorCode, Payload, Time,
    ckpt::{ReadElement, WriteElement},
};
use std::{ffi::c_void, ptr};

/// The most bytes of data that one call carries.
const CALL_MAX: u64 = 64 << 20;

/// Bytes that no section of the checkpoint can have are refused before they are looked at: the
/// buffer may well be shorter than a wrong size says.
pub(crate) fn within_section(checkpoint: &Checkpoint, size: u64) -> Result<(), Failure> {
    let most = checkpoint.section_max.unwrap_or(CALL_MAX);
    match size <= most {
        true => Ok(()),
        false => Err(invalid(format!("{size} bytes are more than a section's {most}"))),
    }
}

/// What is too much for one call is too much.
pub(crate) fn within_one_frame(size: u64) -> Result<(), Failure> {
    match size <= CALL_MAX {
        true => Ok(()),
        false => {
            let text = format!("{size} bytes in one call are more than {CALL_MAX}");
            Err(fail(ErrorCode::NoResources, text))
        }
    }
}

/// # Safety
/// The pointers in the element are NULL or good for what its sizes say.
unsafe fn write_element(
    checkpoint: &Checkpoint,
    element: &SaCkptIOVectorElementT,
) -> Result<WriteElement, Failure> {
    // SAFETY: by contract.
    let section = unsafe { element.sectionId.read() }?;
    within_section(checkpoint, element.dataSize)?;
    within_one_frame(element.dataSize)?;
    // SAFETY: by contract.
    let data = unsafe {
        slice(element.dataBuffer.cast_const().cast::<u8>(), element.dataSize, "dataBuffer")
    }?;
    Ok(WriteElement { section, offset: element.dataOffset, data: data.to_vec().into() })
}

/// # Safety
/// The vector is NULL or has so many elements, and what they point to is good.
unsafe fn write_elements(
    checkpoint: &Checkpoint,
    vector: *const SaCkptIOVectorElementT,
    count: u32,
) -> Result<Vec<WriteElement>, Failure> {
    // SAFETY: by contract.
    let vector = unsafe { slice(required_vector(vector, count)?, u64::from(count), "ioVector") }?;
    let (mut elements, mut bytes) = (Vec::new(), 0_u64);
    for (index, element) in (0..).zip(vector) {
        bytes = bytes.saturating_add(element.dataSize);
        // SAFETY: by contract.
        let read = unsafe { write_element(checkpoint, element) };
        elements.push(
            read.and_then(|it| within_one_frame(bytes).map(|()| it)).map_err(|it| it.at(index))?,
        );
    }
    Ok(elements)
}

/// A vector is there and has elements.
fn required_vector(
    vector: *const SaCkptIOVectorElementT,
    count: u32,
) -> Result<*const SaCkptIOVectorElementT, Failure> {
    if vector.is_null() || count == 0 {
        return Err(invalid("ioVector is NULL or has no elements"));
    }
    Ok(vector)
}

/// Tells which element was at fault, if one was and the caller wants to know.
///
/// # Safety
/// The pointer is NULL or good for a number.
unsafe fn tell_index(failure: Failure, erroneous: *mut u32) -> Failure {
    if let Some(index) = failure.index
        && !erroneous.is_null()
    {
        // SAFETY: not NULL, and good by contract.
        unsafe { erroneous.write(index) };
    }
    failure
}

/// `saCkptCheckpointWrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointWrite(
    checkpointHandle: SaCkptCheckpointHandleT,
    ioVector: *const SaCkptIOVectorElementT,
    numberOfElements: u32,
    erroneousVectorIndex: *mut u32,
) -> SaAisErrorT {
    entry("saCkptCheckpointWrite", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // SAFETY: the caller's word.
        unsafe { write_elements(&it, ioVector, numberOfElements) }
            .and_then(|elements| it.library.ask(|ckpt| ckpt.write(it.number, elements)))
            // SAFETY: the caller's word.
            .map_err(|failure| unsafe { tell_index(failure, erroneousVectorIndex) })
    })
}

/// `saCkptSectionOverwrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptSectionOverwrite(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
    dataBuffer: *const c_void,
    dataSize: SaSizeT,
) -> SaAisErrorT {
    entry("saCkptSectionOverwrite", || {
        let it = objects::checkpoint(checkpointHandle)?;
        // SAFETY: the caller's word.
        let section = unsafe { required(sectionId, "sectionId")?.read()? };
        if dataBuffer.is_null() {
            return Err(invalid("dataBuffer is NULL"));
        }
        within_section(&it, dataSize)?;
        within_one_frame(dataSize)?;
        // SAFETY: the caller's word.
        let data = unsafe { slice(dataBuffer.cast::<u8>(), dataSize, "dataBuffer") }?.to_vec();
        it.library.ask(|ckpt| ckpt.overwrite(it.number, section, data))
    })
}

/// `saCkptCheckpointRead`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointRead(
    checkpointHandle: SaCkptCheckpointHandleT,
    ioVector: *mut SaCkptIOVectorElementT,
    numberOfElements: u32,
    erroneousVectorIndex: *mut u32,
) -> SaAisErrorT {
    entry("saCkptCheckpointRead", || {
        let it = objects::checkpoint(checkpointHandle)?;
        let read = || {
            // SAFETY: the caller's word.
            let elements = unsafe { read_elements(ioVector, numberOfElements) }?;
            let data = it.library.ask(|ckpt| ckpt.read(it.number, elements))?;
            // SAFETY: the caller's word.
            unsafe { fill(ioVector, numberOfElements, &data) }
        };
        // SAFETY: the caller's word.
        read().map_err(|failure| unsafe { tell_index(failure, erroneousVectorIndex) })
    })
}

/// # Safety
/// The vector is NULL or has so many elements, and their ids are good.
unsafe fn read_elements(
    vector: *const SaCkptIOVectorElementT,
    count: u32,
) -> Result<Vec<ReadElement>, Failure> {
    // SAFETY: by contract.
    let vector = unsafe { slice(required_vector(vector, count)?, u64::from(count), "ioVector") }?;
    let element = |(index, element): (u32, &SaCkptIOVectorElementT)| {
        // SAFETY: by contract.
        let section = unsafe { element.sectionId.read() }.map_err(|it| it.at(index))?;
        let size = (!element.dataBuffer.is_null()).then_some(element.dataSize);
        Ok(ReadElement { section, offset: element.dataOffset, size })
    };
    (0..).zip(vector).map(element).collect()
}

/// Puts what was read where it belongs: into the caller's buffers, or into new ones.
///
/// # Safety
/// The vector has so many elements, and their buffers are as large as they say.
unsafe fn fill(
    vector: *mut SaCkptIOVectorElementT,
    count: u32,
    data: &[Payload],
) -> Result<(), Failure> {
    if data.len() != count as usize {
        return Err(fail(ErrorCode::Library, "the node answered for another vector"));
    }
    for (index, bytes) in data.iter().enumerate() {
        // SAFETY: the index is below the count.
        let element = unsafe { vector.add(index) };
        // SAFETY: by contract.
        if let Err(failure) = unsafe { fill_element(element, bytes) } {
            (0..index).for_each(|before| {
                // SAFETY: filled just before.
                unsafe { take_back(vector.add(before)) }
            });
            return Err(failure);
        }
    }
    // Now that nothing can fail any more: what was allocated is the caller's, with its size.
    Ok(())
}

/// # Safety
/// The element's buffer is NULL or as large as it says.
unsafe fn fill_element(element: *mut SaCkptIOVectorElementT, bytes: &[u8]) -> Result<(), Failure> {
    // SAFETY: by contract.
    let (buffer, room) = unsafe { ((*element).dataBuffer, (*element).dataSize) };
    let length = bytes.len() as u64;
    let (buffer, size, length) = match buffer.is_null() {
        true if bytes.is_empty() => (ptr::null_mut(), 0, 0),
        true => (LOANS.lend_bytes(bytes)?.cast::<c_void>(), length, length),
        false => {
            let fits = length.min(room);
            // SAFETY: by contract the buffer has room for `room` bytes, and `fits` is no more
            // than that nor than there are.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast::<u8>(), fits as usize) };
            (buffer, room, fits)
        }
    };
    // SAFETY: by contract.
    unsafe {
        (*element).dataBuffer = buffer;
        (*element).dataSize = size;
        (*element).readSize = length;
    }
    Ok(())
}

/// A call that fails in the end leaves no memory behind.
///
/// # Safety
/// The element was filled.
unsafe fn take_back(element: *mut SaCkptIOVectorElementT) {
    // SAFETY: by contract.
    let buffer = unsafe { (*element).dataBuffer };
    // The caller's own buffers are not from here, and stay as they are.
    if LOANS.take_back(buffer).is_ok() {
        // SAFETY: by contract.
        unsafe { (*element).dataBuffer = ptr::null_mut() };
    }
}

/// `saCkptIOVectorElementDataFree`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptIOVectorElementDataFree(
    checkpointHandle: SaCkptCheckpointHandleT,
    data: *mut c_void,
) -> SaAisErrorT {
    entry("saCkptIOVectorElementDataFree", || {
        objects::checkpoint(checkpointHandle)?;
        LOANS.take_back(data)
    })
}

/// `saCkptCheckpointSynchronize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointSynchronize(
    checkpointHandle: SaCkptCheckpointHandleT,
    timeout: SaTimeT,
) -> SaAisErrorT {
    entry("saCkptCheckpointSynchronize", || {
        let it = objects::checkpoint(checkpointHandle)?;
        it.library.ask(|ckpt| ckpt.synchronize(it.number, Time(timeout)))
    })
}

/// `saCkptCheckpointSynchronizeAsync`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saCkptCheckpointSynchronizeAsync(
    checkpointHandle: SaCkptCheckpointHandleT,
    invocation: SaInvocationT,
) -> SaAisErrorT {
    entry("saCkptCheckpointSynchronizeAsync", || {
        let it = objects::checkpoint(checkpointHandle)?;
        it.library.ask(|ckpt| ckpt.synchronize_async(it.number, invocation))
    })
}
