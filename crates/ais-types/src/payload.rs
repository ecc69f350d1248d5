//! Bytes that travel beside a message, never through its codec.

use alloc::vec::Vec;
use bytes::Bytes;
use core::{fmt, ops::Deref};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of a section, a message body, a chunk of a transfer.
///
/// Serialised it is only its length; the bytes themselves are taken out before encoding and put
/// back after decoding by [`Payloads::payloads`]. That way a payload is never copied by a codec.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Payload {
    bytes: Bytes,
    /// Bytes announced by a header and not yet put back.
    awaited: usize,
}

impl Payload {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many bytes a decoded header announced that are still to be put back.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.awaited
    }

    /// Takes what was announced from the front of `body`. `false`: the body is too short.
    #[must_use]
    pub fn fill_from(&mut self, body: &mut Bytes) -> bool {
        if body.len() < self.awaited {
            return false;
        }
        self.bytes = body.split_to(core::mem::take(&mut self.awaited));
        true
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(bytes: T) -> Self {
        Self { bytes: bytes.into(), awaited: 0 }
    }
}

impl Deref for Payload {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;
        match core::str::from_utf8(&self.bytes) {
            Ok(text) if text.len() <= SHOWN => write!(f, "{text:?}"),
            _ => write!(f, "<{} bytes>", self.bytes.len()),
        }
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.bytes.len() as u64)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let length = u64::deserialize(deserializer)?;
        let awaited = usize::try_from(length).map_err(serde::de::Error::custom)?;
        Ok(Self { bytes: Bytes::new(), awaited })
    }
}

/// A message that may have payloads. Visits each exactly once, always in the same order.
///
/// A message without any implements it by nothing: `impl Payloads for Call {}`.
pub trait Payloads {
    /// Hands every payload in the message to `visit`.
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        let _ = visit;
    }
}

impl Payloads for () {}

impl<T: Payloads> Payloads for Option<T> {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.iter_mut().for_each(|it| it.payloads(visit));
    }
}

impl<T: Payloads> Payloads for Vec<T> {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.iter_mut().for_each(|it| it.payloads(visit));
    }
}

impl<T: Payloads, E> Payloads for Result<T, E> {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.iter_mut().for_each(|it| it.payloads(visit));
    }
}

impl Payloads for Payload {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        visit(self);
    }
}
