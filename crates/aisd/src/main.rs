//! `aisd`: the node daemon.
#![forbid(unsafe_code)]

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    aisd::main(env::args_os().collect())
}
