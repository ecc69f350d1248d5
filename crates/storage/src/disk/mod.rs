//! A store in a file, on the embedded database redb.
//!
//! One thread owns the database: no caller's thread ever waits for the disk. Batches that queue up
//! while one is being synced are made durable together with the next one.

mod backend;
mod database;
mod worker;

pub use redb::StorageBackend;

use crate::{Batch, Storage, StorageError};
use async_trait::async_trait;
use bytes::Bytes;
use database::{Database, Opener};
use futures::channel::oneshot;
use redb::backends::FileBackend;
use std::{
    fs::{File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
};
use worker::Request;

/// A store in a file: durable.
///
/// A file belongs to one store at a time. When this is dropped the file is closed, and can be opened
/// again.
///
/// A batch is durable when its write returns: its bytes have been synced. After a loss of power
/// there is what was acknowledged and, at most, batches that were being written, each whole.
/// Opening verifies the whole file, which takes about a second a gigabyte.
///
/// After [`StorageError::Full`] the store goes on: reads succeed, and writes as soon as there is room. After
/// [`StorageError::Io`] it refuses everything, since what the system holds of the file may no longer
/// be what is on the disk; open it again.
#[derive(Debug)]
pub struct DiskStorage {
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    file: String,
    thread: Option<JoinHandle<()>>,
}

impl DiskStorage {
    /// Opens the store in this file, which is created if it is not there. Its folder has to be.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if the file is damaged or something else, [`StorageError::InUse`] if
    /// another store has it open, and what the system says.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref().to_owned();
        let name = path.display().to_string();
        Self::start(name, Box::new(move || Ok(Box::new(backend(&path)?)))).await
    }

    /// Opens a store on something else than a file, such as a disk that fails on demand. `open` is
    /// called at once, and again after the disk was full; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn on<B: StorageBackend>(
        name: &str,
        mut open: impl FnMut() -> io::Result<B> + Send + 'static,
    ) -> Result<Self, StorageError> {
        Self::start(name.to_owned(), Box::new(move || Ok(Box::new(open()?)))).await
    }

    async fn start(file: String, open: Opener) -> Result<Self, StorageError> {
        let (requests, waiting) = mpsc::channel();
        let (tell, opened) = oneshot::channel();
        let name = file.clone();
        let run = move || match Database::open(name, open) {
            Ok(database) => {
                let _ = tell.send(Ok(()));
                worker::run(database, &waiting);
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        let thread = thread::Builder::new().name("storage".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StorageError::Io { file: file.clone(), error })?;
        let storage = Self { requests: Some(requests), file, thread: Some(thread) };
        opened.await.unwrap_or_else(|_| Err(storage.gone())).map(|()| storage)
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StorageError>>) -> Request,
    ) -> Result<T, StorageError> {
        let (reply, answer) = oneshot::channel();
        let requests = self.requests.as_ref().expect("it is not being dropped");
        requests.send(request(reply)).map_err(|_| self.gone())?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Only after a defect of ours: the thread does not end by itself.
    fn gone(&self) -> StorageError {
        let error = io::Error::other("the thread of the store has ended");
        StorageError::Io { file: self.file.clone(), error }
    }
}

/// The file, readable by its owner alone. A new one has its place in the folder for good.
fn backend(path: &PathBuf) -> io::Result<FileBackend> {
    let new = !path.exists();
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if new {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    FileBackend::new(file).map_err(io::Error::other)
}

#[async_trait]
impl Storage for DiskStorage {
    fn durable(&self) -> bool {
        true
    }

    async fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.ask(|reply| Request::Write(batch, reply)).await
    }

    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.ask(|reply| Request::Read(key.to_vec(), reply)).await
    }

    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.ask(|reply| Request::Scan(range, limit, reply)).await
    }
}

impl Drop for DiskStorage {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // What was asked for is still done; then the file is closed.
            let _ = thread.join();
        }
    }
}
