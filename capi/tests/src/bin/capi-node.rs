//! The nodes of these tests: becomes a daemon when it is asked to.
#![forbid(unsafe_code)]

use std::{env, ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    ais_conformance::becomes_another(&arguments).unwrap_or_else(|| {
        eprintln!("capi-node is started by the tests of the C libraries");
        ExitCode::FAILURE
    })
}
