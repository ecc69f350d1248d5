//! The membership as it changes: an iterator for programs that block, a stream for those that
//! do not.

use crate::{AsyncSession, Clm, Endpoint, Session, Wait};
use ais_types::{
    Name, NodeId, Outcome, TrackFlags,
    clm::{Api, Callback, Callbacks, Change, ClusterNode, Item, Notification, Step},
};
use futures::stream::{self, Stream};
use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd},
};

/// What changed, and what is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The number of the membership: the same in the whole cluster.
    pub view: u64,
    /// Who joined, left, or is different.
    pub changes: Vec<Item>,
    /// What an operation was directed at, if one caused it.
    pub cause: Option<Name>,
    /// The members now, by id.
    pub members: BTreeMap<NodeId, ClusterNode>,
}

/// The membership, kept up to date by callbacks of CLM. The first item is the membership as it is;
/// each further one is one transition. On a node that is no member it is empty.
///
/// With a [`Session`] it is an iterator that blocks, and a selection object (`AsFd`) that is
/// readable while an item is there; with an [`AsyncSession`] it becomes a [`Stream`].
///
/// ```no_run
/// use ais_client::{Endpoint, Session, Watch};
///
/// for change in Watch::<Session>::open(&Endpoint::from_env(), "example")? {
///     let change = change?;
///     println!("view {}: {} members", change.view, change.members.len());
/// }
/// # Ok::<(), ais_types::Error>(())
/// ```
#[derive(Debug)]
pub struct Watch<S = Session> {
    clm: Clm<S>,
    members: BTreeMap<NodeId, ClusterNode>,
    first: Option<Notification>,
}

const CALLBACKS: Callbacks = Callbacks { node_get: false, track: true };

impl<S> Watch<S> {
    fn new(clm: Clm<S>, first: Notification) -> Self {
        Self { clm, members: BTreeMap::new(), first: Some(first) }
    }

    /// The members after the last item that was taken, by id.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<NodeId, ClusterNode> {
        &self.members
    }

    /// The handle that it stands on, e.g. for an operator's orders.
    #[must_use]
    pub fn clm(&self) -> &Clm<S> {
        &self.clm
    }

    fn begin(&mut self) -> Option<Changed> {
        let Notification { view, items } = self.first.take()?;
        Some(self.take(view, items, None))
    }

    fn heed(&mut self, callback: Callback) -> Option<Changed> {
        match callback {
            Callback::Track(it) if it.step == Step::Completed => {
                Some(self.take(it.notification.view, it.notification.items, it.root_cause))
            }
            Callback::Track(_) | Callback::NodeGet { .. } => None,
        }
    }

    fn take(&mut self, view: u64, items: Vec<Item>, cause: Option<Name>) -> Changed {
        let members = items.iter().filter(|it| it.node.member);
        self.members = members.map(|it| (it.node.id, it.node.clone())).collect();
        let changes = items.into_iter().filter(|it| it.change != Change::NoChange).collect();
        Changed { view, changes, cause, members: self.members.clone() }
    }
}

impl Watch<Session> {
    /// Begins to watch.
    ///
    /// # Errors
    /// As [`Clm::initialize`] and [`Clm::track_current`].
    pub fn open(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let clm = Clm::<Session>::initialize(endpoint, program, Api::B04, CALLBACKS)?;
        let first = clm.track_current(TrackFlags::CHANGES)?;
        Ok(Self::new(clm, first))
    }

    /// The next item; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the node is gone.
    pub fn next_within(&mut self, wait: Wait) -> Outcome<Option<Changed>> {
        if let Some(first) = self.begin() {
            return Ok(Some(first));
        }
        while let Some(callback) = self.clm.next_callback(wait)? {
            if let Some(changed) = self.heed(callback) {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }
}

impl Iterator for Watch<Session> {
    type Item = Outcome<Changed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_within(Wait::Forever).transpose()
    }
}

impl AsFd for Watch<Session> {
    /// The selection object. The first item is there without it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.clm.as_fd()
    }
}

impl Watch<AsyncSession> {
    /// Begins to watch.
    ///
    /// # Errors
    /// As [`Clm::initialize`] and [`Clm::track_current`].
    pub async fn open(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let clm = Clm::<AsyncSession>::initialize(endpoint, program, Api::B04, CALLBACKS).await?;
        let first = clm.track_current(TrackFlags::CHANGES).await?;
        Ok(Self::new(clm, first))
    }

    /// The next item. Dropping the future loses none.
    ///
    /// # Errors
    /// BAD_HANDLE once the node is gone.
    pub async fn next(&mut self) -> Outcome<Changed> {
        if let Some(first) = self.begin() {
            return Ok(first);
        }
        loop {
            let callback = self.clm.next_callback(Wait::Forever).await?;
            if let Some(changed) = callback.and_then(|it| self.heed(it)) {
                return Ok(changed);
            }
        }
    }

    /// All items; ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Outcome<Changed>> + Send {
        stream::unfold(Some(self), |watch| async move {
            let mut watch = watch?;
            match watch.next().await {
                Ok(changed) => Some((Ok(changed), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}
