//! What a seed decides about a cluster before anything happens in it.

use crate::{availability::Setting, programs::Kind};
use ais_types::{NodeId, Role, amf::Model};

/// Drawn apart from everything else, so that a scene can be asked for by its seed alone.
const STREAM: u64 = 0x005c_e4e5_0f1a_7a11;

/// What a cluster is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    /// How many nodes there are.
    pub(crate) nodes: u32,
    /// Where components run.
    pub(crate) setting: Setting,
    /// The last node only votes.
    pub(crate) witness: bool,
    /// How many copies are kept of checkpoints and queues.
    pub(crate) copies: u32,
    /// Operators give orders.
    pub(crate) operators: bool,
    /// Components do not always answer, and clean-ups do not always succeed.
    pub(crate) unruly: bool,
    /// Once, all machines lose their power at the same time.
    pub(crate) blackout: bool,
    /// Whose sections are registers.
    pub(crate) registers: Kind,
}

impl Scene {
    pub(crate) fn of(seed: u64, nodes: u32) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ STREAM);
        let setting = Setting::of_seed(seed);
        let witness = nodes > 2 && rng.u8(0..4) == 0;
        let three = rng.bool();
        let hosts = nodes - u32::from(witness);
        let copies = if hosts > 3 && nodes > 4 && three { 3 } else { 2 };
        let components = setting != Setting::None;
        Self {
            nodes,
            setting,
            witness,
            copies,
            operators: rng.bool() && components,
            unruly: rng.bool() && components,
            blackout: rng.u8(0..8) == 0,
            registers: Kind::ALL[rng.usize(0..Kind::ALL.len())],
        }
    }

    /// What a node is to the group.
    pub(crate) fn role(&self, node: NodeId) -> Role {
        if self.witness && node.0 == self.nodes { Role::Witness } else { Role::Voter }
    }

    /// What is to be kept available.
    pub(crate) fn model(&self) -> Option<Model> {
        self.setting.model(self.nodes, self.unruly)
    }

    /// The nodes that host programs.
    pub(crate) fn hosts(&self) -> Vec<NodeId> {
        let all = (1..=self.nodes).map(NodeId);
        all.filter(|it| self.role(*it) != Role::Witness).collect()
    }

    /// How many nodes may fail together: what has so many copies and one more survives that, and
    /// a majority votes on.
    pub(crate) const fn faults(&self) -> usize {
        self.copies as usize - 1
    }
}
