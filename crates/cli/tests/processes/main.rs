//! Clusters of real processes, with real sockets and real signals: the tutorials end to end, judged
//! by the log lines of the originals, and daemons that hang or leave.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alone;
mod busy;
mod csa103;
mod csa104;
mod cuts;
mod faults;
mod membership;
mod operators;
mod power;
mod reform;
mod site;
mod stopped;
mod tls;
mod voters;
