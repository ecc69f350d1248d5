//! The node daemon: a node, its configuration, its local socket, and the keeper of its components.

pub mod config;
pub mod keeper;
pub mod model;

use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

/// What `aisd` does with these arguments, its own name being the first.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    if arguments.get(1).is_some_and(|it| it == keeper::ARGUMENT) {
        return keep();
    }
    ExitCode::FAILURE
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
