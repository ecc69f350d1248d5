//! What all clusters in real time have in common.

use super::{clock, components::Components, protocol::Dispatch, remote::Remote};
use ais_client::{Ckpt, Endpoint, Node, Session};
use ais_conformance_core::{
    AnyCall, AnyCallback, AnyReply, Cluster, Fault, NodeSpec, SessionName, Ticket, Trouble,
};
use ais_types::{Name, NodeId, Outcome, Version, ckpt::Callbacks, node::Status};
use std::{collections::BTreeMap, time::Duration};

/// How long anything may take that is not timed by the scenario.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a call that shall not have returned is given.
const PEEK: Duration = Duration::from_millis(200);
/// How long nothing may come after the callbacks that are wanted.
const QUIET: Duration = Duration::from_millis(60);
/// How long nothing may come when no callback is wanted.
const SILENCE: Duration = Duration::from_millis(250);

/// The nodes of a cluster, one way or another. Dropping it stops them.
pub(super) trait Host {
    fn start(&mut self, at: usize) -> Result<(), Trouble>;
    /// As by loss of power.
    fn kill(&mut self, at: usize);
    /// As by its operator.
    fn stop(&mut self, at: usize);
    fn cut(&mut self, at: usize, cut: bool) -> Result<(), Trouble>;
    /// Whether the node has ended by itself.
    fn has_ended(&mut self, at: usize) -> bool;
    /// Whether a node that was ordered out starts over by itself.
    fn starts_over(&self) -> bool {
        false
    }
    /// Why it has ended, if it has and that is known.
    fn why(&mut self, _at: usize) -> String {
        String::new()
    }
    /// Where the node answers its operators.
    fn endpoint(&self, at: usize) -> Option<Endpoint>;
    /// A new program on the node.
    fn program(&mut self, at: usize) -> Result<Remote, Trouble>;
    /// The name by which services know the node.
    fn name(&self, at: usize) -> Name;
    /// Where components arrive, if there is a model.
    fn components(&mut self) -> Option<&mut Components>;
}

pub(super) struct RealCluster<H: Host> {
    // Nodes end before their programs: else they would see to those that AMF has started.
    host: H,
    programs: BTreeMap<String, (usize, Remote)>,
    nodes: Vec<NodeState>,
    calls: BTreeMap<Ticket, SessionName>,
    tickets: u64,
}

struct NodeState {
    name: String,
    up: bool,
    cut: bool,
    /// In the group with its memory: a started one has to be admitted first.
    member: bool,
}

impl<H: Host> RealCluster<H> {
    /// Starts all nodes and waits until they are members.
    pub(super) fn start(host: H, nodes: &[NodeSpec]) -> Result<Self, Trouble> {
        let state =
            |it: &NodeSpec| NodeState { name: it.name.clone(), up: true, cut: false, member: true };
        let nodes = nodes.iter().map(state).collect();
        let mut cluster =
            Self { programs: BTreeMap::new(), host, nodes, calls: BTreeMap::new(), tickets: 0 };
        for at in 0..cluster.nodes.len() {
            cluster.host.start(at)?;
        }
        cluster.notice()?;
        Ok(cluster)
    }

    fn node(&self, name: &str) -> Result<usize, Trouble> {
        let at = self.nodes.iter().position(|it| it.name == name);
        at.ok_or_else(|| Trouble::Broken(format!("no node {name}")))
    }

    fn program(&self, session: &SessionName) -> Result<&Remote, Trouble> {
        let program = self.programs.get(&session.process).map(|it| &it.1);
        program.ok_or_else(|| Trouble::Broken(format!("process {} is dead", session.process)))
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn status(&self, at: usize) -> Option<Status> {
        let endpoint = self.host.endpoint(at)?;
        Node::<Session>::open(&endpoint, "conformance").ok()?.status().ok()
    }

    /// Waits until those who can have noticed who is there: a majority goes on without the
    /// others, anything less has lost its lease.
    fn notice(&mut self) -> Result<(), Trouble> {
        let reached: Vec<usize> =
            (0..self.nodes.len()).filter(|at| self.nodes[*at].up && !self.nodes[*at].cut).collect();
        let with_memory = reached.iter().filter(|at| self.nodes[**at].member).count();
        // Nobody remembers anything: a majority of blank ones begins anew.
        let anew = with_memory == 0 && reached.len() * 2 > self.nodes.len();
        let quorum = with_memory * 2 > self.nodes.len() || anew;
        let mut ended = false;
        let noticed = clock::until(PATIENCE, || {
            ended = reached.iter().any(|at| self.host.has_ended(*at));
            ended || reached.iter().all(|at| self.has_noticed(*at, &reached, quorum))
        });
        for (at, node) in self.nodes.iter_mut().enumerate() {
            node.member = if quorum { reached.contains(&at) } else { node.member && node.up };
        }
        match noticed && !ended {
            true => Ok(()),
            false => {
                let why: Vec<String> = reached.iter().map(|at| self.host.why(*at)).collect();
                let why = why.join(" ");
                Err(Trouble::Broken(format!(
                    "not all nodes noticed who is there ({PATIENCE:?} at most); {why}"
                )))
            }
        }
    }

    /// Waits until those who can have noticed that a process has ended on this node, and what its
    /// node has ordered for that: each has an order delivered that stands behind it.
    fn notice_end(&self, of: usize) {
        let up = |at: &usize| self.nodes[*at].up && !self.nodes[*at].cut;
        let others = (0..self.nodes.len()).filter(|at| *at != of);
        // The end is ordered first, and what its services have to say of it behind that.
        for at in [of, of].into_iter().chain(others).filter(up) {
            // A node that can order nothing now notices nothing either.
            let _ = self.order_nothing(at);
        }
    }

    /// Returns when an order of this node is delivered there.
    fn order_nothing(&self, at: usize) -> Outcome<()> {
        let Some(endpoint) = self.host.endpoint(at) else { return Ok(()) };
        let (version, none) = (Version::b(2, 2), Callbacks::default());
        let ckpt = Ckpt::<Session>::initialize(&endpoint, version, none, "conformance")?;
        ckpt.unlink(Name::new("safCkpt=nothing").expect("it is short"))
    }

    fn has_noticed(&self, at: usize, reached: &[usize], quorum: bool) -> bool {
        self.status(at).is_some_and(|status| match quorum {
            true => status.lease && self.sees(&status, reached),
            false => !status.lease,
        })
    }

    fn sees(&self, status: &Status, nodes: &[usize]) -> bool {
        let seen: Vec<NodeId> = status.view.members.iter().map(|it| it.id.node).collect();
        let there: Vec<NodeId> = nodes.iter().map(|at| id(*at)).collect();
        seen == there
    }

    fn kill_programs(&mut self, of: usize) {
        self.programs.retain(|_, (at, _)| *at != of);
        if let Some(components) = self.host.components() {
            components.forget(&self.nodes[of].name);
        }
    }
}

/// Nodes are numbered from 1.
pub(super) fn id(at: usize) -> NodeId {
    NodeId(u32::try_from(at + 1).expect("scenarios have few nodes"))
}

impl<H: Host> Cluster for RealCluster<H> {
    fn node_id(&self, node: &str) -> NodeId {
        self.node(node).map_or(NodeId(0), id)
    }

