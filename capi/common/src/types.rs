//! `saAis.h`: the layouts that all services share.
#![allow(non_snake_case, reason = "fields are called as in the header")]

use ais_types::Version;

/// `SaAisErrorT`. Enumerations of C are plain numbers here: a caller may pass any.
pub type SaAisErrorT = u32;
/// `SaTimeT`.
pub type SaTimeT = i64;
/// `SaInvocationT`.
pub type SaInvocationT = u64;
/// `SaSizeT` and `SaOffsetT`.
pub type SaSizeT = u64;
/// `SaSelectionObjectT`: a file descriptor.
pub type SaSelectionObjectT = u64;
/// `SaDispatchFlagsT`.
pub type SaDispatchFlagsT = u32;

/// `SA_AIS_OK`.
pub const SA_AIS_OK: SaAisErrorT = 1;
/// `SA_MAX_NAME_LENGTH`.
pub const SA_MAX_NAME_LENGTH: usize = 256;

/// `SaVersionT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaVersionT {
    /// A capital letter.
    pub releaseCode: u8,
    /// Compatible downwards.
    pub majorVersion: u8,
    /// Ignored in requests.
    pub minorVersion: u8,
}

impl From<SaVersionT> for Version {
    fn from(it: SaVersionT) -> Self {
        Self { release: it.releaseCode, major: it.majorVersion, minor: it.minorVersion }
    }
}

impl From<Version> for SaVersionT {
    fn from(it: Version) -> Self {
        Self { releaseCode: it.release, majorVersion: it.major, minorVersion: it.minor }
    }
}

/// `SaNameT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaNameT {
    /// How many octets count; a mark of its own in an extended name.
    pub length: u16,
    /// The octets; NUL after them, if there is room.
    pub value: [u8; SA_MAX_NAME_LENGTH],
}

/// `SaNtfCorrelationIdsT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaNtfCorrelationIdsT {
    /// 0 is none.
    pub rootCorrelationId: u64,
    /// 0 is none.
    pub parentCorrelationId: u64,
    /// 0 is none.
    pub notificationId: u64,
}

const _: () = {
    assert!(size_of::<SaVersionT>() == 3 && align_of::<SaVersionT>() == 1);
    assert!(size_of::<SaNameT>() == 258 && align_of::<SaNameT>() == 2);
    assert!(size_of::<SaNtfCorrelationIdsT>() == 24);
};
