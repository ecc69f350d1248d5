//! The database, and what its errors mean.

use super::backend::Backend;
use crate::{Batch, StorageError};
use bytes::Bytes;
use redb::{Builder, Durability, ReadableDatabase, StorageBackend, TableDefinition, TableError};
use std::{
    fmt, io,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What the store keeps.
const VALUES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("values");
/// What the store knows of itself.
const STORE: TableDefinition<'_, &str, u64> = TableDefinition::new("store");
/// The layout of the tables.
const FORMAT: u64 = 1;
/// Of the database, beside what the system keeps of the file.
const CACHE_BYTES: usize = 8 << 20;

/// Opens the file, or what stands for it.
pub(super) type Opener = Box<dyn FnMut() -> io::Result<Box<dyn StorageBackend>> + Send>;

/// The database in a file.
pub(super) struct Database {
    file: String,
    open: Opener,
    /// `None` after an error.
    inner: Option<redb::Database>,
    /// An error from which it does not come back.
    broken: Option<StorageError>,
    /// How many groups of batches have been written in the life of the file.
    written: u64,
    /// The number of a group that did not fit.
    refused: Option<u64>,
}

/// What the database library answers.
type Inner<T> = Result<T, redb::Error>;

impl Database {
    pub(super) fn open(file: String, open: Opener) -> Result<Self, StorageError> {
        let mut it = Self { file, open, inner: None, broken: None, written: 0, refused: None };
        it.start().map_err(|error| it.meaning(error))?;
        Ok(it)
    }

    /// Makes the changes of all batches durable, or nothing of them.
    pub(super) fn write<'a>(
        &mut self,
        batches: impl IntoIterator<Item = &'a Batch>,
    ) -> Result<(), StorageError> {
        let changes: Vec<_> = batches.into_iter().flat_map(|batch| &batch.changes).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let number = self.written + 1;
        let error = match self.attempt(|database| write(database, &changes, number))? {
            Ok(()) => {
                self.written = number;
                return Ok(());
            }
            Err(error) => self.meaning(error),
        };
        // The library wants the file opened again after every error.
        self.inner = None;
        match &error {
            StorageError::Full(_) => self.refused = Some(number),
            StorageError::Corrupt { .. } | StorageError::InUse(_) | StorageError::Io { .. } => {
                self.broken = Some(error.again());
                return Err(error);
            }
        }
        match self.reopen() {
            Ok(()) | Err(StorageError::Full(_)) => Err(error),
            Err(worse) => Err(worse),
        }
    }

    /// Opens the file after it was full. Until there is room for that the store waits.
    fn reopen(&mut self) -> Result<(), StorageError> {
        let mut opened = self.start().map_err(|error| self.meaning(error));
        if opened.is_ok() && self.refused.take().is_some_and(|number| self.written >= number) {
            // We said that nothing of it was kept. It is in the file, and may not be on the disk.
            opened = Err(self.unknown("the disk was full while a batch was synced; open it again"));
        }
        match &opened {
            Ok(()) | Err(StorageError::Full(_)) => {}
            Err(error) => self.break_down(&error.again()),
        }
        opened
    }

    pub(super) fn read(&mut self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.look(|database| {
            let found = database.begin_read()?.open_table(VALUES)?.get(key)?;
            Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    pub(super) fn scan(
        &mut self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.look(|database| {
            let table = database.begin_read()?.open_table(VALUES)?;
            let found = table.range::<&[u8]>(&range.start[..]..&range.end[..])?.take(limit);
            let copied = found.map(|pair| {
                let (key, value) = pair?;
                let copy = Bytes::copy_from_slice;
                Ok((copy(key.value()), copy(value.value())))
            });
            copied.collect()
        })
    }

    fn look<T>(
        &mut self,
        look: impl FnOnce(&redb::Database) -> Inner<T>,
    ) -> Result<T, StorageError> {
        let error = match self.attempt(look)? {
            Ok(found) => return Ok(found),
            Err(error) => self.meaning(error),
        };
        self.break_down(&error);
        Err(error)
    }

    /// Asks the database. The outer error: there is none at the moment.
    fn attempt<T>(
        &mut self,
        ask: impl FnOnce(&redb::Database) -> Inner<T>,
    ) -> Result<Inner<T>, StorageError> {
        if let Some(broken) = &self.broken {
            return Err(broken.again());
        }
        if self.inner.is_none() {
            self.reopen()?;
        }
        let database = self.inner.as_ref().expect("it was opened");
        Ok(guarded(|| ask(database)))
    }

    /// Opens the file and verifies it.
    fn start(&mut self) -> Inner<()> {
        let backend = Backend((self.open)()?);
        let (database, written) = guarded(|| {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
            let database = builder.create_with_backend(backend)?;
            let written = prepare(&database)?;
            Ok((database, written))
        })?;
        self.inner = Some(database);
        self.written = written;
        Ok(())
    }

    /// Nothing more is done on this file.
    fn break_down(&mut self, error: &StorageError) {
        self.inner = None;
        self.broken = Some(error.again());
    }

    fn unknown(&self, what: &str) -> StorageError {
        StorageError::Io { file: self.file.clone(), error: io::Error::other(what.to_owned()) }
    }

    fn meaning(&self, error: redb::Error) -> StorageError {
        let file = self.file.clone();
        let corrupt = |reason: String| StorageError::Corrupt { file: self.file.clone(), reason };
        match error {
            redb::Error::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => StorageError::Full(file),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    corrupt(error.to_string())
                }
                _ => StorageError::Io { file, error },
            },
            redb::Error::DatabaseAlreadyOpen => StorageError::InUse(file),
            redb::Error::Corrupted(reason) => corrupt(reason),
            redb::Error::UpgradeRequired(version) => {
                corrupt(format!("version {version} of its format is not read any more"))
            }
            error @ (redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TableDoesNotExist(_)) => corrupt(error.to_string()),
            other => StorageError::Io { file, error: io::Error::other(other) },
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("file", &self.file).finish_non_exhaustive()
    }
}

fn write(database: &redb::Database, changes: &[&(Bytes, Option<Bytes>)], number: u64) -> Inner<()> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut values = transaction.open_table(VALUES)?;
        for (key, value) in changes {
            match value {
                Some(value) => drop(values.insert(&key[..], &value[..])?),
                None => drop(values.remove(&key[..])?),
            }
        }
        transaction.open_table(STORE)?.insert("written", number)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Makes a new file a store, or sees that it is one; how many groups it has.
fn prepare(database: &redb::Database) -> Inner<u64> {
    let read = database.begin_read()?;
    let known = match read.open_table(STORE) {
        Ok(store) => {
            let number = |name| Ok::<_, redb::Error>(store.get(name)?.map(|it| it.value()));
            Some((number("format")?, number("written")?))
        }
        Err(TableError::TableDoesNotExist(_)) if read.list_tables()?.next().is_none() => None,
        Err(error) => return Err(error.into()),
    };
    match known {
        Some((Some(FORMAT), Some(written))) => {
            read.open_table(VALUES)?;
            Ok(written)
        }
        Some((format, _)) => {
            let format = format.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
            let text = format!("its format is {format} where this release has {FORMAT}");
            Err(redb::Error::Corrupted(text))
        }
        None => {
            let transaction = database.begin_write()?;
            {
                let mut store = transaction.open_table(STORE)?;
                store.insert("format", FORMAT)?;
                store.insert("written", 0)?;
                transaction.open_table(VALUES)?;
            }
            transaction.commit()?;
            Ok(0)
        }
    }
}

/// A file that changes under the library's hands must not end the process.
fn guarded<T>(ask: impl FnOnce() -> Inner<T>) -> Inner<T> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
        Err(redb::Error::Corrupted(format!("the database gave it up: {text}")))
    })
}
