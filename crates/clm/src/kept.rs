//! What of the configuration outlives the loss of the whole cluster (`saClmNodeAdminState` is
//! persistent, SAI-AIS-CLM-B.04.01 §4).

use crate::state::{NODES_MAX, Node, State};
use ais_types::{Name, NodeId, Time, clm::AdminState};
use alloc::collections::{BTreeMap, BTreeSet};
use serde::{Deserialize, Serialize};

/// What operators have configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    nodes: BTreeMap<Name, KeptNode>,
    deleted: BTreeSet<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptNode {
    id: Option<NodeId>,
    locked: bool,
    lock_callback_timeout: Time,
    environment: Name,
}

impl KeptNode {
    fn of(node: &Node) -> Self {
        Self {
            id: node.id,
            // A node that was shutting down has gone down.
            locked: node.admin != AdminState::Unlocked,
            lock_callback_timeout: node.lock_callback_timeout,
            environment: node.environment.clone(),
        }
    }
}

impl State {
    pub(crate) fn kept(&self) -> Kept {
        let nodes = self.nodes.iter().map(|(name, node)| (name.clone(), KeptNode::of(node)));
        Kept { nodes: nodes.collect(), deleted: self.deleted.clone() }
    }

    /// A blank state takes over what was kept, before its first view: nobody is a member yet.
    pub(crate) fn recall(&mut self, kept: Kept) {
        for (name, it) in kept.nodes.into_iter().take(NODES_MAX) {
            let node = Node {
                admin: if it.locked { AdminState::Locked } else { AdminState::Unlocked },
                lock_callback_timeout: it.lock_callback_timeout,
                environment: it.environment,
                ..Node::new(it.id)
            };
            self.nodes.insert(name, node);
        }
        self.deleted = kept.deleted;
    }
}
