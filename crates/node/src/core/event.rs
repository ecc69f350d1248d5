//! Everything that can happen to a node, and everything it can ask of its shell.

use ais_service::{ActionId, Exit, Lease, Link, Run, Spawn};
use ais_types::{
    Error, GroupTime, MemberId, NodeId, ProcessId, ServiceId, Stamp, Version, View, node::Fault,
};
use ais_wire::Frame;
use bytes::Bytes;

/// One session of one program with one service. Given by the shell, counted from 1, never reused
/// in the life of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// One connection of a session, numbered by the shell within the node. Replies go where the call
/// came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One life of one process of the operating system. Given by the shell, never reused, so that a
/// reused process number is never taken for its former owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey(pub u64);

/// Who opens a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The process.
    pub key: ProcessKey,
    /// Its number in the system.
    pub pid: u32,
    /// Who runs it.
    pub uid: u32,
}

/// Everything that can happen to a node.
#[derive(Clone, Debug)]
pub enum Event {
    /// The group has admitted this node: it is this member. Before any delivery.
    Admitted(MemberId),
    /// The group fills this blank incarnation.
    Restore(Stamp, Bytes),
    /// What the services of a former cluster kept: [`Effect::Keep`]. Before the first view.
    Kept(Stamp, Bytes),
    /// What [`Effect::Keep`] with this number says is saved, or never will be.
    Saved(u64),
    /// The membership changed.
    View(Stamp, View),
    /// An entry of the log, from this member.
    Ordered(Stamp, MemberId, Bytes),
    /// A process somewhere has ended.
    ProcessEnded(Stamp, ProcessId),
    /// This member, which left, has surely stopped acting.
    Released(Stamp, MemberId),
    /// Group time.
    Time(Stamp),
    /// The barrier of [`Effect::Barrier`] with this number is passed.
    BarrierPassed(u64),
    /// Whether this node may answer and act. Renewals need not be told.
    Lease(Lease),
    /// Who leads, for those who ask.
    Leader(Option<MemberId>),
    /// A program says hello. Answered by [`Effect::Welcome`] or [`Effect::CloseSession`].
    SessionOpened {
        /// The new session.
        session: SessionId,
        /// Whose it is.
        peer: Peer,
        /// With which service.
        service: ServiceId,
        /// Which version the program asks for.
        version: Version,
        /// The program's name, for operators.
        program: String,
    },
    /// A frame on a connection of the session.
    Frame(SessionId, ConnectionId, Frame),
    /// A connection for calls ended: nobody waits for its calls any more.
    ConnectionClosed(SessionId, ConnectionId),
    /// The session's own connection ended without a farewell. Its process may be ending.
    SessionClosed(SessionId),
    /// A process ended, and all that it had written on its connections was read.
    ProcessExited(ProcessKey),
    /// Bytes on the data path from a member.
    PeerFrame(MemberId, Bytes),
    /// The data path to a member came up or broke.
    Link(MemberId, Link),
    /// What became of [`Effect::Perform`].
    ActionDone(ServiceId, ActionId, Done),
    /// The moment of [`Core::deadline`](crate::Core::deadline).
    Deadline,
}

impl Event {
    /// Its place in the group's order, if it comes in that.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Restore(stamp, _)
            | Self::Kept(stamp, _)
            | Self::View(stamp, _)
            | Self::Ordered(stamp, ..)
            | Self::ProcessEnded(stamp, _)
            | Self::Released(stamp, _)
            | Self::Time(stamp) => Some(*stamp),
            Self::Admitted(_)
            | Self::Saved(_)
            | Self::BarrierPassed(_)
            | Self::Lease(_)
            | Self::Leader(_)
            | Self::SessionOpened { .. }
            | Self::Frame(..)
            | Self::ConnectionClosed(..)
            | Self::SessionClosed(_)
            | Self::ProcessExited(_)
            | Self::PeerFrame(..)
            | Self::Link(..)
            | Self::ActionDone(..)
            | Self::Deadline => None,
        }
    }
}

/// What became of a [`Task`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A process runs.
    Started(ProcessKey, u32),
    /// Anything else; never [`Exit::Started`].
    Ended(Exit),
}

/// Everything a node asks of its shell, in the order in which it must happen.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The session is accepted: tell it its token.
    Welcome(SessionId),
    /// A reply, to the connection of its call.
    Reply(SessionId, ConnectionId, Frame),
    /// A callback, to the session's own connection.
    Callback(SessionId, Frame),
    /// Ends a session and all its connections, after what was sent to it before. An error is the
    /// answer to its hello if it had none yet, and for the log otherwise.
    CloseSession(SessionId, Option<Error>),
    /// Puts an entry on the log.
    Order(Bytes),
    /// Orders the end of a process of this node.
    OrderProcessEnded(ProcessId),
    /// Asks the group for a barrier: [`Event::BarrierPassed`] with the number.
    Barrier(u64),
    /// Sends bytes on the data path.
    ToPeer(MemberId, Bytes),
    /// The member sent nonsense: drop the data path to it, so that it begins anew.
    BreakLink(MemberId),
    /// Does something to processes; ends with one [`Event::ActionDone`].
    Perform(ServiceId, ActionId, Task),
    /// Sets the fault switch of the transport, and answers whether there is one.
    SetFault {
        /// Of whom asks.
        connection: ConnectionId,
        /// Of the call.
        tag: u64,
        /// With whom; `None`: with everybody.
        peer: Option<NodeId>,
        /// What is wrong from now on.
        fault: Option<Fault>,
    },
    /// When the replicated state next wants the time.
    GroupDeadline(Option<GroupTime>),
    /// Saves what the services want to find again when the whole cluster has lost its memory, as
    /// of this place in the order. Answered by [`Event::Saved`] with the number; more than one may
    /// be under way, and the last one counts.
    Keep(u64, Stamp, Bytes),
    /// This node cannot go on: what it was given is not the state of its group.
    Fatal(String),
}

/// Something done to processes of this node. See [`Action`](ais_service::Action).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Starts a supervised process.
    Spawn(Spawn),
    /// Runs a command to its end.
    Run(Run),
    /// Kills a process that has not been reported gone.
    Kill(ProcessKey, u32),
}
