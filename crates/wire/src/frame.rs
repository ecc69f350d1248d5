//! The frame and its head.

use crate::{FrameError, Limits};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// How many bytes come before the header.
pub const HEAD: usize = 4 + 4 + 1 + 8;

/// One message on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is; the meaning belongs to the protocol of the connection.
    pub kind: u8,
    /// Numbers calls and replies, or whatever the protocol says.
    pub tag: u64,
    /// CBOR.
    pub header: Bytes,
    /// Raw bytes, one piece a payload; joined on the wire.
    pub body: Vec<Bytes>,
}

impl Frame {
    /// A frame without a body.
    #[must_use]
    pub fn new(kind: u8, tag: u64, header: Bytes) -> Self {
        Self { kind, tag, header, body: Vec::new() }
    }

    /// Bytes in the body.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        HEAD + self.header.len() + self.body_len()
    }

    /// The fixed head.
    ///
    /// # Panics
    /// When the frame is 4 GiB or larger; every sender checks its limits first.
    #[must_use]
    pub fn head(&self) -> [u8; HEAD] {
        let after_length = u32::try_from(self.wire_len() - 4).expect("a frame is below 4 GiB");
        let header = u32::try_from(self.header.len()).expect("a header is below 4 GiB");
        let mut head = [0; HEAD];
        head[0..4].copy_from_slice(&after_length.to_be_bytes());
        head[4..8].copy_from_slice(&header.to_be_bytes());
        head[8] = self.kind;
        head[9..17].copy_from_slice(&self.tag.to_be_bytes());
        head
    }

    /// Appends the whole frame to a buffer. Large bodies are better written piece by piece.
    pub fn put(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.wire_len());
        buffer.put_slice(&self.head());
        buffer.put_slice(&self.header);
        self.body.iter().for_each(|piece| buffer.put_slice(piece));
    }

    /// The whole frame as one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut buffer = BytesMut::new();
        self.put(&mut buffer);
        buffer.freeze()
    }

    /// How many bytes the frame with this head has on the wire, head included.
    ///
    /// # Errors
    /// When the head breaks the rules or the limits.
    pub fn announced(head: &[u8; HEAD], limits: &Limits) -> Result<usize, FrameError> {
        let mut head = &head[..];
        let (length, header) = (head.get_u32() as usize, head.get_u32() as usize);
        let body = (length + 4)
            .checked_sub(HEAD + header)
            .ok_or(FrameError::Lengths { length, header })?;
        limits.check(header, body)?;
        Ok(length + 4)
    }

    /// The one frame that these bytes are; header and body are slices of them.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly one frame within the limits.
    pub fn from_bytes(mut bytes: Bytes, limits: &Limits) -> Result<Self, FrameError> {
        let size = bytes.len();
        if size < HEAD {
            return Err(FrameError::Lengths { length: size, header: 0 });
        }
        let (length, header) = (bytes.get_u32() as usize, bytes.get_u32() as usize);
        let (kind, tag) = (bytes.get_u8(), bytes.get_u64());
        if length + 4 != size || header > bytes.len() {
            return Err(FrameError::Lengths { length, header });
        }
        let header = bytes.split_to(header);
        limits.check(header.len(), bytes.len())?;
        let body = if bytes.is_empty() { Vec::new() } else { vec![bytes] };
        Ok(Self { kind, tag, header, body })
    }

    /// The body as one piece; copies only if it has several.
    #[must_use]
    pub fn joined_body(&self) -> Bytes {
        match self.body.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            several => several.concat().into(),
        }
    }
}
