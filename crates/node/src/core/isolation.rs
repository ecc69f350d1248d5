//! A node that is no member: what its services have begun ends, and they begin anew.

use super::{Core, Done, Effect, Task, gate::Passed};
use crate::driven::{ENTRY, RawInput};
use ais_service::{ActionId, Now};
use ais_types::{MemberId, Payloads, ProcessId, ServiceId, Stamp};
use ais_wire::{Frame, decode, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a node itself puts on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Entry {
    /// The sender, which is no member any more, has stopped acting.
    Stopped,
}

impl Payloads for Entry {}

/// Actions begun in one life of the services are numbered apart from those of the next.
const LIFE_SHIFT: u32 = 48;

/// How far this node's isolation is, and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    /// The services have lived as those of a node that is no member.
    out: bool,
    /// How often they began anew.
    life: u64,
    /// Under way, numbered as the shell knows them; our own under [`ServiceId::NODE`].
    running: BTreeSet<(ServiceId, ActionId)>,
    kills: u64,
    /// That it has stopped is still to be said.
    owed: bool,
}

impl Isolation {
    /// A service begins an action: its number outside.
    pub(super) fn begin(&mut self, service: ServiceId, id: ActionId) -> ActionId {
        let id = ActionId(self.life << LIFE_SHIFT | id.0);
        self.running.insert((service, id));
        id
    }

    /// An action is done: its number inside. `None`: nobody waits for it any more.
    pub(super) fn end(&mut self, service: ServiceId, id: ActionId) -> Option<ActionId> {
        self.running.remove(&(service, id));
        let (life, number) = (id.0 >> LIFE_SHIFT, id.0 & ((1 << LIFE_SHIFT) - 1));
        (service != ServiceId::NODE && life == self.life).then_some(ActionId(number))
    }

    fn kill(&mut self) -> ActionId {
        self.kills += 1;
        let id = ActionId(self.kills);
        self.running.insert((ServiceId::NODE, id));
        id
    }

    /// Whether nothing runs any more of what was begun before.
    fn is_done(&self) -> bool {
        let old = |(service, id): &(ServiceId, ActionId)| {
            *service == ServiceId::NODE || id.0 >> LIFE_SHIFT != self.life
        };
        !self.running.iter().any(old)
    }
}

pub(super) fn is_stopped(frame: &Frame) -> bool {
    frame.kind == ENTRY
        && frame.tag == u64::from(ServiceId::NODE.0)
        && matches!(decode::<Entry>(frame), Ok(Entry::Stopped))
}

impl Core {
    /// By which identity this node's services know it; `None` when it is no member. A node that
    /// has not been in a view yet is about to be in one.
    pub(super) fn inside_me(&self) -> Option<MemberId> {
        let me = self.me?;
        match self.view.contains(me) {
            true => self.gate.member(me),
            false => Some(self.gate.inside(me).unwrap_or(me)),
        }
    }

    /// Whether this node is no member.
    pub(super) fn is_out(&self) -> bool {
        self.inside_me().is_none()
    }

    /// Lets members in and shuts others out, as the service says that decides it. `anyway`: the
    /// group's view is new.
    pub(super) fn pass_gate(
        &mut self,
        now: Now,
        stamp: Stamp,
        anyway: bool,
        out: &mut Vec<Effect>,
    ) {
        let members = self.gatekeeper.and_then(|it| self.services[it].members());
        let Passed { joined, left } = self.gate.pass(&self.view, members.as_ref());
        if !anyway && joined.is_empty() && left.is_empty() {
            return;
        }
        for member in &left {
            self.close_link(now, *member, out);
        }
        if let Some(me) = self.me {
            if left.contains(&me) {
                self.isolate(now, me, out);
            } else if joined.contains(&me) && std::mem::take(&mut self.isolation.out) {
                self.renew(now, self.gate.inside(me).unwrap_or(me), out);
            } else if self.view.contains(me) && self.gate.is_out(me) {
                self.isolation.out = true;
            }
        }
        self.members = self.gate.view(&self.view);
        self.feed_members(now, &RawInput::View(stamp, self.members.clone()), out);
        self.open_links(now, out);
    }

