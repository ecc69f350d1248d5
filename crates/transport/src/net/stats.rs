//! What has happened on a node, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts one.
pub(super) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

pub(super) fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

/// The same counters twice: as they are counted, and as they are read.
macro_rules! counters {
    ($(#[doc = $doc:literal] $name:ident,)*) => {
        /// What has happened since the start of a node, counted over all its peers and classes.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats { $(#[doc = $doc] pub $name: u64,)* }

        impl Stats {
            /// Each with its name, behind `transport_`, and what it is, for metrics.
            #[must_use]
            pub fn each(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((concat!("transport_", stringify!($name)), $doc.trim(), self.$name),)*]
            }
        }

        #[derive(Debug, Default)]
        pub(super) struct Counters { $(pub(super) $name: AtomicU64,)* }

        impl Counters {
            pub(super) fn read(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Sessions begun.
    sessions,
    /// Of these, with nodes with which there was one before.
    reconnects,
    /// Connections that ended before they were a session: refused here, or by the peer.
    refused,
    /// Sessions ended because of a malformed frame.
    malformed,
    /// Sessions ended because a write made no progress.
    stuck,
    /// Frames sent.
    frames_sent,
    /// Frames received.
    frames_received,
    /// Bytes of the frames sent.
    bytes_sent,
    /// Bytes of the frames received.
    bytes_received,
    /// Frames that were not taken because the queue to the peer was full.
    pushed_back,
    /// Frames that were taken and not written when their session ended.
    dropped,
}
