//! What programs ask: one function a call, and what must be certain before it is refused.

use crate::{
    Command, Limits, Msg, OpenId,
    client::Client,
    error::Refused,
    params,
    waiting::{Task, Ticket, To},
};
use ais_service::{Caller, Output};
use ais_types::{
    Error, Name, Time, Version,
    msg::{
        AckFlags, Call, Callbacks, CreationAttributes, Function, Listed, Message, OpenFlags, Reply,
        VERSIONS,
    },
};
use alloc::{boxed::Box, vec::Vec};

/// What becomes of a call that is not refused.
pub(crate) enum Go {
    /// It is answered.
    Answer(Reply),
    /// It will be.
    Waits,
    /// It would be refused because something is not there; that must be certain first.
    Uncertain,
}

type Checked = Result<Go, Refused>;

impl Msg {
    pub(crate) fn call(&mut self, caller: Caller, call: Call) {
        if self.waiting.count(caller.client) >= Limits::WAITING {
            let refused = Refused::TooMany { what: "waiting calls", most: Limits::WAITING };
            return self.answer(To::Caller(caller), Err(refused.into()));
        }
        self.dispatch(caller, call, false);
    }

    /// Everything ordered before the call was made has been heard here.
    pub(crate) fn barrier(&mut self, ticket: Ticket) {
        let is_barrier = |it: &crate::waiting::Waiting| matches!(it.task, Task::Barrier(_));
        if !self.waiting.get(ticket).is_some_and(is_barrier) {
            return;
        }
        let Some(waiting) = self.waiting.leave(ticket) else { return };
        if let (To::Caller(caller), Task::Barrier(call)) = (waiting.to, waiting.task) {
            self.dispatch(caller, *call, true);
        }
    }

    fn dispatch(&mut self, caller: Caller, call: Call, certain: bool) {
        // Kept only for those that may turn out uncertain.
        let again = (!certain && may_be_uncertain(&call)).then(|| call.clone());
        let timeout = time_to_find(&call);
        match (self.checked(caller, call), again) {
            (Ok(Go::Answer(reply)), _) => self.answer(To::Caller(caller), Ok(reply)),
            (Ok(Go::Waits), _) => {}
            (Ok(Go::Uncertain), Some(call)) => {
                let task = Task::Barrier(Box::new(call));
                let ticket = self.wait(To::Caller(caller), task, Some(timeout));
                self.out.push(Output::Barrier(ticket.0));
            }
            (Ok(Go::Uncertain), None) => {
                let text = "there is no such queue: create it (CREATE), or wait for who does";
                let error = Error::new(ais_types::ErrorCode::NotExist, text);
                self.answer(To::Caller(caller), Err(error));
            }
            (Err(refused), _) => self.answer(To::Caller(caller), Err(refused.into())),
        }
    }

    fn checked(&mut self, caller: Caller, call: Call) -> Checked {
        match call {
            Call::Initialize { version, callbacks } => self.initialize(caller, version, callbacks),
            Call::Open { name, attributes, flags, timeout } => {
                self.open(caller, name, attributes, flags, timeout)
            }
            Call::OpenAsync { invocation, name, attributes, flags } => {
                self.open_async(caller, invocation, name, attributes, flags)
            }
            Call::Close { queue } => self.close(caller, queue),
            Call::StatusGet { name } => self.status_get(caller, &name),
            Call::RetentionTimeSet { queue, retention } => self.retain(caller, queue, retention),
            Call::Unlink { name } => self.unlink(caller, name),
            Call::Send { destination, message, timeout } => {
                self.send(caller, &destination, message, timeout)
            }
            Call::SendAsync { invocation, destination, message, ack } => {
                self.send_async(caller, invocation, &destination, message, ack)
            }
            Call::Get { queue, room, timeout } => self.get(caller, queue, room, timeout),
            Call::Cancel { queue } => self.cancel(caller, queue),
            Call::Other(function) => self.other(caller, function),
            Call::List => Ok(Go::Answer(Reply::List(self.list()))),
        }
    }

