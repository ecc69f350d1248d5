//! What operators are told when something cannot be done.

use crate::wait::Overdue;
use ais_types::Error;
use aisd::config::ConfigError;
use std::{io, path::PathBuf};

/// Why a command failed, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The node answered with an error.
    #[error("{0}")]
    Ais(#[from] Error),
    /// A configuration or a model is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// It did not happen in time.
    #[error("{0}")]
    Overdue(#[from] Overdue),
    /// A file or a process.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A node that was started has ended by itself.
    #[error("node {node} has ended: {last}; all that it said is in {log}", log = log.display())]
    Ended {
        /// Which.
        node: String,
        /// The last line that it said.
        last: String,
        /// Where all of them are.
        log: PathBuf,
    },
    /// The command does not fit what is there.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// For `map_err`: an error about this path.
    pub fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File { path: path.into(), error }
    }
}
