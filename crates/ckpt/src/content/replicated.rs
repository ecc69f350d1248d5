//! Sections as the content of a replicated object.

use super::{Cursor, Mutation, Piece, Sections};
use crate::Choice;
use ais_types::{
    Error, Payload, Payloads, Time,
    ckpt::{CheckpointDescriptor, CreationAttributes, ReadElement, SectionDescriptor, SectionId},
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
}

/// A part of the content on its way to a new replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    generated: u64,
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
            Self::Done | Self::Created(_) | Self::Status(_) | Self::Section(_) => {}
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

    fn apply(&mut self, _: u64, Timed { at, mutation }: Timed) -> Self::Answer {
        let created = self.0.change(at, &mutation)?;
        Ok(created.map_or(Given::Done, Given::Created))
    }

    fn follow(&mut self, _: u64, Timed { at, mutation }: Timed, answer: &Self::Answer) {
        match answer {
            Ok(Given::Created(section)) => self.0.follow_change(at, mutation, Some(section)),
            Ok(_) => self.0.follow_change(at, mutation, None),
            Err(_) => {}
        }
    }

    fn query(&self, query: &Query) -> Self::Answer {
        match query {
            Query::Read(elements) => self.0.read(elements).map(Given::Read),
            Query::Status => Ok(Given::Status(self.0.status())),
            Query::Next(last, choice) => Ok(Given::Section(self.0.next(last.as_ref(), *choice))),
        }
    }

    fn chunk(&self, cursor: &mut Cursor, limit: usize) -> Option<Chunk> {
        let pieces = self.0.cut(cursor, limit)?;
        Some(Chunk { generated: self.0.generated, pieces })
    }

    fn absorb(&mut self, chunk: Chunk) {
        self.0.generated = chunk.generated;
        chunk.pieces.into_iter().for_each(|piece| self.0.paste(piece));
    }

    fn clear(&mut self) {
        *self = Self::new(self.0.attributes, self.0.created);
    }
}
