//! Sections: their names, what is read and written of them, how they are listed.

use crate::{Payload, Payloads, Time};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `SaCkptSectionIdT`: up to 65535 octets, compared octet by octet.
///
/// Without any octet it is `SA_CKPT_DEFAULT_SECTION_ID` and `SA_CKPT_GENERATED_SECTION_ID`, which
/// the specification makes equal; the call tells which is meant.
#[doc(alias = "SaCkptSectionIdT")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(Box<[u8]>);

/// More octets than [`SectionId::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionIdTooLong(pub usize);

impl fmt::Display for SectionIdTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a section id of {} octets is longer than {} octets", self.0, SectionId::MAX)
    }
}

impl core::error::Error for SectionIdTooLong {}

impl SectionId {
    /// The most octets an id can have: its length is 16 bits.
    pub const MAX: usize = u16::MAX as usize;

    /// The id without octets.
    #[doc(alias = "SA_CKPT_DEFAULT_SECTION_ID")]
    #[doc(alias = "SA_CKPT_GENERATED_SECTION_ID")]
    #[must_use]
    pub fn none() -> Self {
        Self(Box::default())
    }

    /// An id of these octets.
    ///
    /// # Errors
    /// [`SectionIdTooLong`] beyond [`SectionId::MAX`] octets.
    pub fn new(octets: impl AsRef<[u8]>) -> Result<Self, SectionIdTooLong> {
        let octets = octets.as_ref();
        if octets.len() > Self::MAX {
            return Err(SectionIdTooLong(octets.len()));
        }
        Ok(Self(octets.into()))
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no octet at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<&str> for SectionId {
    type Error = SectionIdTooLong;
    fn try_from(text: &str) -> Result<Self, SectionIdTooLong> {
        Self::new(text)
    }
}

impl fmt::Display for SectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for SectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Serialize for SectionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&String::from_utf8_lossy(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for SectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Octets;
        impl de::Visitor<'_> for Octets {
            type Value = SectionId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a section id of at most {} octets", SectionId::MAX)
            }
            fn visit_bytes<E: de::Error>(self, octets: &[u8]) -> Result<SectionId, E> {
                SectionId::new(octets).map_err(E::custom)
            }
            fn visit_byte_buf<E: de::Error>(self, octets: Vec<u8>) -> Result<SectionId, E> {
                SectionId::new(octets).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SectionId, E> {
                SectionId::new(text).map_err(E::custom)
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Octets)
        } else {
            // Not `deserialize_bytes`: decoders may bound that by a scratch buffer of theirs.
            deserializer.deserialize_byte_buf(Octets)
        }
    }
}

/// `SaCkptSectionStateT`.
#[doc(alias = "SaCkptSectionStateT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SectionState {
    /// Can be read and written.
    #[doc(alias = "SA_CKPT_SECTION_VALID")]
    Valid = 1,
    /// Half written by an update that was cut off; can be overwritten or deleted.
    #[doc(alias = "SA_CKPT_SECTION_CORRUPTED")]
    Corrupted = 2,
}

/// `SaCkptSectionsChosenT`, as the program wrote it: 1 to 5 are known.
#[doc(alias = "SaCkptSectionsChosenT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SectionsChosen(pub u32);

impl SectionsChosen {
    /// Those that never expire.
    #[doc(alias = "SA_CKPT_SECTIONS_FOREVER")]
    pub const FOREVER: Self = Self(1);
    /// Those that expire at the given time or before.
    #[doc(alias = "SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME")]
    pub const LEQ_EXPIRATION_TIME: Self = Self(2);
    /// Those that expire at the given time or later, or never.
    #[doc(alias = "SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME")]
    pub const GEQ_EXPIRATION_TIME: Self = Self(3);
    /// Those that are corrupted.
    #[doc(alias = "SA_CKPT_SECTIONS_CORRUPTED")]
    pub const CORRUPTED: Self = Self(4);
    /// All.
    #[doc(alias = "SA_CKPT_SECTIONS_ANY")]
    pub const ANY: Self = Self(5);

    /// Whether it is one of the five.
    #[must_use]
    pub const fn valid(self) -> bool {
        matches!(self.0, 1..=5)
    }
}

/// `SaCkptSectionDescriptorT` (§3.4.8).
#[doc(alias = "SaCkptSectionDescriptorT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionDescriptor {
    /// Its id; [`SectionId::none`] is the default section.
    pub section: SectionId,
    /// When it goes by itself.
    pub expiration: Time,
    /// Bytes in it.
    pub size: u64,
    /// Whether it can be read.
    pub state: SectionState,
    /// When its data last changed, by the wall clock of the replica that took the change first.
    pub last_update: Time,
}

/// One piece of a write (`SaCkptIOVectorElementT`, §3.4.10).
#[doc(alias = "SaCkptIOVectorElementT")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteElement {
    /// Into which section.
    pub section: SectionId,
    /// From which byte on; may be beyond the end, then the gap is filled with zeros.
    pub offset: u64,
    /// What.
    pub data: Payload,
}

impl Payloads for WriteElement {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        visit(&mut self.data);
    }
}

/// One piece of a read (`SaCkptIOVectorElementT`, §3.4.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadElement {
    /// Out of which section.
    pub section: SectionId,
    /// From which byte on.
    pub offset: u64,
    /// The size of the program's buffer, or `None` to have one allocated: then to the end.
    pub size: Option<u64>,
}

/// One piece of what was changed (`SaCkptIOVectorElementT` of the track callback, B.02.03). A
/// section that was deleted has no bytes at offset 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackElement {
    /// Which section.
    pub section: SectionId,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn an_id_of_any_length_survives_the_codec() {
        for length in [0, 1, 4097, SectionId::MAX] {
            let id = SectionId::new(alloc::vec![0xff; length]).unwrap();
            let mut bytes = std::vec::Vec::new();
            ciborium::into_writer(&id, &mut bytes).unwrap();
            let back: SectionId = ciborium::from_reader(&*bytes).unwrap();
            assert_eq!(back, id);
        }
        assert_eq!(SectionId::new([0; 65536]), Err(SectionIdTooLong(65536)));
    }
}
