//! Services of any type behind one object-safe trait: bytes outside, values inside.

use ais_service::{
    Action, ActionId, Caller, Entry, Exit, Figure, Input, Instant, Lease, Link, Now, Output,
    Service,
};
use ais_types::{ClientId, GroupTime, MemberId, ProcessId, ServiceId, Stamp, View, frame};
use ais_wire::{DecodeError, Frame, decode, decode_bytes, encode, encode_bytes};
use bytes::Bytes;
use std::{any::Any, collections::BTreeSet};

/// The frame kind of an entry of the group's log; the tag is the service.
pub const ENTRY: u8 = 32;
/// The frame kind of a message between nodes; the tag is the service.
pub const MESSAGE: u8 = 33;

/// What happens to a service, its messages still encoded. See [`Input`].
#[derive(Clone, Debug)]
pub enum RawInput {
    /// [`Input::Call`].
    Call(Caller, Frame),
    /// [`Input::Cancelled`].
    Cancelled(Caller),
    /// [`Input::Closed`].
    Closed(ClientId),
    /// [`Input::Ordered`].
    Ordered(Entry<Frame>),
    /// [`Input::ProcessEnded`].
    ProcessEnded(Stamp, ProcessId),
    /// [`Input::Kept`], encoded.
    Kept(Stamp, Bytes),
    /// [`Input::View`].
    View(Stamp, View),
    /// [`Input::Released`].
    Released(Stamp, MemberId),
    /// [`Input::Time`].
    Time(Stamp),
    /// [`Input::Barrier`].
    Barrier(u64),
    /// [`Input::Message`].
    Message(MemberId, Frame),
    /// [`Input::Link`].
    Link(MemberId, Link),
    /// [`Input::Lease`].
    Lease(Lease),
    /// [`Input::Deadline`].
    Deadline,
    /// [`Input::Done`].
    Done(ActionId, Exit),
}

/// What a service asks for, its messages encoded already. See [`Output`].
#[derive(Clone, Debug)]
pub enum RawOutput {
    /// [`Output::Reply`]: a frame of kind [`frame::REPLY`], its tag still 0.
    Reply(Caller, Frame),
    /// [`Output::Callback`]: a frame of kind [`frame::CALLBACK`], its tag still 0.
    Callback(ClientId, Frame),
    /// [`Output::Order`]: a frame of kind [`ENTRY`].
    Order(Bytes),
    /// [`Output::Barrier`].
    Barrier(u64),
    /// [`Output::Send`]: a frame of kind [`MESSAGE`].
    Send(MemberId, Bytes),
    /// [`Output::Perform`].
    Perform(ActionId, Action),
}

/// A service whose type is forgotten. [`Adapter`] makes one of any [`Service`].
pub trait Driven: Send {
    /// The number programs call it by.
    fn id(&self) -> ServiceId;

    /// The name people call it by.
    fn name(&self) -> &'static str;

    /// Takes one input and appends what it asks for.
    ///
    /// # Errors
    /// When the input's frame is malformed. The service has not seen it then.
    fn step(
        &mut self,
        now: Now,
        input: RawInput,
        out: &mut Vec<RawOutput>,
    ) -> Result<(), DecodeError>;

    /// See [`Service::deadline`].
    fn deadline(&self) -> Option<Instant>;

    /// See [`Service::group_deadline`].
    fn group_deadline(&self) -> Option<GroupTime>;

    /// See [`Service::snapshot`].
    fn snapshot(&self) -> Bytes;

    /// See [`Service::restore`].
    ///
    /// # Errors
    /// When the bytes are no snapshot of this service. It is as blank as before then.
    fn restore(&mut self, me: MemberId, snapshot: &[u8]) -> Result<(), DecodeError>;

    /// See [`Service::kept`].
    fn kept(&self) -> Option<Bytes>;

    /// See [`Service::kept_changes`].
    fn kept_changes(&self) -> u64;

    /// See [`Service::figures`].
    fn figures(&self) -> Vec<Figure>;

    /// Begins anew, about to be this member, with nothing but the replicated part.
    fn renew(&mut self, me: MemberId);

    /// See [`Service::farewell`]: a frame of kind [`ENTRY`].
    fn farewell(&self) -> Option<Bytes>;

    /// See [`Service::members`].
    fn members(&self) -> Option<BTreeSet<MemberId>>;

    /// See [`Service::UNAVAILABLE_SINCE`].
    fn unavailable_since(&self) -> u8;

