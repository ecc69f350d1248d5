//! The programs of this node: what they may do, and their handles.

use crate::{CheckpointId, Choice, Limits, error::Refused, params::Rules};
use ais_types::{
    ProcessId, Version,
    ckpt::{Callbacks, OpenFlags, SectionId, TRACK_VERSION},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// One session.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) rules: Rules,
    /// It may use the track extension.
    pub(crate) may_track: bool,
    /// It does.
    pub(crate) tracking: bool,
    pub(crate) callbacks: Callbacks,
    pub(crate) process: ProcessId,
    /// Handles are never issued twice.
    last_handle: u64,
    handles: BTreeMap<u64, Handle>,
    iterations: usize,
}

/// What a handle stands for.
#[derive(Clone, Debug)]
enum Handle {
    Checkpoint(Opened),
    Iteration(Iteration),
}

/// An open checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) checkpoint: CheckpointId,
    pub(crate) flags: OpenFlags,
}

/// A walk over sections: how far it is. Sections are walked in the order of their ids, so each
/// one that stays is met once, whatever comes and goes meanwhile (§3.7.6).
#[derive(Clone, Debug)]
pub(crate) struct Iteration {
    /// The checkpoint handle it belongs to.
    pub(crate) opened: u64,
    pub(crate) choice: Choice,
    pub(crate) last: Option<SectionId>,
    /// There was no further one once.
    pub(crate) ended: bool,
}

impl Client {
    pub(crate) fn new(version: Version, callbacks: Callbacks, process: ProcessId) -> Self {
        let rules = if version.major < 2 { Rules::B01 } else { Rules::B02 };
        let handles = BTreeMap::new();
        let may_track =
            version.major == TRACK_VERSION.major && version.minor >= TRACK_VERSION.minor;
        Self {
            rules,
            may_track,
            tracking: false,
            callbacks,
            process,
            last_handle: 0,
            handles,
            iterations: 0,
        }
    }

    /// A number for a handle that is to be.
    pub(crate) fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    pub(crate) fn opened(&mut self, handle: u64, opened: Opened) {
        self.handles.insert(handle, Handle::Checkpoint(opened));
    }

    pub(crate) fn checkpoint(&self, handle: u64) -> Result<Opened, Refused> {
        match self.handles.get(&handle) {
            Some(Handle::Checkpoint(opened)) => Ok(*opened),
            Some(Handle::Iteration(_)) | None => Err(Refused::BadHandle(handle)),
        }
    }

    pub(crate) fn iteration(&self, handle: u64) -> Result<&Iteration, Refused> {
        match self.handles.get(&handle) {
            Some(Handle::Iteration(iteration)) => Ok(iteration),
            Some(Handle::Checkpoint(_)) | None => Err(Refused::BadHandle(handle)),
        }
    }

    /// §3.6.3: the handle is gone, and the iterations that belong to it.
    pub(crate) fn close(&mut self, handle: u64) -> Result<(), Refused> {
        self.checkpoint(handle)?;
        self.handles.remove(&handle);
        let belongs =
            |it: &Handle| matches!(it, Handle::Iteration(iteration) if iteration.opened == handle);
        let theirs: Vec<_> =
            self.handles.iter().filter(|(_, it)| belongs(it)).map(|(handle, _)| *handle).collect();
        self.iterations -= theirs.len();
        theirs.iter().for_each(|it| {
            self.handles.remove(it);
        });
        Ok(())
    }

    pub(crate) fn iterate(&mut self, iteration: Iteration) -> Result<u64, Refused> {
        if self.iterations >= Limits::ITERATIONS {
            return Err(Refused::too_many("iterations", Limits::ITERATIONS, "finalize some"));
        }
        self.iterations += 1;
        let handle = self.next_handle();
        self.handles.insert(handle, Handle::Iteration(iteration));
        Ok(handle)
    }

    /// An iteration has met this section, or the end.
    pub(crate) fn advance(&mut self, handle: u64, section: Option<&SectionId>) {
        if let Some(Handle::Iteration(iteration)) = self.handles.get_mut(&handle) {
            match section {
                Some(section) => iteration.last = Some(section.clone()),
                None => iteration.ended = true,
            }
        }
    }

    /// The open checkpoints that may be used so.
    pub(crate) fn opened_for(&self, flags: OpenFlags) -> Vec<(u64, CheckpointId)> {
        let opened = self.handles.iter().filter_map(|(handle, it)| match it {
            Handle::Checkpoint(it) => it.flags.has(flags).then_some((*handle, it.checkpoint)),
            Handle::Iteration(_) => None,
        });
        opened.collect()
    }

    pub(crate) fn end_iteration(&mut self, handle: u64) -> Result<(), Refused> {
        self.iteration(handle)?;
        self.iterations -= 1;
        self.handles.remove(&handle);
        Ok(())
    }
}
