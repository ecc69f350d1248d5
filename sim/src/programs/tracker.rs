//! Follows the membership, and asks for its own node now and then.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Outcome, ServiceId, Time, TrackFlags,
    clm::{Api, Buffer, Call, Callback, Callbacks, LOCAL_NODE, Reply},
};
use std::time::Duration;

pub(super) struct Tracker {
    line: Line,
    step: Step,
    /// The last view it was told of.
    view: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Track,
    Get,
}

impl Tracker {
    pub(super) const fn new() -> Self {
        Self { line: Line::new(ServiceId::CLM), step: Step::Initialize, view: 0 }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let call = match self.step {
            Step::Initialize => Call::Initialize {
                api: Api::B04,
                version: Api::B04.version(),
                callbacks: Callbacks { node_get: true, track: true },
            },
            Step::Track => Call::Track {
                api: Api::B04,
                flags: TrackFlags(TrackFlags::CURRENT.0 | TrackFlags::CHANGES.0),
                buffer: Buffer::None,
            },
            Step::Get => Call::NodeGet {
                api: Api::B04,
                node: LOCAL_NODE,
                timeout: Time(5 * Time::ONE_SECOND.0),
            },
        };
        self.line.call(io, call);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.step = Step::Track,
            (Step::Track, Ok(_)) => self.step = Step::Get,
            (Step::Get, Ok(Reply::Node(node))) => {
                if node.id != io.node || !node.member {
                    io.fail(format!("its own node is {node:?}"));
                }
                io.ledger.progress(io.node, Part::Tracker, io.now);
                return self.line.pause(io, Duration::from_millis(500));
            }
            (step, Ok(reply)) => return io.fail(format!("{step:?} is answered {reply:?}")),
            (_, Err(error)) if passing(error.code) => {
                return self.line.pause(io, Duration::from_millis(60));
            }
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => return self.line.again(io),
            (step, Err(error)) => return io.fail(format!("{step:?}: {error}")),
        }
        self.ask(io);
    }

    fn told(&mut self, io: &mut Io<'_>, callback: Callback) {
        let Callback::Track(it) = callback else {
            return io.fail(format!("{callback:?} out of the blue"));
        };
        let view = it.notification.view;
        let members: Vec<_> = it
            .notification
            .items
            .iter()
            .filter(|item| item.node.member)
            .map(|item| item.node.id)
            .collect();
        if let Err(what) = io.ledger.tracked(self.view, view, &members) {
            io.fail(what);
        }
        self.view = view;
    }
}

impl Program for Tracker {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => {
                self.step = Step::Initialize;
                self.view = 0;
                self.ask(io);
            }
            News::Reply(outcome) => self.answered(io, outcome),
            News::Callback(callback) => self.told(io, callback),
            News::Go => self.ask(io),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        self.line.close(io);
    }
}
