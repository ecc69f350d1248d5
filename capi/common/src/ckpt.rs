//! The structures of `saCkpt.h`.
#![allow(non_snake_case, non_camel_case_types, reason = "called as in the header")]

use crate::{Failure, invalid, slice, types::SaTimeT};
use ais_types::{
    Time,
    ckpt::{CreationAttributes, CreationFlags, SectionId},
};
use std::ffi::c_void;

/// `SaCkptHandleT`.
pub type SaCkptHandleT = u64;
/// `SaCkptCheckpointHandleT`.
pub type SaCkptCheckpointHandleT = u64;
/// `SaCkptSectionIterationHandleT`.
pub type SaCkptSectionIterationHandleT = u64;

/// `SaCkptCheckpointCreationAttributesT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptCheckpointCreationAttributesT {
    /// Update option, and who places replicas.
    pub creationFlags: u32,
    /// Bytes.
    pub checkpointSize: u64,
    /// Nanoseconds.
    pub retentionDuration: SaTimeT,
    /// The most sections.
    pub maxSections: u32,
    /// Bytes.
    pub maxSectionSize: u64,
    /// Octets.
    pub maxSectionIdSize: u64,
}

impl From<SaCkptCheckpointCreationAttributesT> for CreationAttributes {
    fn from(it: SaCkptCheckpointCreationAttributesT) -> Self {
        Self {
            creation_flags: CreationFlags(it.creationFlags),
            checkpoint_size: it.checkpointSize,
            retention_duration: Time(it.retentionDuration),
            max_sections: it.maxSections,
            max_section_size: it.maxSectionSize,
            max_section_id_size: it.maxSectionIdSize,
        }
    }
}

impl From<CreationAttributes> for SaCkptCheckpointCreationAttributesT {
    fn from(it: CreationAttributes) -> Self {
        Self {
            creationFlags: it.creation_flags.0,
            checkpointSize: it.checkpoint_size,
            retentionDuration: it.retention_duration.0,
            maxSections: it.max_sections,
            maxSectionSize: it.max_section_size,
            maxSectionIdSize: it.max_section_id_size,
        }
    }
}

/// `SaCkptCheckpointDescriptorT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptCheckpointDescriptorT {
    /// As created.
    pub checkpointCreationAttributes: SaCkptCheckpointCreationAttributesT,
    /// The default section counts.
    pub numberOfSections: u32,
    /// Bytes.
    pub memoryUsed: u64,
}

/// `SaCkptSectionIdT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptSectionIdT {
    /// Octets.
    pub idLen: u16,
    /// NULL exactly if there are none.
    pub id: *mut u8,
}

impl SaCkptSectionIdT {
    /// The id.
    ///
    /// # Errors
    /// INVALID_PARAM when pointer and length contradict each other.
    ///
    /// # Safety
    /// The pointer is NULL or points to so many octets.
    pub unsafe fn read(&self) -> Result<SectionId, Failure> {
        if self.id.is_null() != (self.idLen == 0) {
            return Err(invalid("a section id has octets and a length, or neither of them"));
        }
        // SAFETY: by contract.
        let octets = unsafe { slice(self.id.cast_const(), u64::from(self.idLen), "id") }?;
        SectionId::new(octets).map_err(|it| invalid(it.to_string()))
    }
}

/// `SaCkptSectionCreationAttributesT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptSectionCreationAttributesT {
    /// In, and out if the service makes one up.
    pub sectionId: *mut SaCkptSectionIdT,
    /// A moment.
    pub expirationTime: SaTimeT,
}

/// `SaCkptSectionDescriptorT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptSectionDescriptorT {
    /// Its octets belong to the library.
    pub sectionId: SaCkptSectionIdT,
    /// A moment.
    pub expirationTime: SaTimeT,
    /// Bytes.
    pub sectionSize: u64,
    /// `SaCkptSectionStateT`.
    pub sectionState: u32,
    /// A moment.
    pub lastUpdate: SaTimeT,
}

/// `SaCkptIOVectorElementT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaCkptIOVectorElementT {
    /// Which section.
    pub sectionId: SaCkptSectionIdT,
    /// Where the bytes are, or go.
    pub dataBuffer: *mut c_void,
    /// Bytes.
    pub dataSize: u64,
    /// In the section.
    pub dataOffset: u64,
    /// How many bytes were read.
    pub readSize: u64,
}

/// `SaCkptCheckpointOpenCallbackT`.
pub type OpenCallback = unsafe extern "C" fn(u64, SaCkptCheckpointHandleT, u32);
/// `SaCkptCheckpointSynchronizeCallbackT`.
pub type SynchronizeCallback = unsafe extern "C" fn(u64, u32);
/// `SaCkptCheckpointTrackCallbackT`.
pub type TrackCallback =
    unsafe extern "C" fn(SaCkptCheckpointHandleT, *mut SaCkptIOVectorElementT, u32);

/// `SaCkptCallbacksT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SaCkptCallbacksT {
    /// For OpenAsync.
    pub saCkptCheckpointOpenCallback: Option<OpenCallback>,
    /// For SynchronizeAsync.
    pub saCkptCheckpointSynchronizeCallback: Option<SynchronizeCallback>,
}

/// `SaCkptCallbacksT_2`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SaCkptCallbacksT_2 {
    /// For OpenAsync.
    pub saCkptCheckpointOpenCallback: Option<OpenCallback>,
    /// For SynchronizeAsync.
    pub saCkptCheckpointSynchronizeCallback: Option<SynchronizeCallback>,
    /// For Track.
    pub saCkptCheckpointTrackCallback: Option<TrackCallback>,
}

impl From<SaCkptCallbacksT> for SaCkptCallbacksT_2 {
    fn from(it: SaCkptCallbacksT) -> Self {
        Self {
            saCkptCheckpointOpenCallback: it.saCkptCheckpointOpenCallback,
            saCkptCheckpointSynchronizeCallback: it.saCkptCheckpointSynchronizeCallback,
            saCkptCheckpointTrackCallback: None,
        }
    }
}

const _: () = {
    assert!(size_of::<SaCkptCheckpointCreationAttributesT>() == 48);
    assert!(size_of::<SaCkptSectionIdT>() == 16);
    assert!(size_of::<SaCkptSectionCreationAttributesT>() == 16);
    assert!(size_of::<SaCkptSectionDescriptorT>() == 48);
    assert!(size_of::<SaCkptIOVectorElementT>() == 48);
    assert!(size_of::<SaCkptCheckpointDescriptorT>() == 64);
    assert!(size_of::<SaCkptCallbacksT>() == 16);
    assert!(size_of::<SaCkptCallbacksT_2>() == 24);
};
