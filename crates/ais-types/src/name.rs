//! `SaNameT`: the name of a checkpoint, a queue, a component, a node.

use alloc::{boxed::Box, string::String};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A name: up to [`Name::MAX`] octets, UTF-8 by custom, compared octet by octet.
///
/// The length may be 0 here; the services refuse an empty name where they create something.
#[doc(alias = "SaNameT")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name(Box<[u8]>);

/// More octets than [`Name::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTooLong(pub usize);

impl fmt::Display for NameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name of {} octets is longer than {} octets", self.0, Name::MAX)
    }
}

impl core::error::Error for NameTooLong {}

impl Name {
    /// `SA_MAX_NAME_LENGTH`.
    #[doc(alias = "SA_MAX_NAME_LENGTH")]
    pub const MAX: usize = 256;

    /// A name of these octets.
    ///
    /// # Errors
    /// [`NameTooLong`] beyond [`Name::MAX`] octets.
    pub fn new(octets: impl AsRef<[u8]>) -> Result<Self, NameTooLong> {
        let octets = octets.as_ref();
        if octets.len() > Self::MAX {
            return Err(NameTooLong(octets.len()));
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
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text; octets that are not UTF-8 are shown as `\u{fffd}`.
    #[must_use]
    pub fn to_text(&self) -> alloc::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl TryFrom<&str> for Name {
    type Error = NameTooLong;
    fn try_from(text: &str) -> Result<Self, NameTooLong> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_text())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Octets;
        impl de::Visitor<'_> for Octets {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a name of at most {} octets", Name::MAX)
            }
            fn visit_bytes<E: de::Error>(self, octets: &[u8]) -> Result<Name, E> {
                Name::new(octets).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                Name::new(text).map_err(E::custom)
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Octets)
        } else {
            deserializer.deserialize_bytes(Octets)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_256_octets_and_not_257() {
        assert!(Name::new([b'x'; 256]).is_ok());
        assert_eq!(Name::new([b'x'; 257]), Err(NameTooLong(257)));
    }
}
