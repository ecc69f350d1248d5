//! Sends numbered messages. One whose outcome is not certain is not sent again.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
    receiver::{TIMEOUT, queue},
};
use crate::{
    invariants::{Fate, messages::KIND},
    process::Heard,
};
use ais_types::{
    Error, ErrorCode, Outcome, ServiceId, Version,
    msg::{Call, Callback, Callbacks, Message, Reply},
};
use std::time::Duration;

pub(super) struct Sender {
    line: Line,
    ready: bool,
    number: u64,
    /// The queue was there for certain when the send began.
    kept: bool,
}

impl Sender {
    pub(super) const fn new() -> Self {
        Self { line: Line::new(ServiceId::MSG), ready: false, number: 0, kept: false }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        if !self.ready {
            let (version, callbacks) = (Version::b(3, 1), Callbacks::default());
            return self.line.call(io, Call::Initialize { version, callbacks });
        }
        if io.ledger.quiet {
            io.ledger.progress(io.node, Part::Sender, io.now);
            return self.line.pause(io, Duration::from_millis(500));
        }
        *io.counter += 1;
        self.number = *io.counter;
        self.kept = io.ledger.messages.kept;
        self.note(io, Fate::Unknown);
        let priority = io.rng.u8(0..4);
        let data = self.number.to_be_bytes().to_vec().into();
        let message = Message { kind: KIND, version: 1, priority, sender: None, data };
        self.line.call(io, Call::Send { destination: queue(), message, timeout: TIMEOUT });
    }

    fn note(&self, io: &mut Io<'_>, fate: Fate) {
        if let Err(what) = io.ledger.messages.sent(self.number, fate) {
            io.fail(what);
        }
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.ready, outcome) {
            (false, Ok(Reply::Initialized(_))) => self.ready = true,
            (true, Ok(Reply::Done)) => {
                self.note(io, Fate::Acknowledged);
                io.ledger.progress(io.node, Part::Sender, io.now);
            }
            (true, Err(Error { code: ErrorCode::Timeout, .. })) => {}
            (true, Err(Error { code: ErrorCode::NotExist, .. })) if self.kept => {
                io.fail(format!("send of {}: the queue is gone", self.number));
            }
            (true, Err(Error { code: ErrorCode::NotExist | ErrorCode::QueueFull, .. })) => {
                self.note(io, Fate::Refused);
            }
            (true, Err(error)) if passing(error.code) => self.note(io, Fate::Refused),
            (false, Err(error)) if passing(error.code) => {}
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => return self.line.again(io),
            (_, other) => io.fail(format!("send of {}: {other:?}", self.number)),
        }
        self.line.pause(io, Duration::from_millis(90));
    }
}

impl Program for Sender {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.ready = false;
                self.ask(io);
            }
            News::Reply(outcome) => self.answered(io, outcome),
            News::Go => self.ask(io),
            News::Callback(callback) => io.fail(format!("{callback:?} out of the blue")),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        self.line.close(io);
    }
}
