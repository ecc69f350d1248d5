//! Nodes in this process, each on a thread of its own. With a model they have a keeper and a socket
//! like a daemon, so that AMF can start components.

use super::{
    addresses::addresses,
    cluster::{Host, RealCluster, id},
    components::{Components, model_text},
    helper,
    remote::{Body, Remote},
};
use crate::{Medium, services};
use ais_client::Endpoint;
use ais_conformance_core::{Cluster, Feature, Implementation, NodeSpec, Setup, Trouble};
use ais_group::{
    Identity,
    raft::{self, Store},
};
use ais_node::{
    Launcher, NoLauncher, Node, NodeConfig, NodeHandle, NodeLimits, NodeParts, SocketConfig,
};
use ais_storage::MemoryStorage;
use ais_transport::{Class, Kind, Peer, Transport, memory::Network, net};
use ais_types::{Name, NodeId, Role, amf::Model};
use aisd::{KeeperLauncher, keeper::Keeper};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Child,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{runtime::Builder, sync::oneshot};

/// A node not heard of for so long is lost.
const FAILURE: Duration = Duration::from_secs(1);
const CLUSTER: &str = "conformance";

/// Nodes of this implementation in this process.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// How they talk to each other.
    pub medium: Medium,
    /// A program that becomes the keeper of a node, and its components: `ais-conformance` itself.
    pub program: PathBuf,
}

impl Implementation for Embedded {
    fn name(&self) -> String {
        match self.medium {
            Medium::Memory => "embedded over memory".to_owned(),
            Medium::Tcp => "embedded over tcp".to_owned(),
            Medium::Udp => "embedded over udp".to_owned(),
        }
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        match feature {
            Feature::Service(service) => services::supports(service),
            Feature::KillProcess
            | Feature::KillNode
            | Feature::StopNode
            | Feature::StartNode
            | Feature::Witness
            | Feature::Components => Ok(()),
            Feature::Cut => match self.medium {
                Medium::Memory => Ok(()),
                Medium::Tcp | Medium::Udp => Err("cuts need --transport memory".to_owned()),
            },
        }
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let network = match self.medium {
            Medium::Memory => Wires::Memory(Network::new(1)),
            Medium::Tcp => Wires::Net(net::Protocol::Tcp, addresses(setup.nodes.len())?),
            Medium::Udp => Wires::Net(net::Protocol::Udp, addresses(setup.nodes.len())?),
        };
        let (site, components) = match &setup.model {
            Some(text) => self.site(setup, text).map(|(site, place)| (Some(site), Some(place)))?,
            None => (None, None),
        };
        let nodes = Nodes {
            specs: setup.nodes.clone(),
            wires: Arc::new(network),
            lives: setup.nodes.iter().map(|_| None).collect(),
            disks: setup.nodes.iter().map(|_| Store::new(MemoryStorage::new())).collect(),
            nonces: 0,
            components,
            site: site.map(Arc::new),
        };
        Ok(Box::new(RealCluster::start(nodes, &setup.nodes)?))
    }
}

impl Embedded {
    /// What nodes need that have a model.
    fn site(&self, setup: &Setup, model: &str) -> Result<(Site, Components), Trouble> {
        let folder = TempDir::with_prefix("ais-conformance-").map_err(broken)?;
        let components = Components::listen(folder.path()).map_err(broken)?;
        let model = model_text(model, &self.program, components.socket())?;
        let model = services::model(&Setup { model: Some(model), ..setup.clone() }, called)?;
        Ok((Site { program: self.program.clone(), model, folder }, components))
    }
}

fn broken(error: io::Error) -> Trouble {
    Trouble::Broken(error.to_string())
}

enum Wires {
    Memory(Network),
    Net(net::Protocol, Vec<SocketAddr>),
}

impl Wires {
    fn kind(&self) -> Kind {
        match self {
            Self::Memory(_) => Kind::Memory,
            Self::Net(net::Protocol::Tcp, _) => Kind::Tcp,
            Self::Net(net::Protocol::Udp, _) => Kind::Udp,
        }
    }
}

/// What nodes have that start components.
struct Site {
    program: PathBuf,
    model: Option<Model>,
    folder: TempDir,
}

impl Site {
    fn socket(&self, node: &str) -> PathBuf {
        self.folder.path().join(format!("{node}.sock"))
    }
}

