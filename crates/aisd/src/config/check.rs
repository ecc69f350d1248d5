//! The rules of a configuration.

use super::{
    Config, ConfigError, Document, Log, LogFormat, Node, Socket, Transport, Watchdog, limits, raw,
    services, tls,
};
use ais_types::{NodeId, Role};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::Spanned;
use tracing_subscriber::EnvFilter;

const NODES_MAX: usize = 256;
const VOTERS_MAX: usize = 7;
const NAME_MAX: usize = 64;

/// The system's limit on the path of a Unix socket is 107; while it is made its name is longer.
const SOCKET_PATH_MAX: usize = 100;

/// Below, an unlucky scheduler looks like a dead node; above, nobody waits for a fail-over.
const FAILURE_TIMEOUT_MS: RangeInclusive<u64> = 100..=60_000;
const FAILURE_TIMEOUT_MS_DEFAULT: u64 = 500;

type Checked<T> = Result<T, ConfigError>;

pub(super) fn check(document: Document<'_>, raw: raw::Config) -> Checked<Config> {
    let it = Check { document, encrypted: raw.tls.is_some() };
    let folder = document.file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let transport = it.transport(raw.transport.as_ref())?;
    let nodes = it.nodes(&raw.nodes, transport)?;
    let cluster = it.word("cluster", &raw.cluster)?;
    let me = it.me(&raw.node, &nodes)?;
    let listen = match &raw.listen {
        Some(text) => Some(it.address("listen", text)?),
        None => nodes[me].address,
    };
    let failure_timeout = it.failure_timeout(raw.failure_timeout_ms.as_ref())?;
    let tls = tls::check(document, raw.tls.as_ref(), &folder, &nodes[me].name)?;
    Ok(Config {
        cluster,
        me,
        nodes,
        tls,
        faults: raw.dev.is_some_and(|dev| dev.faults),
        transport,
        listen,
        socket: it.socket(raw.socket.as_ref(), &folder)?,
        failure_timeout,
        model: raw.model.map(|path| folder.join(path)),
        data: folder.join(raw.data.as_deref().unwrap_or("data")),
        durable: it.durable(raw.durability.as_ref())?,
        secret: None,
        log: it.log(raw.log.as_ref())?,
        limits: limits::check(document, &raw.limits.unwrap_or_default())?,
        ckpt: services::ckpt(document, &raw.ckpt.unwrap_or_default(), failure_timeout)?,
        msg: services::msg(document, &raw.msg.unwrap_or_default())?,
        metrics: raw
            .metrics
            .map(|it| socket_address(document, "listen", &it.listen))
            .transpose()?,
        watchdog: it.watchdog(raw.watchdog)?,
        folder,
    })
}

struct Check<'a> {
    document: Document<'a>,
    /// Nodes have certificates.
    encrypted: bool,
}

