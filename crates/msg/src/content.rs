//! What is in a queue: one copy of it.

use ais_replica::History;
use ais_types::{
    Payload, Payloads, Time,
    msg::{Message, PRIORITIES, Usage},
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::Bound;
use serde::{Deserialize, Serialize};

/// What is never exceeded, whatever a program declares.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Bytes of one message: what one frame between nodes may carry.
    pub const MESSAGE: u64 = 256 * 1024;
    /// Bytes of one priority area, of a B.03 program.
    pub const AREA: u64 = 16 * 1024 * 1024;
    /// Bytes of a queue, of a B.03 program; and what a queue of any program really holds.
    pub const QUEUE: u64 = 64 * 1024 * 1024;
    /// Messages in one priority area: messages without bytes always fit, but not for ever.
    pub const MESSAGES: usize = 65_536;
    /// Queues in the cluster.
    pub const QUEUES: usize = 16_384;
    /// Calls of one session that wait at a time.
    pub const WAITING: usize = 1_024;
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Its place in the history of the queue: the order of arrival.
    pub number: u64,
    /// When it was sent, by the clock of the sender's node.
    pub sent: Time,
    /// What.
    pub message: Message,
}

/// One copy of what is in a queue.
#[derive(Clone, Debug)]
pub struct Content {
    sizes: [u64; PRIORITIES],
    areas: [Area; PRIORITIES],
    /// The name is gone: nothing comes in any more.
    nameless: bool,
}

#[derive(Clone, Debug, Default)]
struct Area {
    used: u64,
    parcels: BTreeMap<u64, Parcel>,
}

/// What changes a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Update {
    /// A message arrives.
    Push {
        /// When.
        sent: Time,
        /// What.
        message: Message,
    },
    /// Take the oldest of the highest priority out.
    Pop {
        /// If it is not larger.
        room: Option<u64>,
    },
    /// Whoever took it does not want it any more.
    Return(Parcel),
    /// Discard everything.
    Empty,
    /// The name is gone.
    Unlinked,
}

/// What an update or a query is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    /// Done.
    Done,
    /// The message is in, at this place.
    Pushed(u64),
    /// The area has no room.
    Full,
    /// Too many messages.
    TooMany,
    /// The queue has no name any more.
    Nameless,
    /// Taken out.
    Popped(Parcel),
    /// It needs so much room, and stays.
    TooSmall(u64),
    /// Nothing there.
    Nothing,
    /// How full it is.
    Usage([Usage; PRIORITIES]),
}

/// What can be asked without changing anything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Query {
    /// How full it is.
    Usage,
}

/// A piece of a transfer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chunk {
    parcels: Vec<Parcel>,
    nameless: bool,
}

impl Payloads for Parcel {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.message.payloads(visit);
    }
}

impl Payloads for Update {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Push { message, .. } => message.payloads(visit),
            Self::Return(parcel) => parcel.payloads(visit),
            Self::Pop { .. } | Self::Empty | Self::Unlinked => {}
        }
    }
}

impl Payloads for Given {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Popped(parcel) => parcel.payloads(visit),
            Self::Done
            | Self::Pushed(_)
            | Self::Full
            | Self::TooMany
            | Self::Nameless
            | Self::TooSmall(_)
            | Self::Nothing
            | Self::Usage(_) => {}
        }
    }
}

impl Payloads for Query {}

impl Payloads for Chunk {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        self.parcels.payloads(visit);
    }
}

impl Content {
    /// An empty queue with room for so many bytes of each priority.
    #[must_use]
    pub fn new(sizes: [u64; PRIORITIES]) -> Self {
        Self { sizes, areas: Default::default(), nameless: false }
    }