    pub(crate) fn client(&mut self, caller: Caller) -> Result<&mut Client, Refused> {
        self.clients.get_mut(&caller.client).ok_or(Refused::NotInitialised)
    }

    /// §3.5.1.
    fn initialize(&mut self, caller: Caller, version: Version, callbacks: Callbacks) -> Checked {
        if self.clients.contains_key(&caller.client) {
            return Err(Refused::InitialisedTwice);
        }
        Ok(Go::Answer(match version.negotiate(VERSIONS) {
            Ok(granted) => {
                let client = Client::new(version, callbacks, caller.process);
                self.clients.insert(caller.client, client);
                Reply::Initialized(granted)
            }
            Err(unsupported) => Reply::VersionRefused(unsupported.0),
        }))
    }

    /// §3.6.1.
    fn open(
        &mut self,
        caller: Caller,
        name: Name,
        attributes: Option<CreationAttributes>,
        flags: OpenFlags,
        timeout: Time,
    ) -> Checked {
        let client = self.client(caller)?;
        params::open(client, &name, attributes.as_ref(), flags)?;
        let timeout = params::timeout(client, timeout)?;
        if timeout == Time::BEGIN {
            return Err(Refused::TimedOut);
        }
        self.order_open(To::Caller(caller), caller, name, attributes, flags, timeout)
    }

    /// §3.6.1.
    fn open_async(
        &mut self,
        caller: Caller,
        invocation: u64,
        name: Name,
        attributes: Option<CreationAttributes>,
        flags: OpenFlags,
    ) -> Checked {
        let client = self.client(caller)?;
        params::open(client, &name, attributes.as_ref(), flags)?;
        if !client.callbacks.open {
            return Err(Refused::NoCallback("queue open"));
        }
        let to = To::Open { client: caller.client, invocation };
        self.order_open(to, caller, name, attributes, flags, Time::END)?;
        Ok(Go::Answer(Reply::Done))
    }

    fn order_open(
        &mut self,
        to: To,
        caller: Caller,
        name: Name,
        attributes: Option<CreationAttributes>,
        flags: OpenFlags,
        timeout: Time,
    ) -> Checked {
        let copies = self.settings.copies.max(1);
        let client = self.client(caller)?;
        let open = OpenId { client: caller.client, handle: client.next_handle() };
        let command = Command::Open {
            open,
            process: client.process,
            name,
            attributes,
            flags,
            compare_retention: client.is_first(),
            copies,
        };
        self.wait(to, Task::Open { open }, Some(timeout));
        self.order(command);
        Ok(Go::Waits)
    }

    /// §3.6.3. The handle is gone at once; the answer comes when everyone who matters knows.
    fn close(&mut self, caller: Caller, handle: u64) -> Checked {
        let opened = self.client(caller)?.close(handle)?;
        self.receivers.remove(&opened.queue);
        for ticket in self.waiting.getting(opened.queue) {
            self.finish(ticket, Err(Refused::BadHandle(handle).into()));
        }
        let open = OpenId { client: caller.client, handle };
        self.wait(To::Caller(caller), Task::Close { open }, None);
        self.order(Command::Close { open });
        Ok(Go::Waits)
    }

    /// §3.6.4.
    fn status_get(&mut self, caller: Caller, name: &Name) -> Checked {
        self.client(caller)?;
        params::named(name)?;
        let Some(queue) = self.registry.named(name) else { return Ok(Go::Uncertain) };
        self.ask_usage(caller, queue);
        Ok(Go::Waits)
    }

    /// §3.6.5.
    fn retain(&mut self, caller: Caller, handle: u64, retention: Time) -> Checked {
        self.client(caller)?.queue(handle)?;
        params::retention(retention)?;
        let open = OpenId { client: caller.client, handle };
        let request = self.wait(To::Caller(caller), Task::Ordered, None).0;
        self.order(Command::Retain { request, open, retention });
        Ok(Go::Waits)
    }

    /// §3.6.6.
    fn unlink(&mut self, caller: Caller, name: Name) -> Checked {
        self.client(caller)?;
        params::named(&name)?;
        let request = self.wait(To::Caller(caller), Task::Ordered, None).0;
        self.order(Command::Unlink { request, name });
        Ok(Go::Waits)
    }

