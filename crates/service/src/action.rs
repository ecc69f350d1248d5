//! What a core can have done to processes of its own node, and what became of it.

use ais_types::ProcessId;
use alloc::{string::String, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Numbers an action within one service on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub u64);

/// Something done to processes of this node. Each ends with exactly one `Input::Done`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Starts a supervised process. Done at once with [`Exit::Started`] or [`Exit::Failed`]; its
    /// end comes later, as `Input::ProcessEnded` in the group's order.
    Spawn(Spawn),
    /// Runs a command to its end.
    Run(Run),
    /// Kills the process and everything it started (its process group, SIGKILL). Done when it is
    /// gone, with [`Exit::Code`] 0, also when it had ended before.
    Kill(ProcessId),
}

/// A process to start and to supervise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawn {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// Added to the node's own environment.
    pub environment: Vec<(String, String)>,
}

/// A command to run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// Added to the node's own environment.
    pub environment: Vec<(String, String)>,
    /// After this it is killed: [`Exit::TimedOut`].
    pub timeout: Duration,
    /// What becomes of processes it leaves behind.
    pub wait: Wait,
}

/// What ends a [`Run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// The end of the command; what it started in the background goes on.
    Command,
    /// The end of the command, and what it left behind is killed.
    Everything,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// A process runs; this is the name the node knows it by, this the system's number.
    Started(ProcessId, u32),
    /// The command ended with this status.
    Code(i32),
    /// The command was ended by this signal.
    Signal(i32),
    /// Time ran out; it was killed.
    TimedOut,
    /// It could not even be started.
    Failed(String),
}
