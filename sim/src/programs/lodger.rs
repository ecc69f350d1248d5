//! Leaves messages in a queue of its own for a while, and looks whether they are still there.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
    receiver::TIMEOUT,
    stay::Stay,
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, Time, Version,
    msg::{
        Call, Callback, Callbacks, CreationAttributes, CreationFlags, Message, OpenFlags, Reply,
    },
};
use std::time::Duration;

/// How many messages are left.
const MESSAGES: u64 = 3;
/// For so many seconds a message that must be there may be waited for.
const PATIENCE: u32 = 20;

pub(super) struct Lodger {
    line: Line,
    step: Step,
    queue: u64,
    /// Numbers the stays.
    stay: u64,
    /// Of this stay, sent or received.
    count: u64,
    waited: u32,
    left: Stay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Initialize,
    Open,
    Retain,
    Send,
    Close,
    Unlink,
    /// Comes back.
    Reopen,
    Get,
    CloseAgain,
}

impl Lodger {
    pub(super) fn new() -> Self {
        Self {
            line: Line::new(ServiceId::MSG),
            step: Step::Initialize,
            queue: 0,
            stay: 0,
            count: 0,
            waited: 0,
            left: Stay::default(),
        }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        self.left.asks(io);
        let queue = self.queue;
        let name = Name::new(format!("safMq=lodger{}", io.node.0)).expect("it is short");
        let call = match self.step {
            Step::Initialize => {
                Call::Initialize { version: Version::b(3, 1), callbacks: Callbacks::default() }
            }
            Step::Open => Call::Open {
                name,
                attributes: Some(attributes()),
                flags: OpenFlags::CREATE | OpenFlags::EMPTY,
                timeout: TIMEOUT,
            },
            Step::Retain => {
                Call::RetentionTimeSet { queue, retention: Time::from(self.left.begins(io)) }
            }
            Step::Send => {
                let mut data = self.stay.to_be_bytes().to_vec();
                data.extend(self.count.to_be_bytes());
                let message =
                    Message { kind: 2, version: 1, priority: 1, sender: None, data: data.into() };
                Call::Send { destination: name, message, timeout: TIMEOUT }
            }
            Step::Close | Step::CloseAgain => Call::Close { queue },
            Step::Unlink => Call::Unlink { name },
            Step::Reopen => {
                Call::Open { name, attributes: None, flags: OpenFlags::default(), timeout: TIMEOUT }
            }
            Step::Get => Call::Get { queue, room: None, timeout: Time::ONE_SECOND },
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    fn later(&mut self, io: &mut Io<'_>, step: Step, within: Duration) {
        self.step = step;
        self.line.pause(io, within);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Open),
            (Step::Open, Ok(Reply::Opened(queue))) => {
                *io.counter += 1;
                (self.queue, self.stay, self.count) = (queue, *io.counter, 0);
                self.go_on(io, Step::Retain);
            }
            (Step::Retain, Ok(_)) => self.go_on(io, Step::Send),
            (Step::Send, Ok(_)) => {
                self.count += 1;
                self.go_on(io, if self.count < MESSAGES { Step::Send } else { Step::Close });
            }
            (Step::Close, Ok(_)) => {
                let step = if self.left.left(io) { Step::Unlink } else { Step::Reopen };
                self.later(io, step, Duration::from_millis(2_500));
            }
            (Step::Unlink, Ok(_)) => {
                self.left.unlinked(io);
                self.go_on(io, Step::Reopen);
            }
            (Step::Reopen, Ok(Reply::Opened(queue))) => {
                self.left.found(io, true);
                (self.queue, self.count, self.waited) = (queue, 0, 0);
                self.go_on(io, Step::Get);
            }
            (Step::Unlink | Step::Reopen, Err(Error { code: ErrorCode::NotExist, .. })) => {
                self.left.found(io, false);
                self.again_from_the_start(io);
            }
            (Step::Get, Ok(Reply::Received(it))) => self.received(io, &it.message.data),
            (Step::Get, Err(Error { code: ErrorCode::Timeout, .. })) if self.waited < PATIENCE => {
                self.waited += 1;
                self.ask(io);
            }
            (Step::Get, Err(Error { code: ErrorCode::Timeout, .. })) => {
                io.fail(format!("message {} of stay {} is lost", self.count, self.stay));
            }
            (Step::CloseAgain, Ok(_)) => self.again_from_the_start(io),
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            // Nobody knows what has become of it.
            (_, Err(error)) if passing(error.code) || error.code == ErrorCode::BadHandle => {
                self.left.forget();
                self.line.again(io);
            }
            // What an earlier process of this node had open is not closed yet.
            (Step::Open, Err(Error { code: ErrorCode::Busy, .. })) => {
                self.later(io, Step::Open, Duration::from_millis(100));
            }
            (step, Err(error)) => io.fail(format!("{step:?} of a lodger: {error}")),
        }
    }

    /// Those of earlier stays may have been under way for long.
    fn received(&mut self, io: &mut Io<'_>, data: &[u8]) {
        let Some((stay, number)) = data.split_at_checked(8) else {
            return io.fail(format!("a message that nobody sent: {data:?}"));
        };
        if stay == self.stay.to_be_bytes() {
            if number != self.count.to_be_bytes() {
                return io.fail(format!("{number:?} comes instead of {}", self.count));
            }
            self.count += 1;
        }
        self.go_on(io, if self.count < MESSAGES { Step::Get } else { Step::CloseAgain });
    }

    fn again_from_the_start(&mut self, io: &mut Io<'_>) {
        io.ledger.progress(io.node, Part::Lodger, io.now);
        self.later(io, Step::Open, Duration::from_millis(300));
    }
}

fn attributes() -> CreationAttributes {
    CreationAttributes {
        flags: CreationFlags::default(),
        sizes: [1 << 12; 4],
        retention: Time::ONE_SECOND,
    }
}

impl Program for Lodger {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.left.forget();
                self.go_on(io, Step::Initialize);
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
