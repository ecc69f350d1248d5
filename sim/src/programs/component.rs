//! A component: it registers, does what it is told, and works while it is active.

use super::{
    Io, Kind, Program,
    line::{Line, News, passing},
    receiver::Receiver,
    writer::Writer,
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId,
    amf::{Api, Call, Callback, Callbacks, HaState, Reply},
};
use std::{collections::VecDeque, time::Duration};

pub(super) struct Component {
    line: Line,
    name: Name,
    step: Step,
    /// What it has still to say.
    answers: VecDeque<Answer>,
    /// What it does while it is active.
    work: Vec<Box<dyn Program>>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Initialize,
    Register,
    /// Takes callbacks.
    Serve,
    /// Waits for what becomes of its answer.
    Answer(Answer),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// To this invocation.
    Done(u64),
    /// To this invocation, and the end of it.
    Ended(u64),
    /// Nobody is served any more.
    Quiesced(u64),
}

impl Component {
    pub(super) fn new(name: Name) -> Self {
        let line = Line::new(ServiceId::AMF);
        let (step, answers, work) = (Step::Initialize, VecDeque::new(), Vec::new());
        Self { line, name, step, answers, work }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let call = match self.step {
            Step::Initialize => Call::Initialize {
                version: Api::B04.version(),
                api: Api::B04,
                callbacks: Callbacks::COMPONENT,
                component: Some(self.name.clone()),
            },
            Step::Register => Call::Register { component: self.name.clone(), proxy: None },
            Step::Serve => match self.answers.pop_front() {
                Some(answer) => return self.go_on(io, Step::Answer(answer)),
                None => return,
            },
            Step::Answer(Answer::Done(invocation) | Answer::Ended(invocation)) => {
                Call::Response { invocation, answer: None }
            }
            Step::Answer(Answer::Quiesced(invocation)) => {
                Call::QuiescingComplete { invocation, answer: None }
            }
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step, outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Register),
            (Step::Register, Ok(_)) => self.go_on(io, Step::Serve),
            (Step::Answer(Answer::Ended(_)), Ok(_)) => io.exit(),
            (Step::Answer(_), Ok(_)) => self.go_on(io, Step::Serve),
            (_, Err(error)) if passing(error.code) => {
                self.line.pause(io, Duration::from_millis(60));
            }
            // It came too late: its end is near.
            (Step::Register, Err(Error { code: ErrorCode::BadOperation, .. })) => io.exit(),
            (Step::Answer(Answer::Ended(_)), Err(Error { code: ErrorCode::NotExist, .. })) => {
                io.exit();
            }
            (Step::Answer(_), Err(Error { code: ErrorCode::NotExist, .. })) => {
                self.go_on(io, Step::Serve);
            }
            (step, outcome) => io.fail(format!("{step:?} of {}: {outcome:?}", self.name)),
        }
    }

    fn told(&mut self, io: &mut Io<'_>, callback: Callback) {
        let answer = match callback {
            Callback::CsiSet { invocation, state, .. } => {
                if let Err(what) = io.ledger.actives.told(io.me, &self.name, Some(state)) {
                    io.fail(what);
                }
                match state {
                    HaState::Active => self.work(io),
                    HaState::Standby | HaState::Quiesced | HaState::Quiescing => self.rest(io),
                }
                if state == HaState::Quiescing {
                    self.answers.push_back(Answer::Done(invocation));
                    Answer::Quiesced(invocation)
                } else {
                    Answer::Done(invocation)
                }
            }
            Callback::CsiRemove { invocation, .. } => {
                if let Err(what) = io.ledger.actives.told(io.me, &self.name, None) {
                    io.fail(what);
                }
                self.rest(io);
                Answer::Done(invocation)
            }
            Callback::Terminate { invocation, .. } => {
                self.rest(io);
                Answer::Ended(invocation)
            }
            Callback::Healthcheck { .. } => return io.fail(format!("{callback:?} unasked")),
        };
        self.answers.push_back(answer);
        if let Step::Serve = self.step {
            self.ask(io);
        }
    }

    /// Writes a checkpoint and receives from the queue.
    fn work(&mut self, io: &mut Io<'_>) {
        if self.work.is_empty() {
            self.work = vec![Box::new(Writer::new(Kind::All)), Box::new(Receiver::new())];
            self.work.iter_mut().for_each(|it| it.hear(Heard::Started, io));
        }
    }

    fn rest(&mut self, io: &mut Io<'_>) {
        self.work.drain(..).for_each(|mut it| it.stop(io));
    }
}

impl Program for Component {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        for it in &mut self.work {
            it.hear(heard.clone(), io);
        }
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => self.go_on(io, Step::Initialize),
            News::Reply(outcome) => self.answered(io, outcome),
            News::Callback(callback) => self.told(io, callback),
            News::Go => self.ask(io),
            News::Nothing => {}
        }
    }

    fn stop(&mut self, io: &mut Io<'_>) {
        self.rest(io);
        self.line.close(io);
    }
}
