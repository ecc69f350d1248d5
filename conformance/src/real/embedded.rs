//! Nodes in this process, each on a thread of its own.

use super::{
    cluster::{Host, RealCluster, id},
    helper,
    remote::{Body, Remote},
};
use crate::{Medium, services};
use ais_client::Endpoint;
use ais_conformance_core::{Cluster, Feature, Implementation, NodeSpec, Setup, Trouble};
use ais_group::{Identity, raft};
use ais_node::{NoLauncher, Node, NodeConfig, NodeHandle, NodeLimits, NodeParts};
use ais_transport::{Class, Peer, Transport, memory::Network, tcp};
use ais_types::{Name, NodeId, Role};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{runtime::Builder, sync::oneshot};

/// A node not heard of for so long is lost.
const FAILURE: Duration = Duration::from_secs(1);
const CLUSTER: &str = "conformance";

/// Nodes of this implementation in this process.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// How they talk to each other: memory or TCP.
    pub medium: Medium,
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
            | Feature::Witness => Ok(()),
            Feature::Cut => match self.medium {
                Medium::Memory => Ok(()),
                Medium::Tcp | Medium::Udp => Err("cuts need --transport memory".to_owned()),
            },
            Feature::Components => Err("nodes in this process start no components".to_owned()),
        }
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let network = match self.medium {
            Medium::Memory => Wires::Memory(Network::new(1)),
            Medium::Tcp | Medium::Udp => Wires::Tcp(addresses(setup.nodes.len())?),
        };
        let lives = setup.nodes.iter().map(|_| None).collect();
        let nodes =
            Nodes { specs: setup.nodes.clone(), wires: Arc::new(network), lives, nonces: 0 };
        Ok(Box::new(RealCluster::start(nodes, &setup.nodes)?))
    }
}

/// Free ports; somebody else may take them before we do, which shows as a node that does not start.
fn addresses(count: usize) -> Result<Vec<SocketAddr>, Trouble> {
    let listeners: Result<Vec<TcpListener>, _> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let listeners = listeners.and_then(|all| all.iter().map(TcpListener::local_addr).collect());
    listeners.map_err(|error| Trouble::Broken(format!("no port: {error}")))
}

enum Wires {
    Memory(Network),
    Tcp(Vec<SocketAddr>),
}

struct Nodes {
    specs: Vec<NodeSpec>,
    wires: Arc<Wires>,
    lives: Vec<Option<Life>>,
    nonces: u64,
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
}

fn name_of(spec: &NodeSpec) -> Name {
    Name::new(format!("safNode={},safCluster={CLUSTER}", spec.name)).expect("names are short")
}

impl Host for Nodes {
    fn start(&mut self, at: usize) -> Result<(), Trouble> {
        self.lives[at] = None;
        self.nonces += 1;
        let (specs, wires) = (self.specs.clone(), Arc::clone(&self.wires));
        let plan = Plan { at, nonce: self.nonces, specs, wires };
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
    runtime.block_on(async {
        match start(plan).await {
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
}

/// The node, and what has to live as long as it.
async fn start(plan: &Plan) -> Result<(NodeHandle, Option<tcp::TcpNode>), String> {
    let me = Peer { node: id(plan.at), nonce: plan.nonce };
    match &*plan.wires {
        Wires::Memory(network) => {
            let node = network.node(me.node, me.nonce);
            Ok((assemble(plan, node.open(Class::Control), node.open(Class::Data))?, None))
        }
        Wires::Tcp(addresses) => {
            let mut config = tcp::Config::new(CLUSTER, me, addresses[plan.at]);
            config.peers = peers(plan, addresses);
            let node = tcp::TcpNode::bind(config).await.map_err(|error| error.to_string())?;
            let handle = assemble(plan, node.open(Class::Control), node.open(Class::Data))?;
            Ok((handle, Some(node)))
        }
    }
}

fn peers(plan: &Plan, addresses: &[SocketAddr]) -> BTreeMap<NodeId, SocketAddr> {
    let others = addresses.iter().enumerate().filter(|(at, _)| *at != plan.at);
    others.map(|(at, address)| (id(at), *address)).collect()
}

fn assemble<T: Transport>(plan: &Plan, control: T, data: T) -> Result<NodeHandle, String> {
    let spec = &plan.specs[plan.at];
    let addresses = match &*plan.wires {
        Wires::Memory(_) => vec![format!("10.0.0.{}:4000", plan.at + 1)],
        Wires::Tcp(addresses) => vec![addresses[plan.at].to_string()],
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
    let (group, run) = raft::Raft::start(config, control).map_err(|error| error.to_string())?;
    tokio::spawn(run);
    let config = NodeConfig {
        cluster: CLUSTER.to_owned(),
        name: name_of(spec),
        socket: None,
        limits: NodeLimits::default(),
    };
    let parts = NodeParts {
        group: Box::new(group),
        transport: Some(Box::new(data)),
        launcher: Box::new(NoLauncher::default()),
        services: services::all(id(plan.at), None),
    };
    Node::start(config, parts).map_err(|error| error.to_string())
}
