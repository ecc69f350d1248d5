//! What outlives a process: ordered keys in atomic batches.
//!
//! - [`MemoryStorage`]: in memory; outlives nothing.
//! - [`DiskStorage`]: in a file, on the embedded database redb; what it has acknowledged outlives
//!   the process and the loss of power.
//!
//! Authors of other stores run [`check()`] in a test: it is the whole contract.
//!
//! ```
//! # use ais_storage::{Batch, MemoryStorage, Storage};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ais_storage::StorageError> {
//! let store = MemoryStorage::new();
//! store.write(Batch::new().put("log/1", "first").put("log/2", "second")).await?;
//! assert_eq!(store.read(b"log/1").await?.as_deref(), Some(&b"first"[..]));
//! assert_eq!(store.scan("log/".into().."log0".into(), 10).await?.len(), 2);
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod check;
mod contract;
pub mod disk;
mod memory;

pub use check::{Subject, check};
pub use contract::{Batch, Storage, StorageError};
pub use disk::DiskStorage;
pub use memory::MemoryStorage;
