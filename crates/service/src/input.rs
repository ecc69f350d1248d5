//! Everything that can happen to a service.

use crate::{ActionId, Exit, Service};
use ais_types::{ClientId, GroupTime, MemberId, ProcessId, Stamp, View};

/// Everything that can happen to a service. Closed on purpose: reading it is reading the list.
#[derive(Debug)]
pub enum Input<S: Service> {
    /// A program of this node asks.
    Call(Caller, S::Call),
    /// Nobody waits for the call any more: the caller gave up or its connection ended. What the
    /// call has not done yet need not be done; what it did later must not leak.
    Cancelled(Caller),
    /// A session of this node ended while its process lives: finalized, or dropped. The end of a
    /// *process* comes as [`Input::ProcessEnded`] instead, in order, and everywhere.
    Closed(ClientId),
    /// An entry of the group's log, from whichever node.
    Ordered(Entry<S::Command>),
    /// A process somewhere has ended; everything it had open is to be closed. CKPT, MSG and CLM
    /// hear it before AMF.
    ProcessEnded(Stamp, ProcessId),
    /// What the service [kept](Service::kept) of the cluster that there was before all nodes lost
    /// their memory. To a blank core, before its first view, and the same on every node that
    /// begins anew.
    Kept(Stamp, S::Kept),
    /// The membership changed: who is not in the view any more is `Left`, and may still act.
    View(Stamp, View),
    /// This member, which left, has surely stopped acting.
    Released(Stamp, MemberId),
    /// Group time: replicated timers due at it fire now.
    Time(Stamp),
    /// Everything ordered anywhere before [`Output::Barrier`](crate::Output::Barrier) with this
    /// number was asked for has been delivered here.
    Barrier(u64),
    /// A member of the view says something: the data path.
    Message(MemberId, S::Message),
    /// The data path to a member came up or broke. What was sent before it broke may be lost;
    /// what was sent after `Up` and before `Down` arrives in order.
    Link(MemberId, Link),
    /// Whether this node may answer and act.
    Lease(Lease),
    /// The core's own [`deadline`](Service::deadline) is reached.
    Deadline,
    /// What became of an action performed here.
    Done(ActionId, Exit),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The library handle.
    pub client: ClientId,
    /// The process that holds it.
    pub process: ProcessId,
    /// The number of the call within the client.
    pub request: u64,
}

/// A delivered entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<C> {
    /// When, and where in the order.
    pub stamp: Stamp,
    /// Who ordered it. Still in the view or not.
    pub from: MemberId,
    /// What.
    pub command: C,
}

/// The state of the data path to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Connected; what is sent from now on arrives in order, or `Down` follows.
    Up,
    /// Broken; what was in flight may be lost.
    Down,
}

/// The right to act for the group, bounded in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Granted or renewed after a loss.
    Held,
    /// Run out: the node answers no call until it is held again.
    Lost,
}

impl<S: Service> Input<S> {
    /// The group's time, if this input comes in the group's order.
    pub fn group_time(&self) -> Option<GroupTime> {
        match self {
            Self::Ordered(Entry { stamp, .. })
            | Self::ProcessEnded(stamp, _)
            | Self::Kept(stamp, _)
            | Self::View(stamp, _)
            | Self::Released(stamp, _)
            | Self::Time(stamp) => Some(stamp.time),
            Self::Call(..)
            | Self::Cancelled(_)
            | Self::Closed(_)
            | Self::Barrier(_)
            | Self::Message(..)
            | Self::Link(..)
            | Self::Lease(_)
            | Self::Deadline
            | Self::Done(..) => None,
        }
    }
}
