//! Reads what the writers wrote, and compares it with what they were promised before.

use super::{
    Io, Kind, Part, Program,
    line::{Line, News, passing},
    writer::section_id,
};
use crate::{invariants::Floor, process::Heard};
use ais_types::{
    Error, ErrorCode, Outcome, ServiceId, Time, Version,
    ckpt::{Call, Callback, Callbacks, OpenFlags, ReadElement, Reply},
};
use std::{collections::BTreeMap, time::Duration};

/// How many sections are read at once.
const ELEMENTS: usize = 8;

pub(super) struct Reader {
    line: Line,
    step: Step,
    kind: Kind,
    open: BTreeMap<Kind, u64>,
    /// What was promised when the read began.
    floors: Vec<Floor>,
    /// The checkpoint was there for certain when it was to be opened.
    kept: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Open,
    Read,
}

impl Reader {
    pub(super) const fn new() -> Self {
        Self {
            line: Line::new(ServiceId::CKPT),
            step: Step::Initialize,
            kind: Kind::All,
            open: BTreeMap::new(),
            floors: Vec::new(),
            kept: false,
        }
    }

    /// Turns to the next checkpoint: opens it, or reads it.
    fn turn(&mut self, io: &mut Io<'_>) {
        self.kind = io.rng.choice(Kind::ALL).unwrap_or(Kind::All);
        self.kept = !io.ledger.promised(self.kind).is_empty();
        self.step = if self.open.contains_key(&self.kind) { Step::Read } else { Step::Open };
        self.ask(io);
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let call = match (self.step, self.open.get(&self.kind)) {
            (Step::Initialize, _) => {
                Call::Initialize { version: Version::b(2, 2), callbacks: Callbacks::default() }
            }
            (Step::Read, Some(checkpoint)) => {
                self.floors = io.ledger.promised(self.kind);
                io.rng.shuffle(&mut self.floors);
                self.floors.truncate(ELEMENTS);
                if self.floors.is_empty() {
                    return self.line.pause(io, Duration::from_millis(100));
                }
                let element = |it: &Floor| ReadElement {
                    section: section_id(it.section),
                    offset: 0,
                    size: None,
                };
                let elements = self.floors.iter().map(element).collect();
                Call::Read { checkpoint: *checkpoint, elements }
            }
            (Step::Open | Step::Read, _) => Call::Open {
                name: self.kind.name(),
                attributes: None,
                flags: OpenFlags::READ,
                timeout: Time(5 * Time::ONE_SECOND.0),
            },
        };
        self.line.call(io, call);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.turn(io),
            (Step::Open, Ok(Reply::Opened(checkpoint))) => {
                self.open.insert(self.kind, checkpoint);
                self.pause(io);
            }
            // No writer has begun yet.
            (Step::Open, Err(Error { code: ErrorCode::NotExist, .. })) if !self.kept => {
                self.pause(io);
            }
            (Step::Read, Ok(Reply::Read(values))) => {
                let values: Vec<Option<u64>> = values
                    .iter()
                    .map(|it| Some(u64::from_be_bytes(it[..].try_into().ok()?)))
                    .collect();
                // Ordered out, and not aware of it yet, a node may answer from what it knew.
                if !io.outside
                    && let Err(what) = io.ledger.read(self.kind, &self.floors, &values)
                {
                    io.fail(what);
                }
                io.ledger.progress(io.node, Part::Reader, io.now);
                self.pause(io);
            }
            // Likewise: what is new is not there.
            (Step::Read, Err(Error { code: ErrorCode::NotExist, .. })) if io.outside => {
                self.pause(io);
            }
            (step, Ok(reply)) => io.fail(format!("{step:?} is answered {reply:?}")),
            (_, Err(error)) if passing(error.code) => self.pause(io),
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => self.line.again(io),
            (step, Err(error)) => {
                io.fail(format!("{step:?} of {:?} {:?}: {error}", self.kind, self.floors));
            }
        }
    }

    fn pause(&mut self, io: &mut Io<'_>) {
        self.line.pause(io, Duration::from_millis(120));
    }
}

impl Program for Reader {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.open.clear();
                self.step = Step::Initialize;
                self.ask(io);
            }
            News::Reply(outcome) => self.answered(io, outcome),
            News::Go => match self.step {
                Step::Initialize => self.ask(io),
                Step::Open | Step::Read => self.turn(io),
            },
            News::Callback(callback) => io.fail(format!("{callback:?} out of the blue")),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        self.line.close(io);
    }
}
