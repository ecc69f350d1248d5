//! The contract between a transport and its users.

use ais_types::NodeId;
use async_trait::async_trait;
use bytes::Bytes;

/// What a session carries. Classes never delay one another: each has a session of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Consensus, heartbeats, leases.
    Control,
    /// What services say to each other directly.
    Data,
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

/// What happens on a channel. Per peer: `Up`, frames, `Down`, and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session with this peer begins. Frames sent from now on arrive in order, or `Down` comes.
    Up(Peer),
    /// A frame from this peer.
    Frame(Peer, Bytes),
    /// The session is broken; what was in flight may be lost. The transport reconnects by itself.
    Down(Peer),
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No session with that life of the peer at the moment.
    #[error("no session with {0:?}")]
    NotConnected(Peer),
    /// The queue to the peer is full; wait for `ready`.
    #[error("the queue to {0:?} is full")]
    Full(Peer),
    /// Larger than the transport's limit.
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
}

/// The channel of one class: the sessions of that class with every peer.
///
/// Owned by one task. Its sockets are driven by the runtime on which it was opened, so that a
/// frame costs no hop between threads.
#[async_trait]
pub trait Transport: Send + 'static {
    /// Hands over one frame. Never waits.
    ///
    /// # Errors
    /// See [`SendError`]. The frame was not sent.
    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError>;

    /// Waits for the next event. Dropping the future loses none. `None`: the transport is closed.
    async fn next(&mut self) -> Option<Event>;

    /// Waits until the queue to a peer that was full has room again, or its session is gone.
    async fn ready(&mut self, to: Peer);
}
