//! What replicas of one object say to each other. The service names the object around it.

use crate::{Content, Position};
use ais_types::{MemberId, Payload, Payloads};
use serde::{Deserialize, Serialize};

/// A message about one object, from one member to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Message<C: Content> {
    /// Requester → primary: please apply.
    Request {
        /// The epoch in which the receiver is the primary.
        epoch: u64,
        /// The sender's number for it: 1, 2, 3 … for each object.
        number: u64,
        /// The sender's request before it that is not answered either; 0 if there is none. Numbers
        /// in between are answered.
        previous: u64,
        /// The sender has the answers of all its requests up to this number.
        done: u64,
        /// It was answered before, as the update of this place, and may have been lost since.
        place: Option<Place>,
        /// What to apply.
        update: C::Update,
    },
    /// Requester → primary: of what was answered before, the requests before this are all.
    Resent {
        /// The epoch in which the receiver is the primary.
        epoch: u64,
    },
    /// Primary → requester: acknowledged.
    Answer {
        /// The epoch of the request.
        epoch: u64,
        /// The request's number.
        number: u64,
        /// The place that it was given.
        place: Place,
        /// What it is answered.
        answer: C::Answer,
    },
    /// Primary → requester: every complete replica has all that was answered up to `number`.
    Safe {
        /// The epoch of the primary.
        epoch: u64,
        /// The receiver's request.
        number: u64,
    },
    /// Requester → primary: a query, or without one: tell me when the backups have all of it.
    Ask {
        /// The epoch in which the receiver is the primary.
        epoch: u64,
        /// The sender's id for it.
        id: u64,
        /// What to read; `None` is Synchronize.
        query: Option<C::Query>,
    },
    /// Requester → primary: nobody waits for the answer to an `Ask` any more.
    Unask {
        /// The epoch of the question.
        epoch: u64,
        /// The question's id.
        id: u64,
    },
    /// Primary → requester: the answer to an `Ask`.
    Told {
        /// The epoch of the question.
        epoch: u64,
        /// The question's id.
        id: u64,
        /// What was read; `None` is synchronised.
        answer: Option<C::Answer>,
    },
    /// Primary → backup or filling replica: apply this.
    Update {
        /// The primary's epoch.
        epoch: u64,
        /// What.
        update: Update<C>,
        /// To a filling replica: so many parts were said before.
        parts: u64,
        /// Everything up to here is acknowledged.
        committed: u64,
        /// Everything up to here is wherever it has to be; nobody will ask for it again.
        stable: u64,
    },
    /// Primary → backup: how far it has got, when no update follows that would say so.
    Marks {
        /// The primary's epoch.
        epoch: u64,
        /// As in `Update`.
        committed: u64,
        /// As in `Update`.
        stable: u64,
    },
    /// Backup → primary: I have applied everything up to `number`.
    Applied {
        /// The primary's epoch.
        epoch: u64,
        /// The last update applied.
        number: u64,
        /// Something is missing: say everything after `number` again.
        again: bool,
        /// Reads wait here for the mark of `number`. Otherwise it comes with a later update.
        waits: bool,
    },
    /// Filling replica → primary: begin the transfer.
    Fill {
        /// The primary's epoch.
        epoch: u64,
        /// There is a whole copy at this place: if possible, only go on from there.
        have: Option<Position>,
        /// The last transfer of this epoch that has begun there, 0 if none has. One that is on its
        /// way makes void what is said here.
        begun: u64,
    },
    /// Primary → filling replica: forget what you have, the transfer begins.
    Begin {
        /// The primary's epoch.
        epoch: u64,
        /// Numbers the transfers of an epoch.
        transfer: u64,
        /// Where the primary was; updates after that are said in between.
        at: Position,
    },
    /// Primary → filling replica: a piece of the whole.
    Part {
        /// The primary's epoch.
        epoch: u64,
        /// Which transfer.
        transfer: u64,
        /// Its place: 1, 2, 3 …
        index: u64,
        /// The last update that was said before.
        number: u64,
        /// What.
        part: Part<C>,
    },
    /// Filling replica → primary: the first so many parts are in.
    Taken {
        /// The primary's epoch.
        epoch: u64,
        /// Which transfer.
        transfer: u64,
        /// How many parts.
        parts: u64,
    },
    /// What you said was lost or came too early: say it again.
    Again {
        /// The receiver's epoch, as far as the sender knows.
        epoch: u64,
    },
}

