//! A content whose history can be read off it: a list that grows, and a map whose keys change.

use ais_replica::{Content, History, Position};
use ais_types::Payloads;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Journal {
    /// Every value ever appended, in order.
    pub(crate) list: Vec<Value>,
    /// The last value of each key.
    pub(crate) map: BTreeMap<u8, Value>,
    /// While this copy is filled: the keys up to here are in.
    filled: Option<u8>,
}

/// Who wrote, and its how many-th write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Value(pub(crate) u64, pub(crate) u64);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Update {
    /// Appends, and remembers it under the key.
    Write(u8, Value),
    /// Refused: changes nothing.
    Refuse,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Where it is in the list, and what the key had before.
    Written(usize, Option<Value>),
    Refused,
    Read(Vec<Value>),
    /// The place is not known here (any more).
    Unknown(Position),
    /// What was written, and where one is then.
    News(Vec<Value>, Position),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Query {
    ReadAll,
    /// What was written after a place; waits until there is something.
    Since(Position),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Chunk {
    List(usize, Vec<Value>),
    Keys(u8, Vec<(u8, Value)>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    list: usize,
    key: u8,
}

impl Payloads for Update {}
impl Payloads for Answer {}
impl Payloads for Query {}
impl Payloads for Chunk {}

impl Journal {
    pub(crate) const KEYS: u8 = 12;

    fn write(&mut self, key: u8, value: Value) -> Answer {
        self.list.push(value);
        Answer::Written(self.list.len() - 1, self.map.insert(key, value))
    }
}

impl Content for Journal {
    type Update = Update;
    type Answer = Answer;
    type Query = Query;
    type Chunk = Chunk;
    type Cursor = Cursor;

    fn apply(&mut self, _: u64, update: Update) -> Answer {
        match update {
            Update::Write(key, value) => self.write(key, value),
            Update::Refuse => Answer::Refused,
        }
    }

    fn follow(&mut self, _: u64, update: Update, _: &Answer) {
        // The list comes whole with the chunks, first; of the map only what is in is kept up.
        match update {
            Update::Write(key, value) if self.filled.is_some() => {
                self.list.push(value);
                if Some(key) < self.filled {
                    self.map.insert(key, value);
                }
            }
            Update::Write(..) | Update::Refuse => {}
        }
    }

    fn query(&self, query: &Query, history: History<'_, Self>) -> Option<Answer> {
        match query {
            Query::ReadAll => Some(Answer::Read(self.list.clone())),
            Query::Since(place) if *place == history.now() => None,
            Query::Since(place) => {
                let Some(since) = history.since(*place) else {
                    return Some(Answer::Unknown(history.now()));
                };
                let written = since.filter_map(|(_, update, _)| match update {
                    Update::Write(_, value) => Some(*value),
                    Update::Refuse => None,
                });
                Some(Answer::News(written.collect(), history.now()))
            }
        }
    }

    fn chunk(&self, cursor: &mut Cursor, _: usize) -> Option<Chunk> {
        const AT_ONCE: usize = 3;
        if cursor.key == 0 && cursor.list < self.list.len() {
            let from = cursor.list;
            cursor.list = self.list.len().min(from + AT_ONCE);
            return Some(Chunk::List(from, self.list[from..cursor.list].to_vec()));
        }
        if cursor.key > Self::KEYS {
            return None;
        }
        let from = cursor.key;
        cursor.key += 4;
        let keys = self.map.range(from..cursor.key).map(|(key, value)| (*key, *value));
        Some(Chunk::Keys(cursor.key, keys.collect()))
    }

    fn absorb(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::List(from, values) => {
                assert_eq!(from, self.list.len(), "chunks come in order");
                self.list.extend(values);
            }
            Chunk::Keys(to, values) => {
                self.filled = (to <= Self::KEYS).then_some(to).or(Some(u8::MAX));
                self.map.extend(values);
            }
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}
