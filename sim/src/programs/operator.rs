//! Gives orders to AMF: in the chaos any, and some that mend; in the calm only those that mend.

use super::{
    Io, Part, Program,
    line::{Line, News, passing},
};
use crate::{invariants::orders::OBJECTS, process::Heard};
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId,
    amf::{
        AdminOperation, AdminState, Api, Call, Callback, Callbacks, OperationalState, Reply, State,
    },
};
use std::time::Duration;

const OPERATIONS: [AdminOperation; 6] = [
    AdminOperation::Lock,
    AdminOperation::Unlock,
    AdminOperation::LockInstantiation,
    AdminOperation::UnlockInstantiation,
    AdminOperation::Shutdown,
    AdminOperation::Repaired,
];

pub(super) struct Operator {
    line: Line,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Initialize,
    /// Has nothing under way.
    Idle,
    /// Asks how things are.
    Look,
    /// Has given an order.
    Order(Name, AdminOperation),
}

impl Operator {
    pub(super) const fn new() -> Self {
        Self { line: Line::new(ServiceId::AMF), step: Step::Initialize }
    }

    fn ask(&mut self, io: &mut Io<'_>) {
        let call = match &self.step {
            Step::Initialize => Call::Initialize {
                version: Api::B04.version(),
                api: Api::B04,
                callbacks: Callbacks::default(),
                component: None,
            },
            Step::Idle => return self.turn(io),
            Step::Look => Call::State,
            Step::Order(object, operation) => {
                io.ledger.orders.given(object, *operation);
                Call::Admin { object: object.clone(), operation: *operation }
            }
        };
        self.line.call(io, call);
    }

    fn go_on(&mut self, io: &mut Io<'_>, step: Step) {
        self.step = step;
        self.ask(io);
    }

    /// Looks what there is to do, if it is its turn.
    fn turn(&mut self, io: &mut Io<'_>) {
        if !io.ledger.orders.take_turn(io.me) {
            return self.rest(io);
        }
        let mends = io.ledger.calm.is_some() || io.rng.bool();
        let object = io.rng.choice(OBJECTS).and_then(|it| Name::new(it).ok());
        match (object, io.rng.choice(OPERATIONS)) {
            (Some(object), Some(operation)) if !mends => {
                self.go_on(io, Step::Order(object, operation));
            }
            (_, _) => self.go_on(io, Step::Look),
        }
    }

    /// Leaves the next order to another one.
    fn done(&mut self, io: &mut Io<'_>) {
        io.ledger.orders.give_turn();
        self.rest(io);
    }

    fn rest(&mut self, io: &mut Io<'_>) {
        io.ledger.progress(io.node, Part::Operator, io.now);
        self.step = Step::Idle;
        self.line.pause(io, Duration::from_millis(800));
    }

    fn answered(&mut self, io: &mut Io<'_>, outcome: Outcome<Reply>) {
        match (self.step.clone(), outcome) {
            (Step::Initialize, Ok(_)) => self.go_on(io, Step::Idle),
            (Step::Look, Ok(Reply::State(state))) => match next_repair(&state) {
                Some((object, operation)) => self.go_on(io, Step::Order(object, operation)),
                None => self.done(io),
            },
            (Step::Order(..), Err(Error { code: ErrorCode::BadHandle, .. })) => {
                io.ledger.orders.gave_up(io.me, io.now);
                self.line.again(io);
            }
            (Step::Order(..), outcome) => {
                let outcome = outcome.map(|_| ()).map_err(|it| it.code);
                if let Err(what) = io.ledger.order_answered(outcome, io.now) {
                    io.fail(what);
                }
                self.done(io);
            }
            (_, Err(error)) if passing(error.code) => {
                self.line.pause(io, Duration::from_millis(60));
            }
            (_, Err(Error { code: ErrorCode::BadHandle, .. })) => self.line.again(io),
            (step, outcome) => io.fail(format!("{step:?}: {outcome:?}")),
        }
    }
}

/// What an operator would do next about what is locked or broken.
fn next_repair(state: &State) -> Option<(Name, AdminOperation)> {
    let unlock = |name: &Name, admin: AdminState| {
        let operation = match admin {
            AdminState::Unlocked => return None,
            AdminState::LockedInstantiation => AdminOperation::UnlockInstantiation,
            AdminState::Locked | AdminState::ShuttingDown => AdminOperation::Unlock,
        };
        Some((name.clone(), operation))
    };
    state.groups.iter().find_map(|group| {
        let broken = |it: &&ais_types::amf::UnitReport| {
            it.operational == OperationalState::Disabled && group.settled
        };
        let broken = group.units.iter().find(broken);
        let units = || group.units.iter().find_map(|it| unlock(&it.name, it.admin));
        let instances = || group.instances.iter().find_map(|it| unlock(&it.name, it.admin));
        let repair = || broken.map(|it| (it.name.clone(), AdminOperation::Repaired));
        repair().or_else(|| unlock(&group.name, group.admin)).or_else(units).or_else(instances)
    })
}

impl Program for Operator {
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>) {
        if matches!(heard, Heard::Closed(_)) {
            io.ledger.orders.gave_up(io.me, io.now);
        }
        match self.line.news::<Reply, Callback>(heard, io) {
            News::Begin => self.go_on(io, Step::Initialize),
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
