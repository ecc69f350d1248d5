//! What every session can do, whether it blocks or not.

use crate::Endpoint;
use ais_types::{Outcome, Payloads, ServiceId, Time, Version};
use serde::{Serialize, de::DeserializeOwned};
use std::time::{Duration, Instant};

/// What crosses the border between a program and its node.
pub trait Message: Payloads + Serialize + DeserializeOwned + Send + 'static {}
impl<T: Payloads + Serialize + DeserializeOwned + Send + 'static> Message for T {}

/// How long a session waits for the answer to a call before it returns TIMEOUT.
///
/// Calls with a time-out of their own are timed by the node, which answers TIMEOUT itself; the
/// session only guards against a node that does not answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(Option<Duration>);

impl Patience {
    /// For calls that the node answers at once or after a round of its group.
    pub const USUAL: Self = Self(Some(Duration::from_secs(10)));
    /// Waits for ever.
    pub const ENDLESS: Self = Self(None);

    /// For a call with this time-out: that long, and the usual on top for the node to say so.
    #[must_use]
    pub fn beyond(timeout: Time) -> Self {
        let usual = Duration::from_secs(10);
        Self(timeout.limit().map(|limit| limit.saturating_add(usual)))
    }

    /// This long.
    #[must_use]
    pub const fn at_most(limit: Duration) -> Self {
        Self(Some(limit))
    }

    pub(crate) fn limit(self) -> Option<Duration> {
        self.0
    }
}

/// How long to wait for a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Now,
    /// Until this moment.
    Until(Instant),
    /// Until there is one, or the session ends.
    Forever,
}

/// A session, blocking or not: what the typed handles of the services are written over.
pub trait Caller: Sized + Send + Sync {
    /// What a method of a handle returns: the outcome, or a future of it.
    type Answer<'a, T: Send + 'a>
    where
        Self: 'a;

    /// Opens a session with a service. `version` and `program` are for the node's operators; what
    /// the service negotiates is part of its own first call.
    fn open<'a>(
        endpoint: &'a Endpoint,
        service: ServiceId,
        version: Version,
        program: &'a str,
    ) -> Self::Answer<'a, Self>;

    /// Asks the service, and turns its reply into what the caller wants.
    fn ask<'a, C: Message, R: Message, T: Send + 'a>(
        &'a self,
        call: C,
        patience: Patience,
        then: impl FnOnce(R) -> Outcome<T> + Send + 'a,
    ) -> Self::Answer<'a, T>;

    /// The next callback, or `None` when the wait is over. Each is given to one caller only, in
    /// the order of the service.
    fn callback<C: Message>(&self, wait: Wait) -> Self::Answer<'_, Option<C>>;

    /// Ends the session: everything it had open is closed. Calls of other threads or tasks return
    /// BAD_HANDLE at once.
    fn close(&self) -> Self::Answer<'_, ()>;
}
