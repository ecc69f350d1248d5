//! Who starts, runs and kills the processes of a node.

use ais_service::{Exit, Run, Spawn};
use async_trait::async_trait;
use std::{collections::VecDeque, future::pending, time::Instant};

/// What a node asks of its launcher. `id`s are the node's, never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchRequest {
    /// Start a supervised process: [`LaunchNotice::Started`] or [`LaunchNotice::Failed`] now,
    /// [`LaunchNotice::Ended`] at its end.
    Spawn {
        /// Names it from now on.
        id: u64,
        /// What.
        spawn: Spawn,
    },
    /// Run a command to its end: [`LaunchNotice::Ended`] or [`LaunchNotice::Failed`].
    Run {
        /// Names it from now on.
        id: u64,
        /// What.
        run: Run,
    },
    /// Kill what was spawned under this name, and everything it started:
    /// [`LaunchNotice::Gone`], also if it had ended before.
    Kill {
        /// Which.
        id: u64,
    },
}

/// What a launcher tells its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchNotice {
    /// It runs.
    Started {
        /// Which.
        id: u64,
        /// The system's number of its process.
        pid: u32,
    },
    /// It could not be started.
    Failed {
        /// Which.
        id: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// It ended: [`Exit::Code`], [`Exit::Signal`] or [`Exit::TimedOut`].
    Ended {
        /// Which.
        id: u64,
        /// How.
        exit: Exit,
    },
    /// Nothing of it runs any more.
    Gone {
        /// Which.
        id: u64,
    },
    /// The answer to [`Launcher::end`]: no process of this node is left.
    Nobody,
}

/// Starts, runs and kills the processes of a node, and ends them when the lease does.
#[async_trait]
pub trait Launcher: Send + 'static {
    /// Takes a request. Never waits, never fails: what goes wrong comes as a notice.
    fn request(&mut self, request: LaunchRequest);

    /// The processes may live until this moment; `None`: not any longer.
    fn lease(&mut self, until: Option<Instant>);

    /// The node leaves: its processes end now, and none is started any more. Answered by
    /// [`LaunchNotice::Nobody`].
    fn end(&mut self);

    /// Waits for the next notice. Dropping the future loses none. `None`: the launcher is gone
    /// and all processes with it; the node stops.
    async fn next(&mut self) -> Option<LaunchNotice>;
}

/// For nodes that start no processes: everything fails.
#[derive(Debug, Default)]
pub struct NoLauncher {
    notices: VecDeque<LaunchNotice>,
}

#[async_trait]
impl Launcher for NoLauncher {
    fn request(&mut self, request: LaunchRequest) {
        let reason = || "this node starts no processes; run aisd for that".to_owned();
        self.notices.push_back(match request {
            LaunchRequest::Spawn { id, .. } | LaunchRequest::Run { id, .. } => {
                LaunchNotice::Failed { id, reason: reason() }
            }
            LaunchRequest::Kill { id } => LaunchNotice::Gone { id },
        });
    }

    fn lease(&mut self, _: Option<Instant>) {}

    fn end(&mut self) {
        self.notices.push_back(LaunchNotice::Nobody);
    }

    async fn next(&mut self) -> Option<LaunchNotice> {
        match self.notices.pop_front() {
            Some(notice) => Some(notice),
            None => pending().await,
        }
    }
}
