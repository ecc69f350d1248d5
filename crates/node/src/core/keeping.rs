//! What is to outlive the whole cluster. Services say what that is, the shell saves it, and who
//! was told that something is done hears it only when it is saved.

use super::{Core, Effect};
use crate::driven::RawInput;
use ais_service::Now;
use ais_types::{ServiceId, Stamp};
use ais_wire::{Frame, decode_bytes, encode_bytes};
use bytes::Bytes;
use std::collections::VecDeque;

/// What the services of a node keep, as it is saved.
type Kept = Vec<(ServiceId, Bytes)>;

#[derive(Debug)]
pub(super) struct Keeping {
    /// The place in the group's order that this node has come to.
    at: Stamp,
    services: Vec<Told>,
    /// The number of the last [`Effect::Keep`], and the last one that is saved.
    asked: u64,
    saved: u64,
    /// Replies that wait until what they are about is saved, in order.
    held: VecDeque<(u64, ais_service::Caller, Frame)>,
}

/// What was last said of a service.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    changes: u64,
    /// The number of the [`Effect::Keep`] that said it.
    number: u64,
}

impl Keeping {
    pub(super) fn new(services: usize) -> Self {
        let services = vec![Told::default(); services];
        Self { at: Stamp::default(), services, asked: 0, saved: 0, held: VecDeque::new() }
    }

    /// The group's order has come to this place.
    pub(super) fn came_to(&mut self, stamp: Stamp) {
        self.at = stamp;
    }
}

impl Core {
    /// What a former cluster kept is handed to the services that kept it.
    pub(super) fn recall(&mut self, now: Now, stamp: Stamp, bytes: &[u8], out: &mut Vec<Effect>) {
        let kept: Kept = match decode_bytes(bytes) {
            Ok(kept) => kept,
            Err(error) => {
                return tracing::error!(%error, "what operators had configured cannot be read");
            }
        };
        for (service, bytes) in kept {
            let Some(index) = self.index_of(service) else {
                tracing::warn!(service = service.0, "nobody takes what this service had kept");
                continue;
            };
            if let Err(error) = self.feed(now, index, RawInput::Kept(stamp, bytes), out) {
                let service = self.services[index].name();
                tracing::error!(service, %error, "cannot read what it had kept");
            }
        }
    }

    /// Has saved what has changed of what the services keep.
    pub(super) fn keep(&mut self, out: &mut Vec<Effect>) {
        let number = self.keeping.asked + 1;
        let mut changed = false;
        for (service, told) in self.services.iter().zip(&mut self.keeping.services) {
            let changes = service.kept_changes();
            if changes != told.changes {
                *told = Told { changes, number };
                changed = true;
            }
        }
        if changed {
            self.keeping.asked = number;
            let kept = self.services.iter().filter_map(|it| Some((it.id(), it.kept()?)));
            let kept: Kept = kept.collect();
            out.push(Effect::Keep(number, self.keeping.at, encode_bytes(&kept)));
        }
    }

    /// A reply of this service; after what it keeps by now is saved.
    pub(super) fn reply_when_saved(
        &mut self,
        index: usize,
        caller: ais_service::Caller,
        frame: Frame,
        out: &mut Vec<Effect>,
    ) {
        let told = self.keeping.services[index];
        let changed = self.services[index].kept_changes() != told.changes;
        let number = if changed { self.keeping.asked + 1 } else { told.number };
        match number <= self.keeping.saved {
            true => self.reply(caller, frame, out),
            false => self.keeping.held.push_back((number, caller, frame)),
        }
    }

    pub(super) fn saved(&mut self, number: u64, out: &mut Vec<Effect>) {
        self.keeping.saved = self.keeping.saved.max(number);
        let saved = self.keeping.saved;
        while self.keeping.held.front().is_some_and(|(number, ..)| *number <= saved) {
            let Some((_, caller, frame)) = self.keeping.held.pop_front() else { return };
            self.reply(caller, frame, out);
        }
    }
}
