//! What goes into services and what comes out of them.

use super::{Core, Done, Effect, Task, isolation};
use crate::driven::{ENTRY, RawInput, RawOutput};
use ais_service::{Action, ActionId, Caller, Entry, Exit, Now};
use ais_types::{Error, ErrorCode, MemberId, Outcome, ProcessId, ServiceId, Stamp, frame};
use ais_wire::{DecodeError, Frame, encode};
use bytes::Bytes;

impl Core {
    /// Hands an input that carries no frame to every service, in their order.
    pub(super) fn feed_all(&mut self, now: Now, input: &RawInput, out: &mut Vec<Effect>) {
        for index in 0..self.services.len() {
            self.feed_sound(now, index, input.clone(), out);
        }
    }

    /// The same, to all but the one that decides who is a member.
    pub(super) fn feed_members(&mut self, now: Now, input: &RawInput, out: &mut Vec<Effect>) {
        let gatekeeper = self.gatekeeper;
        for index in (0..self.services.len()).filter(|it| Some(*it) != gatekeeper) {
            self.feed_sound(now, index, input.clone(), out);
        }
    }

    /// Hands an input to a service, and what it asks for to where it belongs.
    pub(super) fn feed(
        &mut self,
        now: Now,
        index: usize,
        input: RawInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), DecodeError> {
        let mut outputs = std::mem::take(&mut self.outputs);
        let caller = match &input {
            RawInput::Call(caller, _) => Some(*caller),
            _other => None,
        };
        let result = self.services[index].step(now, input, &mut outputs);
        self.refuse_the_oversized(index, caller, &mut outputs, out);
        outputs.drain(..).for_each(|output| self.route(index, output, out));
        self.outputs = outputs;
        result
    }

    /// An order that the group would not take is none, and its call has failed before it has done
    /// anything.
    fn refuse_the_oversized(
        &mut self,
        index: usize,
        caller: Option<Caller>,
        outputs: &mut Vec<RawOutput>,
        out: &mut Vec<Effect>,
    ) {
        let limit = self.config.limits.order_bytes;
        let size = |output: &RawOutput| match output {
            RawOutput::Order(entry) => entry.len(),
            _other => 0,
        };
        let largest = outputs.iter().map(size).max().unwrap_or(0);
        if largest <= limit {
            return;
        }
        let service = self.services[index].name();
        let text = format!("{service} would order {largest} bytes at once, the limit is {limit}");
        outputs.retain(|output| size(output) == 0);
        let Some(caller) = caller else { return out.push(Effect::Fatal(text)) };
        let error = Error::new(ErrorCode::NoResources, format!("{text}: ask for less at a time"));
        let mut outcome: Outcome<()> = Err(error);
        self.reply(caller, encode(frame::REPLY, 0, &mut outcome), out);
        self.work.push_back((index, RawInput::Cancelled(caller)));
    }

    pub(super) fn feed_sound(
        &mut self,
        now: Now,
        index: usize,
        input: RawInput,
        out: &mut Vec<Effect>,
    ) {
        if let Err(error) = self.feed(now, index, input, out) {
            // Only a message that a service sent to its own node can get here.
            let service = self.services[index].name();
            tracing::error!(service, %error, "cannot read its own message");
        }
    }

    /// Does what the event has caused inside the node.
    pub(super) fn drain_work(&mut self, now: Now, out: &mut Vec<Effect>) {
        while let Some((index, input)) = self.work.pop_front() {
            self.feed_sound(now, index, input, out);
        }
    }

    fn route(&mut self, index: usize, output: RawOutput, out: &mut Vec<Effect>) {
        match output {
            RawOutput::Reply(caller, frame) => self.reply_when_saved(index, caller, frame, out),
            RawOutput::Callback(client, frame) => self.callback(client, frame, out),
            RawOutput::Order(entry) => {
                self.counts.orders += 1;
                out.push(Effect::Order(entry));
            }
            RawOutput::Barrier(number) => {
                self.barriers_asked += 1;
                self.barriers.insert(self.barriers_asked, (index, number));
                out.push(Effect::Barrier(self.barriers_asked));
            }
            RawOutput::Send(to, message) => self.send(index, to, message, out),
            RawOutput::Perform(action, what) => self.perform(index, action, what, out),
        }
    }

