//! Encode, decode, frame: the only codec.
//!
//! A frame is a fixed head, a CBOR header, and a body of raw bytes beside it:
//!
//! ```text
//! length u32 | header length u32 | kind u8 | tag u64 | header … | body …      (big endian)
//! ```
//!
//! `length` counts everything after itself. Payloads ([`ais_types::Payload`]) travel in the body,
//! in the order in which [`ais_types::Payloads`] visits them; they never pass through the codec.
//! `docs/wire.md` has golden frames.
#![forbid(unsafe_code)]

mod codec;
mod damage;
mod frame;
mod reader;

pub use codec::{DecodeError, decode, decode_bytes, encode, encode_bytes, try_encode_bytes};
pub use damage::damaged;
pub use frame::{Frame, HEAD};
pub use reader::{FrameError, FrameReader, Limits};
