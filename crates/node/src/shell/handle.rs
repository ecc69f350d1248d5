//! What the owner of a node holds, and programs inside its process.

use super::{Inbound, ShellError, processes::INSIDE};
use crate::{Core, ProcessKey};
use std::{
    io,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot, watch};

/// A running node. Dropping it does not stop the node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    inbox: mpsc::Sender<Inbound>,
    end: watch::Receiver<Option<ShellError>>,
    programs: Arc<AtomicU64>,
}

impl NodeHandle {
    pub(super) fn new(
        inbox: mpsc::Sender<Inbound>,
        end: watch::Receiver<Option<ShellError>>,
    ) -> Self {
        Self { inbox, end, programs: Arc::default() }
    }

    /// A program inside this process: to the node it is a process of its own.
    #[must_use]
    pub fn program(&self) -> Program {
        let number = self.programs.fetch_add(1, Ordering::Relaxed);
        Program { key: ProcessKey(INSIDE | number), inbox: self.inbox.clone() }
    }

    /// Leaves the group and stops.
    pub async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        if self.inbox.send(Inbound::Stop(stopped)).await.is_ok() {
            let _ = done.await;
        }
        self.stopped().await;
    }

    /// Waits for the end of the node, and says why it ended.
    pub async fn stopped(&self) -> ShellError {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(ShellError::Stopped),
            Err(_) => ShellError::Fatal("the node's task has ended".to_owned()),
        }
    }

    /// Looks inside: for tests and diagnosis. `None` if the node has stopped.
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Core) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, seen) = oneshot::channel();
        let look = move |core: &Core| drop(sender.send(look(core)));
        self.inbox.send(Inbound::Inspect(Box::new(look))).await.ok()?;
        seen.await.ok()
    }
}

/// A program inside the node's own process. It ends when it is dropped: the node takes that as
/// the end of a process.
#[derive(Debug)]
pub struct Program {
    key: ProcessKey,
    inbox: mpsc::Sender<Inbound>,
}

impl Program {
    /// A new connection to the node, for a client's endpoint.
    ///
    /// # Errors
    /// When the node has stopped or is flooded with requests, or no descriptor is left.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        let gone = |_| io::Error::new(io::ErrorKind::ConnectionRefused, "the node takes no more");
        self.inbox.try_send(Inbound::Connect(self.key, theirs)).map_err(gone)?;
        Ok(ours)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let (inbox, key) = (self.inbox.clone(), self.key);
        if let Err(mpsc::error::TrySendError::Full(end)) = inbox.try_send(Inbound::Exit(key)) {
            // The node is flooded for the moment; it has to hear of this all the same.
            std::thread::spawn(move || inbox.blocking_send(end));
        }
    }
}
