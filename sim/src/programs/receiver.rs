//! Receives what the senders sent. There is one on each node; one of them has the queue open, and
//! when it is gone, another one opens it and goes on.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, Time, Version,
    msg::{Call, Callback, Callbacks, CreationAttributes, CreationFlags, OpenFlags, Reply},
};
use std::time::Duration;

/// For calls that have one.
pub(super) const TIMEOUT: Time = Time(5 * Time::ONE_SECOND.0);
/// One message in so many, the queue is left to others.
const LEAVES: u64 = 200;

/// The one queue.
pub(super) fn queue() -> Name {
    Name::new("safMq=sim").expect("it is short")
}

pub(super) struct Receiver {
    line: Line,
    step: Step,
    handle: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Open,
    Get,
    Close,
}

impl Receiver {
    pub(super) const fn new() -> Self {
        Self { line: Line::new(ServiceId::MSG), step: Step::Initialize, handle: 0 }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let call = match self.step {
            Step::Initialize => {
                Call::Initialize { version: Version::b(3, 1), callbacks: Callbacks::default() }
            }
            Step::Open => Call::Open {
                name: queue(),
                attributes: Some(CreationAttributes {
                    flags: CreationFlags::default(),
                    sizes: [1 << 16; 4],
                    retention: Time(3600 * Time::ONE_SECOND.0),
                }),
                flags: OpenFlags::CREATE,
                timeout: TIMEOUT,
            },
            Step::Get => {
                io.ledger.messages.getting(io.me, io.node);
                Call::Get { queue: self.handle, room: None, timeout: Time::ONE_SECOND }
            }
            Step::Close => Call::Close { queue: self.handle },
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        io.ledger.messages.got(io.me);
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Open),
            (Step::Open, Ok(Reply::Opened(handle))) => {
                self.handle = handle;
                io.ledger.messages.kept = true;
                self.go_on(io, Step::Get);
            }
            // Another one has it.
            (Step::Open, Err(Error { code: ErrorCode::Busy, .. })) => {
                io.ledger.progress(io.node, Part::Receiver, io.now);
                self.line.pause(io, Duration::from_millis(300));
            }
            (Step::Get, Ok(Reply::Received(_))) => {
                io.ledger.progress(io.node, Part::Receiver, io.now);
                let step = if io.rng.u64(0..LEAVES) == 0 { Step::Close } else { Step::Get };
                self.go_on(io, step);
            }
            (Step::Get, Err(Error { code: ErrorCode::Timeout, .. })) => {
                io.ledger.progress(io.node, Part::Receiver, io.now);
                self.ask(io);
            }
            (Step::Close, Ok(_)) => {
                self.step = Step::Open;
                self.line.pause(io, Duration::from_millis(500));
            }
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            // It is closed, or will be: the handle went with the call.
            (Step::Close, Err(error)) if passing(error.code) => {
                self.step = Step::Open;
                self.line.pause(io, Duration::from_millis(500));
            }
            (_, Err(error)) if passing(error.code) => {
                self.line.pause(io, Duration::from_millis(60));
            }
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => self.line.again(io),
            (step, Err(error)) => io.fail(format!("{step:?} of the queue: {error}")),
        }
    }
}

impl Program for Receiver {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                io.ledger.messages.gave_up(io.me, io.now);
                self.go_on(io, Step::Initialize);
            }
            News::Reply(outcome) => self.answered(io, outcome),
            News::Go => self.ask(io),
            News::Callback(callback) => io.fail(format!("{callback:?} out of the blue")),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        io.ledger.messages.gave_up(io.me, io.now);
        self.line.close(io);
    }
}
