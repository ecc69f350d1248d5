//! What the daemon says of itself, on its standard error.

use super::failure::Failure;
use crate::config::{Log, LogFormat};
use std::io;
use tracing_subscriber::{EnvFilter, fmt};

pub(super) fn start(log: &Log) -> Result<(), Failure> {
    // The consensus library calls every unreachable peer an error, again and again; the group says
    // who left. Whoever wants to hear it names it in the level.
    let filter = EnvFilter::new(format!("openraft=off,{}", log.level));
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Failure::Runtime(io::Error::other(error.to_string())))
}
