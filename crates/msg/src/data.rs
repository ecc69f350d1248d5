//! The data path: what goes into queues, and this node's copies of them.

use crate::{
    Command, Content, Given, Message, Msg, Query, QueueId, Update,
    error::Refused,
    waiting::{Task, Ticket, To},
};
use ais_replica::{Acknowledge, Options, Output as Effect, Replica, RequestId, Waiting as Came};
use ais_service::{Caller, Link, Output};
use ais_types::{
    Error, MemberId, Time,
    msg::{Message as Letter, Reply, Status},
};
use alloc::{boxed::Box, vec::Vec};

/// How many questions of other members are kept.
const QUESTIONS_MAX: usize = 4_096;

impl Msg {
    /// A message is on its way into a queue.
    pub(crate) fn push(&mut self, to: To, queue: QueueId, message: Letter, timeout: Time) {
        let task = Task::Push { queue, priority: message.priority };
        let ticket = self.wait(to, task, Some(timeout));
        let update = Update::Push { sent: self.now.wall, message };
        self.update(queue, ticket, update);
    }

    pub(crate) fn ask_usage(&mut self, caller: Caller, queue: QueueId) {
        let ticket = self.wait(To::Caller(caller), Task::Usage { queue }, None);
        self.with_replica(queue, |replica, out| {
            replica.query(RequestId(ticket.0), Query::Usage, out);
        });
    }

    pub(crate) fn update(&mut self, queue: QueueId, ticket: Ticket, update: Update) {
        self.with_replica(queue, |replica, out| {
            replica.update(RequestId(ticket.0), update, out);
        });
    }

    /// An update of the core's own.
    pub(crate) fn own_update(&mut self, queue: QueueId, update: Update) {
        let ticket = self.wait(To::Nobody, Task::Own, None);
        self.update(queue, ticket, update);
    }

    /// What this node has of a queue, if that is all of it.
    pub(crate) fn content(&self, id: QueueId) -> Option<&Content> {
        self.replicas.get(&id).and_then(Replica::content)
    }

    /// Has a replica do something, and does what follows from it.
    pub(crate) fn with_replica(
        &mut self,
        id: QueueId,
        act: impl FnOnce(&mut Replica<Content>, &mut Vec<Effect<Content>>),
    ) {
        let mut effects = Vec::new();
        if self.replicas.contains_key(&id) || self.make_replica(id, &mut effects) {
            let replica = self.replicas.get_mut(&id).expect("made if it was not there");
            act(replica, &mut effects);
        }
        for effect in effects {
            self.effect(id, effect);
        }
        if self.content(id).is_some() {
            self.look_for_messages(id);
        }
    }

    /// This node has to do with a queue for the first time.
    fn make_replica(&mut self, id: QueueId, effects: &mut Vec<Effect<Content>>) -> bool {
        let (Some(me), Some(it)) = (self.me, self.registry.get(id)) else { return false };
        let blank = Content::new(it.attributes.sizes);
        let options = Options::new(Acknowledge::All);
        let replica = Replica::new(me, options, blank, &it.configuration, effects);
        self.replicas.insert(id, replica);
        true
    }

    /// Everyone agrees on a new configuration.
    pub(crate) fn configure(&mut self, id: QueueId) {
        let (Some(me), Some(it)) = (self.me, self.registry.get(id)) else { return };
        let (configuration, unlinked) = (it.configuration.clone(), it.unlinked);
        let concerned = configuration.is_complete(me) || configuration.is_filling(me);
        if self.replicas.contains_key(&id) {
            self.with_replica(id, |replica, out| replica.configure(&configuration, out));
        } else if concerned {
            self.with_replica(id, |_, _| {});
        }
        for came in self.early.take(id) {
            match came {
                Came::Message(from, message) => self.receive(from, message),
                Came::Dropped(from) => {
                    self.with_replica(id, |replica, out| replica.dropped(from, out));
                }
            }
        }
        // §3.6.6: who has the say takes no more messages for a name that is gone.
        let named = self.content(id).is_some_and(|it| !it.is_nameless());
        if unlinked && named && configuration.primary() == Some(me) {
            self.own_update(id, Update::Unlinked);
        }
    }

    /// A member says something.
    pub(crate) fn receive(&mut self, from: MemberId, message: Message) {
        match message {
            Message::Replica(id, inner) if self.registry.get(id).is_some() => {
                self.with_replica(id, |replica, out| replica.message(from, *inner, out));
            }
            Message::Replica(id, _) if self.registry.is_future(id) => {
                self.early.put(id, from, message);
            }
            // Ended here; whoever asked will hear so too.
            Message::Replica(..) => {}
            Message::Heard { index, ticket } if self.questions.len() < QUESTIONS_MAX => {
                self.questions.push((index, from, ticket));
            }
            Message::Heard { .. } => {}
            Message::HaveHeard { ticket } => {
                let ticket = Ticket(ticket);
                if self.waiting.asking(from).iter().any(|it| it.0 == ticket) {
                    self.finish(ticket, Ok(Reply::Done));
                }
            }
        }
    }

