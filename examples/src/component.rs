//! What every component does first: find out who it is, open its log, join AMF.

use crate::Log;
use ais_client::{Amf, Endpoint, Session};
use ais_types::{
    Error, Name,
    amf::{Api, Callbacks},
};
use std::{env, fmt, io, path::PathBuf, process, sync::Arc};

/// Where components write their logs.
pub(crate) const LOG_FOLDER: &str = "AIS_LOG_DIR";

/// Why a component ends before it was told to.
#[derive(Debug)]
pub enum Failure {
    /// A service refused, or is gone.
    Service(Error),
    /// The log cannot be written.
    Log(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(error) => error.fmt(f),
            Self::Log(error) => write!(f, "cannot open the log: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Log(error)
    }
}

/// A process that AMF has started, and that has registered.
#[derive(Debug)]
pub struct Component {
    /// Its name in the model.
    pub name: Name,
    /// Its node's socket.
    pub endpoint: Endpoint,
    /// AMF.
    pub amf: Amf<Session>,
    /// Its log.
    pub log: Arc<Log>,
}

impl Component {
    /// Registers this process, and writes the lines with which every tutorial begins.
    ///
    /// # Errors
    /// When no node answers, when AMF has not started this process, or without a log.
    pub fn start(tutorial: &str, log_name: &'static str) -> Result<Self, Failure> {
        let endpoint = Endpoint::from_env();
        let amf = Amf::<Session>::initialize(&endpoint, tutorial, Api::B01, Callbacks::COMPONENT)?;
        let name = amf.component_name_get()?;
        let folder = env::var_os(LOG_FOLDER).map_or_else(|| "var/log".into(), PathBuf::from);
        let log = Arc::new(Log::open(&folder, amf.session().node(), &name.to_text(), log_name)?);
        amf.component_register(&name)?;
        let pid = process::id();
        log.info(format!("Component [{name}] : PID [{pid}]. Initializing"));
        log.info("   IOC Address             : 0x1");
        // There is no such port here; the number tells instances apart, as it did.
        log.info(format!("   IOC Port                : 0x{pid:x}"));
        Ok(Self { name, endpoint, amf, log })
    }
}
