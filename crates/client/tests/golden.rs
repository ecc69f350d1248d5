//! The frames that `docs/wire.md` shows are the frames that are sent.

use ais_types::{
    Error, ErrorCode, Hello, Outcome, ServiceId, Version, frame,
    node::{Call, Reply},
};
use ais_wire::{Frame, encode, encode_bytes};
use bytes::Bytes;

const DOCUMENT: &str = include_str!("../../../docs/wire.md");

#[track_caller]
fn documented(frame: &Frame) {
    let hex: Vec<String> = frame.to_bytes().iter().map(|it| format!("{it:02x}")).collect();
    let lines: Vec<String> = hex.chunks(32).map(|line| line.join(" ")).collect();
    assert!(DOCUMENT.contains(&lines.join("\n")), "not in docs/wire.md:\n{}", lines.join("\n"));
}

#[test]
fn the_golden_frames_are_those_of_the_document() {
    let (protocol, service, program) = (1, ServiceId::NODE, "demo".to_owned());
    let hello = Hello::Open { protocol, service, version: Version::b(1, 1), program };
    documented(&Frame::new(frame::HELLO, 0, encode_bytes(&hello)));
    documented(&encode(frame::CALL, 7, &mut Call::Status));
    let mut refused: Outcome<Reply> = Err(Error::new(ErrorCode::TryAgain, "not yet"));
    documented(&encode(frame::REPLY, 7, &mut refused));
    documented(&Frame::new(frame::FINALIZE, 8, Bytes::new()));
}