    /// This node is no member any more.
    fn isolate(&mut self, now: Now, me: MemberId, out: &mut Vec<Effect>) {
        tracing::warn!("no member of the cluster any more: its services end what they have begun");
        self.end_handles(out);
        self.forget_links();
        let gatekeeper = self.gatekeeper;
        self.work.retain(|(index, _)| Some(*index) == gatekeeper);
        self.barriers.retain(|_, (index, _)| Some(*index) == gatekeeper);
        self.isolation.life += 1;
        self.isolation.out = true;
        self.isolation.owed = true;
        for (key, pid) in self.processes.ours() {
            self.end_process(Task::Kill(key, pid), out);
        }
        let next = MemberId { incarnation: self.gate.next(me), ..me };
        self.renew(now, next, out);
        self.say_stopped(out);
    }

    fn end_process(&mut self, kill: Task, out: &mut Vec<Effect>) {
        out.push(Effect::Perform(ServiceId::NODE, self.isolation.kill(), kill));
    }

    /// What was begun in a former life of the services has ended, or goes on and must not.
    pub(super) fn abandoned_action_done(&mut self, done: &Done, out: &mut Vec<Effect>) {
        if let Done::Started(key, pid) = done {
            self.processes.started(*key, *pid);
            self.end_process(Task::Kill(*key, *pid), out);
        }
        self.say_stopped(out);
    }

    /// As soon as nothing runs any more.
    fn say_stopped(&mut self, out: &mut Vec<Effect>) {
        if self.isolation.owed && self.isolation.is_done() {
            self.isolation.owed = false;
            let entry = encode(ENTRY, u64::from(ServiceId::NODE.0), &mut Entry::Stopped);
            out.push(Effect::Order(entry.to_bytes()));
        }
    }

    /// The services are blank but for what is replicated.
    fn renew(&mut self, now: Now, me: MemberId, out: &mut Vec<Effect>) {
        for index in (0..self.services.len()).filter(|it| Some(*it) != self.gatekeeper) {
            self.services[index].renew(me);
        }
        self.feed_members(now, &RawInput::Lease(self.lease), out);
    }

    /// A member that was shut out has stopped acting.
    pub(super) fn stopped(
        &mut self,
        now: Now,
        stamp: Stamp,
        from: MemberId,
        out: &mut Vec<Effect>,
    ) {
        let Some(inside) = self.gate.stopped(from) else { return };
        self.feed_members(now, &RawInput::Released(stamp, inside), out);
        if Some(from) != self.me {
            // What it said before and what it says as another life come on different connections.
            self.change_link(now, from, ais_service::Link::Down, out);
            out.push(Effect::BreakLink(from));
        }
        self.pass_gate(now, stamp, false, out);
    }

    pub(super) fn released(
        &mut self,
        now: Now,
        stamp: Stamp,
        member: MemberId,
        out: &mut Vec<Effect>,
    ) {
        if let Some(index) = self.gatekeeper {
            self.feed_sound(now, index, RawInput::Released(stamp, member), out);
        }
        let known = self.gate.inside(member).is_some();
        let inside = if known { self.gate.released(member) } else { Some(member) };
        if let Some(inside) = inside {
            self.feed_members(now, &RawInput::Released(stamp, inside), out);
        }
        self.pass_gate(now, stamp, false, out);
    }

    pub(super) fn process_ended(
        &mut self,
        now: Now,
        stamp: Stamp,
        process: ProcessId,
        out: &mut Vec<Effect>,
    ) {
        let member = self.gate.inside(process.member).unwrap_or(process.member);
        let inside = ProcessId { member, ..process };
        for index in 0..self.services.len() {
            let process = if Some(index) == self.gatekeeper { process } else { inside };
            self.feed_sound(now, index, RawInput::ProcessEnded(stamp, process), out);
        }
        self.pass_gate(now, stamp, false, out);
    }
}
