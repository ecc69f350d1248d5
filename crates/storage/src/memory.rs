//! A store in memory.

use crate::{Batch, Storage, StorageError};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Mutex, MutexGuard},
};

/// A store in memory: not durable.
#[derive(Debug)]
pub struct MemoryStorage {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    values: BTreeMap<Bytes, Bytes>,
    /// Of all keys and values.
    bytes: usize,
}

impl MemoryStorage {
    /// An empty store, bounded by the machine's memory alone.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// An empty store that keeps at most so many bytes of keys and values.
    #[must_use]
    pub fn with_limit(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing panics while it holds the store")
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn durable(&self) -> bool {
        false
    }

    async fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut kept = self.kept();
        if kept.bytes_after(&batch) > self.bytes_max {
            return Err(StorageError::Full("memory".into()));
        }
        for (key, value) in batch.changes {
            kept.set(key, value);
        }
        Ok(())
    }

    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        Ok(self.kept().values.get(key).cloned())
    }

    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let kept = self.kept();
        let found = kept.values.range(range).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl Kept {
    fn set(&mut self, key: Bytes, value: Option<Bytes>) {
        let size = key.len();
        let added = value.as_ref().map_or(0, |value| size + value.len());
        let before = match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
        self.bytes = self.bytes + added - before.map_or(0, |value| size + value.len());
    }

    /// How many bytes there were if the batch were written.
    fn bytes_after(&self, batch: &Batch) -> usize {
        let last: BTreeMap<_, _> = batch.changes.iter().map(|(key, value)| (key, value)).collect();
        last.iter().fold(self.bytes, |bytes, (key, value)| {
            let size = |value: &Bytes| key.len() + value.len();
            bytes + value.as_ref().map_or(0, size) - self.values.get(*key).map_or(0, size)
        })
    }
}
