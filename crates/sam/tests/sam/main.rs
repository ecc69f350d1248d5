//! What SAM does to real processes: forks, signals, exits. Each module is a part of the specification; each
//! test tells a probe what to call (`probe/main.rs`) and waits for what comes of it.

mod common;
mod corosync;
mod corosync_node;
mod data;
mod execute;
mod face;
mod health;
mod options;
mod published;
mod quorum;
mod spare;
mod split;
mod states;
mod supervision;
mod warning;

/// The program that does what it is told.
fn program() -> &'static str {
    env!("CARGO_BIN_EXE_ais-sam-probe")
}

/// Whether it can be told this.
fn can(_order: &str) -> bool {
    true
}
