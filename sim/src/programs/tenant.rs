//! Leaves a checkpoint for a while and looks whether it is still there, and as it was.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
    stay::Stay,
    writer::section_id,
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, Time, Version,
    ckpt::{
        Call, Callback, Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement, Reply,
    },
};
use std::time::Duration;

const TIMEOUT: Time = Time(5 * Time::ONE_SECOND.0);

pub(super) struct Tenant {
    line: Line,
    step: Step,
    checkpoint: u64,
    value: u64,
    stay: Stay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Initialize,
    Open,
    Retain,
    Create,
    Write,
    Close,
    Unlink,
    /// Comes back.
    Reopen,
    Read,
    CloseAgain,
}

impl Tenant {
    pub(super) fn new() -> Self {
        Self {
            line: Line::new(ServiceId::CKPT),
            step: Step::Initialize,
            checkpoint: 0,
            value: 0,
            stay: Stay::default(),
        }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        self.stay.asks(io);
        let checkpoint = self.checkpoint;
        let name = Name::new(format!("safCkpt=tenant{}", io.node.0)).expect("it is short");
        let section = section_id(1);
        let data = self.value.to_be_bytes().to_vec().into();
        let call = match self.step {
            Step::Initialize => {
                Call::Initialize { version: Version::b(2, 2), callbacks: Callbacks::default() }
            }
            Step::Open => {
                let flags = OpenFlags::CREATE | OpenFlags::READ | OpenFlags::WRITE;
                open(name, Some(attributes()), flags)
            }
            Step::Retain => Call::RetentionDurationSet {
                checkpoint,
                duration: Time::from(self.stay.begins(io)),
            },
            Step::Create => {
                Call::SectionCreate { checkpoint, section, expiration: Time::END, data }
            }
            Step::Write => Call::Overwrite { checkpoint, section, data },
            Step::Close | Step::CloseAgain => Call::Close { checkpoint },
            Step::Unlink => Call::Unlink { name },
            Step::Reopen => open(name, None, OpenFlags::READ),
            Step::Read => {
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

    fn later(&mut self, io: &mut Io<'_>, step: Step, within: Duration) {
        self.step = step;
        self.line.pause(io, within);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Open),
            (Step::Open, Ok(Reply::Opened(checkpoint))) => {
                self.checkpoint = checkpoint;
                *io.counter += 1;
                self.value = *io.counter;
                self.go_on(io, Step::Retain);
            }
            (Step::Retain, Ok(_)) => self.go_on(io, Step::Create),
            (Step::Create, Ok(_)) | (Step::Write, Ok(_)) => self.go_on(io, Step::Close),
            (Step::Create, Err(Error { code: ErrorCode::Exist, .. })) => {
                self.go_on(io, Step::Write);
            }
            (Step::Close, Ok(_)) => {
                let step = if self.stay.left(io) { Step::Unlink } else { Step::Reopen };
                self.later(io, step, Duration::from_millis(2_500));
            }
            (Step::Unlink, Ok(_)) => {
                self.stay.unlinked(io);
                self.go_on(io, Step::Reopen);
            }
            (Step::Reopen, Ok(Reply::Opened(checkpoint))) => {
                self.stay.found(io, true);
                self.checkpoint = checkpoint;
                self.go_on(io, Step::Read);
            }
            (Step::Unlink | Step::Reopen, Err(Error { code: ErrorCode::NotExist, .. })) => {
                self.stay.found(io, false);
                self.again_from_the_start(io);
            }
            (Step::Read, Ok(Reply::Read(values))) => {
                let values: Vec<&[u8]> = values.iter().map(|it| &it[..]).collect();
                if values != [self.value.to_be_bytes()] && !io.outside {
                    io.fail(format!("it holds {values:?} instead of {}", self.value));
                }
                self.go_on(io, Step::CloseAgain);
            }
            (Step::CloseAgain, Ok(_)) => self.again_from_the_start(io),
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            // Nobody knows what has become of it.
            (_, Err(error)) if passing(error.code) || error.code == ErrorCode::BadHandle => {
                self.stay.forget();
                self.line.again(io);
            }
            (step, Err(error)) => io.fail(format!("{step:?} of a tenant: {error}")),
        }
    }

    fn again_from_the_start(&mut self, io: &mut Io<'_>) {
        io.ledger.progress(io.node, Part::Tenant, io.now);
        self.later(io, Step::Open, Duration::from_millis(300));
    }
}

fn open(name: Name, attributes: Option<CreationAttributes>, flags: OpenFlags) -> Call {
    Call::Open { name, attributes, flags, timeout: TIMEOUT }
}

fn attributes() -> CreationAttributes {
    CreationAttributes {
        creation_flags: CreationFlags::WR_ALL_REPLICAS,
        checkpoint_size: 32,
        retention_duration: Time::ONE_SECOND,
        max_sections: 2,
        max_section_size: 16,
        max_section_id_size: 16,
    }
}

impl Program for Tenant {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.stay.forget();
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
