//! Why a node could not run.

use crate::config::{ConfigError, Mistake};
use ais_node::ShellError;
use miette::{Diagnostic, LabeledSpan, NamedSource, Report, SourceCode};
use std::{fmt, io, net::SocketAddr, path::PathBuf, process::ExitCode};

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Token(#[from] crate::join::NoToken),
    #[error("{}: {error}; see to its folder and its rights", file.display())]
    Configuration { file: PathBuf, error: io::Error },
    #[error("the keeper of components cannot be started: {0}")]
    Keeper(io::Error),
    #[error("the system refuses what a node needs: {0}")]
    Runtime(io::Error),
    #[error("whoever started this node has ended already")]
    Orphan,
    #[error("{}: {error}; see to its folder and its rights", path.display())]
    Socket { path: PathBuf, error: io::Error },
    #[error("nobody can watch at {address}: {error}; choose another `listen` of `metrics`")]
    Metrics { address: SocketAddr, error: io::Error },
    #[error("{0}")]
    Network(#[from] ais_transport::TransportError),
    #[error("the group cannot be started: {0}")]
    Group(String),
    #[error("the node has stopped: {0}")]
    Node(ShellError),
    #[error(
        "supervised process {0} has failed for good, and the watchdog was told to stop the node then"
    )]
    Watchdog(u32),
    #[error("it cannot start over: {0}")]
    Restart(io::Error),
}

/// Says it on the standard error, a mistake in a file with the line itself.
pub(super) fn complain(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Config(ConfigError::Wrong(mistake)) => {
            eprintln!("{mistake}");
            eprintln!("{:?}", Report::new(Shown::from(mistake)));
        }
        other => eprintln!("aisd: {other}"),
    }
    ExitCode::FAILURE
}

/// A mistake as miette draws it.
#[derive(Debug)]
struct Shown {
    problem: String,
    help: String,
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl From<&Box<Mistake>> for Shown {
    fn from(mistake: &Box<Mistake>) -> Self {
        let file = mistake.file.display().to_string();
        Self {
            problem: mistake.problem.clone(),
            help: mistake.help.clone(),
            source: NamedSource::new(file, mistake.text.clone()),
            label: LabeledSpan::new_with_span(Some(mistake.key.clone()), mistake.span.clone()),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}
