//! The contract between a group and the node that is a member of it.
//!
//! - All members deliver the same entries in the same order, and each view at the same place in
//!   it; a member delivers its own.
//! - An entry is delivered exactly once, and in its sender's order within a priority.
//! - Nothing is ordered without quorum; what was acknowledged survives the loss of any minority.
//! - [`Delivery::Restore`] comes only to a blank incarnation, before anything else, and causes no
//!   effects.

use ais_types::{GroupTime, MemberId, ProcessId, Stamp, View};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::oneshot;

/// What may overtake what. Recovery traffic is never held back by a plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A blank incarnation is filled with the state as of `stamp`, in the middle of which it is
    /// `me`. First of all deliveries, and only if there was state.
    Restore(Stamp, Bytes),
    /// The membership changed.
    View(Stamp, View),
    /// Someone's entry.
    Message(Stamp, Message),
    /// A process has ended.
    ProcessEnded(Stamp, ProcessId),
    /// A member that left has surely stopped acting.
    Released(Stamp, MemberId),
    /// Group time: a group deadline is due.
    Time(Stamp),
    /// The group wants the state as of all deliveries so far.
    Snapshot(SnapshotReply),
    /// The lease is held until this moment of the *monotonic clock of this process*, or lost.
    /// Renewals are told too: the keeper of the components lives by them.
    Lease(Option<std::time::Instant>),
    /// This incarnation is out; nothing follows. The node is to start over as a new one.
    Left(String),
}

/// What a member can ask of its group. Cheap to clone.
#[async_trait]
pub trait GroupHandle: Send + Sync + 'static {
    /// Puts an entry on the log; returns when it has been delivered here. Entries of one sender
    /// and one priority are delivered in the order of the calls.
    async fn multicast(&self, priority: Priority, payload: Bytes) -> Result<(), GroupError>;

    /// Orders the end of a process of this node.
    async fn process_ended(&self, process: ProcessId) -> Result<(), GroupError>;

    /// What was ordered anywhere before this call has been delivered here when it returns.
    async fn barrier(&self) -> Result<(), GroupError>;

    /// When the replicated state next wants [`Delivery::Time`]; `None` for never. Told by every
    /// member after each delivery that changes it; the leader acts on its own.
    fn group_deadline(&self, deadline: Option<GroupTime>);

    /// Renews the right to a lease: the owner calls it at least every 100 ms while it is well.
    /// A lease is renewed only while it does.
    fn alive(&self);

    /// Says good-bye: the others see this member leave at once, and released at once.
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
    /// [`Delivery::Left`].
    async fn next(&mut self) -> Option<Delivery>;
}
