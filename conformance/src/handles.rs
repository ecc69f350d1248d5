//! What a library keeps for a handle: callbacks that came and were not dispatched yet.

use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{ckpt, clm, msg};
use std::collections::VecDeque;

/// Callbacks of one handle, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    callbacks: VecDeque<AnyCallback>,
    /// CLM: what was tracked before this number was stopped.
    stopped: u64,
}

impl Pending {
    pub(crate) fn push(&mut self, callback: AnyCallback) {
        if !is_stale(&callback, self.stopped) {
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

    /// A call that drops pending callbacks: CKPT and MSG 3.6.3, those of the closed handle.
    pub(crate) fn heed_call(&mut self, call: &AnyCall) {
        if let AnyCall::Ckpt(ckpt::Call::Close { checkpoint: closed }) = call {
            self.callbacks.retain(|it| {
                !matches!(it, AnyCallback::Ckpt(ckpt::Callback::Synchronize { checkpoint, .. })
                    if checkpoint == closed)
            });
        }
        if let AnyCall::Msg(msg::Call::Close { queue: closed }) = call {
            self.callbacks.retain(|it| {
                !matches!(it, AnyCallback::Msg(msg::Callback::Received { queue })
                    if queue == closed)
            });
        }
    }

    /// A reply that removes callbacks removes them also when they come later than it.
    pub(crate) fn heed(&mut self, reply: &AnyReply) {
        if let AnyReply::Clm(clm::Reply::Stopped(stopped)) = reply {
            self.stopped = *stopped;
            self.callbacks.retain(|it| !is_stale(it, *stopped));
        }
    }
}

#[allow(clippy::match_wildcard_for_single_variants)]
fn is_stale(callback: &AnyCallback, stopped: u64) -> bool {
    match callback {
        AnyCallback::Clm(it) => it.is_stale(stopped),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}
