//! Values to frames and back.

use crate::Frame;
use ais_types::{Payload, Payloads};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// How deep a value may nest; a hostile header must not exhaust the stack.
const DEPTH_MAX: usize = 64;

/// Most headers are smaller.
const USUAL: usize = 256;

/// Bytes that are not what they should be. Whoever sent them is broken or hostile.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The header is not the CBOR of such a value.
    #[error("malformed header: {0}")]
    Header(String),
    /// The header was read and something was left over.
    #[error("{0} bytes after the value")]
    Trailing(usize),
    /// The payloads announced by the header and the body do not match.
    #[error("the payloads announced do not match a body of {0} bytes")]
    Body(usize),
}

/// The frame of a message; its payloads go into the body uncopied.
pub fn encode<T: Serialize + Payloads>(kind: u8, tag: u64, message: &mut T) -> Frame {
    let header = encode_bytes(message);
    let mut body = Vec::new();
    message.payloads(&mut |payload: &mut Payload| {
        if !payload.is_empty() {
            body.push(payload.bytes().clone());
        }
    });
    Frame { kind, tag, header, body }
}

/// The message in a frame; its payloads are slices of the body.
///
/// # Errors
/// Whenever the frame is not exactly one such message.
pub fn decode<T: DeserializeOwned + Payloads>(frame: &Frame) -> Result<T, DecodeError> {
    let mut message: T = decode_bytes(&frame.header)?;
    let mut body = frame.joined_body();
    let mut fits = true;
    message.payloads(&mut |payload: &mut Payload| fits &= payload.fill_from(&mut body));
    if !fits || !body.is_empty() {
        return Err(DecodeError::Body(frame.body_len()));
    }
    Ok(message)
}

/// CBOR of a value of somebody else's type.
///
/// # Errors
/// What its `Serialize` failed with.
pub fn try_encode_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, String> {
    let mut bytes = Vec::with_capacity(USUAL);
    ciborium::into_writer(value, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes.into())
}

/// CBOR of a value without payloads.
///
/// # Panics
/// When the value's `Serialize` fails, which derived ones do not.
pub fn encode_bytes<T: Serialize + ?Sized>(value: &T) -> Bytes {
    try_encode_bytes(value).expect("derived serialisation into memory")
}

/// The value whose CBOR this is.
///
/// # Errors
/// Whenever the bytes are not exactly one such value.
pub fn decode_bytes<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, DecodeError> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, DEPTH_MAX)
        .map_err(|error| DecodeError::Header(error.to_string()))?;
    if !bytes.is_empty() {
        return Err(DecodeError::Trailing(bytes.len()));
    }
    Ok(value)
}
