//! What programs ask: each call to the function that checks it and sets it going.
//!
//! The checks come in the order of ais-common 3.2: handle, parameters, callback, access, kind,
//! existence.

use crate::{
    CheckpointId, Ckpt, Limits, Mutation, Query,
    client::{Client, Opened},
    error::Refused,
    params,
    registry::Checkpoint,
    waiting::{Task, Ticket, To},
};
use ais_service::{Caller, Output};
use ais_types::{
    Error, Payloads,
    ckpt::{Call, OpenFlags, Reply},
};
use alloc::boxed::Box;

/// What becomes of a call that passed its checks.
pub(crate) enum Go {
    /// It is answered at once.
    Answer(Reply),
    /// It waits and is answered later.
    Waits,
    /// Nothing here speaks for it, but something ordered elsewhere might: ask again behind a
    /// barrier.
    Uncertain,
}

pub(crate) type Checked = Result<Go, Error>;

/// Who asks, and whether a barrier has made this node's knowledge certain.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    pub(crate) certain: bool,
}

impl Ckpt {
    /// A program asks.
    pub(crate) fn call(&mut self, caller: Caller, call: Call) {
        if self.waiting.count(caller.client) >= Limits::WAITING {
            let refused = Refused::too_many("calls that wait", Limits::WAITING, "await some");
            return self.answer(To::Caller(caller), Err(refused.into()));
        }
        self.attempt(Asked { caller, certain: false }, call);
    }

    /// Everything that was ordered before the barrier is known here now.
    pub(crate) fn barrier(&mut self, ticket: Ticket) {
        let is_barrier = |task: &Task| matches!(task, Task::Barrier(..));
        if !self.waiting.get(ticket).is_some_and(|it| is_barrier(&it.task)) {
            return;
        }
        let waiting = self.waiting.leave(ticket).expect("looked up just now");
        if let (To::Caller(caller), Task::Barrier(call, _)) = (waiting.to, waiting.task) {
            self.attempt(Asked { caller, certain: true }, *call);
        }
    }

    fn attempt(&mut self, asked: Asked, mut call: Call) {
        let to = To::Caller(asked.caller);
        match self.check(asked, &call) {
            Ok(Go::Answer(reply)) => self.answer(to, Ok(reply)),
            Ok(Go::Waits) => {}
            Ok(Go::Uncertain) => {
                let bytes = bytes_of(&mut call);
                let ticket = self.wait(to, Task::Barrier(Box::new(call), bytes), None);
                self.out.push(Output::Barrier(ticket.0));
            }
            Err(error) => self.answer(to, Err(error)),
        }
    }

