//! What comes out of queues: Get, and telling that there is something.

use crate::{
    Given, Msg, QueueId, Update,
    calls::Go,
    error::Refused,
    params,
    waiting::{Task, Ticket, To},
};
use ais_service::{Caller, Output};
use ais_types::{
    Time,
    msg::{Callback, Received, Reply},
};

impl Msg {
    /// §3.8.3.
    pub(crate) fn get(
        &mut self,
        caller: Caller,
        handle: u64,
        room: Option<u64>,
        timeout: Time,
    ) -> Result<Go, Refused> {
        let client = self.client(caller)?;
        let queue = client.queue(handle)?.queue;
        let timeout = params::timeout(client, timeout)?;
        let task = Task::Get { queue, handle, room, popping: false, late: timeout == Time::BEGIN };
        let ticket = self.wait(To::Caller(caller), task, Some(timeout));
        // At once means: after whatever is there has been asked for.
        if timeout == Time::BEGIN {
            let until = self.now.at.after(crate::service::PATIENCE);
            self.waiting.set_deadline(ticket, until);
        }
        self.look_for_messages(queue);
        self.answer_late(ticket);
        Ok(Go::Waits)
    }

    /// §3.8.6: of the calling process; only it has the queue open.
    pub(crate) fn cancel(&mut self, caller: Caller, handle: u64) -> Result<Go, Refused> {
        let queue = self.client(caller)?.queue(handle)?.queue;
        let waiting = self.waiting.getting(queue);
        if waiting.is_empty() {
            return Err(Refused::NobodyWaits(handle));
        }
        for ticket in waiting {
            self.finish(ticket, Err(Refused::Cancelled.into()));
        }
        Ok(Go::Answer(Reply::Done))
    }

    /// Something may be there: for those who wait, and for who wants to be told.
    pub(crate) fn look_for_messages(&mut self, queue: QueueId) {
        self.tell(queue);
        let waiting = self.waiting.getting(queue);
        if waiting.is_empty() || self.registry.get(queue).is_none() {
            return;
        }
        // Without a whole copy here only asking tells.
        let mut there = self.content(queue).map_or(usize::MAX, crate::Content::len);
        for ticket in waiting {
            if there == 0 {
                break;
            }
            there -= 1;
            let Some(Task::Get { room, popping: popping @ false, .. }) =
                self.waiting.task_mut(ticket)
            else {
                continue;
            };
            *popping = true;
            let update = Update::Pop { room: *room };
            self.update(queue, ticket, update);
        }
    }

    /// §3.8.5: once for each message, and for each that was there at the open.
    fn tell(&mut self, queue: QueueId) {
        let Some(&(client, handle)) = self.receivers.get(&queue) else { return };
        let opened = self.clients.get(&client).and_then(|it| it.queue(handle).ok());
        let Some(told) = opened.and_then(|it| it.told) else { return };
        let Some(content) = self.content(queue) else { return };
        let (count, last) = content.arrived_after(told);
        for _ in 0..count {
            self.out.push(Output::Callback(client, Callback::Received { queue: handle }));
        }
        if let Some(client) = self.clients.get_mut(&client) {
            client.told(handle, last);
        }
    }

    /// A pop is answered.
    pub(crate) fn got(&mut self, ticket: Ticket, given: Given) {
        match given {
            Given::Popped(parcel) => {
                let received =
                    Received { message: parcel.message, send_time: parcel.sent, sender_id: 0 };
                self.finish(ticket, Ok(Reply::Received(received)));
            }
            Given::TooSmall(bytes) => self.finish(ticket, Ok(Reply::TooSmall(bytes))),
            Given::Nothing
            | Given::Done
            | Given::Pushed(_)
            | Given::Full
            | Given::TooMany
            | Given::Nameless
            | Given::Usage(_) => {
                // Somebody was faster, or there was nothing. What comes next is noticed by the
                // copy here; without one, once it has come.
                if let Some(Task::Get { popping, .. }) = self.waiting.task_mut(ticket) {
                    *popping = false;
                }
                self.answer_late(ticket);
            }
        }
    }

    /// Time has run out for who waits with nothing on its way.
    fn answer_late(&mut self, ticket: Ticket) {
        let late = self
            .waiting
            .get(ticket)
            .is_some_and(|it| matches!(it.task, Task::Get { popping: false, late: true, .. }));
        if late {
            self.finish(ticket, Err(Refused::TimedOut.into()));
        }
    }

    /// An answer that nobody waits for any more. A message goes back to its place.
    pub(crate) fn unwanted(&mut self, queue: QueueId, given: Given) {
        if let Given::Popped(parcel) = given {
            self.own_update(queue, Update::Return(parcel));
        }
    }
}
