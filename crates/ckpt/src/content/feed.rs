//! What a replica tells those who follow the checkpoint: its sections, and what was changed.

use super::{Content, Given, Mutation, Sections};
use crate::{Limits, OpenId};
use ais_replica::{History, Position};
use ais_types::{
    Error, Payload, Payloads,
    ckpt::{Change, ChangeSet, Changes, Scanned, SectionId, SectionState},
};
use alloc::{vec, vec::Vec};
use core::ops::Bound;
use serde::{Deserialize, Serialize};

/// What was changed, and through which handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where to go on from.
    pub position: Position,
    /// The place asked for is not known here (any more).
    pub lost: bool,
    /// Each call that changed something, oldest first.
    pub sets: Vec<(Option<OpenId>, ChangeSet)>,
}

impl Payloads for Told {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.sets.iter_mut().for_each(|it| it.1.payloads(visit));
    }
}

impl From<Told> for Changes {
    fn from(told: Told) -> Self {
        let Told { position, lost, sets } = told;
        Self { position, lost, sets: sets.into_iter().map(|it| it.1).collect() }
    }
}

/// What was changed after a place; `None` if nothing was yet.
pub(super) fn changes(after: Option<Position>, history: History<'_, Content>) -> Option<Told> {
    let now = history.now();
    let Some(after) = after else {
        return Some(Told { position: now, lost: false, sets: Vec::new() });
    };
    if after == now {
        return None;
    }
    let Some(since) = history.since(after) else {
        return Some(Told { position: now, lost: true, sets: Vec::new() });
    };
    let mut told = Told { position: after, lost: false, sets: Vec::new() };
    let (mut bytes, mut items) = (0, 0);
    for (position, update, answer) in since {
        if bytes >= Limits::PAGE_BYTES || items >= Limits::PAGE_ITEMS {
            break;
        }
        told.position = position;
        let mut changes = changes_of(&update.mutation, answer);
        items += changes.len();
        changes.payloads(&mut |it| bytes += it.len());
        if !changes.is_empty() {
            told.sets.push((update.by, ChangeSet { position, at: update.at, changes }));
        }
    }
    Some(told)
}

/// What a mutation changed, as its answer shows.
fn changes_of(mutation: &Mutation, answer: &Result<Given, Error>) -> Vec<Change> {
    match (mutation, answer) {
        (Mutation::Create { expiration, data, .. }, Ok(Given::Created(section))) => {
            let (section, data) = (section.clone(), data.clone());
            vec![Change::Created { section, expiration: *expiration, data }]
        }
        (Mutation::Delete { section }, Ok(_)) => vec![Change::Deleted { section: section.clone() }],
        (Mutation::SetExpiration { section, expiration }, Ok(_)) => {
            vec![Change::ExpirationSet { section: section.clone(), expiration: *expiration }]
        }
        (Mutation::Write { elements }, Ok(_)) => {
            let written = elements.iter().filter(|it| !it.data.is_empty()).cloned();
            written
                .map(|it| Change::Written { section: it.section, offset: it.offset, data: it.data })
                .collect()
        }
        (Mutation::Overwrite { section, data }, Ok(_)) => {
            vec![Change::Overwritten { section: section.clone(), data: data.clone() }]
        }
        (Mutation::Corrupt { section }, Ok(_)) => {
            vec![Change::Corrupted { section: section.clone() }]
        }
        (Mutation::Expire, Ok(Given::Expired(sections))) => {
            sections.iter().map(|it| Change::Expired { section: it.clone() }).collect()
        }
        (Mutation::Create { .. } | Mutation::Expire | Mutation::NoRoom { .. }, _) | (_, Err(_)) => {
            Vec::new()
        }
    }
}

impl Sections {
    /// Some sections with their content, after this one.
    pub(super) fn scan(&self, after: Option<&SectionId>, position: Position) -> Scanned {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut all = self.sections.range::<SectionId, _>((from, Bound::Unbounded)).peekable();
        let (mut sections, mut bytes) = (Vec::new(), 0);
        while bytes < Limits::PAGE_BYTES && sections.len() < Limits::PAGE_ITEMS {
            let Some((id, section)) = all.next() else { break };
            let data: Payload = match section.state {
                SectionState::Valid => section.data.clone().into(),
                SectionState::Corrupted => Payload::default(),
            };
            bytes += data.len();
            sections.push((section.describe(id), data));
        }
        Scanned { position, sections, end: all.peek().is_none() }
    }
}
