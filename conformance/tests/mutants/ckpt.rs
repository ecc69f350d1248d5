//! Checkpoints: what must not pass.

use crate::liar::{Answer, HONEST, Mutant, forgive};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply, Fault};
use ais_types::{
    Error, ErrorCode, Time,
    ckpt::{
        Call, Callback, CreationAttributes, CreationFlags, OpenFlags, Reply, SectionId,
        WriteElement,
    },
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "unlinks nothing",
        ask: |it| instead(it, |it| matches!(it, Call::Unlink { .. })),
        answer: |call, it| done_if(call, it, |it| matches!(it, Call::Unlink { .. })),
        ..HONEST
    },
    Mutant {
        name: "takes any creation attributes",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::InvalidParam),
        ..HONEST
    },
    Mutant {
        name: "takes any open flags",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::BadFlags),
        ..HONEST
    },
    Mutant {
        name: "does not mind other attributes",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::Exist),
        ..HONEST
    },
    Mutant {
        name: "opens what does not exist",
        answer: |call, it| opened_all_the_same(call, it, ErrorCode::NotExist),
        ..HONEST
    },
    Mutant {
        name: "lets everybody write",
        answer: |_, it| forgive(it, ErrorCode::Access, AnyReply::Ckpt(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "keeps closed handles",
        answer: |_, it| forgive(it, ErrorCode::BadHandle, AnyReply::Ckpt(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "does not shrink at an overwrite",
        ask: |it| match it {
            AnyCall::Ckpt(Call::Overwrite { checkpoint, section, data }) => {
                let elements = vec![WriteElement { section, offset: 0, data }];
                AnyCall::Ckpt(Call::Write { checkpoint, elements })
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "writes the first element of a vector",
        ask: |it| match it {
            AnyCall::Ckpt(Call::Write { checkpoint, mut elements }) => {
                elements.truncate(1);
                AnyCall::Ckpt(Call::Write { checkpoint, elements })
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "does not say which element is at fault",
        answer: |_, it| it.map_err(|error| Error { index: None, ..error }),
        ..HONEST
    },
    Mutant {
        name: "reads a byte too few",
        answer: |_, it| match it {
            Ok(AnyReply::Ckpt(Reply::Read(pieces))) => {
                let shorter = pieces.iter().map(|it| it[..it.len().saturating_sub(1)].to_vec());
                Ok(AnyReply::Ckpt(Reply::Read(shorter.map(Into::into).collect())))
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "keeps open what a dead process had open",
        notices: |fault| !matches!(fault, Fault::KillProcess(_)),
        ..HONEST
    },
    Mutant {
        name: "keeps every checkpoint for ever",
        ask: |it| with_attributes(it, |it| it.retention_duration = Time::END),
        ..HONEST
    },
    Mutant {
        name: "keeps no checkpoint that nobody has open",
        ask: |it| with_attributes(it, |it| it.retention_duration = Time(0)),
        ..HONEST
    },
    Mutant {
        name: "does not heed the duration that was set last",
        ask: |it| instead(it, |it| matches!(it, Call::RetentionDurationSet { .. })),
        answer: |call, it| done_if(call, it, |it| matches!(it, Call::RetentionDurationSet { .. })),
        ..HONEST
    },
    Mutant {
        name: "lets no section expire",
        ask: |it| match it {
            AnyCall::Ckpt(Call::SectionExpirationTimeSet { checkpoint, section, .. }) => {
                let expiration = Time::END;
                AnyCall::Ckpt(Call::SectionExpirationTimeSet { checkpoint, section, expiration })
            }
            AnyCall::Ckpt(Call::SectionCreate { checkpoint, section, data, .. }) => {
                let expiration = Time::END;
                AnyCall::Ckpt(Call::SectionCreate { checkpoint, section, expiration, data })
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "makes up the same id again and again",
        answer: |_, it| match it {
            Ok(AnyReply::Ckpt(Reply::SectionCreated(_))) => {
                let same = SectionId::new("1").expect("short");
                Ok(AnyReply::Ckpt(Reply::SectionCreated(same)))
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "counts bytes wrongly",
        answer: |_, it| match it {
            Ok(AnyReply::Ckpt(Reply::Status(mut status))) => {
                status.memory_used += 1;
                Ok(AnyReply::Ckpt(Reply::Status(status)))
            }
            it => it,
        },
        ..HONEST
    },
    Mutant {
        name: "appoints an active replica where the program does",
        ask: |it| {
            with_attributes(it, |it| {
                it.creation_flags.0 &= !CreationFlags::COLLOCATED.0;
            })
        },
        ..HONEST
    },
    Mutant {
        name: "synchronizes what is synchronous",
        answer: |_, it| forgive(it, ErrorCode::BadOperation, AnyReply::Ckpt(Reply::Done)),
        ..HONEST
    },
    Mutant {
        name: "gives everybody the right to write",
        ask: |it| with_flags(it, OpenFlags::WRITE),
        ..HONEST
    },
    Mutant {
        name: "forgets the invocation",
        callbacks: |all| {
            for it in all {
                match it {
                    AnyCallback::Ckpt(
                        Callback::Open { invocation, .. }
                        | Callback::Synchronize { invocation, .. },
                    ) => *invocation = 0,
                    AnyCallback::Ckpt(Callback::Track { .. } | Callback::Notification(_))
                    | AnyCallback::Clm(_)
                    | AnyCallback::Msg(_)
                    | AnyCallback::Amf(_) => {}
                }
            }
        },
        ..HONEST
    },
    Mutant {
        name: "calls back twice",
        callbacks: |all| {
            *all = all.iter().flat_map(|it| [it.clone(), it.clone()]).collect();
        },
        ..HONEST
    },
];

/// Nothing is done: the honest one is only asked for its list.
fn instead(call: AnyCall, which: fn(&Call) -> bool) -> AnyCall {
    match call {
        AnyCall::Ckpt(it) if which(&it) => AnyCall::Ckpt(Call::List { after: 0 }),
        it => it,
    }
}

fn done_if(call: &AnyCall, answer: Answer, which: fn(&Call) -> bool) -> Answer {
    match call {
        AnyCall::Ckpt(it) if which(it) => answer.map(|_| AnyReply::Ckpt(Reply::Done)),
        _ => answer,
    }
}

fn opened_all_the_same(call: &AnyCall, answer: Answer, code: ErrorCode) -> Answer {
    match call {
        AnyCall::Ckpt(Call::Open { .. }) => forgive(answer, code, AnyReply::Ckpt(Reply::Opened(1))),
        _ => answer,
    }
}

fn with_attributes(call: AnyCall, change: fn(&mut CreationAttributes)) -> AnyCall {
    let mut call = call;
    if let AnyCall::Ckpt(
        Call::Open { attributes: Some(it), .. } | Call::OpenAsync { attributes: Some(it), .. },
    ) = &mut call
    {
        change(it);
    }
    call
}

fn with_flags(call: AnyCall, more: OpenFlags) -> AnyCall {
    let mut call = call;
    if let AnyCall::Ckpt(Call::Open { flags, .. } | Call::OpenAsync { flags, .. }) = &mut call {
        *flags = *flags | more;
    }
    call
}