    /// The service itself, for tests and simulations that look inside.
    fn as_any(&self) -> &dyn Any;
}

/// Drives a service of a known type.
#[derive(Debug)]
pub struct Adapter<S: Service> {
    service: S,
    outputs: Vec<Output<S>>,
}

impl<S: Service> Adapter<S> {
    /// Drives this service.
    pub fn new(service: S) -> Self {
        Self { service, outputs: Vec::new() }
    }

    /// The same, its type forgotten.
    pub fn boxed(service: S) -> Box<dyn Driven> {
        Box::new(Self::new(service))
    }
}

impl<S: Service> Driven for Adapter<S> {
    fn id(&self) -> ServiceId {
        S::ID
    }

    fn name(&self) -> &'static str {
        S::NAME
    }

    fn step(
        &mut self,
        now: Now,
        input: RawInput,
        out: &mut Vec<RawOutput>,
    ) -> Result<(), DecodeError> {
        let input = typed::<S>(input)?;
        self.service.step(now, input, &mut self.outputs);
        out.extend(self.outputs.drain(..).map(raw));
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.service.deadline()
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        self.service.group_deadline()
    }

    fn snapshot(&self) -> Bytes {
        encode_bytes(&self.service.snapshot())
    }

    fn restore(&mut self, me: MemberId, snapshot: &[u8]) -> Result<(), DecodeError> {
        self.service.restore(me, decode_bytes(snapshot)?);
        Ok(())
    }

    fn kept(&self) -> Option<Bytes> {
        self.service.kept().map(|kept| encode_bytes(&kept))
    }

    fn kept_changes(&self) -> u64 {
        self.service.kept_changes()
    }

    fn figures(&self) -> Vec<Figure> {
        self.service.figures()
    }

    fn renew(&mut self, me: MemberId) {
        let mut blank = self.service.blank();
        blank.restore(me, self.service.snapshot());
        self.service = blank;
    }

    fn farewell(&self) -> Option<Bytes> {
        let mut command = self.service.farewell()?;
        Some(encode(ENTRY, u64::from(S::ID.0), &mut command).to_bytes())
    }

    fn members(&self) -> Option<BTreeSet<MemberId>> {
        self.service.members()
    }

    fn unavailable_since(&self) -> u8 {
        S::UNAVAILABLE_SINCE
    }

    fn as_any(&self) -> &dyn Any {
        &self.service
    }
}

fn typed<S: Service>(input: RawInput) -> Result<Input<S>, DecodeError> {
    Ok(match input {
        RawInput::Call(caller, frame) => Input::Call(caller, decode(&frame)?),
        RawInput::Cancelled(caller) => Input::Cancelled(caller),
        RawInput::Closed(client) => Input::Closed(client),
        RawInput::Ordered(Entry { stamp, from, command }) => {
            Input::Ordered(Entry { stamp, from, command: decode(&command)? })
        }
        RawInput::ProcessEnded(stamp, process) => Input::ProcessEnded(stamp, process),
        RawInput::Kept(stamp, bytes) => Input::Kept(stamp, decode_bytes(&bytes)?),
        RawInput::View(stamp, view) => Input::View(stamp, view),
        RawInput::Released(stamp, member) => Input::Released(stamp, member),
        RawInput::Time(stamp) => Input::Time(stamp),
        RawInput::Barrier(number) => Input::Barrier(number),
        RawInput::Message(from, frame) => Input::Message(from, decode(&frame)?),
        RawInput::Link(member, link) => Input::Link(member, link),
        RawInput::Lease(lease) => Input::Lease(lease),
        RawInput::Deadline => Input::Deadline,
        RawInput::Done(action, exit) => Input::Done(action, exit),
    })
}

fn raw<S: Service>(output: Output<S>) -> RawOutput {
    let service = u64::from(S::ID.0);
    match output {
        Output::Reply(caller, mut outcome) => {
            RawOutput::Reply(caller, encode(frame::REPLY, 0, &mut outcome))
        }
        Output::Callback(client, mut callback) => {
            RawOutput::Callback(client, encode(frame::CALLBACK, 0, &mut callback))
        }
        Output::Order(mut command) => {
            RawOutput::Order(encode(ENTRY, service, &mut command).to_bytes())
        }
        Output::Barrier(number) => RawOutput::Barrier(number),
        Output::Send(to, mut message) => {
            RawOutput::Send(to, encode(MESSAGE, service, &mut message).to_bytes())
        }
        Output::Perform(action, what) => RawOutput::Perform(action, what),
    }
}
