//! What a node is told when it starts: one TOML file.
//!
//! ```toml
//! cluster = "plant"
//! node = "west"                      # which of the nodes below this one is
//! transport = "tcp"                  # or "udp", or "memory": a cluster of one
//! listen = "127.0.0.1:7001"          # default: the node's own address
//! socket = { path = "run/ais.sock", mode = "0660", group = "operators" }
//! failure_timeout_ms = 500           # a node not heard of for so long is lost
//! model = "amf.toml"                 # what to keep available
//! data = "data"                      # the folder of what outlives a node's process
//! durability = "memory"              # or "disk": an entry counts when a majority has synced it
//! log = { level = "info", format = "text" }
//! metrics = { listen = "127.0.0.1:9464" }   # Prometheus asks there for /metrics; default: nowhere
//! limits = { process_sessions = 1024, process_calls = 4096 }   # see `ais_node::NodeLimits`
//! ckpt = { copies = 2, memory = 2147483648 }                   # see `ais_ckpt::Settings`
//! msg = { copies = 2 }                                         # see `ais_msg::Settings`
//! watchdog = { action = "log" }      # what a supervised process that failed for good does to the node
//!
//! [tls]                              # `ais cert` makes them; without, only loopback addresses
//! ca = "tls/ca.pem"
//! cert = "tls/west.pem"
//! key = "tls/west.key"
//!
//! [[nodes]]
//! id = 1
//! name = "west"
//! role = "voter"                     # or "witness", "payload"
//! address = "127.0.0.1:7001"
//! ```
//!
//! `[dev] faults = true` gives the node a fault switch (`ais dev cut`), for development alone.
//!
//! Relative paths start at the file's folder, which is also where components run.

mod check;
mod document;
mod limits;
mod raw;
mod services;
mod tls;

pub use document::{ConfigError, Mistake};
pub(crate) use document::{Document, read};

use ais_node::NodeLimits;
use ais_services::{CkptSettings, MsgSettings};
pub use ais_transport::Kind as Transport;
use ais_transport::TlsFiles;
use ais_types::{NodeId, Role};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A configuration that keeps all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The cluster's name: nodes of others are refused.
    pub cluster: String,
    /// Which of `nodes` this one is.
    pub me: usize,
    /// Every node that may be a member; ids, names and addresses differ.
    pub nodes: Vec<Node>,
    /// How nodes reach each other.
    pub transport: Transport,
    /// The files of this node's certificate; without, nodes talk on loopback only.
    pub tls: Option<TlsFiles>,
    /// Whether the node has a fault switch.
    pub faults: bool,
    /// Where this node listens.
    pub listen: Option<SocketAddr>,
    /// Where programs reach this node.
    pub socket: Socket,
    /// A node that was not heard of for so long is lost.
    pub failure_timeout: Duration,
    /// The file of the AMF model.
    pub model: Option<PathBuf>,
    /// The folder of what outlives the process.
    pub data: PathBuf,
    /// Whether the group's log does. That of a witness always does.
    pub durable: bool,
    /// What this node was invited with.
    pub secret: Option<u128>,
    /// What is logged, and how.
    pub log: Log,
    /// What programs may cost the node.
    pub limits: NodeLimits,
    /// Of the Checkpoint Service.
    pub ckpt: CkptSettings,
    /// Of the Message Service.
    pub msg: MsgSettings,
    /// Where watchers ask for the node's numbers.
    pub metrics: Option<SocketAddr>,
    /// What a supervised process that failed for good does to the node.
    pub watchdog: Watchdog,
    /// The file's folder.
    pub folder: PathBuf,
}

/// What is done when a process supervised under QUIT has failed for good, or its supervisor is silent.
/// About others only a line is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Watchdog {
    /// Nothing at all.
    Off,
    /// A line is logged.
    #[default]
    Log,
    /// The node leaves its group and stops, with everything that runs on it.
    Stop,
    /// This program is run, with the number of the process as its last argument.
    Command(Vec<String>),
}

/// One node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Never 0.
    pub id: NodeId,
    /// Fit for a file name.
    pub name: String,
    /// What it is to the group.
    pub role: Role,
    /// Where its peers reach it. Always there with TCP and UDP.
    pub address: Option<SocketAddr>,
}

/// The local socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Its path.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
    /// The number of the group that owns it.
    pub group: Option<u32>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or `target=level` pairs.
    pub level: String,
    /// For people or for programs.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        Self::parse(file, &read(file)?)
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = Document { file, text };
        check::check(document, document.parse()?)
    }

    /// The node itself.
    #[must_use]
    pub fn this(&self) -> &Node {
        &self.nodes[self.me]
    }

    /// Whether this is the cluster's only node: nobody else can ever join.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.nodes.len() == 1
    }

    /// The other nodes.
    pub fn peers(&self) -> impl Iterator<Item = &Node> {
        let me = self.this().id;
        self.nodes.iter().filter(move |node| node.id != me)
    }

    /// Who votes: voters and witnesses.
    pub fn voters(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role != Role::Payload)
    }
}
