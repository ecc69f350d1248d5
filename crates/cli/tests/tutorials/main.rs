//! The tutorials, end to end: real processes, real sockets, real signals, judged by the log lines
//! of the originals.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod csa103;
mod csa104;
mod site;
mod stopped;