impl Check<'_> {
    fn wrong<T>(
        &self,
        at: &Spanned<T>,
        key: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> ConfigError {
        self.document.wrong(at.span(), key, problem, help)
    }

    fn durable(&self, raw: Option<&Spanned<String>>) -> Checked<bool> {
        match raw.map(|raw| (raw, raw.get_ref().as_str())) {
            None | Some((_, "memory")) => Ok(false),
            Some((_, "disk")) => Ok(true),
            Some((raw, other)) => {
                let problem = format!("{other:?} is no durability");
                Err(self.wrong(raw, "durability", problem, "use \"memory\" or \"disk\""))
            }
        }
    }

    fn transport(&self, raw: Option<&Spanned<String>>) -> Checked<Transport> {
        let Some(raw) = raw else { return Ok(Transport::Tcp) };
        raw.get_ref().parse().map_err(|_| {
            let problem = format!("{:?} is no transport", raw.get_ref());
            self.wrong(raw, "transport", problem, "use \"tcp\", \"udp\" or \"memory\"")
        })
    }

    fn nodes(
        &self,
        raw: &Spanned<Vec<Spanned<raw::Node>>>,
        transport: Transport,
    ) -> Checked<Vec<Node>> {
        let count = raw.get_ref().len();
        if count == 0 || count > NODES_MAX {
            let problem = format!("{count} nodes");
            return Err(self.wrong(raw, "nodes", problem, format!("list 1 to {NODES_MAX} nodes")));
        }
        if transport == Transport::Memory && count > 1 {
            let help = "use \"tcp\" or \"udp\", or list this node alone";
            return Err(self.wrong(raw, "nodes", "\"memory\" joins no processes", help));
        }
        let mut nodes: Vec<Node> = Vec::new();
        for raw in raw.get_ref() {
            let node = self.node(raw, transport)?;
            self.differs(raw, &node, &nodes)?;
            nodes.push(node);
        }
        self.voters(raw, &nodes)?;
        Ok(nodes)
    }

    fn node(&self, raw: &Spanned<raw::Node>, transport: Transport) -> Checked<Node> {
        let node = raw.get_ref();
        let id = *node.id.get_ref();
        if id == 0 || id == u32::MAX {
            let problem = format!("{id} is no node id");
            return Err(self.wrong(&node.id, "id", problem, "number nodes from 1"));
        }
        let role = match node.role.as_ref().map(|role| role.get_ref().as_str()) {
            None | Some("voter") => Role::Voter,
            Some("witness") => Role::Witness,
            Some("payload") => Role::Payload,
            Some(other) => {
                let at = node.role.as_ref().expect("it has a value");
                let problem = format!("{other:?} is no role");
                let help = "use \"voter\", \"witness\" or \"payload\"";
                return Err(self.wrong(at, "role", problem, help));
            }
        };
        let address = match &node.address {
            Some(text) => Some(self.address("address", text)?),
            None if transport == Transport::Memory => None,
            None => {
                let help = "add one, as \"127.0.0.1:7001\"";
                return Err(self.wrong(raw, "nodes", "a node without an address", help));
            }
        };
        Ok(Node { id: NodeId(id), name: self.word("name", &node.name)?, role, address })
    }

    fn differs(&self, raw: &Spanned<raw::Node>, node: &Node, others: &[Node]) -> Checked<()> {
        let at = raw.get_ref();
        for other in others {
            let help = format!("give each node its own; {} has this one", other.name);
            if other.id == node.id {
                return Err(self.wrong(&at.id, "id", "two nodes have the same", help));
            }
            if other.name == node.name {
                return Err(self.wrong(&at.name, "name", "two nodes have the same", help));
            }
            if node.address.is_some() && other.address == node.address {
                return Err(self.wrong(raw, "address", "two nodes have the same", help));
            }
        }
        Ok(())
    }

    fn voters(&self, raw: &Spanned<Vec<Spanned<raw::Node>>>, nodes: &[Node]) -> Checked<()> {
        let mut counts = BTreeMap::new();
        nodes.iter().for_each(|node| *counts.entry(node.role).or_insert(0) += 1);
        let voters = counts.get(&Role::Voter).copied().unwrap_or(0);
        let witnesses = counts.get(&Role::Witness).copied().unwrap_or(0);
        if voters == 0 {
            let help = "give at least one node the role \"voter\"";
            return Err(self.wrong(raw, "nodes", "nobody votes and hosts services", help));
        }
        if voters + witnesses > VOTERS_MAX {
            let problem = format!("{} nodes vote", voters + witnesses);
            let help = format!("let {VOTERS_MAX} vote, and make the others \"payload\"");
            return Err(self.wrong(raw, "nodes", problem, help));
        }
        Ok(())
    }

    fn me(&self, raw: &Spanned<String>, nodes: &[Node]) -> Checked<usize> {
        let found = nodes.iter().position(|node| node.name == *raw.get_ref());
        found.ok_or_else(|| {
            let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
            let problem = format!("{:?} is not among the nodes", raw.get_ref());
            self.wrong(raw, "node", problem, format!("use one of {}", names.join(", ")))
        })
    }

    /// A name that may also be part of a path.
    fn word(&self, key: &str, raw: &Spanned<String>) -> Checked<String> {
        let text = raw.get_ref();
        let legal = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
        let fits = (1..=NAME_MAX).contains(&text.len());
        if fits && !text.starts_with('.') && text.chars().all(legal) {
            return Ok(text.clone());
        }
        let help = format!("use 1 to {NAME_MAX} letters, digits, '.', '_' or '-', no '.' first");
        Err(self.wrong(raw, key, "not fit for a name", help))
    }

    fn address(&self, key: &str, raw: &Spanned<String>) -> Checked<SocketAddr> {
        let address = socket_address(self.document, key, raw)?;
        if !address.ip().is_loopback() && !self.encrypted {
            let problem = "without certificates nodes talk on loopback only";
            let help = "add [tls] with files that `ais cert` makes, or use a loopback address, as \
                        127.0.0.1";
            return Err(self.wrong(raw, key, problem, help));
        }
        Ok(address)
    }

    fn socket(&self, raw: Option<&raw::Socket>, folder: &Path) -> Checked<Socket> {
        let path = raw.and_then(|raw| raw.path.as_ref());
        let mode = raw.and_then(|raw| raw.mode.as_ref());
        let group = raw.and_then(|raw| raw.group.as_ref());
        Ok(Socket {
            path: match path {
                Some(path) => self.socket_path(path, folder)?,
                None => folder.join("run/ais.sock"),
            },
            mode: mode.map_or(Ok(0o600), |mode| self.mode(mode))?,
            group: group.map(|group| self.group(group)).transpose()?,
        })
    }

    fn socket_path(&self, raw: &Spanned<String>, folder: &Path) -> Checked<PathBuf> {
        let path = folder.join(raw.get_ref());
        let length = path.as_os_str().len();
        if length <= SOCKET_PATH_MAX && !raw.get_ref().is_empty() && !raw.get_ref().contains('\0') {
            return Ok(path);
        }
        let problem = format!("a socket path of {length} bytes");
        Err(self.wrong(raw, "path", problem, format!("use 1 to {SOCKET_PATH_MAX} bytes")))
    }

    fn mode(&self, raw: &Spanned<String>) -> Checked<u32> {
        let mode = u32::from_str_radix(raw.get_ref(), 8).ok().filter(|mode| *mode <= 0o777);
        mode.ok_or_else(|| {
            let problem = format!("{:?} are no permissions", raw.get_ref());
            self.wrong(raw, "mode", problem, "write them in octal, as \"0660\"")
        })
    }

    fn group(&self, raw: &Spanned<String>) -> Checked<u32> {
        let name = raw.get_ref().as_str();
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let number = |line: &str| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        };
        let found = name.parse().ok().or_else(|| groups.lines().find_map(number));
        found.ok_or_else(|| {
            let problem = format!("there is no group {name:?} on this system");
            self.wrong(raw, "group", problem, "create it, or name another one")
        })
    }

    fn failure_timeout(&self, raw: Option<&Spanned<u64>>) -> Checked<Duration> {
        let Some(raw) = raw else {
            return Ok(Duration::from_millis(FAILURE_TIMEOUT_MS_DEFAULT));
        };
        if FAILURE_TIMEOUT_MS.contains(raw.get_ref()) {
            return Ok(Duration::from_millis(*raw.get_ref()));
        }
        let problem = format!("{} ms", raw.get_ref());
        let (low, high) = FAILURE_TIMEOUT_MS.into_inner();
        Err(self.wrong(raw, "failure_timeout_ms", problem, format!("use {low} to {high}")))
    }

    fn log(&self, raw: Option<&raw::Log>) -> Checked<Log> {
        let level = match raw.and_then(|raw| raw.level.as_ref()) {
            None => "info".to_owned(),
            Some(level) if EnvFilter::try_new(level.get_ref()).is_ok() => level.get_ref().clone(),
            Some(level) => {
                let help = "use \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
                return Err(self.wrong(level, "level", "not a log level", help));
            }
        };
        let format = match raw.and_then(|raw| raw.format.as_ref()) {
            None => LogFormat::Text,
            Some(format) => match format.get_ref().as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => {
                    let problem = format!("{other:?} is no format");
                    return Err(self.wrong(format, "format", problem, "use \"text\" or \"json\""));
                }
            },
        };
        Ok(Log { level, format })
    }

    fn watchdog(&self, raw: Option<raw::Watchdog>) -> Checked<Watchdog> {
        let Some(raw) = raw else { return Ok(Watchdog::default()) };
        let command = raw.command.as_ref();
        let action = match (raw.action.get_ref().as_str(), command.map(|it| it.get_ref())) {
            ("off", None) => Watchdog::Off,
            ("log", None) => Watchdog::Log,
            ("stop", None) => Watchdog::Stop,
            ("command", Some(words)) if !words.is_empty() => Watchdog::Command(words.clone()),
            ("command", _) => {
                let help = "add one, as command = [\"/sbin/reboot\"]";
                return Err(self.wrong(&raw.action, "action", "there is no command", help));
            }
            ("off" | "log" | "stop", Some(_)) => {
                let problem = "a command that is never run";
                let help = "use the action \"command\", or leave it out";
                return Err(self.wrong(&raw.action, "command", problem, help));
            }
            (other, _) => {
                let problem = format!("{other:?} is no action");
                let help = "use \"off\", \"log\", \"stop\" or \"command\"";
                return Err(self.wrong(&raw.action, "action", problem, help));
            }
        };
        Ok(action)
    }
}

fn socket_address(document: Document<'_>, key: &str, raw: &Spanned<String>) -> Checked<SocketAddr> {
    let Ok(address) = raw.get_ref().parse::<SocketAddr>() else {
        let problem = format!("{:?} is no address with a port", raw.get_ref());
        return Err(document.wrong(raw.span(), key, problem, "write it as \"127.0.0.1:7001\""));
    };
    if address.port() == 0 {
        return Err(document.wrong(raw.span(), key, "port 0 cannot be reached", "choose a port"));
    }
    Ok(address)
}
