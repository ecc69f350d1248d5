//! The handle of the node itself: what operators ask. The model for the services' handles.

use crate::{Caller, Endpoint, Patience, Session};
use ais_types::{
    Error, ErrorCode, NodeId, Outcome, ServiceId, Version,
    node::{Call, Fault, Reply, Status},
};

/// Asks a node how it is. Blocking with a [`Session`], async with an
/// [`AsyncSession`](crate::AsyncSession).
#[derive(Debug)]
pub struct Node<S = Session> {
    session: S,
}

impl<S: Caller> From<S> for Node<S> {
    /// Over a session with [`ServiceId::NODE`].
    fn from(session: S) -> Self {
        Self { session }
    }
}

impl<S: Caller> Node<S> {
    /// How the node is. Answered also while the node has lost touch with its group.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn status(&self) -> S::Answer<'_, Status> {
        self.session.ask(Call::Status, Patience::USUAL, |reply| match reply {
            Reply::Status(status) => Ok(status),
            other @ Reply::Done => Err(unexpected(&other)),
        })
    }

    /// Says what is wrong from now on between the node and a peer, or all its peers; `None`: nothing
    /// is. For development.
    ///
    /// # Errors
    /// NOT_SUPPORTED by a node without a fault switch: the others than those of development clusters.
    pub fn set_fault(&self, peer: Option<NodeId>, fault: Option<Fault>) -> S::Answer<'_, ()> {
        self.session.ask(Call::Fault { peer, fault }, Patience::USUAL, |reply| match reply {
            Reply::Done => Ok(()),
            other @ Reply::Status(_) => Err(unexpected(&other)),
        })
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::new(ErrorCode::Library, format!("an answer to another question: {reply:?}"))
}

impl Node<Session> {
    /// Opens a session with the node itself.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers.
    pub fn open(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        Session::open(endpoint, ServiceId::NODE, Version::b(1, 1), program).map(Self::from)
    }
}

impl Node<crate::AsyncSession> {
    /// Opens a session with the node itself.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers.
    pub async fn open(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let version = Version::b(1, 1);
        let session = crate::AsyncSession::open(endpoint, ServiceId::NODE, version, program);
        session.await.map(Self::from)
    }
}
