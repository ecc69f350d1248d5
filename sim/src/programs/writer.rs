//! Counts in a section of its own: the value is written, and only then is it the next one's turn.

use super::{
    Io, Kind, Part, Program,
    line::{Line, News, passing},
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Outcome, ServiceId, Time, Version,
    ckpt::{Call, Callback, Callbacks, OpenFlags, Reply, SectionId},
};
use std::time::Duration;

pub(super) struct Writer {
    kind: Kind,
    line: Line,
    step: Step,
    checkpoint: u64,
    /// Its section: nobody else ever writes it.
    section: u64,
    value: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Open,
    Create,
    Write,
    Synchronize,
}

impl Writer {
    pub(super) const fn new(kind: Kind) -> Self {
        let line = Line::new(ServiceId::CKPT);
        Self { kind, line, step: Step::Initialize, checkpoint: 0, section: 0, value: 1 }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let checkpoint = self.checkpoint;
        let timeout = Time(5 * Time::ONE_SECOND.0);
        let call = match self.step {
            Step::Initialize => {
                Call::Initialize { version: Version::b(2, 2), callbacks: Callbacks::default() }
            }
            Step::Open => Call::Open {
                name: self.kind.name(),
                attributes: Some(self.kind.attributes()),
                flags: OpenFlags::CREATE | OpenFlags::READ | OpenFlags::WRITE,
                timeout,
            },
            Step::Create => Call::SectionCreate {
                checkpoint,
                section: section_id(self.section),
                expiration: Time::END,
                data: 0_u64.to_be_bytes().to_vec().into(),
            },
            Step::Write => {
                io.ledger.attempted(self.kind, self.section, self.value);
                let data = self.value.to_be_bytes().to_vec().into();
                Call::Overwrite { checkpoint, section: section_id(self.section), data }
            }
            Step::Synchronize => Call::Synchronize { checkpoint, timeout },
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Open),
            (Step::Open, Ok(Reply::Opened(checkpoint))) => {
                self.checkpoint = checkpoint;
                self.go_on(io, Step::Create);
            }
            (Step::Create, Ok(_)) => self.go_on(io, Step::Write),
            (Step::Create, Err(Error { code: ErrorCode::Exist, .. })) => {
                self.go_on(io, Step::Write);
            }
            (Step::Write, Ok(_)) if self.kind.may_lose() && self.value.is_multiple_of(3) => {
                self.go_on(io, Step::Synchronize);
            }
            (Step::Write, Ok(_)) => self.counted(io, !self.kind.may_lose()),
            (Step::Synchronize, Ok(_)) => self.counted(io, true),
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            (_, Err(error)) if passing(error.code) => {
                self.line.pause(io, Duration::from_millis(60));
            }
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => self.line.again(io),
            (step, Err(error)) => io.fail(format!("{step:?} of {:?}: {error}", self.kind)),
        }
    }

    /// A value is in, for good or not.
    fn counted(&mut self, io: &mut Io<'_>, promised: bool) {
        if promised {
            io.ledger.acknowledged(self.kind, self.section, self.value);
            io.ledger.progress(io.node, Part::Writer(self.kind), io.now);
        }
        self.value += 1;
        self.step = Step::Write;
        self.line.pause(io, Duration::from_millis(60));
    }
}

impl Program for Writer {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                if self.section == 0 {
                    *io.counter += 1;
                    self.section = *io.counter;
                }
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

/// The name of a section.
pub(super) fn section_id(section: u64) -> SectionId {
    SectionId::new(format!("s{section}")).expect("it is short")
}
