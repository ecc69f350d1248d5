//! What AMF's cores put on the group's log.

use crate::state::Number;
use ais_types::amf::{AdminOperation, Model, Recovery};
use ais_types::{ClientId, Name, Payloads, ProcessId};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// An entry of the log. Where a caller waits for what becomes of it, `request` says which one of
/// the node that ordered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The cluster gets its model, if it has none.
    Load {
        /// Who waits; nobody if it came from the node's configuration.
        request: Option<u64>,
        /// Checked already.
        model: Model,
    },
    /// An operator's order.
    Admin {
        /// Who waits.
        request: u64,
        /// The object.
        object: Name,
        /// What to do with it.
        operation: AdminOperation,
    },
    /// A process stands for a component.
    Register {
        /// Who waits.
        request: u64,
        /// The component.
        component: Name,
        /// Where it takes callbacks.
        client: ClientId,
        /// Which process.
        process: ProcessId,
    },
    /// It does not any more.
    Unregister {
        /// Who waits; nobody if its session ended.
        request: Option<u64>,
        /// The component.
        component: Name,
        /// Where it took callbacks.
        client: ClientId,
    },
    /// A component answers a callback.
    Answer {
        /// Who waits.
        request: u64,
        /// The callback's invocation.
        number: Number,
        /// Where the component takes callbacks.
        client: ClientId,
        /// OK, or it failed.
        ok: bool,
    },
    /// A component has served its last user.
    QuiescingComplete {
        /// Who waits.
        request: u64,
        /// The callback's invocation.
        number: Number,
        /// Where the component takes callbacks.
        client: ClientId,
        /// OK, or it failed.
        ok: bool,
    },
    /// Somebody saw an error of a component.
    Error {
        /// Who waits; nobody if this node noticed.
        request: Option<u64>,
        /// The component.
        component: Name,
        /// What to do about it.
        recovery: Recovery,
        /// What was seen.
        seen: String,
    },
    /// A start that was asked of this node: the process runs.
    Started {
        /// Which one.
        component: Name,
        /// Of the start.
        number: Number,
        /// The process.
        process: ProcessId,
        /// The system's number of it.
        pid: u32,
    },
    /// It could not be started.
    NotStarted {
        /// Which one.
        component: Name,
        /// Of the start.
        number: Number,
        /// Why.
        reason: String,
    },
    /// It ran, and had ended before the others knew it.
    EndedEarly {
        /// Which one.
        component: Name,
        /// Of the start.
        number: Number,
    },
    /// A clean-up that was asked of this node is over.
    Cleaned {
        /// Of the clean-up.
        number: Number,
        /// Whether everything is gone; else why not.
        result: Result<(), String>,
    },
    /// Goes on with the groups that one entry was too short for.
    Continue,
}

impl Payloads for Command {}
