//! Messages: what must not pass.

use crate::liar::{Answer, HONEST, Mutant, forgive};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply, Fault};
use ais_types::{
    ErrorCode, Time,
    msg::{AckFlags, Call, Callback, CreationAttributes, Message, OpenFlags, Received, Reply},
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "lets everybody open a queue",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::Busy),
        ..HONEST
    },
    Mutant {
        name: "opens what does not exist",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::NotExist),
        ..HONEST
    },
    Mutant {
        name: "does not mind other attributes",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::Exist),
        ..HONEST
    },
    Mutant {
        name: "takes any flags",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::BadFlags),
        ..HONEST
    },
    Mutant {
        name: "takes any name and any attributes",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::InvalidParam),
        ..HONEST
    },
    Mutant {
        name: "needs no callback",
        answer: |_, it| forgive(it, ErrorCode::Init, AnyReply::Msg(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "has one priority for all",
        ask: |it| with_message(it, |it| it.priority = 0),
        ..HONEST
    },
    Mutant {
        name: "forgets the type of a message",
        answer: |_, it| received(it, |it| it.message.kind = 0),
        ..HONEST
    },
    Mutant {
        name: "forgets who has sent a message",
        answer: |_, it| received(it, |it| it.message.sender = None),
        ..HONEST
    },
    Mutant {
        name: "empties a queue at every open",
        ask: |it| with_flags(it, |it| *it = *it | OpenFlags::EMPTY),
        ..HONEST
    },
    Mutant {
        name: "empties no queue",
        ask: |it| with_flags(it, |it| it.0 &= !OpenFlags::EMPTY.0),
        ..HONEST
    },
    Mutant {
        name: "says that it has room for everything",
        answer: |_, it| forgive(it, ErrorCode::QueueFull, AnyReply::Msg(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "keeps open what a dead process had open",
        notices: |fault| !matches!(fault, Fault::KillProcess(_)),
        ..HONEST
    },
    Mutant {
        name: "unlinks nothing",
        ask: |it| instead(it, |it| matches!(it, Call::Unlink { .. })),
        answer: |call, it| done_if(call, it, |it| matches!(it, Call::Unlink { .. })),
        ..HONEST
    },
    Mutant {
        name: "keeps every queue for ever",
        ask: |it| with_attributes(it, |it| it.retention = Time::END),
        ..HONEST
    },
    Mutant {
        name: "keeps no queue that nobody has open",
        ask: |it| {
            with_attributes(it, |it| {
                it.flags.0 = 0;
                it.retention = Time(0);
            })
        },
        ..HONEST
    },
    Mutant {
        name: "does not heed the retention time that was set last",
        ask: |it| instead(it, |it| matches!(it, Call::RetentionTimeSet { .. })),
        answer: |call, it| done_if(call, it, |it| matches!(it, Call::RetentionTimeSet { .. })),
        ..HONEST
    },
    Mutant { name: "acknowledges unasked", ask: |it| with_ack(it, AckFlags::DELIVERED), ..HONEST },
    Mutant { name: "acknowledges nothing", ask: |it| with_ack(it, AckFlags(0)), ..HONEST },
    Mutant {
        name: "tells nobody that a message has come",
        callbacks: |all| {
            all.retain(|it| !matches!(it, AnyCallback::Msg(Callback::Received { .. })));
        },
        ..HONEST
    },
    Mutant {
        name: "tells everybody that a message has come",
        ask: |it| with_flags(it, |it| *it = *it | OpenFlags::RECEIVE_CALLBACK),
        ..HONEST
    },
    Mutant {
        name: "tells everything twice",
        callbacks: |all| {
            *all = all.iter().flat_map(|it| [it.clone(), it.clone()]).collect();
        },
        ..HONEST
    },
    Mutant {
        name: "does not say how much room a message needs",
        answer: |_, it| match it {
            Ok(AnyReply::Msg(Reply::TooSmall(_))) => Ok(AnyReply::Msg(Reply::TooSmall(0))),
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "cancels though nobody waits",
        answer: |call, it| match call {
            AnyCall::Msg(Call::Cancel { .. }) => {
                forgive(it, ErrorCode::NotExist, AnyReply::Msg(Reply::Done))
            }
            _ => it,
        },
        ..HONEST
    },
    Mutant {
        name: "keeps closed handles",
        answer: |_, it| forgive(it, ErrorCode::BadHandle, AnyReply::Msg(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "has its newest functions for everybody",
        answer: |_, it| forgive(it, ErrorCode::Version, AnyReply::Msg(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "counts messages wrongly",
        answer: |_, it| match it {
            Ok(AnyReply::Msg(Reply::Status(mut status))) => {
                status.usage.iter_mut().for_each(|it| it.messages += 1);
                Ok(AnyReply::Msg(Reply::Status(status)))
            }
            it => it,
        },
        ..HONEST
    },
];

/// Nothing is done: the honest one is only asked for its list.
fn instead(call: AnyCall, which: fn(&Call) -> bool) -> AnyCall {
    match call {
        AnyCall::Msg(it) if which(&it) => AnyCall::Msg(Call::List),
        it => it,
    }
}

fn done_if(call: &AnyCall, answer: Answer, which: fn(&Call) -> bool) -> Answer {
    match call {
        AnyCall::Msg(it) if which(it) => answer.map(|_| AnyReply::Msg(Reply::Done)),
        _ => answer,
    }
}

fn opened_all_the_same(call: &AnyCall, answer: Answer, code: ErrorCode) -> Answer {
    match call {
        AnyCall::Msg(Call::Open { .. }) => forgive(answer, code, AnyReply::Msg(Reply::Opened(1))),
        _ => answer,
    }
}

fn with_attributes(call: AnyCall, change: fn(&mut CreationAttributes)) -> AnyCall {
    let mut call = call;
    if let AnyCall::Msg(
        Call::Open { attributes: Some(it), .. } | Call::OpenAsync { attributes: Some(it), .. },
    ) = &mut call
    {
        change(it);
    }
    call
}

fn with_flags(call: AnyCall, change: fn(&mut OpenFlags)) -> AnyCall {
    let mut call = call;
    if let AnyCall::Msg(Call::Open { flags, .. } | Call::OpenAsync { flags, .. }) = &mut call {
        change(flags);
    }
    call
}

fn with_message(call: AnyCall, change: fn(&mut Message)) -> AnyCall {
    let mut call = call;
    if let AnyCall::Msg(Call::Send { message, .. } | Call::SendAsync { message, .. }) = &mut call {
        change(message);
    }
    call
}

fn with_ack(call: AnyCall, flags: AckFlags) -> AnyCall {
    let mut call = call;
    if let AnyCall::Msg(Call::SendAsync { ack, .. }) = &mut call {
        *ack = flags;
    }
    call
}

fn received(answer: Answer, change: fn(&mut Received)) -> Answer {
    let mut answer = answer;
    if let Ok(AnyReply::Msg(Reply::Received(it))) = &mut answer {
        change(it);
    }
    answer
}
