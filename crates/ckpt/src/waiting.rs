//! What waits: calls that are not answered yet, and who wants the answer.

use crate::{CheckpointId, OpenId};
use ais_service::{Caller, Instant, Timers};
use ais_types::{
    ClientId,
    ckpt::{Call, OpenFlags, Shown},
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
    /// A synchronize callback.
    Synchronize { client: ClientId, handle: u64, invocation: u64 },
    /// Nobody: the core's own request.
    Nobody,
}

impl To {
    pub(crate) const fn client(&self) -> Option<ClientId> {
        match self {
            Self::Caller(caller) => Some(caller.client),
            Self::Open { client, .. } | Self::Synchronize { client, .. } => Some(*client),
            Self::Nobody => None,
        }
    }
}

/// What is waited for.
#[derive(Debug)]
pub(crate) enum Task {
    /// An open is ordered; then, for a collocated checkpoint, the replica here is filled.
    Open { open: OpenId, flags: OpenFlags, checkpoint: Option<CheckpointId> },
    /// A close is ordered.
    Close { open: OpenId },
    /// An unlink or a retention duration is ordered.
    Ordered,
    /// The replica here becomes active; first the wish for it is ordered.
    Activate { checkpoint: CheckpointId, ordered: bool },
    /// Then it is certain that nothing in the order speaks for another answer. So many bytes.
    Barrier(Box<Call>, u64),
    /// The data path answers. So many bytes are written.
    Data { checkpoint: CheckpointId, iteration: Option<u64>, bytes: u64 },
    /// The data path tells what was changed: this node's own question.
    Follow { checkpoint: CheckpointId },
    /// So many checkpoints are not tracked yet.
    Track { left: usize },
    /// A primary says how far it is, which is to stand at this place.
    Show { shown: Vec<Shown>, index: usize },
    /// Every replica has everything. Through which handle.
    Synchronize { checkpoint: CheckpointId, handle: u64 },
}

impl Task {
    /// On whose configuration it waits.
    pub(crate) const fn watches(&self) -> Option<CheckpointId> {
        match self {
            Self::Open { checkpoint, .. } => *checkpoint,
            Self::Activate { checkpoint, .. } => Some(*checkpoint),
            Self::Close { .. }
            | Self::Ordered
            | Self::Barrier(..)
            | Self::Data { .. }
            | Self::Follow { .. }
            | Self::Track { .. }
            | Self::Show { .. }
            | Self::Synchronize { .. } => None,
        }
    }

    /// Bytes of a program that it holds.
    const fn bytes(&self) -> u64 {
        match self {
            Self::Barrier(_, bytes) | Self::Data { bytes, .. } => *bytes,
            Self::Open { .. }
            | Self::Close { .. }
            | Self::Ordered
            | Self::Activate { .. }
            | Self::Follow { .. }
            | Self::Track { .. }
            | Self::Show { .. }
            | Self::Synchronize { .. } => 0,
        }
    }
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) to: To,
    pub(crate) task: Task,
}

/// All that wait on this node.
#[derive(Default)]
pub(crate) struct WaitingRoom {
    last: u64,
    /// Bytes of programs that all of them hold.
    bytes: u64,
    all: BTreeMap<Ticket, Waiting>,
    timers: Timers<Instant, Ticket>,
    by_caller: BTreeMap<Caller, Ticket>,
    by_client: BTreeMap<ClientId, BTreeSet<Ticket>>,
    by_open: BTreeMap<OpenId, Ticket>,
    by_checkpoint: BTreeMap<CheckpointId, BTreeSet<Ticket>>,
}

impl WaitingRoom {
    /// Waits until `until`, or without limit.
    pub(crate) fn enter(&mut self, to: To, task: Task, until: Option<Instant>) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        if let Some(at) = until {
            self.timers.set(ticket, at);
        }
        if let To::Caller(caller) = to {
            self.by_caller.insert(caller, ticket);
        }
        if let Some(client) = to.client() {
            self.by_client.entry(client).or_default().insert(ticket);
        }
        if let Task::Open { open, .. } | Task::Close { open } = task {
            self.by_open.insert(open, ticket);
        }
        self.watch(ticket, task.watches());
        self.bytes += task.bytes();
        self.all.insert(ticket, Waiting { to, task });
        ticket
    }

    /// Takes one out: it is answered, or nobody wants the answer any more.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.all.remove(&ticket)?;
        self.timers.clear(&ticket);
        self.bytes -= waiting.task.bytes();
        if let To::Caller(caller) = waiting.to {
            self.by_caller.remove(&caller);
        }
        if let Some(client) = waiting.to.client() {
            forget(&mut self.by_client, client, ticket);
        }
        if let Task::Open { open, .. } | Task::Close { open } = waiting.task {
            self.by_open.remove(&open);
        }
        if let Some(checkpoint) = waiting.task.watches() {
            forget(&mut self.by_checkpoint, checkpoint, ticket);
        }
        Some(waiting)
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.all.get(&ticket)
    }

    /// Changes what one waits for.
    pub(crate) fn update(&mut self, ticket: Ticket, change: impl FnOnce(&mut Task)) {
        let Some(waiting) = self.all.get_mut(&ticket) else { return };
        let before = waiting.task.watches();
        change(&mut waiting.task);
        let after = waiting.task.watches();
        if let Some(checkpoint) = before {
            forget(&mut self.by_checkpoint, checkpoint, ticket);
        }
        self.watch(ticket, after);
    }

    fn watch(&mut self, ticket: Ticket, checkpoint: Option<CheckpointId>) {
        if let Some(checkpoint) = checkpoint {
            self.by_checkpoint.entry(checkpoint).or_default().insert(ticket);
        }
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

    pub(crate) fn of_checkpoint(&self, checkpoint: CheckpointId) -> Vec<Ticket> {
        self.by_checkpoint.get(&checkpoint).into_iter().flatten().copied().collect()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Bytes of programs that they hold.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many wait for this client.
    pub(crate) fn count(&self, client: ClientId) -> usize {
        self.by_client.get(&client).map_or(0, BTreeSet::len)
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
