//! What outlives a process: ordered keys in atomic batches.
#![forbid(unsafe_code)]

mod contract;

pub use contract::{Batch, Storage, StorageError};
