//! What the consensus library thinks is the state machine: a pipe to the member's task, which
//! owns the state.

use super::log::Log;
use super::types::{LogEntry, LogId, Membership, Meta, Proposal, Snapshot, StorageError, Types};
use bytes::Bytes;
use openraft::{
    EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError, storage::RaftStateMachine,
};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// What the library has agreed on, in order.
#[derive(Debug)]
pub(crate) enum Agreed {
    /// An entry; `None` is one of the library's own.
    Entry(LogId, Option<Proposal>),
    /// The state as of everything before is wanted.
    Snapshot(oneshot::Sender<Bytes>),
    /// Everything before is replaced by this state.
    Install(LogId, Bytes),
}

/// The library's end of the pipe.
#[derive(Debug)]
pub(crate) struct Machine {
    agreed: mpsc::UnboundedSender<Agreed>,
    applied: Option<LogId>,
    membership: Membership,
    last: Arc<Mutex<Option<Snapshot>>>,
    log: Log,
}

/// A snapshot that was asked for at its place in the order.
#[derive(Debug)]
pub(crate) struct Builder {
    meta: Meta,
    state: oneshot::Receiver<Bytes>,
    last: Arc<Mutex<Option<Snapshot>>>,
    log: Log,
}

impl Machine {
    /// Begins with the snapshot that a former life has left, if there is one.
    pub(crate) fn new(
        agreed: mpsc::UnboundedSender<Agreed>,
        log: Log,
        snapshot: Option<Snapshot>,
    ) -> Self {
        let (applied, membership) = match &snapshot {
            Some(it) => (it.meta.last_log_id, it.meta.last_membership.clone()),
            None => (None, Membership::default()),
        };
        let state = snapshot.as_ref().map(|it| (*it.snapshot).clone());
        let last = Arc::new(Mutex::new(snapshot));
        let machine = Self { agreed, applied, membership, last, log };
        if let (Some(applied), Some(state)) = (applied, state) {
            machine.agree(Agreed::Install(applied, state));
        }
        machine
    }

    /// A member's task that is gone needs no more entries.
    fn agree(&self, what: Agreed) {
        let _ = self.agreed.send(what);
    }
}

fn keep(last: &Mutex<Option<Snapshot>>, snapshot: Snapshot) {
    *last.lock().expect("nothing panics while it holds the snapshot") = Some(snapshot);
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        let state =
            (&mut self.state).await.map_err(|error| StorageIOError::read_state_machine(&error))?;
        let snapshot = Snapshot { meta: self.meta.clone(), snapshot: Box::new(state) };
        self.log.keep(&snapshot).await?;
        keep(&self.last, snapshot.clone());
        Ok(snapshot)
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut answers = Vec::new();
        for entry in entries {
            self.applied = Some(entry.log_id);
            let proposal = match entry.payload {
                EntryPayload::Normal(proposal) => Some(proposal),
                EntryPayload::Blank => None,
                EntryPayload::Membership(membership) => {
                    self.membership = Membership::new(Some(entry.log_id), membership);
                    None
                }
            };
            self.agree(Agreed::Entry(entry.log_id, proposal));
            answers.push(());
        }
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let (sender, state) = oneshot::channel();
        self.agree(Agreed::Snapshot(sender));
        let meta = Meta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
            snapshot_id: self.applied.map_or_else(|| "0".into(), |it| it.to_string()),
        };
        Builder { meta, state, last: self.last.clone(), log: self.log.clone() }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Bytes>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &Meta,
        state: Box<Bytes>,
    ) -> Result<(), StorageError> {
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        if let Some(last) = meta.last_log_id {
            self.agree(Agreed::Install(last, (*state).clone()));
        }
        let snapshot = Snapshot { meta: meta.clone(), snapshot: state };
        self.log.keep(&snapshot).await?;
        keep(&self.last, snapshot);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        Ok(self.last.lock().expect("nothing panics while it holds the snapshot").clone())
    }
}