    pub(crate) fn link(&mut self, member: MemberId, link: Link) {
        for id in self.replicas.keys().copied().collect::<Vec<_>>() {
            self.with_replica(id, |replica, out| replica.link(member, link, out));
        }
        if link == Link::Up {
            for (ticket, index) in self.waiting.asking(member) {
                self.ask_heard(member, index, ticket);
            }
        }
    }

    /// A queue is gone: its messages, and what was asked of it.
    pub(crate) fn end(&mut self, id: QueueId) {
        if let Some((client, handle)) = self.receivers.remove(&id)
            && let Some(client) = self.clients.get_mut(&client)
        {
            // Closed before, unless everyone who had the queue is lost.
            let _ = client.close(handle);
        }
        for ticket in self.waiting.getting(id) {
            if let Some(&Task::Get { handle, .. }) = self.waiting.get(ticket).map(|it| &it.task) {
                self.finish(ticket, Err(Refused::BadHandle(handle).into()));
            }
        }
        let Some(replica) = self.replicas.remove(&id) else { return };
        for RequestId(ticket) in replica.outstanding() {
            let text = "the queue has ended";
            let error = Error::new(ais_types::ErrorCode::NotExist, text);
            self.finish(Ticket(ticket), Err(error));
        }
    }

    fn effect(&mut self, id: QueueId, effect: Effect<Content>) {
        match effect {
            Effect::Send(member, message) => {
                self.out.push(Output::Send(member, Message::Replica(id, Box::new(message))));
            }
            Effect::Answered(RequestId(ticket), given) => self.given(id, Ticket(ticket), given),
            // Nothing is ever left to synchronise.
            Effect::Synchronized(_) => {}
            Effect::Completed { epoch, member } => {
                self.order(Command::Completed { queue: id, epoch, member });
            }
            Effect::Sealed { epoch, number } => self.seals.push((id, epoch, number)),
            Effect::Drained { epoch, to } => {
                self.order(Command::Drained { queue: id, epoch, to });
            }
            // Only who looks is told that somebody does not keep up.
            Effect::Lagging { .. } | Effect::Conceded { .. } | Effect::Noted(_) => {}
        }
    }

    /// One entry for all last numbers of a step.
    pub(crate) fn order_seals(&mut self) {
        if !self.seals.is_empty() {
            let seals = core::mem::take(&mut self.seals);
            self.order(Command::Sealed { seals });
        }
    }

    /// The data path answers.
    fn given(&mut self, id: QueueId, ticket: Ticket, given: Given) {
        match self.waiting.get(ticket).map(|it| &it.task) {
            Some(Task::Get { .. }) => self.got(ticket, given),
            Some(&Task::Push { priority, .. }) => {
                let outcome = self.pushed(id, priority, &given);
                self.finish(ticket, outcome);
            }
            Some(Task::Usage { .. }) => {
                let outcome = self.status(id, &given);
                self.finish(ticket, outcome);
            }
            Some(&Task::Emptying { open, flags, queue }) => self.opened(ticket, open, flags, queue),
            Some(
                Task::Own
                | Task::Open { .. }
                | Task::Close { .. }
                | Task::Ordered
                | Task::Heard { .. }
                | Task::Barrier(_),
            ) => {
                self.waiting.leave(ticket);
            }
            None => self.unwanted(id, given),
        }
    }

    fn pushed(&self, id: QueueId, priority: u8, given: &Given) -> Result<Reply, Error> {
        let name = || self.registry.get(id).map_or_else(Default::default, |it| it.name.clone());
        Err(Error::from(match given {
            Given::Pushed(_) => return Ok(Reply::Done),
            Given::TooMany => Refused::TooMany { what: "messages", most: crate::Limits::MESSAGES },
            Given::Nameless => Refused::NoQueue { name: name() },
            Given::Full
            | Given::Done
            | Given::Popped(_)
            | Given::TooSmall(_)
            | Given::Nothing
            | Given::Usage(_) => Refused::Full { name: name(), priority },
        }))
    }

    fn status(&self, id: QueueId, given: &Given) -> Result<Reply, Error> {
        match (self.registry.get(id), given) {
            (Some(it), Given::Usage(usage)) => Ok(Reply::Status(Status {
                flags: it.attributes.flags,
                retention: it.attributes.retention,
                close_time: it.close_time,
                usage: *usage,
            })),
            (_, _) => Err(Error::new(ais_types::ErrorCode::NotExist, "the queue has ended")),
        }
    }
}
