//! Telling programs what others change in the checkpoints that they have open (B.02.03, an
//! extension).
//!
//! A node asks once for each checkpoint that any of its programs tracks, and again with each
//! answer. Track, and an open while it is in effect, return when the first answer is here: whatever
//! is changed after that is told.

use crate::{
    CheckpointId, Ckpt, OpenId, Query, Told,
    calls::{Asked, Checked, Go},
    error::Refused,
    waiting::{Task, Ticket, To},
};
use ais_replica::{Position, RequestId};
use ais_types::{
    ClientId,
    ckpt::{Callback, Change, OpenFlags, Reply, TrackElement},
};
use alloc::{collections::BTreeSet, vec::Vec};

/// Who is told about a checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    /// Where the next question begins; `None` until the first answer.
    place: Option<Position>,
    /// The question under way.
    ticket: Option<Ticket>,
    handles: BTreeSet<OpenId>,
    /// Opens and Track calls that wait for the first answer.
    awaiting: BTreeSet<Ticket>,
}

impl Ckpt {
    /// `saCkptTrack`.
    pub(crate) fn track(&mut self, asked: Asked) -> Checked {
        let client = self.tracker(asked.caller)?;
        if !client.callbacks.track {
            return Err(Refused::NoCallback("track").into());
        }
        client.tracking = true;
        let writable = client.opened_for(OpenFlags::WRITE);
        let ticket = self.wait(To::Caller(asked.caller), Task::Track { left: 0 }, None);
        let mut unanswered = Vec::new();
        for (handle, checkpoint) in writable {
            let open = OpenId { client: asked.caller.client, handle };
            if self.registry.get(checkpoint).is_some() && !self.subscribe(checkpoint, open, ticket)
            {
                unanswered.push(checkpoint);
            }
        }
        unanswered.sort_unstable();
        unanswered.dedup();
        let count = unanswered.len();
        self.waiting.update(ticket, |task| {
            if let Task::Track { left } = task {
                *left = count;
            }
        });
        if count == 0 {
            self.finish(ticket, Ok(Reply::Done));
        }
        unanswered.into_iter().for_each(|it| self.ask_first(it));
        Ok(Go::Waits)
    }

    /// `saCkptTrackStop`.
    pub(crate) fn track_stop(&mut self, asked: Asked) -> Checked {
        self.tracker(asked.caller)?.tracking = false;
        self.untrack_all(asked.caller.client);
        Ok(Go::Answer(Reply::Done))
    }

    /// An open of a program that tracks: `false` while it has to wait for the first answer.
    pub(crate) fn track_open(
        &mut self,
        checkpoint: CheckpointId,
        open: OpenId,
        flags: OpenFlags,
        ticket: Ticket,
    ) -> bool {
        let tracks = self.clients.get(&open.client).is_some_and(|it| it.tracking);
        if !tracks || !flags.has(OpenFlags::WRITE) || self.subscribe(checkpoint, open, ticket) {
            return true;
        }
        self.ask_first(checkpoint);
        false
    }

    /// `true`: whatever is changed from now on is told.
    fn subscribe(&mut self, checkpoint: CheckpointId, open: OpenId, ticket: Ticket) -> bool {
        let it = self.tracked.entry(checkpoint).or_default();
        it.handles.insert(open);
        let told = it.place.is_some();
        if !told {
            it.awaiting.insert(ticket);
        }
        told
    }

    fn ask_first(&mut self, checkpoint: CheckpointId) {
        if self.tracked.get(&checkpoint).is_some_and(|it| it.ticket.is_none()) {
            self.ask_changes(checkpoint, None);
        }
    }

    fn ask_changes(&mut self, checkpoint: CheckpointId, after: Option<Position>) {
        let ticket = self.wait(To::Nobody, Task::Follow { checkpoint }, None);
        if let Some(it) = self.tracked.get_mut(&checkpoint) {
            it.ticket = Some(ticket);
        }
        self.with_replica(checkpoint, |replica, out| {
            replica.query(RequestId(ticket.0), Query::Changes(after), out);
        });
    }

    /// What was changed.
    pub(crate) fn told(&mut self, checkpoint: CheckpointId, told: Told) {
        let Some(it) = self.tracked.get_mut(&checkpoint) else { return };
        it.ticket = None;
        it.place = Some(told.position);
        let (handles, awaiting) = (it.handles.clone(), core::mem::take(&mut it.awaiting));
        for (by, set) in told.sets {
            let elements: Vec<_> = set.changes.iter().filter_map(element_of).collect();
            for open in handles.iter().filter(|it| Some(**it) != by && !elements.is_empty()) {
                let elements = elements.clone();
                let callback = Callback::Track { checkpoint: open.handle, elements };
                self.out.push(ais_service::Output::Callback(open.client, callback));
            }
        }
        awaiting.into_iter().for_each(|it| self.tracks_now(it));
        self.ask_changes(checkpoint, Some(told.position));
    }

    fn tracks_now(&mut self, ticket: Ticket) {
        match self.waiting.get(ticket).map(|it| &it.task) {
            Some(&Task::Open { open, flags, checkpoint: Some(id) }) => {
                self.open_complete(ticket, open, flags, id);
            }
            Some(&Task::Track { left }) if left > 1 => {
                self.waiting.update(ticket, |task| *task = Task::Track { left: left - 1 });
            }
            Some(Task::Track { .. }) => self.finish(ticket, Ok(Reply::Done)),
            _ => {}
        }
    }

    /// This handle is told nothing more.
    pub(crate) fn untrack(&mut self, checkpoint: CheckpointId, open: OpenId) {
        let Some(it) = self.tracked.get_mut(&checkpoint) else { return };
        it.handles.remove(&open);
        if it.handles.is_empty() {
            self.untrack_checkpoint(checkpoint);
        }
    }

    /// None of a program's handles is told anything more.
    pub(crate) fn untrack_all(&mut self, client: ClientId) {
        let Some(known) = self.clients.get(&client) else { return };
        for (handle, checkpoint) in known.opened_for(OpenFlags::WRITE) {
            self.untrack(checkpoint, OpenId { client, handle });
        }
    }

    /// Nobody is told about this checkpoint any more.
    pub(crate) fn untrack_checkpoint(&mut self, checkpoint: CheckpointId) {
        let Some(it) = self.tracked.remove(&checkpoint) else { return };
        if let Some(ticket) = it.ticket {
            self.abandon(ticket);
        }
        it.awaiting.into_iter().for_each(|it| self.tracks_now(it));
    }
}

/// What the extension tells about a change: which bytes of which section.
fn element_of(change: &Change) -> Option<TrackElement> {
    let element = |section: &_, offset, size: usize| {
        Some(TrackElement { section: Clone::clone(section), offset, size: size as u64 })
    };
    match change {
        Change::Created { data, .. } if data.is_empty() => None,
        Change::Created { section, data, .. } | Change::Overwritten { section, data } => {
            element(section, 0, data.len())
        }
        Change::Written { section, offset, data } => element(section, *offset, data.len()),
        Change::Deleted { section } => element(section, 0, 0),
        Change::Expired { .. } | Change::ExpirationSet { .. } | Change::Corrupted { .. } => None,
    }
}