    fn check(&mut self, asked: Asked, call: &Call) -> Checked {
        let caller = asked.caller;
        match call {
            Call::Initialize { version, callbacks } => {
                self.initialize(caller, *version, *callbacks)
            }
            Call::InitializeTracking { version, callbacks } => {
                self.initialize_tracking(caller, *version, *callbacks)
            }
            Call::Open { name, attributes, flags, timeout } => {
                self.open(caller, name, attributes.as_ref(), *flags, *timeout)
            }
            Call::OpenAsync { invocation, name, attributes, flags } => {
                self.open_async(caller, *invocation, name, attributes.as_ref(), *flags)
            }
            Call::Close { checkpoint } => self.close(caller, *checkpoint),
            Call::Unlink { name } => self.unlink(caller, name),
            Call::RetentionDurationSet { checkpoint, duration } => {
                self.retain(caller, *checkpoint, *duration)
            }
            Call::ActiveReplicaSet { checkpoint } => self.active_replica_set(caller, *checkpoint),
            Call::StatusGet { checkpoint } => self.status_get(asked, *checkpoint),
            Call::SectionCreate { checkpoint, section, expiration, data } => {
                let (section, data, expiration) = (section.clone(), data.clone(), *expiration);
                self.mutate(asked, *checkpoint, Mutation::Create { section, expiration, data })
            }
            Call::SectionDelete { checkpoint, section } => {
                self.mutate(asked, *checkpoint, Mutation::Delete { section: section.clone() })
            }
            Call::SectionExpirationTimeSet { checkpoint, section, expiration } => {
                let (section, expiration) = (section.clone(), *expiration);
                self.mutate(asked, *checkpoint, Mutation::SetExpiration { section, expiration })
            }
            Call::SectionIterationInitialize { checkpoint, chosen, expiration } => {
                self.iterate(asked, *checkpoint, *chosen, *expiration)
            }
            Call::SectionIterationNext { iteration } => self.iteration_next(asked, *iteration),
            Call::SectionIterationFinalize { iteration } => {
                self.client(caller)?.end_iteration(*iteration)?;
                Ok(Go::Answer(Reply::Done))
            }
            Call::Write { checkpoint, elements } => {
                self.mutate(asked, *checkpoint, Mutation::Write { elements: elements.clone() })
            }
            Call::Overwrite { checkpoint, section, data } => {
                let (section, data) = (section.clone(), data.clone());
                self.mutate(asked, *checkpoint, Mutation::Overwrite { section, data })
            }
            Call::Read { checkpoint, elements } => {
                let (opened, it) = self.opened(caller, *checkpoint)?;
                params::read(&it.attributes, elements)?;
                access(it, opened, OpenFlags::READ)?;
                self.ask(asked, opened, Query::Read(elements.clone()), None)
            }
            Call::Synchronize { checkpoint, timeout } => {
                self.synchronize(asked, *checkpoint, *timeout)
            }
            Call::SynchronizeAsync { checkpoint, invocation } => {
                self.synchronize_async(asked, *checkpoint, *invocation)
            }
            Call::Track => self.track(asked),
            Call::TrackStop => self.track_stop(asked),
            Call::Scan { checkpoint, after } => {
                let opened = self.readable(caller, *checkpoint)?;
                self.ask(asked, opened, Query::Scan(after.clone()), None)
            }
            Call::Changes { checkpoint, after, timeout } => {
                let opened = self.readable(caller, *checkpoint)?;
                self.changes(asked, opened, *after, *timeout)
            }
            Call::Corrupt { checkpoint, section } => {
                self.corrupt(asked, *checkpoint, section.clone())
            }
            Call::List { after } => Ok(Go::Answer(Reply::List(self.list(CheckpointId(*after))))),
            Call::Show { name } => self.show(caller, name),
            Call::Counters => Ok(Go::Answer(Reply::Counters(self.counters()))),
            Call::Observe => self.observe(asked),
        }
    }

    /// The session, if it was initialised.
    pub(crate) fn client(&mut self, caller: Caller) -> Result<&mut Client, Refused> {
        self.clients.get_mut(&caller.client).ok_or(Refused::NotInitialised)
    }

    /// The session, if its program is written for the track extension.
    pub(crate) fn tracker(&mut self, caller: Caller) -> Result<&mut Client, Refused> {
        let client = self.client(caller)?;
        if client.may_track { Ok(client) } else { Err(Refused::TooOld) }
    }

    /// What a checkpoint handle stands for that may be read through.
    fn readable(&self, caller: Caller, handle: u64) -> Result<Opened, Refused> {
        let (opened, it) = self.opened(caller, handle)?;
        access(it, opened, OpenFlags::READ)?;
        Ok(opened)
    }

    /// What a checkpoint handle stands for.
    pub(crate) fn opened(
        &self,
        caller: Caller,
        handle: u64,
    ) -> Result<(Opened, &Checkpoint), Refused> {
        let client = self.clients.get(&caller.client).ok_or(Refused::NotInitialised)?;
        let opened = client.checkpoint(handle)?;
        // Open, and gone: its last replica was lost with its node.
        let checkpoint = self.registry.get(opened.checkpoint).ok_or(Refused::Lost { handle })?;
        Ok((opened, checkpoint))
    }
}

/// Bytes of payload in a call or a part of one.
pub(crate) fn bytes_of(it: &mut impl Payloads) -> u64 {
    let mut bytes = 0;
    it.payloads(&mut |payload| bytes += payload.len() as u64);
    bytes
}

/// Whether the handle was opened for this.
pub(crate) fn access(
    checkpoint: &Checkpoint,
    opened: Opened,
    needed: OpenFlags,
) -> Result<(), Refused> {
    if opened.flags.has(needed) {
        return Ok(());
    }
    let needed = if needed == OpenFlags::READ { "READ" } else { "WRITE" };
    Err(Refused::Access { name: checkpoint.name.clone(), needed })
}
