//! The log, in memory: a restarted node has forgotten it, and comes back as another participant.

use super::types::{LogEntry, LogId, Proposal, StorageError, Types, Vote};
use openraft::{
    EntryPayload, LogState, OptionalSend, RaftLogReader, storage::LogFlushed,
    storage::RaftLogStorage,
};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    ops::RangeBounds,
    sync::{Arc, Mutex, MutexGuard},
};

/// About how many bytes are sent to a follower at once.
const SEND_MAX: usize = 256 << 10;

/// The log. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    entries: BTreeMap<u64, LogEntry>,
    bytes: usize,
}

impl Log {
    /// About how much memory its entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.inner().bytes
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds the log")
    }
}

impl Inner {
    fn insert(&mut self, entry: LogEntry) {
        self.bytes += size(&entry);
        if let Some(old) = self.entries.insert(entry.log_id.index, entry) {
            self.bytes -= size(&old);
        }
    }

    fn remove(&mut self, range: impl RangeBounds<u64>) {
        let gone: Vec<u64> = self.entries.range(range).map(|(index, _)| *index).collect();
        for entry in gone.iter().filter_map(|index| self.entries.remove(index)) {
            self.bytes -= size(&entry);
        }
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
        self.inner().vote = Some(*vote);
        Ok(())
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
        let mut inner = self.inner();
        entries.into_iter().for_each(|entry| inner.insert(entry));
        drop(inner);
        flushed.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, from: LogId) -> Result<(), StorageError> {
        self.inner().remove(from.index..);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let mut inner = self.inner();
        inner.remove(..=upto.index);
        inner.purged = inner.purged.max(Some(upto));
        Ok(())
    }
}