    /// A member of the view that is connected gets it; a service may also write to itself.
    fn send(&mut self, index: usize, to: MemberId, message: Bytes, out: &mut Vec<Effect>) {
        if Some(to) == self.inside_me() {
            match self.parse(message) {
                Ok(frame) => self.work.push_back((index, RawInput::Message(to, frame))),
                Err(error) => tracing::error!(%error, "a message to this node itself is lost"),
            }
        } else if let Some(to) = self.gate.outside(to).filter(|it| self.links.is_open(*it)) {
            self.counts.sent += 1;
            self.counts.sent_bytes += message.len() as u64;
            out.push(Effect::ToPeer(to, message));
        } else {
            self.counts.dropped += 1;
        }
    }

    fn perform(&mut self, index: usize, id: ActionId, action: Action, out: &mut Vec<Effect>) {
        let service = self.services[index].id();
        let inside = self.inside_me();
        let task = match action {
            Action::Spawn(spawn) => Task::Spawn(spawn),
            Action::Run(run) => Task::Run(run),
            Action::Kill(process) if Some(process.member) != inside => {
                let exit = Exit::Failed(format!("{process} is not a process of this node"));
                return self.work.push_back((index, RawInput::Done(id, exit)));
            }
            Action::Kill(process) => match self.processes.find(process.number) {
                Some((key, pid)) => Task::Kill(key, pid),
                None => return self.work.push_back((index, RawInput::Done(id, Exit::Code(0)))),
            },
        };
        let id = self.isolation.begin(service, id);
        out.push(Effect::Perform(service, id, task));
    }

    pub(super) fn action_done(
        &mut self,
        service: ServiceId,
        action: ActionId,
        done: Done,
        out: &mut Vec<Effect>,
    ) {
        let Some(id) = self.isolation.end(service, action) else {
            return self.abandoned_action_done(&done, out);
        };
        let exit = match (done, self.inside_me()) {
            (Done::Started(key, pid), Some(member)) => {
                let number = self.processes.started(key, pid);
                self.processes.is_ours(key);
                Exit::Started(ProcessId { member, number }, pid)
            }
            (Done::Started(..), None) => Exit::Failed("this node is no member".to_owned()),
            (Done::Ended(exit), _) => exit,
        };
        if let Some(index) = self.index_of(service) {
            self.work.push_back((index, RawInput::Done(id, exit)));
        }
    }

    /// An entry. What cannot be read is skipped, here as on every other node.
    pub(super) fn ordered(
        &mut self,
        now: Now,
        stamp: Stamp,
        from: MemberId,
        bytes: Bytes,
        out: &mut Vec<Effect>,
    ) {
        if let Err(reason) = self.try_ordered(now, stamp, from, bytes, out) {
            tracing::warn!(index = stamp.index, %from, reason, "skipped a malformed entry");
        }
    }

    fn try_ordered(
        &mut self,
        now: Now,
        stamp: Stamp,
        from: MemberId,
        bytes: Bytes,
        out: &mut Vec<Effect>,
    ) -> Result<(), String> {
        let command = self.parse(bytes)?;
        if isolation::is_stopped(&command) {
            self.stopped(now, stamp, from, out);
            return Ok(());
        }
        let index = self.service_of(&command, ENTRY)?;
        let from = match self.gate.inside(from) {
            Some(_) if Some(index) != self.gatekeeper => {
                let acting = self.gate.acting(from);
                acting.ok_or_else(|| "its sender is no member".to_owned())?
            }
            Some(_) | None => from,
        };
        let entry = RawInput::Ordered(Entry { stamp, from, command });
        let fed = self.feed(now, index, entry, out).map_err(|error| error.to_string());
        if Some(index) == self.gatekeeper {
            self.pass_gate(now, stamp, false, out);
        }
        fed
    }

    /// The service that a frame between nodes names.
    pub(super) fn service_of(&self, frame: &Frame, kind: u8) -> Result<usize, String> {
        if frame.kind != kind {
            return Err(format!("kind {} instead of {kind}", frame.kind));
        }
        let service = u16::try_from(frame.tag).ok().and_then(|id| self.index_of(ServiceId(id)));
        service.ok_or_else(|| format!("no service has the number {}", frame.tag))
    }
}
