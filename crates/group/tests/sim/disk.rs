//! A disk of a simulated node: what it has acknowledged outlives every life of the node.

use ais_storage::{Batch, MemoryStorage, Storage, StorageError};
use async_trait::async_trait;
use bytes::Bytes;
use std::{ops::Range, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How long a write takes.
const SYNC: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(crate) struct Disk(MemoryStorage);

#[async_trait]
impl Storage for Disk {
    fn durable(&self) -> bool {
        true
    }

    async fn write(&self, batch: Batch) -> Result<(), StorageError> {
        sleep_until(Instant::now() + SYNC).await;
        self.0.write(batch).await
    }

    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.0.read(key).await
    }

    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.0.scan(range, limit).await
    }
}
