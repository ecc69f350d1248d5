//! Frames out of a stream of bytes, bounded.

use crate::{Frame, HEAD};
use bytes::{Buf, Bytes, BytesMut};

/// Frames up to this size are copied out of the buffer, so that a small one that is kept for long
/// does not keep the whole buffer, and the buffer can be used again.
const COPIED_MAX: usize = 8 << 10;

/// How large a frame may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of CBOR.
    pub header_max: usize,
    /// Bytes beside it.
    pub body_max: usize,
}

impl Default for Limits {
    /// 4 MiB of header, 65 MiB of body: one section at its largest, and a little.
    fn default() -> Self {
        Self { header_max: 4 << 20, body_max: 65 << 20 }
    }
}

impl Limits {
    /// Whether a frame of this size is allowed.
    pub(crate) fn check(&self, header: usize, body: usize) -> Result<(), FrameError> {
        if header > self.header_max || body > self.body_max {
            return Err(FrameError::TooLarge { header, body });
        }
        Ok(())
    }
}

/// The head of a frame breaks the rules. The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than its own head, or than the header it announces.
    #[error("a frame of {length} bytes with a header of {header} bytes cannot be")]
    Lengths {
        /// As announced.
        length: usize,
        /// As announced.
        header: usize,
    },
    /// Larger than allowed.
    #[error("a frame with a header of {header} and a body of {body} bytes is over the limit")]
    TooLarge {
        /// As announced.
        header: usize,
        /// As announced.
        body: usize,
    },
}

/// Collects bytes and yields frames. Holds at most one frame beyond what it was fed at once.
#[derive(Debug)]
pub struct FrameReader {
    limits: Limits,
    buffer: BytesMut,
}

impl FrameReader {
    /// A reader with nothing read.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new() }
    }

    /// Where to put bytes read from the connection.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole frame, if it is there.
    ///
    /// # Errors
    /// As soon as a head breaks the rules, before its frame is waited for.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.buffer.len() < HEAD {
            return Ok(None);
        }
        let mut head = &self.buffer[..HEAD];
        let length = head.get_u32() as usize;
        let header = head.get_u32() as usize;
        let (kind, tag) = (head.get_u8(), head.get_u64());
        let body = (length + 4)
            .checked_sub(HEAD + header)
            .ok_or(FrameError::Lengths { length, header })?;
        self.limits.check(header, body)?;
        if self.buffer.len() < length + 4 {
            self.buffer.reserve(length + 4 - self.buffer.len());
            return Ok(None);
        }
        let (header, body) = self.take(header, length + 4);
        let body = if body.is_empty() { Vec::new() } else { vec![body] };
        Ok(Some(Frame { kind, tag, header, body }))
    }

    /// Header and body of a frame of `size` bytes that is there whole.
    fn take(&mut self, header: usize, size: usize) -> (Bytes, Bytes) {
        let mut whole = if size <= COPIED_MAX {
            let whole = Bytes::copy_from_slice(&self.buffer[HEAD..size]);
            self.buffer.advance(size);
            whole
        } else {
            self.buffer.advance(HEAD);
            self.buffer.split_to(size - HEAD).freeze()
        };
        if header == whole.len() {
            return (whole, Bytes::new());
        }
        let header = whole.split_to(header);
        (header, whole)
    }
}