struct Nodes {
    specs: Vec<NodeSpec>,
    wires: Arc<Wires>,
    lives: Vec<Option<Life>>,
    /// What outlives each node.
    disks: Vec<Store>,
    nonces: u64,
    components: Option<Components>,
    // Goes last: nodes have files in it.
    site: Option<Arc<Site>>,
}

/// One life of a node.
struct Life {
    handle: NodeHandle,
    operator: Arc<ais_node::Program>,
    /// Tells the thread to drop everything.
    kill: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Life {
    fn end(&mut self) {
        drop(self.kill.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread of a node needs.
struct Plan {
    at: usize,
    nonce: u64,
    specs: Vec<NodeSpec>,
    wires: Arc<Wires>,
    disk: Store,
    site: Option<Arc<Site>>,
}

fn called(node: &str) -> Name {
    Name::new(format!("safNode={node},safCluster={CLUSTER}")).expect("names are short")
}

fn name_of(spec: &NodeSpec) -> Name {
    called(&spec.name)
}

impl Host for Nodes {
    fn start(&mut self, at: usize) -> Result<(), Trouble> {
        self.lives[at] = None;
        self.nonces += 1;
        let (specs, wires) = (self.specs.clone(), Arc::clone(&self.wires));
        let (disk, site) = (self.disks[at].clone(), self.site.clone());
        let plan = Plan { at, nonce: self.nonces, specs, wires, disk, site };
        let (kill, killed) = oneshot::channel();
        let (sender, started) = mpsc::channel();
        let thread = thread::spawn(move || live(&plan, &sender, killed));
        let handle = started.recv().map_err(|_| "the node's thread has ended".to_owned());
        let handle = handle.and_then(|it| it).map_err(Trouble::Broken)?;
        let operator = Arc::new(handle.program());
        let (kill, thread) = (Some(kill), Some(thread));
        self.lives[at] = Some(Life { handle, operator, kill, thread });
        Ok(())
    }

    fn kill(&mut self, at: usize) {
        self.lives[at] = None;
        if let Wires::Memory(network) = &*self.wires {
            network.stop(id(at));
        }
    }

    fn stop(&mut self, at: usize) {
        if let Some(life) = &self.lives[at] {
            let handle = life.handle.clone();
            let waiting = Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = waiting {
                runtime.block_on(handle.stop());
            }
        }
        self.kill(at);
    }

    fn cut(&mut self, at: usize, cut: bool) -> Result<(), Trouble> {
        let Wires::Memory(network) = &*self.wires else {
            return Err(Trouble::NotSupported("cuts need --transport memory".to_owned()));
        };
        for other in (0..self.specs.len()).filter(|it| *it != at) {
            match cut {
                true => network.cut(id(at), id(other)),
                false => network.heal(id(at), id(other)),
            }
        }
        Ok(())
    }

    fn has_ended(&mut self, at: usize) -> bool {
        let ended = self.lives[at].as_ref().and_then(|it| it.thread.as_ref());
        ended.is_none_or(JoinHandle::is_finished)
    }

    fn endpoint(&self, at: usize) -> Option<Endpoint> {
        let operator = Arc::clone(&self.lives[at].as_ref()?.operator);
        Some(Endpoint::inside(move || operator.connect()))
    }

    fn program(&mut self, at: usize) -> Result<Remote, Trouble> {
        let Some(life) = &self.lives[at] else {
            return Err(Trouble::Broken("its node is down".to_owned()));
        };
        let program = Arc::new(life.handle.program());
        let weak = Arc::downgrade(&program);
        let connect = move || match weak.upgrade() {
            Some(program) => program.connect(),
            None => Err(std::io::ErrorKind::ConnectionRefused.into()),
        };
        let pair = UnixStream::pair().map_err(|error| Trouble::Broken(error.to_string()))?;
        let (ours, theirs) = pair;
        let endpoint = Endpoint::inside(connect);
        thread::spawn(move || helper::serve(theirs, &endpoint, None));
        let remote = Remote::new(ours, Body::Inside(Some(program)));
        remote.map_err(|error| Trouble::Broken(error.to_string()))
    }

    fn name(&self, at: usize) -> Name {
        name_of(&self.specs[at])
    }

    fn components(&mut self) -> Option<&mut Components> {
        self.components.as_mut()
    }
}

/// The life of a node, from its start until it ends by itself or is killed.
fn live(
    plan: &Plan,
    started: &mpsc::Sender<Result<NodeHandle, String>>,
    killed: oneshot::Receiver<()>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error.to_string()))),
    };
    let mut keeper = None;
    runtime.block_on(async {
        match start(plan, &mut keeper).await {
            Err(error) => drop(started.send(Err(error))),
            Ok((handle, _listener)) => {
                let _ = started.send(Ok(handle.clone()));
                tokio::select! {
                    _ = killed => {}
                    _ = handle.stopped() => {}
                }
            }
        }
    });
    // Whatever still runs is dropped where it stands: a crash.
    runtime.shutdown_background();
    if let Some(mut keeper) = keeper {
        // It notices, kills what it keeps, and ends.
        let _ = keeper.wait();
    }
}

