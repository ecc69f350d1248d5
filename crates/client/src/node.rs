//! The handle of the node itself: what operators ask. The model for the services' handles.

use crate::{Caller, Endpoint, Patience, Session, Wait};
use ais_types::{
    Error, ErrorCode, NodeId, Outcome, ServiceId, Version,
    node::{Call, Callback, Cluster, Fault, GroupCall, Invitation, Reply, Status},
    resources::{Entry, Object},
};
use std::time::Duration;

/// For what an operator orders about the group: the node answers after 30 s at the latest.
const ORDER: Patience = Patience::at_most(Duration::from_secs(40));

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
            other => Err(strange(&other)),
        })
    }

    /// Whether there is quorum, which is whether this node may act for its group. From now on every
    /// change of it is a [`Callback::Quorum`].
    ///
    /// # Errors
    /// Only those of the session.
    pub fn follow_quorum(&self, patience: Patience) -> S::Answer<'_, bool> {
        self.session.ask(Call::FollowQuorum, patience, |reply| match reply {
            Reply::Quorum(quorate) => Ok(quorate),
            other => Err(strange(&other)),
        })
    }

    /// Sets one entry of the object of this process, `resources.process.<pid>.*`.
    ///
    /// # Errors
    /// NO_RESOURCES when too many processes are published; those of the session.
    pub fn publish(&self, entry: Entry, patience: Patience) -> S::Answer<'_, ()> {
        self.session.ask(Call::Publish(entry), patience, done)
    }

    /// Removes the object of this process.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn withdraw(&self, patience: Patience) -> S::Answer<'_, ()> {
        self.session.ask(Call::Withdraw, patience, done)
    }

    /// What supervised processes have published, by process.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn resources(&self) -> S::Answer<'_, Vec<Object>> {
        self.session.ask(Call::Resources, Patience::USUAL, resources)
    }

    /// The same. From now on every change but a sign of life is a [`Callback::Resources`].
    ///
    /// # Errors
    /// Only those of the session.
    pub fn follow_resources(&self) -> S::Answer<'_, Vec<Object>> {
        self.session.ask(Call::FollowResources, Patience::USUAL, resources)
    }

    /// Removes the object that this process has left behind.
    ///
    /// # Errors
    /// NOT_EXIST if there is none; those of the session.
    pub fn forget(&self, pid: u32) -> S::Answer<'_, ()> {
        self.session.ask(Call::Forget(pid), Patience::USUAL, done)
    }

    /// The next thing that is told unasked; `None` when the wait is over.
    ///
    /// # Errors
    /// Those of the session.
    pub fn callback(&self, wait: Wait) -> S::Answer<'_, Option<Callback>> {
        self.session.callback(wait)
    }

    /// The session itself: blocking ones are what to poll for callbacks.
    pub fn session(&self) -> &S {
        &self.session
    }

    /// Gives the session back.
    pub fn into_session(self) -> S {
        self.session
    }

    /// Who votes, and who may be a member.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn cluster(&self) -> S::Answer<'_, Cluster> {
        self.session.ask(Call::Group(GroupCall::Cluster), Patience::USUAL, |reply| match reply {
            Reply::Cluster(cluster) => Ok(cluster),
            other => Err(strange(&other)),
        })
    }

    /// Lets a node join that is not known.
    ///
    /// # Errors
    /// BAD_OPERATION if it cannot be invited; TIMEOUT if there is no quorum; those of the session.
    pub fn invite(&self, node: Option<NodeId>, valid_s: u32) -> S::Answer<'_, Invitation> {
        let call = Call::Group(GroupCall::Invite { node, valid_s });
        self.session.ask(call, ORDER, |reply| match reply {
            Reply::Invited(invitation) => Ok(invitation),
            other => Err(strange(&other)),
        })
    }

    /// Makes a member a voter, or a voter none. Answered when consensus has changed: from then on
    /// the former voters are not needed any more.
    ///
    /// # Errors
    /// BAD_OPERATION if that cannot be; TIMEOUT if it is still under way, with what it waits for in
    /// the text; those of the session.
    pub fn set_voter(&self, node: NodeId, votes: bool) -> S::Answer<'_, ()> {
        let call = if votes { GroupCall::AddVoter(node) } else { GroupCall::RemoveVoter(node) };
        self.session.ask(Call::Group(call), ORDER, done)
    }

    /// The majority of the voters is lost for good: this node goes on alone.
    ///
    /// # Errors
    /// BAD_OPERATION while the group has a quorum; those of the session.
    pub fn reform(&self) -> S::Answer<'_, ()> {
        self.session.ask(Call::Group(GroupCall::Reform), Patience::USUAL, done)
    }

    /// Says what is wrong from now on between the node and a peer, or all its peers; `None`: nothing
    /// is. For development.
    ///
    /// # Errors
    /// NOT_SUPPORTED by a node without a fault switch: the others than those of development clusters.
    pub fn set_fault(&self, peer: Option<NodeId>, fault: Option<Fault>) -> S::Answer<'_, ()> {
        self.session.ask(Call::Fault { peer, fault }, Patience::USUAL, done)
    }
}

fn done(reply: Reply) -> Outcome<()> {
    match reply {
        Reply::Done => Ok(()),
        other => Err(strange(&other)),
    }
}

fn resources(reply: Reply) -> Outcome<Vec<Object>> {
    match reply {
        Reply::Resources(objects) => Ok(objects),
        other => Err(strange(&other)),
    }
}

fn strange(reply: &Reply) -> Error {
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
