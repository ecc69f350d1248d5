//! The handle of the node itself: what operators ask. The model for the services' handles.

use crate::{Caller, Endpoint, Patience, Session};
use ais_types::{
    Outcome, ServiceId, Version,
    node::{Call, Reply, Status},
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
        })
    }
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
