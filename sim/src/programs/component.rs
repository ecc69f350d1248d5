//! A component: it registers, does what it is told, and works while it is active.

use super::{
    Io, Kind, Program,
    line::{Line, News, passing},
    receiver::Receiver,
    writer::Writer,
};
use crate::process::Heard;
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, Time,
    amf::{Api, Call, Callback, Callbacks, HaState, Reply},
};
use std::{collections::VecDeque, time::Duration};

pub(super) struct Component {
    line: Line,
    name: Name,
    manner: Manner,
    step: Step,
    /// What it has still to say.
    answers: VecDeque<Answer>,
    /// What it does while it is active.
    work: Vec<Box<dyn Program>>,
}

/// How a component behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Good,
    /// It never says anything.
    Mute,
    /// It answers so many callbacks, and then none.
    Deaf(u8),
    /// It answers so many callbacks, and then only that it failed.
    Refuses(u8),
    /// It agrees to terminate, and goes on.
    Lingers,
    /// It reports errors of itself.
    Complains,
}

impl Manner {
    /// Mostly good.
    pub(crate) fn any(rng: &mut fastrand::Rng) -> Self {
        match rng.u8(0..16) {
            0 => Self::Mute,
            1 => Self::Deaf(rng.u8(0..4)),
            2 => Self::Refuses(rng.u8(0..4)),
            3 => Self::Lingers,
            4 => Self::Complains,
            _ => Self::Good,
        }
    }
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
    /// To this invocation: it failed.
    Failed(u64),
    /// An error of its own, with this recommendation.
    Error(u32),
    /// To this invocation, and the end of it.
    Ended(u64),
    /// Nobody is served any more.
    Quiesced(u64),
}

impl Component {
    pub(super) fn new(name: Name, manner: Manner) -> Self {
        let line = Line::new(ServiceId::AMF);
        let (step, answers, work) = (Step::Initialize, VecDeque::new(), Vec::new());
        Self { line, name, manner, step, answers, work }
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
            Step::Answer(Answer::Failed(invocation)) => {
                Call::Response { invocation, answer: Some(ErrorCode::FailedOperation) }
            }
            Step::Answer(Answer::Error(recovery)) => {
                Call::ErrorReport { component: self.name.clone(), detected: Time::BEGIN, recovery }
            }
            Step::Answer(Answer::Quiesced(invocation)) => {
                // It has stopped before it says so.
                self.is_now(io, Some(HaState::Quiesced));
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
            (Step::Answer(Answer::Ended(_)), Ok(_)) if self.manner != Manner::Lingers => io.exit(),
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
            // It is being ended already.
            (Step::Answer(Answer::Error(_)), Err(Error { code: ErrorCode::InvalidParam, .. })) => {
                self.go_on(io, Step::Serve);
            }
            (step, outcome) => io.fail(format!("{step:?} of {}: {outcome:?}", self.name)),
        }
    }

    fn told(&mut self, io: &mut Io<'_>, callback: Callback) {
        let Some(answer) = self.answer(io, callback) else { return };
        self.answers.push_back(answer);
        let complains = self.manner == Manner::Complains && io.ledger.calm.is_none();
        if complains && io.rng.bool() {
            self.answers.push_back(Answer::Error(io.rng.u32(1..=3)));
        }
        if let Step::Serve = self.step {
            self.ask(io);
        }
    }

    /// Does what it is told, if it is good; what it answers then, if anything.
    fn answer(&mut self, io: &mut Io<'_>, callback: Callback) -> Option<Answer> {
        let invocation = match &callback {
            Callback::CsiSet { invocation, .. }
            | Callback::CsiRemove { invocation, .. }
            | Callback::Terminate { invocation, .. } => *invocation,
            Callback::Healthcheck { .. } => {
                io.fail(format!("{callback:?} unasked"));
                return None;
            }
        };
        match &mut self.manner {
            Manner::Deaf(0) => {
                self.disobey(io, &callback);
                return None;
            }
            Manner::Refuses(0) => {
                self.disobey(io, &callback);
                return Some(Answer::Failed(invocation));
            }
            Manner::Deaf(left) | Manner::Refuses(left) => *left -= 1,
            Manner::Good | Manner::Mute | Manner::Lingers | Manner::Complains => {}
        }
        Some(match callback {
            Callback::CsiSet { state, .. } => {
                self.is_now(io, Some(state));
                match state {
                    HaState::Active => self.work(io),
                    HaState::Standby | HaState::Quiesced | HaState::Quiescing => self.rest(io),
                }
                if state == HaState::Quiescing {
                    self.answers.push_back(Answer::Done(invocation));
                    return Some(Answer::Quiesced(invocation));
                }
                Answer::Done(invocation)
            }
            Callback::CsiRemove { .. } => {
                self.is_now(io, None);
                self.rest(io);
                Answer::Done(invocation)
            }
            Callback::Terminate { .. } => {
                self.rest(io);
                Answer::Ended(invocation)
            }
            Callback::Healthcheck { .. } => return None,
        })
    }

    fn is_now(&self, io: &mut Io<'_>, state: Option<HaState>) {
        if let Err(what) = io.ledger.told(io.me, &self.name, state) {
            io.fail(what);
        }
    }

    /// Who is told to be active counts as that, whatever he does; who is told to stop has not.
    fn disobey(&self, io: &mut Io<'_>, callback: &Callback) {
        if let Callback::CsiSet { state: HaState::Active, .. } = callback {
            self.is_now(io, Some(HaState::Active));
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
            News::Begin if self.manner == Manner::Mute => {}
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