/// The node, and what has to live as long as it.
async fn start(
    plan: &Plan,
    keeper: &mut Option<Child>,
) -> Result<(NodeHandle, Option<net::NetNode>), String> {
    let launcher = launcher(plan, keeper).map_err(|error| format!("no keeper: {error}"))?;
    let me = Peer { node: id(plan.at), nonce: plan.nonce };
    match &*plan.wires {
        Wires::Memory(network) => {
            let node = network.node(me.node, me.nonce);
            let (control, data) = (node.open(Class::Control), node.open(Class::Data));
            Ok((assemble(plan, launcher, control, data)?, None))
        }
        Wires::Net(protocol, addresses) => {
            let mut config = net::Config::new(CLUSTER, me, addresses[plan.at]);
            config.protocol = *protocol;
            config.peers = peers(plan, addresses);
            let node = net::NetNode::bind(config).await.map_err(|error| error.to_string())?;
            let (control, data) = (node.open(Class::Control), node.open(Class::Data));
            Ok((assemble(plan, launcher, control, data)?, Some(node)))
        }
    }
}

/// A keeper for a node that has a model.
fn launcher(plan: &Plan, kept: &mut Option<Child>) -> io::Result<Box<dyn Launcher>> {
    let Some(site) = &plan.site else { return Ok(Box::new(NoLauncher::default())) };
    let (keeper, process) = Keeper::start(&site.program)?.attach()?;
    *kept = Some(process);
    let node = &plan.specs[plan.at].name;
    Ok(Box::new(KeeperLauncher::new(keeper, node, &site.socket(node), site.folder.path())))
}

fn peers(plan: &Plan, addresses: &[SocketAddr]) -> BTreeMap<NodeId, SocketAddr> {
    let others = addresses.iter().enumerate().filter(|(at, _)| *at != plan.at);
    others.map(|(at, address)| (id(at), *address)).collect()
}

fn assemble<T: Transport>(
    plan: &Plan,
    launcher: Box<dyn Launcher>,
    control: T,
    data: T,
) -> Result<NodeHandle, String> {
    let spec = &plan.specs[plan.at];
    let addresses = match &*plan.wires {
        Wires::Memory(_) => vec![format!("10.0.0.{}:4000", plan.at + 1)],
        Wires::Net(_, addresses) => vec![addresses[plan.at].to_string()],
    };
    let identity = Identity {
        node: id(plan.at),
        name: name_of(spec),
        role: if spec.witness { Role::Witness } else { Role::Voter },
        addresses,
        boot_time: ais_node::boot_time(),
    };
    let mut config = raft::Config::new(CLUSTER, identity, (0..plan.specs.len()).map(id));
    config.failure_timeout = FAILURE;
    config.storage = Some(plan.disk.clone());
    let (group, run) = raft::Raft::start(config, control).map_err(|error| error.to_string())?;
    tokio::spawn(run);
    let config = NodeConfig {
        cluster: CLUSTER.to_owned(),
        name: name_of(spec),
        transport: plan.wires.kind(),
        socket: plan.site.as_ref().map(|it| SocketConfig {
            path: it.socket(&spec.name),
            mode: 0o600,
            group: None,
        }),
        limits: NodeLimits::default(),
    };
    let parts = NodeParts {
        group: Box::new(group),
        transport: Some(Box::new(data)),
        launcher,
        services: services::all(id(plan.at), plan.site.as_ref().and_then(|it| it.model.as_ref())),
    };
    Node::start(config, parts).map_err(|error| error.to_string())
}
