//! A cluster of daemons for tests that are no scenarios.

use super::{aisd::Daemons, cluster::RealCluster};
use ais_conformance_core::{Cluster, Fault, NodeSpec, Setup, Trouble};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Daemons on this machine, in a folder of their own. Dropping it kills them.
pub struct Site {
    sockets: BTreeMap<String, PathBuf>,
    cluster: RealCluster<Daemons>,
}

impl Site {
    /// Starts a node of each name and waits until all are members; `program` becomes the daemons
    /// (see [`becomes_another`](crate::becomes_another)).
    ///
    /// # Errors
    /// When they do not come up.
    pub fn start(program: &Path, nodes: &[&str]) -> Result<Self, Trouble> {
        let spec = |name: &&str| NodeSpec { name: (*name).to_owned(), witness: false };
        let setup = Setup { nodes: nodes.iter().map(spec).collect(), model: None };
        let daemons = Daemons::new(program.to_owned(), Vec::new(), &setup)?;
        let socket = |(at, name): (usize, &&str)| ((*name).to_owned(), daemons.socket(at));
        let sockets = nodes.iter().enumerate().map(socket).collect();
        Ok(Self { sockets, cluster: RealCluster::start(daemons, &setup.nodes)? })
    }

    /// The socket of a node.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn socket(&self, node: &str) -> &Path {
        &self.sockets[node]
    }

    /// Kills a node, as by loss of power; returns when the others have noticed.
    ///
    /// # Errors
    /// When they do not.
    pub fn kill(&mut self, node: &str) -> Result<(), Trouble> {
        self.cluster.inject(&Fault::KillNode(node.to_owned()))
    }

    /// Cuts a node off from all others; returns when everybody has noticed.
    ///
    /// # Errors
    /// When they do not.
    pub fn cut(&mut self, node: &str) -> Result<(), Trouble> {
        self.cluster.inject(&Fault::Cut(node.to_owned()))
    }

    /// Takes that back; returns when everybody has noticed.
    ///
    /// # Errors
    /// When they do not.
    pub fn heal(&mut self, node: &str) -> Result<(), Trouble> {
        self.cluster.inject(&Fault::Heal(node.to_owned()))
    }

    /// Starts a node that was killed; returns when it is a member again.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self, node: &str) -> Result<(), Trouble> {
        self.cluster.inject(&Fault::StartNode(node.to_owned()))
    }
}