    /// Whether there is nothing to get.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.areas.iter().all(|it| it.parcels.is_empty())
    }

    /// Whether the name is gone.
    #[must_use]
    pub const fn is_nameless(&self) -> bool {
        self.nameless
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.areas.iter().map(|it| it.parcels.len()).sum()
    }

    /// How many messages arrived after `number`, and the last one's number.
    #[must_use]
    pub fn arrived_after(&self, number: u64) -> (usize, u64) {
        let after = (Bound::Excluded(number), Bound::Unbounded);
        let count = self.areas.iter().map(|it| it.parcels.range(after).count()).sum();
        let last = self.areas.iter().filter_map(|it| it.parcels.keys().next_back());
        (count, last.copied().max().unwrap_or(number).max(number))
    }

    /// How full each area is.
    #[must_use]
    pub fn usage(&self) -> [Usage; PRIORITIES] {
        core::array::from_fn(|priority| {
            let area = &self.areas[priority];
            let messages = u32::try_from(area.parcels.len()).unwrap_or(u32::MAX);
            Usage { size: self.sizes[priority], used: area.used, messages }
        })
    }

    /// msg.md 6.2: it fits if there is room for all of it; without bytes it always fits.
    fn push(&mut self, parcel: Parcel) -> Given {
        let bytes = parcel.message.data.len() as u64;
        let held: u64 = self.areas.iter().map(|it| it.used).sum();
        let Some(priority) = index(&parcel) else { return Given::Full };
        let area = &self.areas[priority];
        let fits = area.used.saturating_add(bytes) <= self.sizes[priority];
        if self.nameless {
            Given::Nameless
        } else if bytes > 0 && !(fits && held.saturating_add(bytes) <= Limits::QUEUE) {
            Given::Full
        } else if area.parcels.len() >= Limits::MESSAGES {
            Given::TooMany
        } else {
            let number = parcel.number;
            self.insert(parcel);
            Given::Pushed(number)
        }
    }

    fn pop(&mut self, room: Option<u64>) -> Given {
        let Some(area) = self.areas.iter_mut().find(|it| !it.parcels.is_empty()) else {
            return Given::Nothing;
        };
        let first = area.parcels.first_entry().expect("an area that is not empty");
        let bytes = first.get().message.data.len() as u64;
        if room.is_some_and(|it| it < bytes) {
            return Given::TooSmall(bytes);
        }
        area.used -= bytes;
        Given::Popped(first.remove())
    }

    fn insert(&mut self, parcel: Parcel) {
        let Some(priority) = index(&parcel) else { return };
        let area = &mut self.areas[priority];
        let bytes = parcel.message.data.len() as u64;
        if area.parcels.insert(parcel.number, parcel).is_none() {
            area.used += bytes;
        }
    }

    fn remove(&mut self, parcel: &Parcel) {
        let Some(priority) = index(parcel) else { return };
        let area = &mut self.areas[priority];
        if area.parcels.remove(&parcel.number).is_some() {
            area.used -= parcel.message.data.len() as u64;
        }
    }
}

/// The area of a message. Priorities are checked before a message gets here.
fn index(parcel: &Parcel) -> Option<usize> {
    Some(usize::from(parcel.message.priority)).filter(|it| *it < PRIORITIES)
}

impl ais_replica::Content for Content {
    type Update = Update;
    type Answer = Given;
    type Query = Query;
    type Chunk = Chunk;
    /// The priority, and the number of the last message that was cut.
    type Cursor = (usize, u64);

    fn apply(&mut self, number: u64, update: Update) -> Given {
        match update {
            Update::Push { sent, message } => self.push(Parcel { number, sent, message }),
            Update::Pop { room } => self.pop(room),
            Update::Return(parcel) => {
                self.insert(parcel);
                Given::Done
            }
            Update::Empty => {
                self.areas = Default::default();
                Given::Done
            }
            Update::Unlinked => {
                self.nameless = true;
                Given::Done
            }
        }
    }

    /// What the primary put in goes in, what it took out goes out if it is here: a chunk that
    /// comes later was cut after that, and one that came before was cut before.
    fn follow(&mut self, number: u64, update: Update, answer: &Given) {
        match (update, answer) {
            (Update::Push { sent, message }, Given::Pushed(_)) => {
                self.insert(Parcel { number, sent, message });
            }
            (Update::Pop { .. }, Given::Popped(parcel)) => self.remove(parcel),
            (Update::Push { .. } | Update::Pop { .. }, _) => {}
            (update @ (Update::Return(_) | Update::Empty | Update::Unlinked), _) => {
                self.apply(number, update);
            }
        }
    }

