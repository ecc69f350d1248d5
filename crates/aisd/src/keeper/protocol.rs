//! What the daemon and its keeper say to each other.

use serde::{Deserialize, Serialize};

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// Added to the keeper's own environment.
    pub environment: Vec<(String, String)>,
    /// The folder it runs in.
    pub folder: String,
    /// The file its output and its errors are appended to.
    pub output: String,
}

/// What the daemon asks of its keeper. `id`s are the daemon's, never reused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Components may live until this moment of `CLOCK_MONOTONIC`, in nanoseconds. 0: the lease
    /// is lost, kill them now.
    Lease {
        /// The moment.
        until_ns: u64,
    },
    /// Start a component. Answered by [`Notice::Started`] or [`Notice::Failed`]; later comes
    /// [`Notice::Ended`].
    Spawn {
        /// Names it from now on.
        id: u64,
        /// What to start.
        task: Task,
    },
    /// Run a command to its end. Answered by [`Notice::Ended`] or [`Notice::Failed`].
    Run {
        /// Names it from now on.
        id: u64,
        /// What to run.
        task: Task,
        /// After this it is killed.
        timeout_ms: u64,
        /// Whether what it leaves behind is killed at its end.
        kill_rest: bool,
    },
    /// Kill a component or command with its whole process group. Answered by [`Notice::Gone`].
    Kill {
        /// Which.
        id: u64,
    },
    /// Kill all there is, and start nothing any more. Answered by [`Notice::Nobody`].
    End,
}

/// What the keeper tells its daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// It runs.
    Started {
        /// Which.
        id: u64,
        /// The system's number of its first process, which is its process group too.
        pid: u32,
    },
    /// It could not be started.
    Failed {
        /// Which.
        id: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// Its first process ended.
    Ended {
        /// Which.
        id: u64,
        /// How.
        end: End,
    },
    /// Nothing of it runs any more. The answer to [`Request::Kill`], also if it had ended before.
    Gone {
        /// Which.
        id: u64,
    },
    /// No descendant of the keeper is left. The answer to [`Request::End`]; what had not been told
    /// of them by then is not told any more.
    Nobody,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Its time ran out, and it was killed.
    TimedOut,
}
