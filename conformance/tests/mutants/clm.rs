//! Membership: what must not pass.

use crate::liar::{Answer, HONEST, Mutant, as_code, forgive as forgive_as};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{
    ErrorCode, Time,
    clm::{Call, Callback, Change, Reply, Step, TrackCallback},
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "stops what is not tracked",
        answer: |call, it| match call {
            AnyCall::Clm(Call::TrackStop) => Ok(AnyReply::Clm(Reply::Stopped(1))),
            _ => it,
        },
        ..HONEST
    },
    Mutant { name: "takes any flags", answer: |_, it| forgive(it, ErrorCode::BadFlags), ..HONEST },
    Mutant { name: "needs no callback", answer: |_, it| forgive(it, ErrorCode::Init), ..HONEST },
    Mutant {
        name: "has one code for all that is unknown",
        answer: |_, it| as_code(it, ErrorCode::NotExist, ErrorCode::InvalidParam),
        ..HONEST
    },
    Mutant {
        name: "does not mind which generation",
        answer: |_, it| as_code(it, ErrorCode::Version, ErrorCode::BadFlags),
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
            (
                AnyCall::Clm(Call::Initialize { version, .. }),
                Ok(AnyReply::Clm(Reply::VersionRefused(_))),
            ) => Ok(AnyReply::Clm(Reply::VersionRefused(*version))),
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
                if let AnyCallback::Clm(Callback::NodeGet { invocation, .. }) = it {
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
            AnyCall::Clm(Call::Response { .. }) => forgive(it, ErrorCode::InvalidParam),
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

fn step_of(callback: &AnyCallback) -> Option<Step> {
    match callback {
        AnyCallback::Clm(Callback::Track(it)) => Some(it.step),
        _other => None,
    }
}

fn forgive(answer: Answer, code: ErrorCode) -> Answer {
    forgive_as(answer, code, AnyReply::Clm(Reply::Tracked))
}

fn each_track(all: &mut [AnyCallback], change: fn(&mut TrackCallback)) {
    for it in all {
        if let AnyCallback::Clm(Callback::Track(it)) = it {
            change(it);
        }
    }
}
