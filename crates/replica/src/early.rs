//! A bounded waiting room for messages that are ahead of this node's log.

use crate::message::weight;
use ais_types::{MemberId, Payloads};
use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

/// Messages that came before the entry which explains them: about an object that is not created
/// here yet, or of an epoch that is not known here yet.
///
/// What does not fit is dropped and its sender remembered, to be told to say it again.
#[derive(Clone, Debug)]
pub struct Early<K, M> {
    rooms: BTreeMap<K, Room<M>>,
    weight: usize,
}

#[derive(Clone, Debug)]
struct Room<M> {
    messages: VecDeque<(MemberId, M)>,
    dropped: BTreeSet<MemberId>,
}

/// What waited, in the order in which it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting<M> {
    /// A message.
    Message(MemberId, M),
    /// Messages of this member did not fit: tell it [`Message::Again`](crate::Message::Again).
    Dropped(MemberId),
}

impl<K: Ord + Copy, M: Payloads> Early<K, M> {
    /// All messages that wait together weigh at most this, in bytes.
    pub const WEIGHT_MAX: usize = 4 * 1024 * 1024;
    /// Messages wait for at most so many different things.
    pub const ROOMS_MAX: usize = 1024;

    /// An empty room.
    #[must_use]
    pub const fn new() -> Self {
        Self { rooms: BTreeMap::new(), weight: 0 }
    }

    /// Lets a message wait for `key`.
    pub fn put(&mut self, key: K, from: MemberId, mut message: M) {
        let weight = weight(&mut message);
        let fits = self.weight + weight <= Self::WEIGHT_MAX;
        if !self.rooms.contains_key(&key) && self.rooms.len() == Self::ROOMS_MAX {
            return;
        }
        let room = self
            .rooms
            .entry(key)
            .or_insert_with(|| Room { messages: VecDeque::new(), dropped: BTreeSet::new() });
        // Once something of a member was dropped, what follows would only leave a gap.
        if fits && !room.dropped.contains(&from) {
            self.weight += weight;
            room.messages.push_back((from, message));
        } else {
            room.dropped.insert(from);
        }
    }

    /// Everything that waited for `key`.
    pub fn take(&mut self, key: K) -> Vec<Waiting<M>> {
        let Some(room) = self.rooms.remove(&key) else { return Vec::new() };
        let mut waited = Vec::new();
        for (from, mut message) in room.messages {
            self.weight -= weight(&mut message);
            waited.push(Waiting::Message(from, message));
        }
        waited.extend(room.dropped.into_iter().map(Waiting::Dropped));
        waited
    }

    /// Forgets what waited for anything before `key`: the log has passed it.
    pub fn forget_before(&mut self, key: K) {
        while let Some(first) = self.rooms.keys().next().copied().filter(|first| *first < key) {
            self.take(first);
        }
    }

    /// Forgets what a member said: it is gone.
    pub fn forget(&mut self, member: MemberId) {
        for room in self.rooms.values_mut() {
            room.dropped.remove(&member);
            let weighed = &mut self.weight;
            room.messages.retain_mut(|(from, message)| {
                let stays = *from != member;
                if !stays {
                    *weighed -= weight(message);
                }
                stays
            });
        }
    }
}

impl<K: Ord + Copy, M: Payloads> Default for Early<K, M> {
    fn default() -> Self {
        Self::new()
    }
}
