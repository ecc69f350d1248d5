//! A node's life, from its configuration to its end.

mod failure;
mod logging;
mod metrics;
mod network;
mod notify;

use crate::{KeeperLauncher, config::Config, join::Token, keeper::Keeper, model, watchdog};
use ais_client::Endpoint;
use ais_group::{
    Group, Identity, Known, Solo,
    raft::{Config as RaftConfig, Durability, Raft, Store},
};
use ais_node::{Node, NodeConfig, NodeHandle, NodeParts, ShellError, SocketConfig, boot_time};
use ais_services::Settings;
use ais_storage::DiskStorage;
use ais_transport::{Class, FaultSwitch, net::NetNode};
use ais_types::{Name, Role, amf::Model};
use clap::Args;
use failure::{Failure, complain};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::{
    env, fs,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{self, Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep_until},
};

/// This program, whatever has become of its file.
const MYSELF: &str = "/proc/self/exe";

/// A node that is thrown out again and again does not try more often.
const RESTART_MIN: Duration = Duration::from_secs(1);

/// How a node is started.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// The configuration of the node.
    #[arg(long, value_name = "FILE", default_value = "/etc/ais/node.toml")]
    pub config: PathBuf,
    /// Join the cluster of the node at this address, with a token, and write the configuration if
    /// it is not there.
    #[arg(long, value_name = "ADDRESS", requires = "token", requires = "listen")]
    pub join: Option<SocketAddr>,
    /// What `ais cluster token` has printed on a member.
    #[arg(long, value_name = "TOKEN", requires = "join")]
    pub token: Option<String>,
    /// Where the new node listens.
    #[arg(long, value_name = "ADDRESS", requires = "join")]
    pub listen: Option<SocketAddr>,
    /// What the new node is called. Default: n and its number.
    #[arg(long, value_name = "NAME", requires = "join")]
    pub name: Option<String>,
    /// The folder with `ca.pem`, `NAME.pem` and `NAME.key`, as `ais cert node NAME` makes them, if
    /// the cluster has certificates.
    #[arg(long, value_name = "FOLDER", requires = "join")]
    pub certs: Option<PathBuf>,
    /// Do not outlive the process that started this one.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// Runs a node until it is stopped. Call it before there is a second thread.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match live(arguments) {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        Ok(Ended::ThrownOut(faults)) => complain(&Failure::Restart(restart(faults.as_ref()))),
        Err(failure) => complain(&failure),
    }
}

/// How a life ended in which nothing went wrong.
enum Ended {
    Stopped,
    /// The group goes on without this incarnation; the next one may join it.
    ThrownOut(Option<FaultSwitch>),
}

fn live(arguments: &Arguments) -> Result<Ended, Failure> {
    if arguments.with_parent {
        die_with_parent()?;
    }
    let secret = invited(arguments)?;
    let config = Config { secret, ..Config::load(&arguments.config)? };
    let model = load_model(&config)?;
    logging::start(&config.log)?;
    // Before there is a thread: the keeper is forked.
    let keeper = Keeper::start(Path::new(MYSELF)).map_err(Failure::Keeper)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::Runtime)?;
    let faults = network::faults(&config);
    let reason = runtime.block_on(serve(&config, model, keeper, faults.clone()))?;
    match reason {
        ShellError::Stopped => Ok(Ended::Stopped),
        ShellError::Left(_) => Ok(Ended::ThrownOut(faults)),
        reason @ (ShellError::Socket { .. }
        | ShellError::Process { .. }
        | ShellError::Launcher
        | ShellError::Fatal(_)) => Err(Failure::Node(reason)),
    }
}

/// What this node was invited with. Writes its configuration if there is none yet.
fn invited(arguments: &Arguments) -> Result<Option<u128>, Failure> {
    let (Some(at), Some(token), Some(listen)) =
        (arguments.join, &arguments.token, arguments.listen)
    else {
        return Ok(None);
    };
    let token = Token::decode(token)?;
    let file = &arguments.config;
    if !file.exists() {
        let failed = |error| Failure::Configuration { file: file.clone(), error };
        let certs = arguments.certs.as_ref().map(path::absolute).transpose().map_err(failed)?;
        let (name, certs) = (arguments.name.as_deref(), certs.as_deref());
        let text = token.configuration(at, name, listen, certs);
        // Nothing is written that would have to be mended by hand.
        Config::parse(file, &text)?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(file, text).map_err(failed)?;
    }
    Ok(Some(token.0.secret))
}

fn die_with_parent() -> Result<(), Failure> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|it| Failure::Runtime(it.into()))?;
    // It may have ended before the line above.
    if getppid() == parent { Ok(()) } else { Err(Failure::Orphan) }
}

fn load_model(config: &Config) -> Result<Option<Model>, Failure> {
    let Some(file) = &config.model else { return Ok(None) };
    let hosts = config.nodes.iter().filter(|node| node.role != Role::Witness);
    let hosts: Vec<&str> = hosts.map(|node| node.name.as_str()).collect();
    Ok(Some(model::load(file, &hosts)?))
}

