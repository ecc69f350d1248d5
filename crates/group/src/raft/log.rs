//! The log: in memory always, and on disk too if it is to outlive the process.
//!
//! With its log in memory alone, a restarted node has forgotten it, and comes back as another
//! participant. With the log on disk an entry is synced before it counts, and a restarted node is
//! the same participant in consensus, though another incarnation of its member.

use super::{
    saved::Saved,
    types::{LogEntry, LogId, Meta, Proposal, RaftId, Snapshot, StorageError, Types, Vote},
};
use ais_storage::{Batch, Storage, StorageError as StoreError};
use bytes::Bytes;
use openraft::{
    EntryPayload, LogState, OptionalSend, RaftLogReader, StorageIOError, storage::LogFlushed,
    storage::RaftLogStorage,
};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    fmt,
    fmt::Debug,
    io,
    ops::RangeBounds,
    sync::{Arc, Mutex, MutexGuard},
};

/// About how many bytes are sent to a follower at once.
const SEND_MAX: usize = 256 << 10;
/// How many entries are read from disk at once.
const READ: usize = 256;

pub(super) const SAVED: &[u8] = b"saved";
pub(super) const ID: &[u8] = b"raft/id";
pub(super) const GROUP: &[u8] = b"raft/group";
pub(super) const VOTE: &[u8] = b"raft/vote";
pub(super) const PURGED: &[u8] = b"raft/purged";
pub(super) const SNAPSHOT: &[u8] = b"raft/snapshot";
pub(super) const ENTRIES: &[u8] = b"raft/log/";
/// Behind all entries.
const ENTRIES_END: &[u8] = b"raft/log0";

/// The log. Clones are the same log.
#[derive(Clone)]
pub(crate) struct Log {
    inner: Arc<Mutex<Inner>>,
    store: Option<Arc<dyn Storage>>,
    durable: bool,
}

#[derive(Debug, Default)]
struct Inner {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    group: Option<u64>,
    entries: BTreeMap<u64, LogEntry>,
    bytes: usize,
}

/// What a former life has left.
#[derive(Default)]
pub(crate) struct Loaded {
    /// Which participant it was.
    pub(crate) raft: Option<RaftId>,
    pub(crate) group: Option<u64>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) saved: Option<Saved>,
    /// Whether it has taken part in consensus.
    pub(crate) voted: bool,
}

impl Log {
    /// A log in memory, or, if it is to be durable, with what is on disk already.
    pub(crate) async fn open(
        store: Option<Arc<dyn Storage>>,
        durable: bool,
    ) -> Result<(Self, Loaded), StoreError> {
        let log = Self { inner: Arc::default(), durable: durable && store.is_some(), store };
        let mut loaded = Loaded::default();
        let Some(store) = &log.store else { return Ok((log, loaded)) };
        loaded.saved = read(store, SAVED).await?;
        if log.durable {
            loaded.raft = read(store, ID).await?;
            loaded.group = read(store, GROUP).await?;
            let snapshot: Option<(Meta, Bytes)> = read(store, SNAPSHOT).await?;
            loaded.snapshot =
                snapshot.map(|(meta, state)| Snapshot { meta, snapshot: Box::new(state) });
            let inner = log.load(store).await?;
            loaded.voted = inner.vote.is_some();
            *log.inner() = inner;
        }
        Ok((log, loaded))
    }

    async fn load(&self, store: &Arc<dyn Storage>) -> Result<Inner, StoreError> {
        let mut inner = Inner {
            vote: read(store, VOTE).await?,
            purged: read::<Option<LogId>>(store, PURGED).await?.flatten(),
            ..Inner::default()
        };
        let (mut from, end) = (Bytes::from_static(ENTRIES), Bytes::from_static(ENTRIES_END));
        loop {
            let found = store.scan(from.clone()..end.clone(), READ).await?;
            for (key, value) in &found {
                inner.insert(decode(key, value)?);
            }
            match found.last() {
                Some((last, _)) if found.len() == READ => {
                    from = [&last[..], &[0]].concat().into();
                }
                Some(_) | None => return Ok(inner),
            }
        }
    }

