//! The suite is tested itself: implementations that break one rule each must be caught, and the
//! honest one must go free.

#![allow(
    irrefutable_let_patterns,
    unreachable_patterns,
    reason = "right for any number of services"
)]

use ais_conformance::Sim;
use ais_conformance_core::{
    AnyCall, AnyCallback, AnyReply, Cluster, Fault, Feature, Implementation, Options, Scenario,
    SessionName, Setup, Ticket, Trouble, Verdict, parse, run, scenarios,
};
use ais_types::{
    Error, ErrorCode, Name, NodeId, Outcome, Time,
    clm::{Call, Callback, Change, Reply, Step},
};
use std::{collections::BTreeMap, time::Duration};

type Answer = Outcome<AnyReply>;

/// One rule broken, between the implementation and the suite.
#[derive(Clone, Copy)]
struct Mutant {
    name: &'static str,
    answer: fn(&Call, Answer) -> Answer,
    callbacks: fn(&mut Vec<Callback>),
}

const HONEST: Mutant = Mutant { name: "honest", answer: |_, it| it, callbacks: |_| {} };

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "stops what is not tracked",
        answer: |call, it| match call {
            Call::TrackStop => Ok(AnyReply::Clm(Reply::Stopped(1))),
            _ => it,
        },
        ..HONEST
    },
    Mutant { name: "takes any flags", answer: |_, it| forgive(it, ErrorCode::BadFlags), ..HONEST },
    Mutant { name: "needs no callback", answer: |_, it| forgive(it, ErrorCode::Init), ..HONEST },
    Mutant {
        name: "has one code for all that is unknown",
        answer: |_, it| {
            it.map_err(|error| as_code(error, ErrorCode::NotExist, ErrorCode::InvalidParam))
        },
        ..HONEST
    },
    Mutant {
        name: "does not mind which generation",
        answer: |_, it| it.map_err(|error| as_code(error, ErrorCode::Version, ErrorCode::BadFlags)),
        ..HONEST
    },
    Mutant {
        name: "keeps finalized handles",
        answer: |_, it| forgive(it, ErrorCode::BadHandle),
        ..HONEST
    },
    Mutant {
        name: "names a wrong version",
        answer: |call, it| match (call, it) {
            (Call::Initialize { version, .. }, Ok(AnyReply::Clm(Reply::VersionRefused(_)))) => {
                Ok(AnyReply::Clm(Reply::VersionRefused(*version)))
            }
            (_, it) => it,
        },
        ..HONEST
    },
    Mutant {
        name: "says one item too few",
        answer: |_, it| match it {
            Ok(AnyReply::Clm(Reply::NoSpace(needed))) => {
                Ok(AnyReply::Clm(Reply::NoSpace(needed - 1)))
            }
            it => it,
        },
        ..HONEST
    },
    Mutant { name: "never times out", answer: |_, it| forgive(it, ErrorCode::Timeout), ..HONEST },
    Mutant {
        name: "tells only what changed",
        callbacks: |all| {
            each_track(all, |it| it.notification.items.retain(|it| it.change != Change::NoChange))
        },
        ..HONEST
    },
    Mutant {
        name: "does not tell who left",
        callbacks: |all| {
            each_track(all, |it| it.notification.items.retain(|it| it.change != Change::Left))
        },
        ..HONEST
    },
    Mutant {
        name: "counts who left",
        callbacks: |all| each_track(all, |it| it.members = it.notification.items.len() as u32),
        ..HONEST
    },
    Mutant {
        name: "numbers no two views differently",
        callbacks: |all| each_track(all, |it| it.notification.view = 7),
        ..HONEST
    },
    Mutant {
        name: "takes a node that left for a member",
        callbacks: |all| {
            each_track(all, |it| {
                it.notification.items.iter_mut().for_each(|it| it.node.member = true)
            });
        },
        ..HONEST
    },
    Mutant {
        name: "forgets the invocation",
        callbacks: |all| {
            for it in all {
                if let Callback::NodeGet { invocation, .. } = it {
                    *invocation = 0;
                }
            }
        },
        ..HONEST
    },
    Mutant {
        name: "tells everything twice",
        callbacks: |all| {
            *all = all.iter().flat_map(|it| [it.clone(), it.clone()]).collect();
        },
        ..HONEST
    },
    Mutant { name: "tells the newest first", callbacks: |all| all.reverse(), ..HONEST },
    Mutant {
        name: "asks nobody before a node is taken out",
        callbacks: |all| all.retain(|it| step_of(it) != Some(Step::Start)),
        ..HONEST
    },
    Mutant {
        name: "asks nobody for a veto",
        callbacks: |all| all.retain(|it| step_of(it) != Some(Step::Validate)),
        ..HONEST
    },
    Mutant {
        name: "does not say that a change is off",
        callbacks: |all| all.retain(|it| step_of(it) != Some(Step::Aborted)),
        ..HONEST
    },
    Mutant {
        name: "takes a node that is being taken out for one that is gone",
        callbacks: |all| {
            each_track(all, |it| {
                if it.step == Step::Start {
                    it.notification.items.iter_mut().for_each(|it| it.node.member = false);
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "supervises what has no limit",
        callbacks: |all| {
            each_track(all, |it| {
                if it.step == Step::Start {
                    it.time_supervision = Time(5 * Time::ONE_SECOND.0);
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "names no cause",
        callbacks: |all| each_track(all, |it| it.root_cause = None),
        ..HONEST
    },
    Mutant {
        name: "counts a node out before it is",
        callbacks: |all| {
            each_track(all, |it| it.members -= u32::from(it.step == Step::Start));
        },
        ..HONEST
    },
    Mutant {
        name: "tells a shutdown as any other leave",
        callbacks: |all| {
            each_track(all, |it| {
                for it in &mut it.notification.items {
                    if it.change == Change::Shutdown {
                        it.change = Change::Left;
                    }
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "asks with the same invocation as before",
        callbacks: |all| each_track(all, |it| it.invocation = it.invocation.min(1)),
        ..HONEST
    },
    Mutant {
        name: "takes any response",
        answer: |call, it| match call {
            Call::Response { .. } => forgive(it, ErrorCode::InvalidParam),
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "does what is done already",
        answer: |_, it| forgive(it, ErrorCode::NoOp),
        ..HONEST
    },
    Mutant {
        name: "does two things at once to a node",
        answer: |_, it| forgive(it, ErrorCode::BadOperation),
        ..HONEST
    },
    Mutant {
        name: "says of no shutdown that it was overtaken",
        answer: |_, it| forgive(it, ErrorCode::Interrupt),
        ..HONEST
    },
    Mutant {
        name: "heeds no veto",
        answer: |_, it| forgive(it, ErrorCode::FailedOperation),
        ..HONEST
    },
    Mutant {
        name: "knows any operation",
        answer: |_, it| forgive(it, ErrorCode::NotSupported),
        ..HONEST
    },
    Mutant {
        name: "is there for nodes that are no members",
        answer: |_, it| forgive(it, ErrorCode::Unavailable),
        ..HONEST
    },
];

fn step_of(callback: &Callback) -> Option<Step> {
    match callback {
        Callback::Track(it) => Some(it.step),
        Callback::NodeGet { .. } => None,
    }
}

fn forgive(answer: Answer, code: ErrorCode) -> Answer {
    match answer {
        Err(error) if error.code == code => Ok(AnyReply::Clm(Reply::Tracked)),
        it => it,
    }
}

fn as_code(error: Error, from: ErrorCode, to: ErrorCode) -> Error {
    if error.code == from { Error { code: to, ..error } } else { error }
}

fn each_track(all: &mut [Callback], change: fn(&mut ais_types::clm::TrackCallback)) {
    for it in all {
        if let Callback::Track(it) = it {
            change(it);
        }
    }
}

impl Implementation for Mutant {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        Sim.supports(feature)
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let honest = Sim.start(setup)?;
        Ok(Box::new(Liar { mutant: *self, honest, calls: BTreeMap::new() }))
    }
}

struct Liar {
    mutant: Mutant,
    honest: Box<dyn Cluster>,
    calls: BTreeMap<Ticket, Call>,
}

impl Cluster for Liar {
    fn node_id(&self, node: &str) -> NodeId {
        self.honest.node_id(node)
    }

    fn node_name(&self, node: &str) -> Name {
        self.honest.node_name(node)
    }

    fn process(&mut self, process: &str, node: &str) -> Result<(), Trouble> {
        self.honest.process(process, node)
    }

    fn call(&mut self, session: &SessionName, call: AnyCall) -> Result<Ticket, Trouble> {
        let ticket = self.honest.call(session, call.clone())?;
        if let AnyCall::Clm(call) = call {
            self.calls.insert(ticket, call);
        }
        Ok(ticket)
    }

    fn answer(&mut self, ticket: Ticket) -> Option<Answer> {
        let answer = self.honest.answer(ticket)?;
        Some(match self.calls.get(&ticket) {
            Some(call) => (self.mutant.answer)(call, answer),
            None => answer,
        })
    }

    fn peek(&mut self, ticket: Ticket) -> Option<Answer> {
        self.honest.peek(ticket)
    }

    fn dispatch(
        &mut self,
        session: &SessionName,
        one: bool,
        want: usize,
    ) -> Result<Outcome<Vec<AnyCallback>>, Trouble> {
        let come = self.honest.dispatch(session, one, want)?;
        Ok(come.map(|come| {
            let clm = |it| match it {
                AnyCallback::Clm(it) => Some(it),
                #[allow(unreachable_patterns)]
                _ => None,
            };
            let mut come: Vec<Callback> = come.into_iter().filter_map(clm).collect();
            (self.mutant.callbacks)(&mut come);
            come.into_iter().map(AnyCallback::Clm).collect()
        }))
    }

    fn finalize(&mut self, session: &SessionName) -> Result<Outcome<()>, Trouble> {
        self.honest.finalize(session)
    }

    fn inject(&mut self, fault: &Fault) -> Result<(), Trouble> {
        self.honest.inject(fault)
    }

    fn wait(&mut self, time: Duration) {
        self.honest.wait(time);
    }
}

fn clm_scenarios() -> Vec<Scenario> {
    let clm = scenarios().iter().filter(|(id, _)| id.starts_with("clm/"));
    clm.map(|(id, text)| parse(id, text).expect("readable")).collect()
}

/// Which `shall` scenarios fail.
fn caught_by(mutant: &Mutant) -> Vec<String> {
    let all = clm_scenarios();
    let failed =
        all.iter().filter(|it| matches!(run(it, mutant, Options::default()), Verdict::Fail(_)));
    failed.map(|it| it.id.clone()).collect()
}

#[test]
fn every_liar_is_caught() {
    let missed = MUTANTS.iter().filter(|it| caught_by(it).is_empty());
    let missed: Vec<&str> = missed.map(|it| it.name).collect();
    assert!(missed.is_empty(), "nobody notices: {missed:?}");
}

#[test]
fn the_honest_one_goes_free() {
    assert_eq!(caught_by(&HONEST), Vec::<String>::new());
}
