//! Sections as the content of a replicated object.

use super::{Cursor, Mutation, Piece, Sections, Told, feed};
use crate::{Choice, OpenId};
use ais_replica::{History, Position};
use ais_types::{
    Error, Payload, Payloads, Time,
    ckpt::{
        CheckpointDescriptor, CreationAttributes, ReadElement, Scanned, SectionDescriptor,
        SectionId,
    },
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What the replicas of a checkpoint hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(pub(super) Sections);

impl Content {
    /// What a checkpoint with these attributes contains in the beginning.
    #[must_use]
    pub fn new(attributes: CreationAttributes, created: Time) -> Self {
        Self(Sections::new(attributes, created))
    }
}

/// A mutation, and when it was asked for by the wall clock of the node that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// When.
    pub at: Time,
    /// Through which handle; `None` for the primary's own.
    pub by: Option<OpenId>,
    /// What.
    pub mutation: Mutation,
}

/// What reads without changing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Bytes of sections (§3.8.3).
    Read(Vec<ReadElement>),
    /// Number of sections and bytes used (§3.6.7).
    Status,
    /// The first section after this one that is chosen (§3.7.6).
    Next(Option<SectionId>, Choice),
    /// Sections with their content, after this one.
    Scan(Option<SectionId>),
    /// What was changed after this place; waits until there is something.
    Changes(Option<Position>),
}

/// What a mutation or a query gives when it is not refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    /// Done.
    Done,
    /// A section was created, under this id.
    Created(SectionId),
    /// To [`Query::Read`].
    Read(Vec<Payload>),
    /// To [`Query::Status`].
    Status(CheckpointDescriptor),
    /// To [`Query::Next`]; `None` at the end.
    Section(Option<SectionDescriptor>),
    /// To [`Query::Scan`].
    Scanned(Scanned),
    /// To [`Query::Changes`].
    Told(Told),
    /// These have gone by themselves.
    Expired(Vec<SectionId>),
    /// No section was created: there are as many as there may be.
    Exhausted {
        /// How many.
        max: u32,
    },
}

/// A part of the content on its way to a new replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    generated: u64,
    exhaustions: u64,
    pieces: Vec<Piece>,
}

impl Payloads for Timed {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.mutation.payloads(visit);
    }
}

impl Payloads for Query {}

impl Payloads for Given {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Read(data) => data.payloads(visit),
            Self::Scanned(it) => it.payloads(visit),
            Self::Told(it) => it.payloads(visit),
            Self::Done
            | Self::Created(_)
            | Self::Status(_)
            | Self::Section(_)
            | Self::Expired(_)
            | Self::Exhausted { .. } => {}
        }
    }
}

impl Payloads for Chunk {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.pieces.payloads(visit);
    }
}

impl ais_replica::Content for Content {
    type Update = Timed;
    type Answer = Result<Given, Error>;
    type Query = Query;
    type Chunk = Chunk;
    type Cursor = Cursor;

    fn apply(&mut self, _: u64, Timed { at, mutation, .. }: Timed) -> Self::Answer {
        self.0.change(at, &mutation)
    }

    fn follow(&mut self, _: u64, Timed { at, mutation, .. }: Timed, answer: &Self::Answer) {
        if let Ok(given) = answer {
            self.0.follow_change(at, mutation, given);
        }
    }

    fn query(&self, query: &Query, history: History<'_, Self>) -> Option<Self::Answer> {
        Some(match query {
            Query::Read(elements) => self.0.read(elements).map(Given::Read),
            Query::Status => Ok(Given::Status(self.0.status())),
            Query::Next(last, choice) => Ok(Given::Section(self.0.next(last.as_ref(), *choice))),
            Query::Scan(after) => Ok(Given::Scanned(self.0.scan(after.as_ref(), history.now()))),
            Query::Changes(after) => Ok(Given::Told(feed::changes(*after, history)?)),
        })
    }

    fn admit(&self, update: Timed, room: u64) -> Timed {
        let needed = self.0.growth(&update.mutation);
        match needed > room {
            true => Timed { mutation: Mutation::NoRoom { needed }, ..update },
            false => update,
        }
    }

    fn weight(&self) -> u64 {
        self.0.weight()
    }

    fn chunk(&self, cursor: &mut Cursor, limit: usize) -> Option<Chunk> {
        let pieces = self.0.cut(cursor, limit)?;
        let Sections { generated, exhaustions, .. } = self.0;
        Some(Chunk { generated, exhaustions, pieces })
    }

    fn absorb(&mut self, chunk: Chunk) {
        self.0.generated = chunk.generated;
        self.0.exhaustions = chunk.exhaustions;
        chunk.pieces.into_iter().for_each(|piece| self.0.paste(piece));
    }

    fn clear(&mut self) {
        *self = Self::new(self.0.attributes, self.0.created);
    }
}
