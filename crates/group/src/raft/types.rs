//! What goes through the consensus library.

use super::state::{Item, Op};
use serde::{Deserialize, Serialize};

/// A participant in consensus: its node in the upper half, a number drawn at each start in the
/// lower, so that a restarted voter is never taken for its former self.
pub(crate) type RaftId = u64;

/// One start of a node: its node in the upper half, a number drawn at each start in the lower. A
/// participant whose log is in memory has one life, and its number is the same.
pub(crate) type LifeId = u64;

/// The voter that a configured node is until its first incarnation arrives: counted, never there.
pub(crate) fn placeholder(node: ais_types::NodeId) -> RaftId {
    RaftId::from(node.0) << 32
}

/// Which node a participant is a life of.
pub(crate) fn node_of(id: RaftId) -> ais_types::NodeId {
    ais_types::NodeId(u32::try_from(id >> 32).expect("the upper half has 32 bits"))
}

/// One entry of the log, stamped by the leader that proposed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    /// Group time in nanoseconds.
    pub(crate) time: u64,
    /// The leader's wall clock.
    pub(crate) wall: i64,
    /// What happens, in order.
    pub(crate) ops: Vec<Op>,
}

impl Proposal {
    /// About how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        const OP: usize = 128;
        let items = |op: &Op| match op {
            Op::Batch { items, .. } => items.iter().map(Item::size).sum(),
            Op::Formed { former, .. } => OP + former.kept.len(),
            Op::Joined { kept, .. } => OP + kept.as_ref().map_or(0, bytes::Bytes::len),
            Op::Left(_) | Op::Released(_) | Op::Reformed(..) => OP,
            Op::Time | Op::Overdue(_) => OP,
        };
        OP + self.ops.iter().map(items).sum::<usize>()
    }
}

openraft::declare_raft_types!(
    pub(crate) Types:
        D = Proposal,
        R = (),
        NodeId = RaftId,
        Node = (),
        Entry = openraft::Entry<Self>,
        SnapshotData = bytes::Bytes,
        AsyncRuntime = openraft::TokioRuntime,
);

pub(crate) type Consensus = openraft::Raft<Types>;
pub(crate) type LogId = openraft::LogId<RaftId>;
pub(crate) type Vote = openraft::Vote<RaftId>;
pub(crate) type LogEntry = openraft::Entry<Types>;
pub(crate) type Membership = openraft::StoredMembership<RaftId, ()>;
pub(crate) type Meta = openraft::SnapshotMeta<RaftId, ()>;
pub(crate) type Snapshot = openraft::Snapshot<Types>;
pub(crate) type StorageError = openraft::StorageError<RaftId>;
