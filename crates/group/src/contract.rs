//! The contract between a group and the node that is a member of it.
//!
//! - All members deliver the same entries in the same order, and each view at the same place in
//!   it; a member delivers its own.
//! - An entry is delivered exactly once, and in its sender's order within a priority.
//! - Nothing is ordered without quorum; what was acknowledged survives the loss of any minority.
//! - [`Delivery::Restore`] comes only to a blank incarnation, before anything else, and causes no
//!   effects.

use crate::{
    Cluster, ClusterOrder,
    plug::{PlugOrder, Recovery},
};
use ais_types::{GroupTime, MemberId, ProcessId, Stamp, View};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// The largest payload of one entry, in bytes. Bulk belongs on the data path.
pub const PAYLOAD_MAX: usize = 1 << 20;

/// What may overtake what. Recovery traffic is never held back by a [plug](crate::RecoveryPlug).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// Rebuilding state after a view change.
    Recovery,
    /// Ends of processes.
    High,
    /// What services order.
    Medium,
    /// What can wait.
    Low,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Recovery, Self::High, Self::Medium, Self::Low];
}

/// Why the group did not take it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// This incarnation is not (or no longer) a member; it never will be again.
    #[error("this incarnation has left the group: {0}")]
    Left(String),
    /// Larger than the group's limit.
    #[error("an entry of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Of the entry.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// What the owner wants to find again could not be saved, and why.
    #[error("not saved: {0}")]
    NotSaved(String),
    /// An operator's order that cannot be followed, and why.
    #[error("{0}")]
    Refused(String),
    /// It is ordered, and the group has not followed yet: what has come, and what it waits for.
    #[error("{0}")]
    Pending(String),
    /// There may not be such a recovery plug.
    #[error("recovery plug {name:?}: {rule}")]
    Plug {
        /// The name that was asked for.
        name: String,
        /// The rule.
        rule: String,
    },
}

/// An ordered entry, as its sender wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who ordered it.
    pub from: MemberId,
    /// What.
    pub payload: Bytes,
}

/// How the owner answers [`Delivery::Snapshot`]: with its whole replicated state at that place.
pub type SnapshotReply = oneshot::Sender<Bytes>;

/// What a group tells its member, in order.
#[derive(Debug)]
pub enum Delivery {
    /// A blank incarnation is filled with the state as of `stamp`: what another member answered
    /// to [`Delivery::Snapshot`]. First of all deliveries, and only if there was state; the view
    /// in which this member joins follows it. [`Group::me`] is known by now.
    Restore(Stamp, Bytes),
    /// The membership changed.
    View(Stamp, View),
    /// What owners [kept](GroupHandle::keep) of the group that there was before the whole cluster
    /// lost its memory. Comes just before the first view of a member that nobody hands the state
    /// to; all such members of one view get the same. [`Group::me`] is known by now.
    Kept(Stamp, Bytes),
    /// Someone's entry.
    Message(Stamp, Message),
    /// A process has ended.
    ProcessEnded(Stamp, ProcessId),
    /// A member that left has surely stopped acting.
    Released(Stamp, MemberId),
    /// Group time: a group deadline is due.
    Time(Stamp),
    /// Whether ordinary messages flow or are held back by recovery plugs. Never without plugs.
    Recovery(Stamp, Recovery),
    /// The group wants the state as of all deliveries so far: a blank member is about to join.
    Snapshot(SnapshotReply),
    /// The lease is held until this moment of the *monotonic clock of this process*, or lost.
    /// Renewals are told too: the keeper of the components lives by them.
    Lease(Option<std::time::Instant>),
    /// This incarnation is out; nothing follows. The node is to start over as a new one.
    Left(String),
    /// The group cannot have this member as it is configured, and why; nothing follows. Starting
    /// over does not help.
    Refused(String),
}

