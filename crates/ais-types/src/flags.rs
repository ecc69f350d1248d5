//! The flag words that all services share.

use crate::ErrorCode;
use serde::{Deserialize, Serialize};

/// `SaDispatchFlagsT`.
#[doc(alias = "SaDispatchFlagsT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DispatchFlags {
    /// At most one pending callback.
    One,
    /// All that are pending.
    All,
    /// Until the handle is finalized.
    Blocking,
}

impl DispatchFlags {
    /// The flags with this number.
    ///
    /// # Errors
    /// `INVALID_PARAM` for any number but 1, 2 and 3.
    pub const fn from_number(number: u32) -> Result<Self, ErrorCode> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::All),
            3 => Ok(Self::Blocking),
            _ => Err(ErrorCode::InvalidParam),
        }
    }
}

/// `SA_TRACK_*`, as the caller gave them; which combinations are legal is each service's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackFlags(pub u8);

impl TrackFlags {
    /// Tell the current state once.
    #[doc(alias = "SA_TRACK_CURRENT")]
    pub const CURRENT: Self = Self(0x01);
    /// Tell everything at each change.
    #[doc(alias = "SA_TRACK_CHANGES")]
    pub const CHANGES: Self = Self(0x02);
    /// Tell what changed at each change.
    #[doc(alias = "SA_TRACK_CHANGES_ONLY")]
    pub const CHANGES_ONLY: Self = Self(0x04);
    /// Only what concerns this node.
    #[doc(alias = "SA_TRACK_LOCAL")]
    pub const LOCAL: Self = Self(0x08);
    /// Tell the start step of a planned change.
    #[doc(alias = "SA_TRACK_START_STEP")]
    pub const START_STEP: Self = Self(0x10);
    /// Ask before a planned change.
    #[doc(alias = "SA_TRACK_VALIDATE_STEP")]
    pub const VALIDATE_STEP: Self = Self(0x20);

    /// Whether all of `other`'s flags are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl core::ops::BitOr for TrackFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
