//! Who is in a new cluster, and each node's configuration.

use super::{Cluster, Node};
use crate::Failure;
use ais_transport::free_loopback;
use ais_types::{NodeId, Role};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

const NODES_MAX: usize = 32;
const PORT: u16 = 7001;

/// What a new cluster is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The cluster's name.
    pub name: String,
    /// The program that contains the daemon and the tutorials; default: this one.
    pub program: Option<PathBuf>,
    /// The names of the nodes that host services.
    pub hosts: Vec<String>,
    /// Whether there is a node more, which only votes.
    pub witness: Witness,
    /// How the nodes reach each other.
    pub transport: Wire,
    /// What becomes of the group's log.
    pub durability: Durability,
    /// Whether nodes have certificates, in the cluster's folder.
    pub certs: bool,
    /// The text of the AMF model.
    pub model: Option<String>,
    /// A node not heard of for so long is lost.
    pub failure_timeout_ms: u64,
    /// What nodes log.
    pub log: String,
}

/// How the nodes reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Wire {
    /// TCP.
    Tcp,
    /// QUIC over UDP.
    Udp,
}

/// What becomes of the group's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// It is in memory: a voter that restarts is taken in by the others.
    Memory,
    /// It is on disk: the group goes on whoever restarts.
    Disk,
}

/// Whether a cluster has a node more, which only votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Witness {
    /// With 2 nodes or 4 and more: the first two and the witness vote.
    Auto,
    /// The first two nodes and the witness vote.
    Always,
    /// The first three nodes vote.
    Never,
}

impl Plan {
    /// A cluster of nodes with these names, and nothing to keep available.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: "dev".to_owned(),
            program: None,
            hosts: hosts.into_iter().map(str::to_owned).collect(),
            witness: Witness::Auto,
            transport: Wire::Tcp,
            durability: Durability::Memory,
            certs: false,
            model: None,
            failure_timeout_ms: 500,
            log: "info".to_owned(),
        }
    }

    /// The nodes, with addresses that are free now.
    pub(super) fn nodes(&self) -> Result<Vec<Node>, Failure> {
        let count = self.hosts.len();
        if count == 0 || count > NODES_MAX {
            return Err(Failure::Usage(format!("{count} nodes: choose 1 to {NODES_MAX}")));
        }
        let witness = match self.witness {
            Witness::Auto => count == 2 || count >= 4,
            Witness::Always => true,
            Witness::Never => false,
        };
        let voters = if witness { 2 } else { 3 };
        let role = |place| if place < voters { Role::Voter } else { Role::Payload };
        let hosts = self.hosts.iter().enumerate().map(|(place, name)| (name.as_str(), role(place)));
        let all = hosts.chain(witness.then_some(("witness", Role::Witness)));
        let last = PORT + u16::try_from(count + 1).expect("few nodes");
        let ip = free_loopback(PORT..=last).map_err(Failure::at("the addresses of a cluster"))?;
        let node = |((name, role), number): ((&str, Role), u16)| Node {
            id: NodeId(number.into()),
            name: name.to_owned(),
            role,
            address: SocketAddr::from((ip, PORT + number)),
        };
        Ok(all.zip(1..).map(node).collect())
    }
}

pub(super) fn amf_file(folder: &Path) -> PathBuf {
    folder.join("amf.toml")
}

/// The text of a node's configuration.
pub(super) fn configuration(cluster: &Cluster, node: &Node, plan: &Plan) -> String {
    let model = if plan.model.is_some() { "model = \"../amf.toml\"\n" } else { "" };
    let transport = match plan.transport {
        Wire::Tcp => "tcp",
        Wire::Udp => "udp",
    };
    let durability = match plan.durability {
        Durability::Memory => "memory",
        Durability::Disk => "disk",
    };
    let mut text = format!(
        "cluster = {:?}\nnode = {:?}\ntransport = {transport:?}\ndurability = {durability:?}\ndev = {{ faults = true }}\nfailure_timeout_ms = {}\n{model}log = {{ level = {:?} }}\n",
        cluster.name, node.name, plan.failure_timeout_ms, plan.log,
    );
    if plan.certs {
        let name = &node.name;
        text += &format!(
            "\n[tls]\nca = \"../certs/ca.pem\"\ncert = \"../certs/{name}.pem\"\nkey = \"../certs/{name}.key\"\n"
        );
    }
    for node in &cluster.nodes {
        let role = match node.role {
            Role::Voter => "voter",
            Role::Witness => "witness",
            Role::Payload => "payload",
        };
        text += &format!(
            "\n[[nodes]]\nid = {}\nname = {:?}\nrole = {role:?}\naddress = \"{}\"\n",
            node.id.0, node.name, node.address,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisd::config::Config;

    fn roles(count: usize) -> String {
        let names: Vec<String> = (1..=count).map(|it| format!("n{it}")).collect();
        let nodes = Plan::new(names.iter().map(String::as_str)).nodes().unwrap();
        nodes.iter().map(|node| format!("{:?}", node.role).remove(0)).collect()
    }

    #[test]
    fn two_voters_never_stand_alone() {
        assert_eq!(roles(1), "V");
        assert_eq!(roles(2), "VVW");
        assert_eq!(roles(3), "VVV");
        assert_eq!(roles(4), "VVPPW");
        assert_eq!(roles(6), "VVPPPPW");
    }

    #[test]
    fn the_daemon_takes_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { model: Some(String::new()), ..Plan::new(["west", "east"]) };
        let cluster = Cluster::create(folder.path(), &plan).unwrap();
        for node in &cluster.nodes {
            let config = Config::load(&cluster.configuration(&node.name)).unwrap();
            assert_eq!((config.this().id, config.this().role), (node.id, node.role));
            assert!(config.model.is_some());
        }
        assert_eq!(Cluster::open(folder.path()).unwrap(), cluster);
    }
}
