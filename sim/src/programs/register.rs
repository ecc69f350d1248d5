//! Writes and reads sections at the same time as its like on the other nodes do. What was asked
//! and answered goes into one history for each section.

use super::{
    Io, Kind, Part, Program,
    line::{Line, News, passing},
};
use crate::{
    invariants::{Act, Underway},
    process::Heard,
};
use ais_types::{
    Error, ErrorCode, Outcome, ServiceId, Time, Version,
    ckpt::{Call, Callback, Callbacks, OpenFlags, ReadElement, Reply, SectionId},
};
use std::time::Duration;

/// New sections are used after this, so that no history becomes too long to be checked.
const WINDOW: u64 = 4;
/// So many sections at a time.
const SECTIONS: u64 = 2;

/// More windows than there can be in an era.
const ERA: u64 = 1_000;

pub(super) struct Register {
    line: Line,
    kind: Kind,
    step: Step,
    checkpoint: u64,
    register: u64,
    underway: Option<Underway>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Open,
    /// Makes a section that holds 0, unless it is there.
    Create,
    Write(u64),
    Read,
}

impl Register {
    pub(super) const fn new(kind: Kind) -> Self {
        Self {
            line: Line::new(ServiceId::CKPT),
            kind,
            step: Step::Initialize,
            checkpoint: 0,
            register: 0,
            underway: None,
        }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let checkpoint = self.checkpoint;
        let section = SectionId::new(format!("r{}", self.register)).expect("it is short");
        let call = match self.step {
            Step::Initialize => {
                Call::Initialize { version: Version::b(2, 2), callbacks: Callbacks::default() }
            }
            Step::Open => Call::Open {
                name: self.kind.name(),
                attributes: Some(self.kind.attributes()),
                flags: OpenFlags::CREATE | OpenFlags::READ | OpenFlags::WRITE,
                timeout: Time(5 * Time::ONE_SECOND.0),
            },
            Step::Create => Call::SectionCreate {
                checkpoint,
                section,
                expiration: Time::END,
                data: 0_u64.to_be_bytes().to_vec().into(),
            },
            Step::Write(value) => {
                self.underway = Some(io.ledger.registers.begin(self.register, Act::Write(value)));
                let data = value.to_be_bytes().to_vec().into();
                Call::Overwrite { checkpoint, section, data }
            }
            Step::Read => {
                self.underway = Some(io.ledger.registers.begin(self.register, Act::Read(None)));
                let elements = vec![ReadElement { section, offset: 0, size: None }];
                Call::Read { checkpoint, elements }
            }
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    /// Turns to a register, perhaps another one.
    fn turn(&mut self, io: &mut Io<'_>) {
        let window = 1 + io.ledger.registers.era() * ERA + io.now.as_secs() / WINDOW;
        let register = window * SECTIONS + io.rng.u64(0..SECTIONS);
        if register != self.register {
            self.register = register;
            return self.go_on(io, Step::Create);
        }
        *io.counter += 1;
        let step = if io.rng.bool() { Step::Write(*io.counter) } else { Step::Read };
        self.go_on(io, step);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Open),
            (Step::Open, Ok(Reply::Opened(checkpoint))) => {
                self.checkpoint = checkpoint;
                self.register = 0;
                self.turn(io);
            }
            (Step::Create, Ok(_) | Err(Error { code: ErrorCode::Exist, .. })) => self.turn(io),
            (Step::Write(_), Ok(_)) => {
                // Ordered out, and not aware of it yet, an active replica goes on for a while.
                let alone = io.outside && self.kind.may_lose();
                if let Some(underway) = self.underway.take().filter(|_| !alone) {
                    io.ledger.registers.end(underway, None);
                }
                self.done(io);
            }
            (Step::Read, Ok(Reply::Read(values))) => {
                let value = values.first().and_then(|it| it[..].try_into().ok());
                let Some(value) = value.map(u64::from_be_bytes) else {
                    return io.fail(format!("register {} holds {values:?}", self.register));
                };
                // Ordered out, and not aware of it yet, a node may answer from what it knew.
                if let Some(underway) = self.underway.take().filter(|_| !io.outside) {
                    io.ledger.registers.end(underway, Some(value));
                }
                self.done(io);
            }
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            (Step::Initialize | Step::Open | Step::Create, Err(error)) if passing(error.code) => {
                self.line.pause(io, Duration::from_millis(60));
            }
            // Whether it was done is not known; another one follows.
            (Step::Write(_) | Step::Read, Err(error)) if passing(error.code) => {
                self.underway = None;
                self.pause(io);
            }
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => self.line.again(io),
            (step, Err(error)) => io.fail(format!("{step:?} of register: {error}")),
        }
    }

    fn done(&mut self, io: &mut Io<'_>) {
        io.ledger.progress(io.node, Part::Register, io.now);
        self.pause(io);
    }

    fn pause(&mut self, io: &mut Io<'_>) {
        self.line.pause(io, Duration::from_millis(100));
    }
}

impl Program for Register {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.underway = None;
                self.go_on(io, Step::Initialize);
            }
            News::Reply(outcome) => self.answered(io, outcome),
            News::Go => match self.step {
                Step::Initialize | Step::Open | Step::Create => self.ask(io),
                Step::Write(_) | Step::Read => self.turn(io),
            },
            News::Callback(callback) => io.fail(format!("{callback:?} out of the blue")),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        self.line.close(io);
    }
}
