//! What is between two nodes for one class: at most one session.

use super::world::Signals;
use crate::Peer;
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// One of the two ends of a pair: the node with the lower id is side 0.
pub(super) type Side = usize;

/// Two nodes and a class.
#[derive(Debug, Default)]
pub(super) struct Pair {
    /// The session, as long as someone believes in it.
    pub(super) session: Option<Session>,
    /// When to try for a session, if there is none.
    pub(super) retry_at: Option<Duration>,
    /// When the last event for each side is due: the next is not due earlier.
    pub(super) last_due: [Duration; 2],
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) number: u64,
    pub(super) peers: [Peer; 2],
    /// Which channels it is between.
    pub(super) channels: [Arc<Signals>; 2],
    /// When it breaks by itself.
    pub(super) breaks_at: Option<Duration>,
    /// What each side has sent.
    pub(super) ways: [Way; 2],
}

/// What one side has sent and the other has not yet taken.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) frames: usize,
    pub(super) bytes: usize,
    /// What cannot pass at the moment, and since when.
    pub(super) held: VecDeque<(Duration, Bytes)>,
    /// Since when nothing more was accepted or acknowledged.
    pub(super) stuck_since: Option<Duration>,
}

impl Way {
    pub(super) fn took(&mut self, bytes: usize) {
        self.frames += 1;
        self.bytes += bytes;
    }

    pub(super) fn gave(&mut self, bytes: usize) {
        self.frames -= 1;
        self.bytes -= bytes;
        self.stuck_since = None;
    }

    /// Since when something has been stuck on this way.
    fn stuck(&self) -> Option<Duration> {
        let held = self.held.front().map(|(since, _)| *since);
        held.into_iter().chain(self.stuck_since).min()
    }
}

impl Session {
    /// When it gives up, if nothing changes.
    pub(super) fn gives_up(&self, patience: Duration) -> Option<Duration> {
        let stuck = self.ways.iter().filter_map(Way::stuck).min();
        stuck.map(|since| since + patience).into_iter().chain(self.breaks_at).min()
    }
}

impl Pair {
    /// When this pair next wants to be looked at.
    pub(super) fn timer(&self, patience: Duration) -> Option<Duration> {
        match &self.session {
            Some(session) => session.gives_up(patience),
            None => self.retry_at,
        }
    }
}
