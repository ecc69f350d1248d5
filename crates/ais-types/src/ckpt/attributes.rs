//! What a checkpoint is created with, what it is opened for, and how it is doing.

use crate::Time;
use serde::{Deserialize, Serialize};

/// `SaCkptCheckpointCreationFlagsT`, as the program wrote it.
#[doc(alias = "SaCkptCheckpointCreationFlagsT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CreationFlags(pub u32);

impl CreationFlags {
    /// A mutation returns when every replica has it.
    #[doc(alias = "SA_CKPT_WR_ALL_REPLICAS")]
    pub const WR_ALL_REPLICAS: Self = Self(0x1);
    /// A mutation returns when the active replica has it.
    #[doc(alias = "SA_CKPT_WR_ACTIVE_REPLICA")]
    pub const WR_ACTIVE_REPLICA: Self = Self(0x2);
    /// As `WR_ACTIVE_REPLICA`, and not necessarily atomic.
    #[doc(alias = "SA_CKPT_WR_ACTIVE_REPLICA_WEAK")]
    pub const WR_ACTIVE_REPLICA_WEAK: Self = Self(0x4);
    /// The program decides where replicas are, and which is active.
    #[doc(alias = "SA_CKPT_CHECKPOINT_COLLOCATED")]
    pub const COLLOCATED: Self = Self(0x8);

    /// Whether exactly one update option is chosen, with or without `COLLOCATED` (§3.4.2).
    #[must_use]
    pub const fn valid(self) -> bool {
        matches!(self.0, 1 | 2 | 4 | 9 | 10 | 12)
    }

    /// Whether mutations wait for all replicas.
    #[must_use]
    pub const fn synchronous(self) -> bool {
        self.0 & Self::WR_ALL_REPLICAS.0 != 0
    }

    /// Whether an update that is cut off may leave a section corrupted.
    #[must_use]
    pub const fn weak(self) -> bool {
        self.0 & Self::WR_ACTIVE_REPLICA_WEAK.0 != 0
    }

    /// Whether the program decides where replicas are.
    #[must_use]
    pub const fn collocated(self) -> bool {
        self.0 & Self::COLLOCATED.0 != 0
    }
}

impl core::ops::BitOr for CreationFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `SaCkptCheckpointOpenFlagsT`, as the program wrote it.
#[doc(alias = "SaCkptCheckpointOpenFlagsT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// To read.
    #[doc(alias = "SA_CKPT_CHECKPOINT_READ")]
    pub const READ: Self = Self(0x1);
    /// To write.
    #[doc(alias = "SA_CKPT_CHECKPOINT_WRITE")]
    pub const WRITE: Self = Self(0x2);
    /// Create it if it is not there.
    #[doc(alias = "SA_CKPT_CHECKPOINT_CREATE")]
    pub const CREATE: Self = Self(0x4);

    /// Whether there is a flag, and none that is unknown (§3.4.4).
    #[must_use]
    pub const fn valid(self) -> bool {
        matches!(self.0, 1..=7)
    }

    /// Whether all of `other`'s flags are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl core::ops::BitOr for OpenFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `SaCkptCheckpointCreationAttributesT` (§3.4.3).
#[doc(alias = "SaCkptCheckpointCreationAttributesT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationAttributes {
    /// Update option, and who places replicas.
    pub creation_flags: CreationFlags,
    /// The most bytes of data in all sections together.
    pub checkpoint_size: u64,
    /// How long to keep the checkpoint while nobody has it open.
    pub retention_duration: Time,
    /// The most sections. With 1 there is one from the beginning, the default section.
    pub max_sections: u32,
    /// The most bytes in one section.
    pub max_section_size: u64,
    /// The most octets in a section id.
    pub max_section_id_size: u64,
}

/// `SaCkptCheckpointDescriptorT` (§3.4.11).
#[doc(alias = "SaCkptCheckpointDescriptorT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointDescriptor {
    /// As created, with the retention duration of now.
    pub attributes: CreationAttributes,
    /// The default section counts.
    pub number_of_sections: u32,
    /// Bytes of data in all sections.
    pub memory_used: u64,
}
