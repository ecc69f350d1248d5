//! The control path: what the order brings.

use crate::{
    Command, Message, Msg, OpenId, QueueId, Update,
    client::{Client, Opened},
    error::Refused,
    opening::{Decided, Wish},
    registry::Change,
    waiting::{Task, Ticket},
};
use ais_service::Output;
use ais_types::{
    Error, MemberId, ProcessId, Stamp, View,
    msg::{OpenFlags, Reply},
};
use alloc::vec::Vec;

impl Msg {
    /// An entry of the order.
    pub(crate) fn ordered(&mut self, stamp: Stamp, from: MemberId, command: Command) {
        self.heard = stamp.index;
        let mine = self.me == Some(from);
        match command {
            Command::Open { open, process, name, attributes, flags, compare_retention, copies } => {
                self.registry.wish(Wish {
                    open,
                    process,
                    name,
                    attributes,
                    flags,
                    compare_retention,
                    copies,
                });
            }
            Command::Close { open } => {
                let ended = self.registry.close(stamp, open);
                if let Some(ticket) = self.waiting.of_open(open).filter(|_| mine) {
                    self.done_when_heard(ticket, ended, stamp.index);
                }
            }
            Command::CloseAll { client } => self.registry.close_all(stamp, client),
            Command::Unlink { request, name } => {
                let outcome = self.registry.unlink(&name);
                if mine {
                    self.unlink_ordered(Ticket(request), outcome, stamp.index);
                }
            }
            Command::Retain { request, open, retention } => {
                let outcome = self.registry.retain(open, retention);
                if mine {
                    let outcome = outcome.map(|()| Reply::Done).map_err(Error::from);
                    self.finish(Ticket(request), outcome);
                }
            }
            Command::Completed { queue, epoch, member } => {
                self.registry.completed(queue, epoch, member);
            }
            Command::Sealed { seals } => {
                for (queue, epoch, number) in seals {
                    self.registry.sealed(queue, epoch, from, number);
                }
            }
            Command::Drained { queue, epoch, to } => self.registry.drained(queue, epoch, to),
        }
    }

    fn unlink_ordered(
        &mut self,
        ticket: Ticket,
        outcome: Result<Option<MemberId>, Refused>,
        index: u64,
    ) {
        match outcome {
            Ok(primary) => self.done_when_heard(ticket, primary, index),
            Err(refused) => self.finish(ticket, Err(refused.into())),
        }
    }

    /// Opens that the order has decided: after every input, since one may have waited for it.
    pub(crate) fn follow_openings(&mut self) {
        for decided in self.registry.decide() {
            let mine = self.me == Some(decided.open.client.member);
            if let Some(ticket) = self.waiting.of_open(decided.open).filter(|_| mine) {
                // So that there is a replica here to empty, or to receive from.
                self.follow_registry();
                self.open_decided(ticket, decided);
            }
        }
    }

    fn open_decided(&mut self, ticket: Ticket, decided: Decided) {
        let Decided { open, flags, outcome } = decided;
        match outcome {
            Err(refused) => self.finish(ticket, Err(refused.into())),
            Ok(queue) if flags.has(OpenFlags::EMPTY) => {
                let Some(waiting) = self.waiting.leave(ticket) else { return };
                let task = Task::Emptying { open, flags, queue };
                let ticket = self.wait(waiting.to, task, None);
                self.update(queue, ticket, Update::Empty);
            }
            Ok(queue) => self.opened(ticket, open, flags, queue),
        }
    }

    /// An open is done: from now on messages are received.
    pub(crate) fn opened(
        &mut self,
        ticket: Ticket,
        open: OpenId,
        flags: OpenFlags,
        queue: QueueId,
    ) {
        let Some(client) = self.clients.get_mut(&open.client) else { return };
        let told = flags.has(OpenFlags::RECEIVE_CALLBACK).then_some(0);
        client.opened(open.handle, Opened { queue, told });
        self.receivers.insert(queue, (open.client, open.handle));
        self.finish(ticket, Ok(Reply::Opened(open.handle)));
        self.look_for_messages(queue);
    }

    /// What was ended is over only when whoever had the say knows: it takes nothing more.
    fn done_when_heard(&mut self, ticket: Ticket, by: Option<MemberId>, index: u64) {
        match by.filter(|it| Some(*it) != self.me) {
            None => self.finish(ticket, Ok(Reply::Done)),
            Some(by) => {
                let Some(waiting) = self.waiting.leave(ticket) else { return };
                let ticket = self.wait(waiting.to, Task::Heard { by, index }, None);
                self.ask_heard(by, index, ticket);
            }
        }
    }

    pub(crate) fn ask_heard(&mut self, by: MemberId, index: u64, ticket: Ticket) {
        let message = Message::Heard { index, ticket: ticket.0 };
        self.out.push(Output::Send(by, message));
    }

    /// Tells members that what they asked about has been heard, and done, here.
    pub(crate) fn answer_questions(&mut self) {
        let heard = self.heard;
        for (_, member, ticket) in self.questions.extract_if(.., |it| it.0 <= heard) {
            self.out.push(Output::Send(member, Message::HaveHeard { ticket }));
        }
    }

    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) {
        self.heard = stamp.index;
        let ended = |it: &&Client| it.process == process;
        let clients: Vec<_> =
            self.clients.iter().filter(|(_, it)| ended(it)).map(|(id, _)| *id).collect();
        for client in clients {
            self.forget(client);
            // For opens that are ordered and not delivered yet.
            self.order(Command::CloseAll { client });
        }
        self.registry.process_ended(stamp, process);
    }

    pub(crate) fn view(&mut self, view: &View) {
        if self.me.is_none() {
            self.me = view.member(self.node).map(|it| it.id);
        }
        let before = self.registry.hosts();
        self.registry.view(view);
        for member in before.into_iter().filter(|it| !view.contains(*it)) {
            self.early.forget(member);
            self.questions.retain(|it| it.1 != member);
            self.replicas.values_mut().for_each(|it| it.left(member));
        }
    }

    /// A lost member has stopped: what it had not heard of does not matter any more.
    pub(crate) fn released(&mut self, stamp: Stamp, member: MemberId) {
        self.registry.released(stamp, member);
        for (ticket, _) in self.waiting.asking(member) {
            self.finish(ticket, Ok(Reply::Done));
        }
    }

    /// Does on this node what the order has changed: after every input.
    pub(crate) fn follow_registry(&mut self) {
        for change in self.registry.take_changes() {
            match change {
                Change::Configured(id) => {
                    self.configure(id);
                    self.look_for_messages(id);
                }
                Change::Ended(id) => self.end(id),
            }
        }
    }
}
