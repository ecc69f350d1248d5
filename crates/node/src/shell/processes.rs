//! The processes that a node knows: connected, started, or programs inside its own process.

use super::{Inbound, ShellError};
use crate::{ConnectionId, ProcessKey};
use ais_service::ActionId;
use ais_types::ServiceId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::OwnedFd,
    sync::Arc,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::mpsc,
    task::AbortHandle,
};

/// The keys of programs inside the node's process have this bit; they have no system process.
pub(super) const INSIDE: u64 = 1 << 63;

#[derive(Default)]
pub(super) struct Processes {
    known: BTreeMap<ProcessKey, Process>,
    by_pid: BTreeMap<u32, ProcessKey>,
    by_launch: BTreeMap<u64, ProcessKey>,
    counted: u64,
}

pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) connections: BTreeSet<ConnectionId>,
    /// Under which name the launcher knows it, if it started it.
    pub(super) launch: Option<u64>,
    /// Ended; what it had written is being read.
    pub(super) dead: bool,
    /// Who waits for its end.
    pub(super) kills: Vec<(ServiceId, ActionId)>,
    watch: Option<Watch>,
}

struct Watch {
    pidfd: Arc<AsyncFd<OwnedFd>>,
    task: AbortHandle,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Process {
    fn new(pid: u32) -> Self {
        let connections = BTreeSet::new();
        Self { pid, connections, launch: None, dead: false, kills: Vec::new(), watch: None }
    }

    /// Kills a process that the launcher did not start.
    pub(super) fn kill(&self) {
        if let Some(watch) = &self.watch {
            // It may have ended by itself; the watch tells.
            let _ = pidfd_send_signal(watch.pidfd.get_ref(), Signal::KILL);
        }
    }
}

impl Processes {
    pub(super) fn get(&mut self, key: ProcessKey) -> Option<&mut Process> {
        self.known.get_mut(&key)
    }

    pub(super) fn of_launch(&self, launch: u64) -> Option<ProcessKey> {
        self.by_launch.get(&launch).copied()
    }

    /// The process with this number that has connected. Watches it from now on.
    pub(super) fn connected(
        &mut self,
        pid: u32,
        inbox: &mpsc::Sender<Inbound>,
    ) -> Result<ProcessKey, ShellError> {
        if let Some(key) = self.by_pid.get(&pid) {
            return Ok(*key);
        }
        let key = self.next_key();
        let mut process = Process::new(pid);
        process.watch = Some(watch(pid, key, inbox.clone())?);
        self.known.insert(key, process);
        self.by_pid.insert(pid, key);
        Ok(key)
    }

    /// The process that the launcher has started. Its end is the launcher's to tell.
    pub(super) fn started(&mut self, launch: u64, pid: u32) -> ProcessKey {
        let key = match self.by_pid.get(&pid) {
            Some(key) => *key,
            None => self.next_key(),
        };
        let process = self.known.entry(key).or_insert_with(|| Process::new(pid));
        process.launch = Some(launch);
        self.by_pid.insert(pid, key);
        self.by_launch.insert(launch, key);
        key
    }

    /// A program inside the node's own process.
    pub(super) fn inside(&mut self, key: ProcessKey, pid: u32) {
        self.known.entry(key).or_insert_with(|| Process::new(pid));
    }

    pub(super) fn forget(&mut self, key: ProcessKey) -> Option<Process> {
        let process = self.known.remove(&key)?;
        if self.by_pid.get(&process.pid) == Some(&key) {
            self.by_pid.remove(&process.pid);
        }
        if let Some(launch) = process.launch {
            self.by_launch.remove(&launch);
        }
        Some(process)
    }

    fn next_key(&mut self) -> ProcessKey {
        self.counted += 1;
        ProcessKey(self.counted)
    }
}

fn watch(pid: u32, key: ProcessKey, inbox: mpsc::Sender<Inbound>) -> Result<Watch, ShellError> {
    let unknown = || ShellError::Process { pid, reason: "it has no number here".to_owned() };
    let pid_of = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(unknown)?;
    let broken = |error: std::io::Error| ShellError::Process { pid, reason: error.to_string() };
    let pidfd = pidfd_open(pid_of, PidfdFlags::NONBLOCK).map_err(|it| broken(it.into()))?;
    #[expect(
        deprecated,
        reason = "unsound for types that lie about their descriptor; OwnedFd does not"
    )]
    let pidfd = AsyncFd::with_interest(pidfd, Interest::READABLE).map_err(broken)?;
    let pidfd = Arc::new(pidfd);
    let watched = Arc::clone(&pidfd);
    let task = tokio::spawn(async move {
        let _ = watched.readable().await;
        let _ = inbox.send(Inbound::Died(key)).await;
    });
    Ok(Watch { pidfd, task: task.abort_handle() })
}
