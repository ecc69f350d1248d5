//! The link to the node of an AIS cluster.

use crate::node::{Connector, NodeLink};
use ais_client::{Endpoint, Node, Patience, Session, Wait};
use ais_types::{
    Error, ErrorCode, Outcome,
    node::Callback,
    resources::{Entry, Object},
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

const PROGRAM: &str = "sam";

/// Health checks wait meanwhile.
const PATIENCE: Patience = Patience::at_most(Duration::from_secs(2));

/// Links to the node behind a socket.
#[derive(Clone, Debug)]
pub struct AisNode {
    endpoint: Option<Endpoint>,
}

impl AisNode {
    /// The node that the environment names when the link is made.
    pub const FROM_ENVIRONMENT: Self = Self { endpoint: None };

    /// The node there.
    #[must_use]
    pub fn at(endpoint: Endpoint) -> Self {
        Self { endpoint: Some(endpoint) }
    }
}

impl Connector for AisNode {
    fn connect(&self) -> Outcome<Box<dyn NodeLink>> {
        let endpoint = self.endpoint.clone().unwrap_or_else(Endpoint::from_env);
        let node = open(&endpoint)?;
        let link = Link {
            endpoint,
            publisher: Some(node),
            follower: None,
            quorate: false,
            known: Object::default(),
        };
        Ok(Box::new(link))
    }
}

/// As the original says it when there is no daemon: LIBRARY.
fn open(endpoint: &Endpoint) -> Outcome<Node<Session>> {
    let opened = Node::<Session>::open(endpoint, PROGRAM);
    opened.map_err(|error| {
        let nobody = error.code == ErrorCode::TryAgain;
        if nobody { Error::new(ErrorCode::Library, error.text) } else { error }
    })
}

struct Link {
    endpoint: Endpoint,
    /// What is published goes here; made anew if it breaks.
    publisher: Option<Node<Session>>,
    /// Quorum comes from here; if it breaks, so does this link.
    follower: Option<Node<Session>>,
    quorate: bool,
    /// What was published, for a node that has forgotten it.
    known: Object,
}

impl NodeLink for Link {
    fn track_quorum(&mut self) -> Outcome<bool> {
        let node = open(&self.endpoint)?;
        self.quorate = node.follow_quorum(PATIENCE)?;
        self.follower = Some(node);
        Ok(self.quorate)
    }

    fn quorum_fd(&self) -> Option<BorrowedFd<'_>> {
        self.follower.as_ref().map(|node| node.session().as_fd())
    }

    fn dispatch_quorum(&mut self) -> Outcome<bool> {
        let Some(node) = &self.follower else { return self.track_quorum() };
        loop {
            match node.callback(Wait::Now) {
                Ok(Some(Callback::Quorum(quorate))) => self.quorate = quorate,
                Ok(Some(Callback::Resources)) => {}
                Ok(None) => return Ok(self.quorate),
                Err(error) => return Err(Error::new(ErrorCode::Library, error.text)),
            }
        }
    }

    fn publish(&mut self, entry: Entry) -> Outcome<()> {
        self.known.set(entry);
        let Some(node) = &self.publisher else { return self.publish_anew() };
        let published = node.publish(entry, PATIENCE);
        let broken = [ErrorCode::BadHandle, ErrorCode::Timeout];
        if published.as_ref().is_err_and(|error| broken.contains(&error.code)) {
            // The session has ended, or hangs: a new one, if there is a node.
            self.publisher = None;
            return self.publish_anew();
        }
        published
    }

    fn withdraw(&mut self) -> Outcome<()> {
        self.known = Object::default();
        let withdrawn = self.publisher.as_ref().map(|node| node.withdraw(PATIENCE));
        match withdrawn {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => open(&self.endpoint)?.withdraw(PATIENCE),
        }
    }

    fn abandon(self: Box<Self>) {
        for node in [self.publisher, self.follower].into_iter().flatten() {
            node.into_session().abandon();
        }
    }
}

impl Link {
    /// To a node that may have been started anew, and knows nothing.
    fn publish_anew(&mut self) -> Outcome<()> {
        let node = open(&self.endpoint)?;
        let known = [
            self.known.recovery.map(Entry::Recovery),
            self.known.poll_period.map(Entry::PollPeriod),
            self.known.last_updated.map(Entry::LastUpdated),
            self.known.state.map(Entry::State),
        ];
        known.into_iter().flatten().try_for_each(|entry| node.publish(entry, PATIENCE))?;
        self.publisher = Some(node);
        Ok(())
    }
}
