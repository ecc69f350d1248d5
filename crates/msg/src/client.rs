//! The programs of this node: what they may do, and their handles.

use crate::{QueueId, error::Refused};
use ais_types::{ProcessId, Version, msg::Callbacks};
use alloc::collections::BTreeMap;

/// One session.
#[derive(Debug)]
pub(crate) struct Client {
    /// The major number that was asked for: which rules apply (ais-common §4.2).
    pub(crate) major: u8,
    pub(crate) callbacks: Callbacks,
    pub(crate) process: ProcessId,
    /// Handles are never issued twice.
    last_handle: u64,
    handles: BTreeMap<u64, Opened>,
}

/// An open queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) queue: QueueId,
    /// The last message that the program was told of; `None`: it does not want to be told.
    pub(crate) told: Option<u64>,
}

impl Client {
    pub(crate) const fn new(version: Version, callbacks: Callbacks, process: ProcessId) -> Self {
        let handles = BTreeMap::new();
        Self { major: version.major, callbacks, process, last_handle: 0, handles }
    }

    /// A program of release B.01: time-outs below 0 are without limit, names need no form.
    pub(crate) const fn is_first(&self) -> bool {
        self.major < 2
    }

    /// A number for a handle that is to be.
    pub(crate) fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    pub(crate) fn opened(&mut self, handle: u64, opened: Opened) {
        self.handles.insert(handle, opened);
    }

    pub(crate) fn queue(&self, handle: u64) -> Result<Opened, Refused> {
        self.handles.get(&handle).copied().ok_or(Refused::BadHandle(handle))
    }

    /// The program was told of everything up to `number`.
    pub(crate) fn told(&mut self, handle: u64, number: u64) {
        if let Some(opened) = self.handles.get_mut(&handle) {
            opened.told = Some(number);
        }
    }

    pub(crate) fn close(&mut self, handle: u64) -> Result<Opened, Refused> {
        self.handles.remove(&handle).ok_or(Refused::BadHandle(handle))
    }
}
