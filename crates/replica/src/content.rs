//! What an object consists of: the only thing a service has to write to have it replicated.

use crate::History;
use ais_service::Wire;
use core::fmt::Debug;

/// The most payload that one chunk of a transfer carries, in bytes.
pub const CHUNK_MAX: usize = 256 * 1024;

/// The content of a replicated object: a plain value that changes only by updates.
///
/// Equal histories of updates give equal contents and equal answers on every node.
pub trait Content: Clone + Debug + Send + 'static {
    /// What changes the content. Carries everything it needs: times, ids, payloads.
    type Update: Wire;
    /// What an update or a query is answered with, refusals of the service included.
    type Answer: Wire;
    /// What reads without changing. A type without values if nothing is read through the replica.
    type Query: Wire;
    /// A part of the content on its way to a filling replica; at most about [`CHUNK_MAX`] bytes.
    type Chunk: Wire;
    /// How far a transfer has got, at the primary. `Default` is its beginning.
    type Cursor: Default + Clone + Debug + Send;

    /// Applies update `number` (1, 2, 3 …) and says what it is answered.
    fn apply(&mut self, number: u64, update: Self::Update) -> Self::Answer;

    /// Applies an update to a copy that is still being filled.
    ///
    /// Chunks and updates arrive in the order in which the primary made them, so the copy has
    /// exactly the chunks that the primary had cut when it applied the update. What the update
    /// touches may still be missing here: then it comes with a later chunk, which was cut after
    /// the update. The content must be the primary's when the last chunk is in. `answer` is what
    /// the primary said, with all of the content at hand: a refusal changed nothing. The default
    /// applies the update; it serves when `apply` does not mind what is missing.
    fn follow(&mut self, number: u64, update: Self::Update, answer: &Self::Answer) {
        let _ = (self.apply(number, update), answer);
    }

    /// Answers a query, or says `None` for one that waits: it is asked again after each update.
    fn query(&self, query: &Self::Query, history: History<'_, Self>) -> Option<Self::Answer>;

    /// The primary is about to apply an update for the first time, and may spend `room` bytes of
    /// memory on it. What it returns is applied instead, here and on every copy: this is the place
    /// to turn an update that does not fit into its refusal.
    fn admit(&self, update: Self::Update, room: u64) -> Self::Update {
        let _ = room;
        update
    }

    /// Bytes of memory that this costs, about.
    fn weight(&self) -> u64 {
        0
    }

    /// Cuts the next chunk, with about `limit` bytes of payload, and moves the cursor behind it;
    /// `None` at the end. Updates may have been applied since the last chunk.
    fn chunk(&self, cursor: &mut Self::Cursor, limit: usize) -> Option<Self::Chunk>;

    /// Takes a chunk in. May repeat what an update brought before.
    fn absorb(&mut self, chunk: Self::Chunk);

    /// Back to the blank content that the object was created with; a transfer begins.
    fn clear(&mut self);
}
