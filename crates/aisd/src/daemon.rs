//! A node's life, from its configuration to its end.

use crate::config::Config;
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

/// How a node is started.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// The configuration of the node.
    #[arg(long, value_name = "FILE", default_value = "/etc/ais/node.toml")]
    pub config: PathBuf,
    /// Do not outlive the process that started this one.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// Runs a node until it is stopped.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match Config::load(&arguments.config) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
