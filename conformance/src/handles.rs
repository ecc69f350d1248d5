//! What a library keeps for a handle: callbacks that came and were not dispatched yet.

use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{ckpt, clm, msg};
use std::{
    collections::{BTreeSet, VecDeque},
    mem,
};

/// Callbacks of one handle, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    callbacks: VecDeque<AnyCallback>,
    /// CLM: what was tracked before this number was stopped.
    stopped: u64,
    /// CKPT and MSG 3.6.3: what was closed. A handle is never issued twice.
    closed: BTreeSet<u64>,
}

impl Pending {
    pub(crate) fn push(&mut self, callback: AnyCallback) {
        if !self.is_stale(&callback) {
            self.callbacks.push_back(callback);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.callbacks.len()
    }

    pub(crate) fn take(&mut self, one: bool) -> Vec<AnyCallback> {
        let count = if one { 1.min(self.callbacks.len()) } else { self.callbacks.len() };
        self.callbacks.drain(..count).collect()
    }

    /// What a call was answered may remove callbacks, also those that come later than the answer.
    pub(crate) fn heed(&mut self, call: &AnyCall, reply: &AnyReply) {
        match (call, reply) {
            (_, AnyReply::Clm(clm::Reply::Stopped(stopped))) => self.stopped = *stopped,
            (AnyCall::Ckpt(ckpt::Call::Close { checkpoint }), AnyReply::Ckpt(_)) => {
                self.closed.insert(*checkpoint);
            }
            (AnyCall::Msg(msg::Call::Close { queue }), AnyReply::Msg(_)) => {
                self.closed.insert(*queue);
            }
            _ => return,
        }
        let mut callbacks = mem::take(&mut self.callbacks);
        callbacks.retain(|it| !self.is_stale(it));
        self.callbacks = callbacks;
    }

    fn is_stale(&self, callback: &AnyCallback) -> bool {
        match callback {
            AnyCallback::Clm(it) => it.is_stale(self.stopped),
            AnyCallback::Ckpt(
                ckpt::Callback::Synchronize { checkpoint, .. }
                | ckpt::Callback::Track { checkpoint, .. },
            ) => self.closed.contains(checkpoint),
            AnyCallback::Msg(msg::Callback::Received { queue }) => self.closed.contains(queue),
            AnyCallback::Ckpt(ckpt::Callback::Open { .. } | ckpt::Callback::Notification(_))
            | AnyCallback::Msg(_)
            | AnyCallback::Amf(_) => false,
        }
    }
}
