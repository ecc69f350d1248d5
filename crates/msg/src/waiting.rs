//! What waits: calls that are not answered yet, and who wants the answer.

use crate::{OpenId, QueueId};
use ais_service::{Caller, Instant, Timers};
use ais_types::{
    ClientId, MemberId,
    msg::{Call, OpenFlags},
};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// Numbers what waits on this node. Also the number of a barrier, of an order that is to be
/// answered, and of a request on the data path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// Who wants the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    /// A call.
    Caller(Caller),
    /// An open callback.
    Open { client: ClientId, invocation: u64 },
    /// A delivered callback.
    Delivered { client: ClientId, invocation: u64 },
    /// Nobody.
    Nobody,
}

impl To {
    pub(crate) const fn client(&self) -> Option<ClientId> {
        match self {
            Self::Caller(caller) => Some(caller.client),
            Self::Open { client, .. } | Self::Delivered { client, .. } => Some(*client),
            Self::Nobody => None,
        }
    }
}

/// What is waited for.
#[derive(Debug)]
pub(crate) enum Task {
    /// An open is ordered.
    Open { open: OpenId },
    /// It is ordered; the queue is emptied.
    Emptying { open: OpenId, flags: OpenFlags, queue: QueueId },
    /// A close is ordered.
    Close { open: OpenId },
    /// An unlink or a retention time is ordered.
    Ordered,
    /// It is; now this member must have heard it too.
    Heard { by: MemberId, index: u64 },
    /// Then it is certain that nothing in the order speaks for another answer.
    Barrier(Box<Call>),
    /// A message is on its way into a queue.
    Push { queue: QueueId, priority: u8 },
    /// How full a queue is.
    Usage { queue: QueueId },
    /// A message. `popping`: one is on its way; then time does not run out before it is here.
    Get { queue: QueueId, handle: u64, room: Option<u64>, popping: bool, late: bool },
    /// The core's own update.
    Own,
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) to: To,
    pub(crate) task: Task,
}

/// All that wait on this node.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    last: u64,
    all: BTreeMap<Ticket, Waiting>,
    timers: Timers<Instant, Ticket>,
    by_caller: BTreeMap<Caller, Ticket>,
    by_client: BTreeMap<ClientId, BTreeSet<Ticket>>,
    by_open: BTreeMap<OpenId, Ticket>,
    /// Who waits for a message, in the order in which they came.
    getting: BTreeMap<QueueId, BTreeSet<Ticket>>,
}

impl WaitingRoom {
    /// Waits until `until`, or without limit.
    pub(crate) fn enter(&mut self, to: To, task: Task, until: Option<Instant>) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.set_deadline(ticket, until);
        if let To::Caller(caller) = to {
            self.by_caller.insert(caller, ticket);
        }
        if let Some(client) = to.client() {
            self.by_client.entry(client).or_default().insert(ticket);
        }
        match task {
            Task::Open { open, .. } | Task::Close { open } => {
                self.by_open.insert(open, ticket);
            }
            Task::Get { queue, .. } => {
                self.getting.entry(queue).or_default().insert(ticket);
            }
            Task::Emptying { .. }
            | Task::Ordered
            | Task::Heard { .. }
            | Task::Barrier(_)
            | Task::Push { .. }
            | Task::Usage { .. }
            | Task::Own => {}
        }
        self.all.insert(ticket, Waiting { to, task });
        ticket
    }

    pub(crate) fn set_deadline(&mut self, ticket: Ticket, until: Option<Instant>) {
        match until {
            Some(at) => self.timers.set(ticket, at),
            None => self.timers.clear(&ticket),
        }
    }

    /// Takes one out: it is answered, or nobody wants the answer any more.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.all.remove(&ticket)?;
        self.timers.clear(&ticket);
        if let To::Caller(caller) = waiting.to {
            self.by_caller.remove(&caller);
        }
        if let Some(client) = waiting.to.client() {
            forget(&mut self.by_client, client, ticket);
        }
        if let Task::Open { open, .. } | Task::Close { open } = waiting.task {
            self.by_open.remove(&open);
        }
        if let Task::Get { queue, .. } = waiting.task {
            forget(&mut self.getting, queue, ticket);
        }
        Some(waiting)
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.all.get(&ticket)
    }

    pub(crate) fn task_mut(&mut self, ticket: Ticket) -> Option<&mut Task> {
        self.all.get_mut(&ticket).map(|it| &mut it.task)
    }

    pub(crate) fn of_caller(&self, caller: Caller) -> Option<Ticket> {
        self.by_caller.get(&caller).copied()
    }

    pub(crate) fn of_open(&self, open: OpenId) -> Option<Ticket> {
        self.by_open.get(&open).copied()
    }

    pub(crate) fn of_client(&self, client: ClientId) -> Vec<Ticket> {
        self.by_client.get(&client).into_iter().flatten().copied().collect()
    }

    /// How many wait for this client.
    pub(crate) fn count(&self, client: ClientId) -> usize {
        self.by_client.get(&client).map_or(0, BTreeSet::len)
    }

    /// Who waits for a message of this queue, first come first.
    pub(crate) fn getting(&self, queue: QueueId) -> Vec<Ticket> {
        self.getting.get(&queue).into_iter().flatten().copied().collect()
    }

    /// Who waits until a member has heard something: what, and under which number.
    pub(crate) fn asking(&self, member: MemberId) -> Vec<(Ticket, u64)> {
        let index = |(ticket, it): (&Ticket, &Waiting)| {
            let Task::Heard { by, index } = it.task else { return None };
            (by == member).then_some((*ticket, index))
        };
        self.all.iter().filter_map(index).collect()
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.timers.next()
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Ticket> {
        self.timers.pop_due(now)
    }
}

fn forget<K: Ord>(index: &mut BTreeMap<K, BTreeSet<Ticket>>, key: K, ticket: Ticket) {
    if let Some(tickets) = index.get_mut(&key) {
        tickets.remove(&ticket);
        if tickets.is_empty() {
            index.remove(&key);
        }
    }
}
