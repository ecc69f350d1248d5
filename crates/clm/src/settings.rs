//! What a node knows of its cluster's configuration when it starts.

use crate::ConfiguredName;
use ais_types::{Name, NodeId, View};
use alloc::{format, string::String, vec::Vec};

/// What a node knows of its cluster's configuration when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    cluster: String,
    nodes: Vec<ConfiguredName>,
}

impl Settings {
    /// A cluster of this name: the same on all nodes.
    ///
    /// Nodes are called `safNode=NAME,safCluster=CLUSTER`, unless their name is a DN already.
    pub fn new(cluster: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), nodes: Vec::new() }
    }

    /// Also configured from the beginning, before it comes up for the first time.
    #[must_use]
    pub fn with_node(mut self, id: NodeId, name: &Name) -> Self {
        let name = self.dn(name);
        self.nodes.push(ConfiguredName { name, id });
        self
    }

    pub(crate) fn nodes(&self) -> &[ConfiguredName] {
        &self.nodes
    }

    /// The DN of a node.
    pub(crate) fn dn(&self, name: &Name) -> Name {
        if self.cluster.is_empty() || name.is_empty() || name.as_bytes().contains(&b'=') {
            return name.clone();
        }
        let dn = format!("safNode={},safCluster={}", name.to_text(), self.cluster);
        // What is too long for a DN keeps its own name.
        Name::new(dn).unwrap_or_else(|_| name.clone())
    }

    /// The DN of the cluster.
    pub(crate) fn cluster(&self) -> Name {
        Name::new(format!("safCluster={}", self.cluster)).unwrap_or_default()
    }

    /// The view with its members under their DNs.
    pub(crate) fn under_dns(&self, mut view: View) -> View {
        view.members.iter_mut().for_each(|it| it.name = self.dn(&it.name));
        view
    }
}
