//! Frames in a stream of bytes: a length, then the bytes. See `docs/wire.md`.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes before each frame.
pub(super) const HEAD: usize = 4;
/// Instead of a length: the session ends, on purpose.
pub(super) const GOODBYE: u32 = u32::MAX;
/// Frames up to this size are copied out of the read buffer, so that a small one that is kept for
/// long does not keep the whole buffer.
const COPIED_MAX: usize = 16 << 10;

/// What a stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole frame.
    Frame(Bytes),
    /// The good-bye.
    Goodbye,
    /// At least so many bytes are missing.
    Missing(usize),
    /// A frame over the limit: this cannot be ours.
    Malformed(u32),
}

/// Takes the next frame out of what was read.
pub(super) fn next(buffer: &mut BytesMut, frame_max: usize) -> Found {
    let Some((head, _)) = buffer.split_first_chunk::<HEAD>() else {
        return Found::Missing(HEAD - buffer.len());
    };
    let length = u32::from_be_bytes(*head);
    if length == GOODBYE {
        return Found::Goodbye;
    }
    let size = length as usize;
    if size > frame_max {
        return Found::Malformed(length);
    }
    if buffer.len() < HEAD + size {
        return Found::Missing(HEAD + size - buffer.len());
    }
    buffer.advance(HEAD);
    Found::Frame(if size > COPIED_MAX {
        buffer.split_to(size).freeze()
    } else {
        let frame = Bytes::copy_from_slice(&buffer[..size]);
        buffer.advance(size);
        frame
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_whole_whatever_the_pieces(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8),
            piece in 1_usize..64,
        ) {
            let mut bytes = Vec::new();
            for frame in &frames {
                bytes.extend((frame.len() as u32).to_be_bytes());
                bytes.extend(frame);
            }
            let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
            for piece in bytes.chunks(piece) {
                buffer.extend_from_slice(piece);
                while let Found::Frame(frame) = next(&mut buffer, 300) {
                    found.push(frame.to_vec());
                }
            }
            prop_assert_eq!(found, frames);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Found::Frame(frame) = next(&mut buffer, 100) {
                prop_assert!(frame.len() <= 100);
            }
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_known_by_its_head() {
        let mut buffer = BytesMut::from(&101_u32.to_be_bytes()[..]);
        assert_eq!(next(&mut buffer, 100), Found::Malformed(101));
        let mut buffer = BytesMut::from(&GOODBYE.to_be_bytes()[..]);
        assert_eq!(next(&mut buffer, 100), Found::Goodbye);
        let mut buffer = BytesMut::from(&[0, 0][..]);
        assert_eq!(next(&mut buffer, 100), Found::Missing(2));
    }
}