    /// §3.8.1.
    fn send(
        &mut self,
        caller: Caller,
        destination: &Name,
        message: Message,
        timeout: Time,
    ) -> Checked {
        let client = self.client(caller)?;
        params::send(client, destination, &message)?;
        let timeout = params::timeout(client, timeout)?;
        if timeout == Time::BEGIN {
            return Err(Refused::TimedOut);
        }
        let Some(queue) = self.registry.named(destination) else { return Ok(Go::Uncertain) };
        self.push(To::Caller(caller), queue, message, timeout);
        Ok(Go::Waits)
    }

    /// §3.8.1.
    fn send_async(
        &mut self,
        caller: Caller,
        invocation: u64,
        destination: &Name,
        message: Message,
        ack: AckFlags,
    ) -> Checked {
        let client = self.client(caller)?;
        params::send(client, destination, &message)?;
        params::ack(client, ack)?;
        let Some(queue) = self.registry.named(destination) else { return Ok(Go::Uncertain) };
        // The call is answered before its callback can come.
        self.answer(To::Caller(caller), Ok(Reply::Done));
        let to = if ack.has(AckFlags::DELIVERED) {
            To::Delivered { client: caller.client, invocation }
        } else {
            To::Nobody
        };
        self.push(to, queue, message, Time::END);
        Ok(Go::Waits)
    }

    /// What is not there yet. Functions of B.03.01 are unknown to older programs.
    fn other(&mut self, caller: Caller, function: Function) -> Checked {
        let major = self.client(caller)?.major;
        let is_new = match function {
            Function::ThresholdsSet
            | Function::ThresholdsGet
            | Function::MetadataSizeGet
            | Function::LimitGet => true,
            Function::GroupCreate
            | Function::GroupInsert
            | Function::GroupRemove
            | Function::GroupDelete
            | Function::GroupTrack
            | Function::GroupTrackStop
            | Function::SendReceive
            | Function::Reply
            | Function::ReplyAsync => false,
        };
        let is_unknown = is_new && major < 3;
        Err(if is_unknown { Refused::Newer(function) } else { Refused::NotServed(function) })
    }

    /// What operators see.
    fn list(&self) -> Vec<Listed> {
        let listed = |(id, it): (_, &crate::registry::Queue)| Listed {
            name: it.name.clone(),
            unlinked: it.unlinked,
            attributes: it.attributes,
            opener: it.opener.map(|opener| opener.process),
            primary: it.configuration.primary(),
            replicas: it.configuration.complete().collect(),
            usage: self.content(id).map(crate::Content::usage),
        };
        self.registry.iter().map(listed).collect()
    }
}

/// Whether it is refused when there is no queue, without anything being ordered.
const fn may_be_uncertain(call: &Call) -> bool {
    match call {
        Call::Send { .. } | Call::SendAsync { .. } | Call::StatusGet { .. } => true,
        Call::Initialize { .. }
        | Call::Open { .. }
        | Call::OpenAsync { .. }
        | Call::Close { .. }
        | Call::RetentionTimeSet { .. }
        | Call::Unlink { .. }
        | Call::Get { .. }
        | Call::Cancel { .. }
        | Call::Other(_)
        | Call::List => false,
    }
}

/// How long it may take to be certain that there is no queue.
const fn time_to_find(call: &Call) -> Time {
    match call {
        Call::Send { timeout, .. } if timeout.0 >= 0 => *timeout,
        Call::Send { .. } => Time::END,
        Call::Initialize { .. }
        | Call::Open { .. }
        | Call::OpenAsync { .. }
        | Call::Close { .. }
        | Call::StatusGet { .. }
        | Call::RetentionTimeSet { .. }
        | Call::Unlink { .. }
        | Call::SendAsync { .. }
        | Call::Get { .. }
        | Call::Cancel { .. }
        | Call::Other(_)
        | Call::List => crate::service::PATIENCE,
    }
}