    fn query(&self, query: &Query, _: History<'_, Self>) -> Option<Given> {
        match query {
            Query::Usage => Some(Given::Usage(self.usage())),
        }
    }

    fn chunk(&self, cursor: &mut (usize, u64), limit: usize) -> Option<Chunk> {
        let (mut parcels, mut bytes) = (Vec::new(), 0);
        while cursor.0 < PRIORITIES {
            let after = (Bound::Excluded(cursor.1), Bound::Unbounded);
            for parcel in self.areas[cursor.0].parcels.range(after).map(|it| it.1) {
                if bytes >= limit || parcels.len() >= 1_000 {
                    return Some(Chunk { parcels, nameless: self.nameless });
                }
                bytes += parcel.message.data.len();
                cursor.1 = parcel.number;
                parcels.push(parcel.clone());
            }
            *cursor = (cursor.0 + 1, 0);
        }
        // One after the last, so that an empty queue too says whether it has a name.
        let last = cursor.0 == PRIORITIES;
        cursor.0 += 1;
        last.then_some(Chunk { parcels, nameless: self.nameless })
    }

    fn absorb(&mut self, chunk: Chunk) {
        self.nameless |= chunk.nameless;
        chunk.parcels.into_iter().for_each(|it| self.insert(it));
    }

    fn clear(&mut self) {
        *self = Self::new(self.sizes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_replica::Content as _;

    fn push(content: &mut Content, number: u64, priority: u8, bytes: usize) -> Given {
        let data = alloc::vec![0; bytes].into();
        let message = Message { kind: 1, version: 1, priority, sender: None, data };
        content.apply(number, Update::Push { sent: Time(0), message })
    }

    fn popped(content: &mut Content, number: u64) -> u64 {
        match content.apply(number, Update::Pop { room: None }) {
            Given::Popped(parcel) => parcel.number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn gives_out_the_highest_priority_first_and_the_oldest_of_it() {
        let mut content = Content::new([100; 4]);
        for (number, priority) in [(1, 3), (2, 1), (3, 1), (4, 0)] {
            assert_eq!(push(&mut content, number, priority, 1), Given::Pushed(number));
        }
        let order: Vec<u64> = (5..9).map(|number| popped(&mut content, number)).collect();
        assert_eq!(order, [4, 2, 3, 1]);
    }

    #[test]
    fn a_garbage_size_reserves_nothing_and_is_no_promise() {
        let mut content = Content::new([u64::MAX; 4]);
        for number in 1..=Limits::QUEUE / Limits::MESSAGE {
            assert_eq!(push(&mut content, number, 3, 256 * 1024), Given::Pushed(number));
        }
        assert_eq!(push(&mut content, 1_000, 3, 1), Given::Full);
    }

    #[test]
    fn a_copy_filled_while_messages_come_and_go_is_the_same() {
        let mut from = Content::new([1_000; 4]);
        for number in 1..=6 {
            push(&mut from, number, (number % 4) as u8, 10);
        }
        let mut to = Content::new([1_000; 4]);
        let mut cursor = (0, 0);
        let mut number = 10;
        // Chunks of one message each; a message goes and another comes after each.
        while let Some(chunk) = from.chunk(&mut cursor, 1) {
            to.absorb(chunk);
            for update in [
                Update::Pop { room: None },
                Update::Push {
                    sent: Time(0),
                    message: Message {
                        kind: 0,
                        version: 0,
                        priority: (number % 4) as u8,
                        sender: None,
                        data: Payload::default(),
                    },
                },
            ] {
                number += 1;
                let answer = from.apply(number, update.clone());
                to.follow(number, update, &answer);
            }
            assert!(number < 100, "the transfer ends");
        }
        assert_eq!(to.usage(), from.usage());
        while !from.is_empty() {
            assert_eq!(popped(&mut to, 1_000), popped(&mut from, 1_000));
        }
        assert!(to.is_empty());
    }
}
