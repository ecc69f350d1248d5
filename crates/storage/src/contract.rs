//! The contract between a store and its users.

use ais_types::ErrorCode;
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
    /// Another store has it open, in this process or another.
    #[error("{0} is in use: a file belongs to one node at a time; is another one running?")]
    InUse(String),
    /// The system failed. Whether the batch was kept is not known.
    #[error("{file}: {error}")]
    Io {
        /// Which file.
        file: String,
        /// The system's error.
        error: std::io::Error,
    },
}

impl StorageError {
    /// The AIS code of it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Full(_) => ErrorCode::NoSpace,
            Self::InUse(_) => ErrorCode::Busy,
            Self::Corrupt { .. } | Self::Io { .. } => ErrorCode::Library,
        }
    }

    /// The same, for somebody else.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Full(file) => Self::Full(file.clone()),
            Self::InUse(file) => Self::InUse(file.clone()),
            Self::Corrupt { file, reason } => {
                Self::Corrupt { file: file.clone(), reason: reason.clone() }
            }
            Self::Io { file, error } => {
                let error = std::io::Error::new(error.kind(), error.to_string());
                Self::Io { file: file.clone(), error }
            }
        }
    }
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In this order: a key and its new value, or `None` to remove it.
    pub changes: Vec<(Bytes, Option<Bytes>)>,
}

impl Batch {
    /// Nothing to change yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { changes: Vec::new() }
    }

    /// Of all its keys and values together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |(key, value): &(Bytes, Option<Bytes>)| {
            key.len() + value.as_ref().map_or(0, Bytes::len)
        };
        self.changes.iter().map(size).sum()
    }

    /// And set this key to this value.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.changes.push((key.into(), Some(value.into())));
        self
    }

    /// And remove this key, if it is there.
    #[must_use]
    pub fn remove(mut self, key: impl Into<Bytes>) -> Self {
        self.changes.push((key.into(), None));
        self
    }
}

/// Ordered keys with values.
///
/// Keys are ordered as byte strings. Who reads sees all of a batch or nothing of it.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Whether what [`write`](Storage::write) returned from survives the end of the process.
    fn durable(&self) -> bool;

    /// Makes all changes of the batch, in order, at once: of two changes of one key the later
    /// stays. On return they are durable, if the store is. Batches written one after the other are
    /// kept in that order.
    async fn write(&self, batch: Batch) -> Result<(), StorageError>;

    /// The value of a key.
    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The first `limit` keys of the range with their values, in order. The end is not in the
    /// range; one that does not lie behind the start makes it empty.
    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError>;
}
