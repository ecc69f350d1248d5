//! The contract between a transport and its users.

use crate::FaultSwitch;
use ais_types::NodeId;
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

/// What a session carries. Classes never delay one another: each has a session of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Consensus, heartbeats, leases.
    Control,
    /// What services say to each other directly.
    Data,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Control, Self::Data];
}

/// One life of a peer, as far as the transport knows it: `nonce` is drawn at each start of a
/// daemon, so that a restarted peer is never taken for its former self.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The node.
    pub node: NodeId,
    /// Differs in each of its lives.
    pub nonce: u64,
}

/// What happens on a channel. Per node: `Up`, frames, `Down`, and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session with this peer begins. Frames sent from now on arrive in order, or `Down` comes.
    Up(Peer),
    /// A frame from this peer.
    Frame(Peer, Bytes),
    /// The session has ended; what was in flight may be lost: the end of what was sent, never
    /// something from the middle. The transport reconnects by itself, to whichever life of the
    /// node it finds. A node has at most one session at a time: a new life is `Up` only after
    /// `Down` of the former.
    Down(Peer, Cause),
}

impl Event {
    /// With whom it happened.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        match self {
            Self::Up(peer) | Self::Frame(peer, _) | Self::Down(peer, _) => *peer,
        }
    }
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// This life of the peer has ended, or is ending: its host says that nobody is there any more,
    /// it said good-bye, or its next life has shown up. It does not come back.
    Closed,
    /// The session is broken, nobody knows why; this life of the peer may well come back.
    Broken,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No session with that life of the peer at the moment, or not the one of the last `Up` that
    /// [`Transport::next`] returned: its `Down` is on the way.
    #[error("no session with {0:?}")]
    NotConnected(Peer),
    /// The queue to the peer is full; wait for [`Transport::ready`].
    #[error("the queue to {0:?} is full")]
    Full(Peer),
    /// Larger than the transport's limit.
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
}

/// The channel of one class: the sessions of that class with every peer.
///
/// Owned by one task. Its sockets are driven by the runtime on which it was opened, so that a
/// frame costs no hop between threads. Dropping it ends its sessions: the peers see
/// [`Cause::Closed`].
#[async_trait]
pub trait Transport: Send + 'static {
    /// Hands over one frame. Never waits. Between `Up` and `Down` of a peer.
    ///
    /// # Errors
    /// See [`SendError`]. The frame was not sent.
    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError>;

    /// Waits for the next event. Dropping the future loses none. `None`: the transport is closed.
    async fn next(&mut self) -> Option<Event>;

    /// Waits until the queue to a peer that was full has room again, or its session is gone. Go on
    /// receiving meanwhile: a peer that waits in the same way may be waiting for that.
    fn ready(&self, to: Peer) -> BoxFuture<'static, ()>;

    /// The switch for faults on demand, if there is one: in development.
    fn faults(&self) -> Option<&FaultSwitch> {
        None
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError> {
        (**self).send(to, frame)
    }
    async fn next(&mut self) -> Option<Event> {
        (**self).next().await
    }
    fn ready(&self, to: Peer) -> BoxFuture<'static, ()> {
        (**self).ready(to)
    }
    fn faults(&self) -> Option<&FaultSwitch> {
        (**self).faults()
    }
}
