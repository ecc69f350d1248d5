//! Adapters between the conformance suite and this implementation, and the program that runs it:
//!
//! ```text
//! cargo run -p ais-conformance -- --implementation sim|embedded|aisd --transport memory|tcp|udp \
//!     --service clm|ckpt|msg|amf [--report junit|markdown]
//! cargo run -p ais-conformance -- --implementation capi --library libSaClm.so --service clm
//! ```
//!
//! - [`Sim`]: nodes' cores in one thread, under virtual time, with an order that is trivially
//!   right: exact and instant.
//! - [`Embedded`]: nodes in this process, each on a thread of its own, over memory or TCP.
//! - [`Aisd`]: daemons and programs as processes, over TCP and Unix sockets, killed by SIGKILL.
//! - [`Capi`]: the same daemons; the programs call a C library that is loaded at run time.
//!
//! The last line printed is `N passed, N failed, N skipped`; the exit status is 0 if none failed,
//! 1 if some did, 2 if the arguments make no sense.
#![forbid(unsafe_code)]

mod codec;
mod handles;
pub mod implementation;
mod real;
mod services;
mod sim;

pub use implementation::Medium;
pub use real::{Aisd, Capi, Embedded, Site};
pub use sim::Sim;

use ais_client::Endpoint;
use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    process::ExitCode,
};

/// Daemons and programs under test are this very program, told apart by its first argument. Call
/// it before anything else in `main`; `None` means that it is to go on as itself.
#[must_use]
pub fn becomes_another(arguments: &[OsString]) -> Option<ExitCode> {
    if aisd::keeper::is_asked_for(arguments) {
        return Some(aisd::keep());
    }
    let (_, rest) = arguments.split_first()?;
    let (role, rest) = rest.split_first()?;
    if role == real::DAEMON {
        let name = OsString::from("aisd");
        return Some(aisd::main([name].into_iter().chain(rest.iter().cloned()).collect()));
    }
    if role == real::COMPONENT {
        return Some(be_component(rest));
    }
    if role == real::C_HELPER {
        return Some(help(|stream| real::serve_c(stream, rest)));
    }
    (role == real::HELPER).then(|| {
        help(|stream| {
            real::serve(stream, &Endpoint::from_env(), None);
            Ok(())
        })
    })
}

/// A component under test: who runs the scenario is behind the socket that is named.
fn be_component(arguments: &[OsString]) -> ExitCode {
    let socket = arguments.first().ok_or_else(|| io::Error::other("which socket?"));
    match socket.and_then(|it| real::be_component(Path::new(it))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("component: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A program under test: who runs the scenario is at the other end of its standard input.
fn help(serve: impl FnOnce(UnixStream) -> Result<(), String>) -> ExitCode {
    let stream = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    match stream.map_err(|error| error.to_string()).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("helper: {error}");
            ExitCode::FAILURE
        }
    }
}
