//! What the daemon says of itself, on its standard error.

use super::failure::Failure;
use crate::config::{Log, LogFormat};
use std::io;
use tracing_subscriber::{EnvFilter, fmt};

pub(super) fn start(log: &Log) -> Result<(), Failure> {
    // The consensus library is talkative; who wants to hear it says so after this.
    let filter = EnvFilter::new(format!("openraft=error,{}", log.level));
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Failure::Runtime(io::Error::other(error.to_string())))
}
