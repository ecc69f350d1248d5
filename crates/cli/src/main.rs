//! `ais`: the operators' command.
#![forbid(unsafe_code)]

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    ais_cli::main(env::args_os().collect())
}
