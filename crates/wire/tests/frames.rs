//! Frames survive the trip, in whatever pieces they arrive; garbage is an error, never a panic.

use ais_types::{Payload, Payloads};
use ais_wire::{Frame, FrameReader, Limits, decode, encode};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Write {
    section: u32,
    pieces: Vec<Payload>,
}

impl Payloads for Write {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.pieces.payloads(visit);
    }
}

fn writes() -> impl Strategy<Value = Write> {
    let piece = prop::collection::vec(any::<u8>(), 0..300).prop_map(Payload::from);
    (any::<u32>(), prop::collection::vec(piece, 0..5))
        .prop_map(|(section, pieces)| Write { section, pieces })
}

proptest! {
    #[test]
    fn a_frame_arrives_whole_whatever_the_pieces(mut write in writes(), cut in 1_usize..64) {
        let bytes = encode(3, 99, &mut write).to_bytes();
        let mut reader = FrameReader::new(Limits::default());
        let mut frames: Vec<Frame> = Vec::new();
        for piece in bytes.chunks(cut) {
            reader.buffer().extend_from_slice(piece);
            frames.extend(reader.next_frame().unwrap());
        }
        prop_assert_eq!(frames.len(), 1);
        prop_assert_eq!((frames[0].kind, frames[0].tag), (3, 99));
        prop_assert_eq!(decode::<Write>(&frames[0]).unwrap(), write);
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = FrameReader::new(Limits { header_max: 100, body_max: 100 });
        reader.buffer().extend_from_slice(&bytes);
        while let Ok(Some(frame)) = reader.next_frame() {
            let _ = decode::<Write>(&frame);
        }
    }

    #[test]
    fn a_damaged_frame_is_refused_or_another_value(mut write in writes(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = encode(3, 99, &mut write).to_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let mut reader = FrameReader::new(Limits::default());
        reader.buffer().extend_from_slice(&bytes);
        if let Ok(Some(frame)) = reader.next_frame() {
            let _ = decode::<Write>(&frame);
        }
    }
}

#[test]
fn a_frame_over_the_limit_is_refused_by_its_head() {
    let mut write = Write { section: 1, pieces: vec![vec![0; 500].into()] };
    let mut reader = FrameReader::new(Limits { header_max: 100, body_max: 499 });
    reader.buffer().extend_from_slice(&encode(3, 1, &mut write).head());
    assert!(reader.next_frame().is_err());
}

#[test]
fn a_body_that_nobody_announced_is_refused() {
    let mut frame = encode(3, 1, &mut Write { section: 1, pieces: Vec::new() });
    frame.body.push(vec![1].into());
    assert!(decode::<Write>(&frame).is_err());
}