/// Runs the node until it ends; then nothing of it is left.
async fn serve(
    config: &Config,
    model: Option<Model>,
    keeper: Keeper,
    faults: Option<FaultSwitch>,
) -> Result<ShellError, Failure> {
    let born = Instant::now();
    let (keeper, mut process) = keeper.attach().map_err(Failure::Keeper)?;
    let (name, socket) = (&config.this().name, &config.socket.path);
    let launcher = KeeperLauncher::new(keeper, name, socket, &config.folder);
    // The listener for peers ends with the last handle of it.
    let net = network::listen(config, faults).await?;
    let watchers = match config.metrics {
        Some(address) => Some(metrics::listen(address).await?),
        None => None,
    };
    let node = start(config, model, Box::new(launcher), net.as_ref()).await?;
    if let Some(watchers) = watchers {
        tokio::spawn(metrics::serve(watchers, node.clone(), net.clone()));
    }
    tracing::info!(cluster = config.cluster, node = config.this().name, "started");
    notify::ready();
    let (reason, failed) = until_stopped(&node, config).await?;
    notify::stopping();
    // The node has let go of it: it kills what is left, and ends.
    process.wait().map_err(Failure::Keeper)?;
    if let Some(pid) = failed {
        return Err(Failure::Watchdog(pid));
    }
    if matches!(reason, ShellError::Left(_)) {
        tracing::warn!(%reason, "starts over");
        sleep_until(born + RESTART_MIN).await;
    }
    Ok(reason)
}

/// Waits for the end, which the first SIGTERM or SIGINT asks for, or the supervised process of this number.
async fn until_stopped(
    node: &NodeHandle,
    config: &Config,
) -> Result<(ShellError, Option<u32>), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
    let failed = tokio::select! {
        reason = node.stopped() => return Ok((reason, None)),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        pid = watch(node, config) => Some(pid),
    };
    tracing::info!("leaves the cluster");
    node.stop().await;
    Ok((node.stopped().await, failed))
}

/// The supervised process because of which the node is to stop.
async fn watch(node: &NodeHandle, config: &Config) -> u32 {
    let program = node.program();
    let endpoint = Endpoint::inside(move || program.connect());
    match watchdog::watch(&endpoint, &config.watchdog).await {
        Ok(pid) => pid,
        Err(error) => {
            // The node is ending, which others see to.
            tracing::debug!(%error, "the watchdog has lost its node");
            std::future::pending().await
        }
    }
}

async fn start(
    config: &Config,
    model: Option<Model>,
    launcher: Box<dyn ais_node::Launcher>,
    net: Option<&NetNode>,
) -> Result<NodeHandle, Failure> {
    let this = config.this();
    let name = Name::new(&this.name).expect("names were checked to be short");
    let identity = Identity {
        node: this.id,
        name: name.clone(),
        role: this.role,
        addresses: this.address.iter().map(ToString::to_string).collect(),
        boot_time: boot_time(),
    };
    let group = group(config, identity, net).await?;
    let transport = net.map(network::data);
    let settings = Settings { ckpt: config.ckpt, msg: config.msg, clm: membership(config), model };
    let parts =
        NodeParts { group, transport, launcher, services: ais_services::all(this.id, settings) };
    let node_config = NodeConfig {
        cluster: config.cluster.clone(),
        name,
        transport: config.transport,
        socket: Some(socket(config)?),
        limits: config.limits,
    };
    Node::start(node_config, parts).map_err(Failure::Node)
}

/// Every node of the file that hosts services is configured.
fn membership(config: &Config) -> ais_clm::Settings {
    let hosts = config.nodes.iter().filter(|node| node.role != Role::Witness);
    hosts.fold(ais_clm::Settings::new(&config.cluster), |settings, node| {
        let name = Name::new(&node.name).expect("names were checked to be short");
        settings.with_node(node.id, &name)
    })
}

/// A group of many nodes lives on a thread of its own, which no core can hold up.
async fn group(
    config: &Config,
    identity: Identity,
    net: Option<&NetNode>,
) -> Result<Box<dyn Group>, Failure> {
    let store = store(config).await?;
    let Some(net) = net.cloned() else {
        let solo = Solo::keeping(identity, store).await;
        return Ok(Box::new(solo.map_err(|error| Failure::Group(error.to_string()))?));
    };
    let voters = config.voters().map(|node| node.id);
    let mut raft = RaftConfig::new(&config.cluster, identity, voters);
    raft.failure_timeout = config.failure_timeout;
    (raft.open, raft.secret) = (false, config.secret);
    raft.nodes = config.nodes.iter().map(|node| (node.id, known(node))).collect();
    raft.storage = Some(store);
    if config.durable || config.this().role == Role::Witness {
        raft.log = Durability::Disk;
    }
    let group = Raft::on_thread(raft, async move || Ok(net.open(Class::Control)));
    Ok(Box::new(group.map_err(|error| Failure::Group(error.to_string()))?))
}

/// What outlives this node's process.
async fn store(config: &Config) -> Result<Store, Failure> {
    let failed = |error| Failure::Configuration { file: config.data.clone(), error };
    fs::create_dir_all(&config.data).map_err(failed)?;
    let storage = DiskStorage::open(&config.data.join("group.redb")).await;
    Ok(Store::new(storage.map_err(|error| Failure::Group(error.to_string()))?))
}

fn known(node: &crate::config::Node) -> Known {
    Known {
        name: Name::new(&node.name).expect("names were checked to be short"),
        role: node.role,
        addresses: node.address.iter().map(ToString::to_string).collect(),
    }
}

fn socket(config: &Config) -> Result<SocketConfig, Failure> {
    let path = config.socket.path.clone();
    if let Some(folder) = path.parent() {
        let failed = |error| Failure::Socket { path: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(failed)?;
    }
    Ok(SocketConfig { path, mode: config.socket.mode, group: config.socket.group })
}

/// Becomes the next incarnation, in the same process. Returns only if that fails.
fn restart(faults: Option<&FaultSwitch>) -> std::io::Error {
    let mut arguments = env::args_os();
    let mut command = Command::new(MYSELF);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    if let Some(faults) = faults {
        command.env(network::FAULTS, faults.to_string());
    }
    command.args(arguments).exec()
}
