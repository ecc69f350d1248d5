//! What the runner and a program under test say to each other: frames on a socket.

use ais_types::{Outcome, ServiceId};
use ais_wire::{Frame, FrameReader, Limits};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

/// Runner → program: a call; the body is its frame. Answered with the frame of the reply.
pub(super) const CALL: u8 = 1;
/// Runner → program: run callbacks. Answered with their frames, one after the other.
pub(super) const DISPATCH: u8 = 2;
/// Runner → program: end a handle.
pub(super) const FINALIZE: u8 = 3;
/// Component → runner: who it is. Comes first, and is not answered.
pub(super) const HELLO: u8 = 4;

/// The header of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The handle, as the scenario calls it.
    pub(super) handle: String,
    pub(super) service: ServiceId,
    /// For DISPATCH.
    pub(super) dispatch: Option<Dispatch>,
}

/// Which callbacks are waited for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Dispatch {
    pub(super) one: bool,
    pub(super) want: usize,
    /// How long to wait for them.
    pub(super) patience_ms: u64,
    /// How long nothing more may come before that counts as all.
    pub(super) quiet_ms: u64,
}

/// The header of a response.
pub(super) type Done = Outcome<()>;

pub(super) fn send(stream: &UnixStream, frame: &Frame) -> io::Result<()> {
    (&*stream).write_all(&frame.to_bytes())
}

/// Frames from a stream, one after the other; `None` at its end.
pub(super) struct Incoming {
    stream: UnixStream,
    frames: FrameReader,
}

impl Incoming {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, frames: FrameReader::new(Limits::default()) }
    }

    pub(super) fn next(&mut self) -> Option<Frame> {
        let mut piece = vec![0; 64 << 10];
        loop {
            match self.frames.next_frame() {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(_) => return None,
            }
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.frames.buffer().extend_from_slice(&piece[..read]),
            }
        }
    }
}

/// All frames in these bytes.
pub(super) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new(Limits::default());
    reader.buffer().extend_from_slice(bytes);
    std::iter::from_fn(|| reader.next_frame().ok().flatten()).collect()
}