    fn node_name(&self, node: &str) -> Name {
        self.node(node).map_or_else(|_| Name::default(), |at| self.host.name(at))
    }

    fn process(&mut self, process: &str, node: &str) -> Result<(), Trouble> {
        let at = self.node(node)?;
        let program = self.host.program(at)?;
        self.programs.insert(process.to_owned(), (at, program));
        Ok(())
    }

    fn component(&mut self, process: &str, component: &str) -> Result<(), Trouble> {
        let none = || Trouble::NotSupported("there is no model, and so no component".to_owned());
        let components = self.host.components().ok_or_else(none)?;
        let found = components.claim(component, 2 * PATIENCE);
        let found = found.ok_or_else(|| Trouble::Broken(format!("{component} is not started")))?;
        let at = self.node(&found.node)?;
        self.programs.insert(process.to_owned(), (at, found.remote));
        Ok(())
    }

    fn call(&mut self, session: &SessionName, call: AnyCall) -> Result<Ticket, Trouble> {
        let ticket = self.ticket();
        self.program(session)?.call(ticket.0, session, call);
        self.calls.insert(ticket, session.clone());
        Ok(ticket)
    }

    fn answer(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>> {
        let session = self.calls.get(&ticket)?;
        self.program(session).ok()?.reply(ticket.0, session, 3 * PATIENCE)
    }

    fn peek(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>> {
        let session = self.calls.get(&ticket)?;
        self.program(session).ok()?.reply(ticket.0, session, PEEK)
    }

    fn dispatch(
        &mut self,
        session: &SessionName,
        one: bool,
        want: usize,
    ) -> Result<Outcome<Vec<AnyCallback>>, Trouble> {
        let quiet = if want == 0 { SILENCE } else { QUIET };
        let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let dispatch =
            Dispatch { one, want, patience_ms: millis(PATIENCE), quiet_ms: millis(quiet) };
        let ticket = self.ticket();
        Ok(self.program(session)?.dispatch(ticket.0, session, dispatch))
    }

    fn finalize(&mut self, session: &SessionName) -> Result<Outcome<()>, Trouble> {
        let ticket = self.ticket();
        Ok(self.program(session)?.finalize(ticket.0, session))
    }

    fn inject(&mut self, fault: &Fault) -> Result<(), Trouble> {
        match fault {
            Fault::KillProcess(process) => {
                let Some((at, program)) = self.programs.remove(process) else {
                    return Err(Trouble::Broken(format!("process {process} is dead")));
                };
                drop(program);
                self.notice_end(at);
                return Ok(());
            }
            Fault::KillNode(node) => {
                let at = self.node(node)?;
                self.host.kill(at);
                self.kill_programs(at);
                self.nodes[at].up = false;
            }
            Fault::StopNode(node) => {
                let at = self.node(node)?;
                self.host.stop(at);
                self.kill_programs(at);
                self.nodes[at].up = false;
            }
            Fault::StartNode(node) => {
                let at = self.node(node)?;
                self.host.start(at)?;
                self.nodes[at].up = true;
                self.nodes[at].member = false;
            }
            Fault::Cut(node) => {
                let at = self.node(node)?;
                self.host.cut(at, true)?;
                self.nodes[at].cut = true;
            }
            Fault::Heal(node) => {
                let at = self.node(node)?;
                self.host.cut(at, false)?;
                self.nodes[at].cut = false;
                self.come_back(at)?;
            }
        }
        self.notice()
    }

    fn wait(&mut self, time: Duration) {
        clock::pause(time);
    }
}

impl<H: Host> RealCluster<H> {
    /// A node that was ordered out while it was cut off ends, and starts over.
    fn come_back(&mut self, at: usize) -> Result<(), Trouble> {
        if self.nodes[at].member {
            return Ok(());
        }
        if self.host.starts_over() {
            self.kill_programs(at);
            return Ok(());
        }
        if !clock::until(PATIENCE, || self.host.has_ended(at)) {
            return Err(Trouble::Broken("it does not notice that it was ordered out".to_owned()));
        }
        self.kill_programs(at);
        self.host.start(at)
    }
}
