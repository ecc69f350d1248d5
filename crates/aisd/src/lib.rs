//! The node daemon: a node, its configuration, its local socket, and the keeper of its components.
//!
//! ```text
//! aisd ──┬─ the group's thread: consensus, heartbeats, lease
//!        ├─ the core's thread: services, sessions, data path
//!        └─ keeper (a process of its own) ── components
//! ```

pub mod config;
pub mod join;
pub mod keeper;
pub mod model;
mod watchdog;

mod daemon;
mod launcher;

pub use daemon::{Arguments, run};
pub use launcher::{KeeperLauncher, NODE_VARIABLE};

use clap::Parser;
use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

/// `aisd`: runs a node of a cluster.
#[derive(Debug, Parser)]
#[command(name = "aisd", version)]
struct Aisd {
    #[command(flatten)]
    arguments: Arguments,
}

/// What `aisd` does with these arguments, its own name being the first.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    // Before anything else: a keeper has one thread.
    if keeper::is_asked_for(&arguments) {
        return keep();
    }
    run(&Aisd::parse_from(arguments).arguments)
}

/// Becomes a keeper, whose daemon is at the other end of the standard input.
#[must_use]
pub fn keep() -> ExitCode {
    let kept = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from).and_then(|daemon| {
        daemon.peer_addr()?;
        keeper::keep(daemon)
    });
    match kept {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keeper: {error}; a keeper is started by its daemon, not by hand");
            ExitCode::FAILURE
        }
    }
}
