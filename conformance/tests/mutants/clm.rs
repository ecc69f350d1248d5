//! Membership: what must not pass.

use crate::liar::{Answer, HONEST, Mutant, as_code, forgive as forgive_as};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{
    ErrorCode,
    clm::{Call, Callback, Change, Reply, TrackCallback},
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
];

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
