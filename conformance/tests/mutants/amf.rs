//! Availability management: what must not pass.

use crate::liar::{Answer, HONEST, Mutant, forgive};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply, Fault};
use ais_types::{
    ErrorCode, Name,
    amf::{Call, Callback, HaState, Reply, StateDescriptor, Transition},
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "registers whatever it is told",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::InvalidParam, |it| matches!(it, Call::Register { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "registers a component twice",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::Exist, |it| matches!(it, Call::Register { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "needs no callbacks",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::Init, |it| matches!(it, Call::Register { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "takes every process for a component",
        answer: |call, it| match call {
            AnyCall::Amf(Call::ComponentNameGet) => {
                let name = Name::new("C1").expect("short");
                forgive(it, ErrorCode::NotExist, AnyReply::Amf(Reply::ComponentName(name)))
            }
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "takes answers to nothing",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::NotExist, |it| matches!(it, Call::Response { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "takes an answer for a wrong one",
        ask: |it| match it {
            AnyCall::Amf(Call::Response { invocation, answer: Some(_) }) => {
                AnyCall::Amf(Call::Response { invocation, answer: None })
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "hands over no attributes",
        callbacks: |all| each_set(all, |_, _, attributes| attributes.clear()),
        ..HONEST
    },
    Mutant {
        name: "calls every assignment a new one",
        callbacks: |all| {
            each_set(all, |_, detail, _| {
                if let StateDescriptor::Active { transition, .. } = detail {
                    *transition = Transition::NewAssign;
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "does not tell a standby who is active",
        callbacks: |all| {
            each_set(all, |_, detail, _| {
                if let StateDescriptor::Standby { active, .. } = detail {
                    *active = Name::default();
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "makes everybody active",
        callbacks: |all| {
            each_set(all, |state, _, _| {
                if *state == HaState::Standby {
                    *state = HaState::Active;
                }
            });
        },
        ..HONEST
    },
    Mutant {
        name: "quiesces nobody",
        callbacks: |all| {
            let quiesces = |it: &AnyCallback| {
                matches!(it, AnyCallback::Amf(Callback::CsiSet { state: HaState::Quiesced, .. }))
            };
            all.retain(|it| !quiesces(it));
        },
        ..HONEST
    },
    Mutant {
        name: "takes away without a word",
        callbacks: |all| {
            all.retain(|it| !matches!(it, AnyCallback::Amf(Callback::CsiRemove { .. })));
        },
        ..HONEST
    },
    Mutant {
        name: "ends components without a word",
        callbacks: |all| {
            all.retain(|it| !matches!(it, AnyCallback::Amf(Callback::Terminate { .. })));
        },
        ..HONEST
    },
    Mutant {
        name: "tells a state before it is acknowledged",
        answer: |call, it| match call {
            AnyCall::Amf(Call::HaStateGet { .. }) => {
                forgive(it, ErrorCode::NotExist, AnyReply::Amf(Reply::HaState(HaState::Active)))
            }
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "does nothing that operators order",
        ask: |it| match it {
            AnyCall::Amf(Call::Admin { .. }) => AnyCall::Amf(Call::State),
            it => it,
        },
        answer: |call, it| match call {
            AnyCall::Amf(Call::Admin { .. }) => it.map(|_| AnyReply::Amf(Reply::Done)),
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "answers an order before it is carried out",
        early: |call| match call {
            AnyCall::Amf(Call::Admin { .. }) => Some(Ok(AnyReply::Amf(Reply::Done))),
            _ => None,
        },
        ..HONEST
    },
    Mutant {
        name: "allows every operation on every object",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::NotSupported, |it| matches!(it, Call::Admin { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "allows every operation in every state",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::BadOperation, |it| matches!(it, Call::Admin { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "does not say that there is nothing to do",
        answer: |_, it| forgive(it, ErrorCode::NoOp, AnyReply::Amf(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "takes an operation while another is under way",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::TryAgain, |it| matches!(it, Call::Admin { .. }))
        },
        ..HONEST
    },
    Mutant {
        name: "does nothing about reported errors",
        ask: |it| match it {
            AnyCall::Amf(Call::ErrorReport { .. }) => AnyCall::Amf(Call::State),
            it => it,
        },
        answer: |call, it| match call {
            AnyCall::Amf(Call::ErrorReport { .. }) => it.map(|_| AnyReply::Amf(Reply::Done)),
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "does not notice that a component has died",
        notices: |fault| !matches!(fault, Fault::KillProcess(_)),
        ..HONEST
    },
    Mutant {
        name: "does not notice that a node is lost",
        notices: |fault| !matches!(fault, Fault::KillNode(_)),
        ..HONEST
    },
    Mutant {
        name: "starts all levels at once",
        model: |it| it.replace("level = 2", "level = 1"),
        ..HONEST
    },
    Mutant {
        name: "restarts where it shall fail over",
        model: |it| it.replace("COMPONENT_FAILOVER", "COMPONENT_RESTART"),
        ..HONEST
    },
    Mutant { name: "never escalates", model: |it| it.replace("max = 2", "max = 99"), ..HONEST },
    Mutant {
        name: "never forgets a failure",
        model: |it| it.replace("probation_ms = 10000", "probation_ms = 1000000"),
        ..HONEST
    },
    Mutant {
        name: "waits for an answer without end",
        model: |it| it.replace("callback_timeout_ms = 5000", "callback_timeout_ms = 100000000"),
        ..HONEST
    },
    Mutant {
        name: "waits for a registration without end",
        model: |it| {
            it.replace("instantiate_timeout_ms = 3000", "instantiate_timeout_ms = 100000000")
        },
        ..HONEST
    },
    Mutant {
        name: "prefers the unit of the lowest rank",
        model: |it| {
            it.replace("name = \"SU1\", node", "name = \"SU1\", rank = 9, node")
                .replace("name = \"SU2\", node", "name = \"SU2\", rank = 1, node")
        },
        ..HONEST
    },
    Mutant {
        name: "has unregistration in every release",
        answer: |call, it| {
            if_asked(call, it, ErrorCode::Version, |it| matches!(it, Call::Unregister { .. }))
        },
        ..HONEST
    },
];

/// This error of such a call is taken for a success.
fn if_asked(call: &AnyCall, answer: Answer, code: ErrorCode, which: fn(&Call) -> bool) -> Answer {
    match call {
        AnyCall::Amf(it) if which(it) => forgive(answer, code, AnyReply::Amf(Reply::Done)),
        _ => answer,
    }
}

type Attributes = Vec<(String, String)>;

fn each_set(
    all: &mut [AnyCallback],
    change: fn(&mut HaState, &mut StateDescriptor, &mut Attributes),
) {
    for it in all {
        if let AnyCallback::Amf(Callback::CsiSet { state, csi, .. }) = it {
            change(state, &mut csi.detail, &mut csi.attributes);
        }
    }
}
