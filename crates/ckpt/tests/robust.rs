//! Bad luck: no memory, slow nodes, lost nodes at every moment, many at once; and the tutorials.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cluster;

#[path = "robust/concurrency.rs"]
mod concurrency;
#[path = "robust/feed.rs"]
mod feed;
#[path = "robust/losses.rs"]
mod losses;
#[path = "robust/memory.rs"]
mod memory;
#[path = "robust/slow.rs"]
mod slow;
#[path = "robust/tutorials.rs"]
mod tutorials;
