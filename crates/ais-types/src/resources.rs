//! What supervised processes publish at their node: `resources.process.<pid>.*`.

use core::fmt;
use serde::{Deserialize, Serialize};

/// What the supervisor of a process does when the process has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recovery {
    /// It ends.
    #[doc(alias = "SAM_RECOVERY_POLICY_QUIT")]
    Quit,
    /// It starts the process anew.
    #[doc(alias = "SAM_RECOVERY_POLICY_RESTART")]
    Restart,
}

/// How a supervised process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessState {
    /// Its health is not checked.
    Stopped,
    /// Its health is checked.
    Running,
    /// It starts when there is quorum.
    WaitingForQuorum,
    /// It failed, and its supervisor has given up.
    Failed,
}

/// One key of an object, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// `recovery`.
    Recovery(Recovery),
    /// `poll_period`: the interval between health checks in milliseconds; 0: there are none.
    PollPeriod(u64),
    /// `last_updated`: when the process was last heard, in nanoseconds of the monotonic clock of its
    /// machine.
    LastUpdated(u64),
    /// `state`.
    State(ProcessState),
}

/// What one supervisor has published. A key that was never set is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The number of the supervisor's process in the system.
    pub pid: u32,
    /// See [`Entry::Recovery`].
    pub recovery: Option<Recovery>,
    /// See [`Entry::PollPeriod`].
    pub poll_period: Option<u64>,
    /// See [`Entry::LastUpdated`].
    pub last_updated: Option<u64>,
    /// See [`Entry::State`].
    pub state: Option<ProcessState>,
}

impl Object {
    /// Sets one key.
    pub fn set(&mut self, entry: Entry) {
        match entry {
            Entry::Recovery(it) => self.recovery = Some(it),
            Entry::PollPeriod(it) => self.poll_period = Some(it),
            Entry::LastUpdated(it) => self.last_updated = Some(it),
            Entry::State(it) => self.state = Some(it),
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "quit",
            Self::Restart => "restart",
        })
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::WaitingForQuorum => "waiting for quorum",
            Self::Failed => "failed",
        })
    }
}