/// What a member can ask of its group.
///
/// What is "delivered" to a waiting call has been *handled*: the owner has taken it and has come
/// back to [`Group::next`] for more. So nobody may await these calls where he would otherwise
/// call `next`. A call that is dropped is ordered all the same, unless it still waits for room.
///
/// What a member has ordered and not yet seen delivered is bounded (65,536 orders, 64 MiB, once
/// for recovery traffic and once for the rest): more calls wait for room, first come, first served.
#[async_trait]
pub trait GroupHandle: Send + Sync + 'static {
    /// Puts an entry on the log; returns when it has been delivered here. Entries of one sender
    /// and one priority are delivered in the order of the calls.
    async fn multicast(&self, priority: Priority, payload: Bytes) -> Result<(), GroupError>;

    /// Orders something about a recovery plug of this member, with [`Priority::Recovery`]. See
    /// [`recovery_plug`](trait.GroupHandle.html#method.recovery_plug), which says it in other words.
    async fn order_plug(&self, name: &str, order: PlugOrder) -> Result<(), GroupError>;

    /// Orders the end of a process of this node.
    async fn process_ended(&self, process: ProcessId) -> Result<(), GroupError>;

    /// What was ordered anywhere before this call has been delivered here when it returns.
    async fn barrier(&self) -> Result<(), GroupError>;

    /// When the replicated state next wants [`Delivery::Time`]; `None` for never. Told by every
    /// member after each delivery that changes it; the leader acts on its own.
    fn group_deadline(&self, deadline: Option<GroupTime>);

    /// What the owner wants to find again ([`Delivery::Kept`]) after the whole cluster has lost its
    /// memory: what operators have configured, as of the delivery with this stamp. Told by every
    /// member after each delivery that changes it, and after [`Delivery::Restore`]. Returns when
    /// it is saved to the disk of this member, if there is one. Of several calls under way the one
    /// with the last stamp counts.
    async fn keep(&self, _at: Stamp, _kept: Bytes) -> Result<(), GroupError> {
        Ok(())
    }

    /// Orders something about the cluster itself, with [`Priority::Recovery`]. Returns when it is
    /// delivered here and, if it is about who votes, when consensus has changed: a node that stops
    /// right after costs no more than its own vote. [`GroupError::Refused`] if it cannot be
    /// followed, [`GroupError::Pending`] if that takes longer than ten failure timeouts,
    /// or 20 s.
    async fn order_cluster(&self, _order: ClusterOrder) -> Result<(), GroupError> {
        let text = "this cluster is one node alone, and cannot be joined: one that is to grow \
                    begins with two nodes or more in the configuration";
        Err(GroupError::Refused(text.into()))
    }

    /// The cluster as this member knows it.
    fn cluster(&self) -> Cluster {
        Cluster::default()
    }

    /// An operator's word that the majority of the voters is lost for good: this member alone goes
    /// on with what it has, as the only voter, and whoever else comes joins it. The others must
    /// not be running on without it: what they acknowledged would be lost. [`GroupError::Refused`]
    /// while the group has a quorum.
    async fn reform(&self) -> Result<(), GroupError> {
        Err(GroupError::Refused("this group needs no quorum".into()))
    }

    /// Renews the right to a lease: the owner calls it at least every 100 ms while it is well,
    /// from the start. A lease is renewed only while it does; a member that does not for the
    /// failure timeout is ordered out, as if it had not been heard at all.
    fn alive(&self);

    /// Says good-bye: the others see this member leave at once, and released at once. The caller
    /// has stopped acting before. [`Delivery::Left`] follows. Returns when the others know, or
    /// after a while if there is no quorum.
    async fn leave(&self);

    /// Who leads, as far as this member knows.
    fn leader(&self) -> Option<MemberId>;
}

/// A member's end of a group.
#[async_trait]
pub trait Group: Send + 'static {
    /// What the member can ask.
    fn handle(&self) -> std::sync::Arc<dyn GroupHandle>;

    /// Which life of which node this member is; known as soon as it is admitted, which is before
    /// the first delivery.
    fn me(&self) -> Option<MemberId>;

    /// Waits for the next delivery. Dropping the future loses none. `None` after
    /// [`Delivery::Left`] and [`Delivery::Refused`].
    async fn next(&mut self) -> Option<Delivery>;
}
