//! The contract between a store and its users.

use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;

/// The store cannot do what was asked. Nothing of the batch was kept, unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// No room left.
    #[error("no room left in {0}")]
    Full(String),
    /// What is stored is not what was written.
    #[error("{file} is damaged: {reason}; restore it, or remove it and let the node start blank")]
    Corrupt {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system failed. Whether the batch was kept is not known.
    #[error("{file}: {error}")]
    Io {
        /// Which file.
        file: String,
        /// The system's error.
        error: std::io::Error,
    },
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In this order: a key and its new value, or `None` to remove it.
    pub changes: Vec<(Bytes, Option<Bytes>)>,
}

/// Ordered keys with values.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Whether what [`write`](Storage::write) returned from survives the end of the process.
    fn durable(&self) -> bool;

    /// Makes all changes of the batch, in order, at once. On return they are durable, if the store
    /// is.
    async fn write(&self, batch: Batch) -> Result<(), StorageError>;

    /// The value of a key.
    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// At most `limit` keys of the range with their values, in order.
    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError>;
}