    /// Which participant this is from now on.
    pub(crate) async fn begin(&self, raft: RaftId) -> Result<(), StoreError> {
        match &self.store {
            Some(store) if self.durable => {
                store.write(Batch::new().put(ID, ais_wire::encode_bytes(&raft))).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The same log, with nothing in it.
    pub(crate) async fn cleared(&self) -> Result<Self, StoreError> {
        let blank = Self { inner: Arc::default(), ..self.clone() };
        let Some(store) = self.store.as_ref().filter(|_| self.durable) else { return Ok(blank) };
        loop {
            let range = Bytes::from_static(b"raft/")..Bytes::from_static(b"raft0");
            let found = store.scan(range, READ).await?;
            if found.is_empty() {
                return Ok(blank);
            }
            let batch = found.into_iter().fold(Batch::new(), |batch, (key, _)| batch.remove(key));
            store.write(batch).await?;
        }
    }

    /// Saves what an operator has configured.
    pub(crate) async fn save(&self, saved: &Saved) -> Result<(), StoreError> {
        match &self.store {
            Some(store) => {
                store.write(Batch::new().put(SAVED, ais_wire::encode_bytes(saved))).await
            }
            None => Ok(()),
        }
    }

    /// Keeps a snapshot, before what it covers is purged.
    pub(crate) async fn keep(&self, snapshot: &Snapshot) -> Result<(), StorageError> {
        let value = (&snapshot.meta, &*snapshot.snapshot);
        self.write(|| Batch::new().put(SNAPSHOT, ais_wire::encode_bytes(&value))).await
    }

    /// Whether it outlives the process.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable
    }

    /// Which group's it is; kept with the next vote.
    pub(crate) fn set_group(&self, group: u64) {
        self.inner().group = Some(group);
    }

    /// About how much memory its entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.inner().bytes
    }

    /// Makes it durable, if the log is.
    async fn write(&self, batch: impl FnOnce() -> Batch) -> Result<(), StorageError> {
        let Some(store) = self.store.as_ref().filter(|_| self.durable) else { return Ok(()) };
        let written = store.write(batch()).await;
        written.map_err(|error| StorageIOError::write_logs(&error).into())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the log")
    }
}

impl Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("durable", &self.durable).finish_non_exhaustive()
    }
}

async fn read<T: DeserializeOwned>(
    store: &Arc<dyn Storage>,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    store.read(key).await?.map(|value| decode(key, &value)).transpose()
}

fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, StoreError> {
    ais_wire::decode_bytes(value).map_err(|error| StoreError::Corrupt {
        file: format!("the value of {}", String::from_utf8_lossy(key)),
        reason: error.to_string(),
    })
}

fn key(index: u64) -> Bytes {
    [ENTRIES, &index.to_be_bytes()].concat().into()
}

impl Inner {
    fn insert(&mut self, entry: LogEntry) {
        self.bytes += size(&entry);
        if let Some(old) = self.entries.insert(entry.log_id.index, entry) {
            self.bytes -= size(&old);
        }
    }

    /// Which they were.
    fn remove(&mut self, range: impl RangeBounds<u64>) -> Vec<u64> {
        let gone: Vec<u64> = self.entries.range(range).map(|(index, _)| *index).collect();
        for entry in gone.iter().filter_map(|index| self.entries.remove(index)) {
            self.bytes -= size(&entry);
        }
        gone
    }
}

fn size(entry: &LogEntry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(proposal) => Proposal::size(proposal),
        EntryPayload::Blank | EntryPayload::Membership(_) => 64,
    }
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<LogEntry>, StorageError> {
        Ok(self.inner().entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<LogEntry>, StorageError> {
        let (inner, mut bytes, mut taken) = (self.inner(), 0, Vec::new());
        for (_, entry) in inner.entries.range(start..end) {
            bytes += size(entry);
            if bytes > SEND_MAX && !taken.is_empty() {
                break;
            }
            taken.push(entry.clone());
        }
        Ok(taken)
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        let inner = self.inner();
        let last = inner.entries.last_key_value().map(|(_, entry)| entry.log_id);
        Ok(LogState { last_purged_log_id: inner.purged, last_log_id: last.or(inner.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let group = {
            let mut inner = self.inner();
            inner.vote = Some(*vote);
            inner.group
        };
        self.write(|| {
            let batch = Batch::new().put(VOTE, ais_wire::encode_bytes(vote));
            match group {
                Some(group) => batch.put(GROUP, ais_wire::encode_bytes(&group)),
                None => batch,
            }
        })
        .await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.inner().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.inner().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.inner().committed)
    }

    async fn append<I>(
        &mut self,
        entries: I,
        flushed: LogFlushed<Types>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut batch = Batch::new();
        {
            let mut inner = self.inner();
            for entry in entries {
                if self.durable {
                    batch = batch.put(key(entry.log_id.index), ais_wire::encode_bytes(&entry));
                }
                inner.insert(entry);
            }
        }
        let written = self.write(|| batch).await;
        let synced = written.as_ref().map_err(|error| io::Error::other(error.to_string()));
        flushed.log_io_completed(synced.copied());
        written
    }

    async fn truncate(&mut self, from: LogId) -> Result<(), StorageError> {
        let gone = self.inner().remove(from.index..);
        let remove = |batch: Batch, index: u64| batch.remove(key(index));
        self.write(|| gone.into_iter().fold(Batch::new(), remove)).await
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let (gone, purged) = {
            let mut inner = self.inner();
            let gone = inner.remove(..=upto.index);
            inner.purged = inner.purged.max(Some(upto));
            (gone, inner.purged)
        };
        self.write(|| {
            let batch = Batch::new().put(PURGED, ais_wire::encode_bytes(&purged));
            gone.into_iter().fold(batch, |batch, index| batch.remove(key(index)))
        })
        .await
    }
}
