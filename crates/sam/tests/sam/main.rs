//! What SAM does to real processes: forks, signals, exits. Each module is a part of the specification; each
//! test tells a probe what to call (`probe/main.rs`) and waits for what comes of it.

mod common;
mod corosync;
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