/// Where an update stands among all: who was given the lower place was applied earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// In which epoch it was applied first.
    pub epoch: u64,
    /// As which number, then. It may have another one now, if it was lost with its primary.
    pub number: u64,
}

/// An update with its place in the history, and whose request it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Update<C: Content> {
    /// The epoch of the primary that gave it its number.
    pub epoch: u64,
    /// Its place: 1, 2, 3 …
    pub number: u64,
    /// Where it was applied first.
    pub place: Place,
    /// Who asked for it.
    pub requester: MemberId,
    /// The requester's number for it.
    pub request: u64,
    /// The requester has the answers of all its requests up to this number.
    pub done: u64,
    /// The answer, for those who cannot know it from applying: filling replicas.
    pub answer: Option<C::Answer>,
    /// What.
    pub update: C::Update,
}

/// A piece of a transfer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Part<C: Content> {
    /// Of the content.
    Chunk(C::Chunk),
    /// How far a requester has got.
    Requester {
        /// Who.
        requester: MemberId,
        /// The number of its next request.
        next: u64,
        /// It has the answers up to here.
        done: u64,
    },
    /// A stored answer.
    Stored {
        /// Who asked.
        requester: MemberId,
        /// The requester's number.
        request: u64,
        /// The update's number in the history.
        number: u64,
        /// Where it was applied first.
        place: Place,
        /// What it is answered.
        answer: C::Answer,
    },
    /// That was all.
    End,
}

impl<C: Content> Message<C> {
    /// The epoch that the message belongs to.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Request { epoch, .. }
            | Self::Resent { epoch }
            | Self::Answer { epoch, .. }
            | Self::Safe { epoch, .. }
            | Self::Ask { epoch, .. }
            | Self::Unask { epoch, .. }
            | Self::Told { epoch, .. }
            | Self::Update { epoch, .. }
            | Self::Marks { epoch, .. }
            | Self::Applied { epoch, .. }
            | Self::Fill { epoch, .. }
            | Self::Begin { epoch, .. }
            | Self::Part { epoch, .. }
            | Self::Taken { epoch, .. }
            | Self::Again { epoch } => *epoch,
        }
    }
}

impl<C: Content> Payloads for Message<C> {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Request { update, .. } => update.payloads(visit),
            Self::Answer { answer, .. } => answer.payloads(visit),
            Self::Ask { query, .. } => query.payloads(visit),
            Self::Told { answer, .. } => answer.payloads(visit),
            Self::Update { update, .. } => {
                update.answer.payloads(visit);
                update.update.payloads(visit);
            }
            Self::Part { part, .. } => match part {
                Part::Chunk(chunk) => chunk.payloads(visit),
                Part::Stored { answer, .. } => answer.payloads(visit),
                Part::Requester { .. } | Part::End => {}
            },
            Self::Marks { .. }
            | Self::Unask { .. }
            | Self::Applied { .. }
            | Self::Resent { .. }
            | Self::Safe { .. }
            | Self::Fill { .. }
            | Self::Begin { .. }
            | Self::Taken { .. }
            | Self::Again { .. } => {}
        }
    }
}

/// What a message or a part of one weighs in a window: its payload and something for the rest.
pub(crate) fn weight<T: Payloads>(message: &mut T) -> usize {
    const REST: usize = 128;
    let mut bytes = REST;
    message.payloads(&mut |payload| bytes += payload.len());
    bytes
}
