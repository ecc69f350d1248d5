//! What is asked in another way over an async session.

use super::{Ckpt, initialized};
use crate::{AsyncSession, Caller, Endpoint, Wait};
use ais_types::{
    Outcome, ServiceId, Version,
    ckpt::{Call, Callback, Callbacks, LISTED_MAX, Listed},
};

impl Ckpt<AsyncSession> {
    /// Opens a session for a program written for `version`, with these callbacks (§3.5.1).
    ///
    /// # Errors
    /// VERSION: ask for what `version.negotiate(ais_types::ckpt::VERSIONS)` names. TRY_AGAIN when
    /// no node answers.
    pub async fn initialize(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        let session = AsyncSession::open(endpoint, ServiceId::CKPT, version, program).await?;
        let it = Self::over(session, version);
        it.ask(Call::Initialize { version, callbacks }, initialized).await?;
        Ok(it)
    }

    /// As [`Ckpt::initialize`], for programs with a track callback (B.02.03, an extension).
    ///
    /// # Errors
    /// VERSION unless `version` is B.02 with a minor number of 3 or more: ask for
    /// [`ais_types::ckpt::TRACK_VERSION`]. TRY_AGAIN when no node answers.
    pub async fn initialize_tracking(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        let session = AsyncSession::open(endpoint, ServiceId::CKPT, version, program).await?;
        let it = Self::over(session, version);
        it.ask(Call::InitializeTracking { version, callbacks }, initialized).await?;
        Ok(it)
    }

    /// For operators: every checkpoint of the cluster.
    ///
    /// # Errors
    /// Only those of the session.
    pub async fn list(&self) -> Outcome<Vec<Listed>> {
        let mut all = Vec::new();
        loop {
            let some = self.list_after(all.last().map_or(0, |it: &Listed| it.id)).await?;
            let last = some.len() < LISTED_MAX;
            all.extend(some);
            if last {
                return Ok(all);
            }
        }
    }

    /// For operators: what needs no Initialize.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers.
    pub async fn observe(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let version = Version::b(2, 2);
        let session = AsyncSession::open(endpoint, ServiceId::CKPT, version, program).await?;
        Ok(Self::over(session, version))
    }

    /// The next callback; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the session is finalized.
    pub async fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        loop {
            match self.session.callback(wait).await? {
                Some(callback) if !self.wanted(&callback) => {}
                found => return Ok(found),
            }
        }
    }
}
