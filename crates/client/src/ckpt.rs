//! The handle of the Checkpoint Service (`SAI-AIS-CKPT-B.02.02 §3.5` to `§3.8`).

mod asynchronous;

use crate::{Caller, Endpoint, Patience, Session, Wait};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, Outcome, Payload, Position, ServiceId, Time, Version,
    ckpt::{
        Call, Callback, Callbacks, Changes, CheckpointDescriptor, Counters, CreationAttributes,
        LISTED_MAX, Listed, OpenFlags, ReadElement, Reply, Scanned, SectionDescriptor, SectionId,
        SectionsChosen, Shown, WriteElement,
    },
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long the service itself waits for other nodes in calls that have no time-out.
const SERVICE: Time = Time(10 * Time::ONE_SECOND.0);

/// A library handle of the Checkpoint Service. Blocking with a [`Session`], async with an
/// [`AsyncSession`](crate::AsyncSession).
///
/// A call is one question to the node and one answer. The errors of each are those that the
/// specification gives it, and those of the session (see the crate's page).
///
/// ```no_run
/// use ais_client::{Ckpt, Endpoint, Session};
/// use ais_types::{Name, Time, Version, ckpt::{Callbacks, OpenFlags, SectionId}};
///
/// let version = Version::b(2, 2);
/// let endpoint = Endpoint::from_env();
/// let ckpt = Ckpt::<Session>::initialize(&endpoint, version, Callbacks::default(), "example")?;
/// let name = Name::new("safCkpt=counter,safApp=safCkptService").expect("it is short enough");
/// let counter = ckpt.open(name, None, OpenFlags::WRITE, Time::ONE_SECOND)?;
/// ckpt.overwrite(counter, SectionId::none(), "1")?;
/// # Ok::<(), ais_types::Error>(())
/// ```
#[derive(Debug)]
pub struct Ckpt<S = Session> {
    session: S,
    /// What the program is written for.
    version: Version,
    /// Handles that were issued and not closed: callbacks of others are not delivered.
    open: Mutex<BTreeSet<u64>>,
}

fn unexpected<T>(reply: &Reply) -> Outcome<T> {
    Err(Error::new(ErrorCode::Library, format!("the node answered another question: {reply:?}")))
}

fn done(reply: Reply) -> Outcome<()> {
    match reply {
        Reply::Done => Ok(()),
        other => unexpected(&other),
    }
}

impl<S: Caller> Ckpt<S> {
    fn over(session: S, version: Version) -> Self {
        Self { session, version, open: Mutex::default() }
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        then: impl FnOnce(Reply) -> Outcome<T> + Send + 'a,
    ) -> S::Answer<'a, T> {
        self.session.ask(call, Patience::beyond(SERVICE), then)
    }

    /// For a call with a time-out of its own; a negative one is endless for old programs.
    fn patience(&self, timeout: Time) -> Patience {
        if timeout < Time::BEGIN && self.version.major < 2 {
            return Patience::ENDLESS;
        }
        Patience::beyond(timeout)
    }

    fn handles(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a checkpoint, with `CREATE` and attributes creates it (§3.6.1). Returns its handle.
    ///
    /// # Errors
    /// INVALID_PARAM, BAD_FLAGS, NOT_EXIST, EXIST, NO_RESOURCES, TIMEOUT.
    #[doc(alias = "saCkptCheckpointOpen")]
    pub fn open(
        &self,
        name: Name,
        attributes: impl Into<Option<CreationAttributes>>,
        flags: OpenFlags,
        timeout: Time,
    ) -> S::Answer<'_, u64> {
        let call = Call::Open { name, attributes: attributes.into(), flags, timeout };
        self.session.ask(call, self.patience(timeout), move |reply| match reply {
            Reply::Opened(handle) => {
                self.handles().insert(handle);
                Ok(handle)
            }
            other => unexpected(&other),
        })
    }

    /// As [`Ckpt::open`]; the handle comes with [`Callback::Open`].
    ///
    /// # Errors
    /// INIT, INVALID_PARAM, BAD_FLAGS; all others by the callback.
    #[doc(alias = "saCkptCheckpointOpenAsync")]
    pub fn open_async(
        &self,
        invocation: u64,
        name: Name,
        attributes: impl Into<Option<CreationAttributes>>,
        flags: OpenFlags,
    ) -> S::Answer<'_, ()> {
        let attributes = attributes.into();
        self.ask(Call::OpenAsync { invocation, name, attributes, flags }, done)
    }

    /// Gives a checkpoint handle back (§3.6.3). Its pending callbacks are dropped.
    ///
    /// # Errors
    /// BAD_HANDLE.
    #[doc(alias = "saCkptCheckpointClose")]
    pub fn close(&self, checkpoint: u64) -> S::Answer<'_, ()> {
        self.handles().remove(&checkpoint);
        self.ask(Call::Close { checkpoint }, done)
    }

    /// Frees a name (§3.6.4).
    ///
    /// # Errors
    /// INVALID_PARAM, NOT_EXIST.
    #[doc(alias = "saCkptCheckpointUnlink")]
    pub fn unlink(&self, name: Name) -> S::Answer<'_, ()> {
        self.ask(Call::Unlink { name }, done)
    }

    /// How long to keep the checkpoint from the next last close on (§3.6.5).
    ///
    /// # Errors
    /// INVALID_PARAM, BAD_OPERATION (unlinked), ACCESS.
    #[doc(alias = "saCkptCheckpointRetentionDurationSet")]
    pub fn retention_duration_set(&self, checkpoint: u64, duration: Time) -> S::Answer<'_, ()> {
        self.ask(Call::RetentionDurationSet { checkpoint, duration }, done)
    }

    /// Makes this node's replica the active one (§3.6.6).
    ///
    /// # Errors
    /// ACCESS, BAD_OPERATION (not collocated and asynchronous).
    #[doc(alias = "saCkptActiveReplicaSet")]
    pub fn active_replica_set(&self, checkpoint: u64) -> S::Answer<'_, ()> {
        self.ask(Call::ActiveReplicaSet { checkpoint }, done)
    }

    /// Attributes and use (§3.6.7).
    ///
    /// # Errors
    /// NOT_EXIST (no active replica), ACCESS.
    #[doc(alias = "saCkptCheckpointStatusGet")]
    pub fn status(&self, checkpoint: u64) -> S::Answer<'_, CheckpointDescriptor> {
        self.ask(Call::StatusGet { checkpoint }, |reply| match reply {
            Reply::Status(status) => Ok(status),
            other => unexpected(&other),
        })
    }

    /// Creates a section; [`SectionId::none`] has an id made up (§3.7.1). Returns its id.
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, EXIST, NO_SPACE, NOT_EXIST (no active replica), NO_RESOURCES.
    #[doc(alias = "saCkptSectionCreate")]
    pub fn section_create(
        &self,
        checkpoint: u64,
        section: SectionId,
        expiration: Time,
        data: impl Into<Payload>,
    ) -> S::Answer<'_, SectionId> {
        let data = data.into();
        let call = Call::SectionCreate { checkpoint, section, expiration, data };
        self.ask(call, |reply| match reply {
            Reply::SectionCreated(section) => Ok(section),
            other => unexpected(&other),
        })
    }

    /// Deletes a section (§3.7.3).
    ///
    /// # Errors
    /// INVALID_PARAM (the default section), ACCESS, NOT_EXIST.
    #[doc(alias = "saCkptSectionDelete")]
    pub fn section_delete(&self, checkpoint: u64, section: SectionId) -> S::Answer<'_, ()> {
        self.ask(Call::SectionDelete { checkpoint, section }, done)
    }

    /// When a section goes by itself (§3.7.4).
    ///
    /// # Errors
    /// INVALID_PARAM (in the past; the default section), ACCESS, NOT_EXIST.
    #[doc(alias = "saCkptSectionExpirationTimeSet")]
    pub fn section_expiration_time_set(
        &self,
        checkpoint: u64,
        section: SectionId,
        expiration: Time,
    ) -> S::Answer<'_, ()> {
        self.ask(Call::SectionExpirationTimeSet { checkpoint, section, expiration }, done)
    }

    /// Begins to walk over sections (§3.7.5). Returns the iteration's handle.
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, NOT_EXIST (no active replica), NO_RESOURCES.
    #[doc(alias = "saCkptSectionIterationInitialize")]
    pub fn section_iteration_initialize(
        &self,
        checkpoint: u64,
        chosen: SectionsChosen,
        expiration: Time,
    ) -> S::Answer<'_, u64> {
        let call = Call::SectionIterationInitialize { checkpoint, chosen, expiration };
        self.ask(call, |reply| match reply {
            Reply::IterationStarted(iteration) => Ok(iteration),
            other => unexpected(&other),
        })
    }

    /// The next section of a walk (§3.7.6).
    ///
    /// # Errors
    /// BAD_HANDLE, NO_SECTIONS (the end), NOT_EXIST (no active replica).
    #[doc(alias = "saCkptSectionIterationNext")]
    pub fn section_iteration_next(&self, iteration: u64) -> S::Answer<'_, SectionDescriptor> {
        self.ask(Call::SectionIterationNext { iteration }, |reply| match reply {
            Reply::Section(section) => Ok(section),
            other => unexpected(&other),
        })
    }

    /// Ends a walk (§3.7.7).
    ///
    /// # Errors
    /// BAD_HANDLE.
    #[doc(alias = "saCkptSectionIterationFinalize")]
    pub fn section_iteration_finalize(&self, iteration: u64) -> S::Answer<'_, ()> {
        self.ask(Call::SectionIterationFinalize { iteration }, done)
    }

    /// Writes into sections, all or nothing (§3.8.1).
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, NOT_EXIST, NO_RESOURCES; with the index of the element at fault.
    #[doc(alias = "saCkptCheckpointWrite")]
    pub fn write(&self, checkpoint: u64, elements: Vec<WriteElement>) -> S::Answer<'_, ()> {
        self.ask(Call::Write { checkpoint, elements }, done)
    }

    /// Replaces the content of a section, its size too (§3.8.2).
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, NOT_EXIST, NO_RESOURCES.
    #[doc(alias = "saCkptSectionOverwrite")]
    pub fn overwrite(
        &self,
        checkpoint: u64,
        section: SectionId,
        data: impl Into<Payload>,
    ) -> S::Answer<'_, ()> {
        self.ask(Call::Overwrite { checkpoint, section, data: data.into() }, done)
    }

    /// Reads out of sections (§3.8.3).
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, NOT_EXIST; with the index of the element at fault.
    #[doc(alias = "saCkptCheckpointRead")]
    pub fn read(&self, checkpoint: u64, elements: Vec<ReadElement>) -> S::Answer<'_, Vec<Payload>> {
        self.ask(Call::Read { checkpoint, elements }, |reply| match reply {
            Reply::Read(data) => Ok(data),
            other => unexpected(&other),
        })
    }

    /// Waits until every replica has what the active one has (§3.8.5).
    ///
    /// # Errors
    /// INVALID_PARAM, ACCESS, BAD_OPERATION (WR_ALL_REPLICAS), NOT_EXIST, TIMEOUT.
    #[doc(alias = "saCkptCheckpointSynchronize")]
    pub fn synchronize(&self, checkpoint: u64, timeout: Time) -> S::Answer<'_, ()> {
        let call = Call::Synchronize { checkpoint, timeout };
        self.session.ask(call, self.patience(timeout), done)
    }

    /// As [`Ckpt::synchronize`]; the outcome comes with [`Callback::Synchronize`].
    ///
    /// # Errors
    /// INIT, ACCESS, BAD_OPERATION, NOT_EXIST.
    #[doc(alias = "saCkptCheckpointSynchronizeAsync")]
    pub fn synchronize_async(&self, checkpoint: u64, invocation: u64) -> S::Answer<'_, ()> {
        self.ask(Call::SynchronizeAsync { checkpoint, invocation }, done)
    }

    /// From now on [`Callback::Track`] tells what is changed through other handles in the
    /// checkpoints that are open here with `WRITE` (B.02.03, an extension).
    ///
    /// # Errors
    /// VERSION (not written for B.02.03), INIT (no track callback).
    #[doc(alias = "saCkptTrack")]
    pub fn track(&self) -> S::Answer<'_, ()> {
        self.ask(Call::Track, done)
    }

    /// Ends [`Ckpt::track`].
    ///
    /// # Errors
    /// VERSION.
    #[doc(alias = "saCkptTrackStop")]
    pub fn track_stop(&self) -> S::Answer<'_, ()> {
        self.ask(Call::TrackStop, done)
    }

    /// Sections with their content, those after `after`: page by page until
    /// [`Scanned::end`]. An extension.
    ///
    /// # Errors
    /// ACCESS (no READ), NOT_EXIST (no active replica).
    pub fn scan(
        &self,
        checkpoint: u64,
        after: impl Into<Option<SectionId>>,
    ) -> S::Answer<'_, Scanned> {
        let after = after.into();
        self.ask(Call::Scan { checkpoint, after }, |reply| match reply {
            Reply::Scanned(scanned) => Ok(scanned),
            other => unexpected(&other),
        })
    }

    /// What was changed after a place, as soon as there is something; without a place the place of
    /// now, at once. An extension.
    ///
    /// # Errors
    /// ACCESS (no READ), NOT_EXIST (no active replica), TIMEOUT.
    pub fn changes(
        &self,
        checkpoint: u64,
        after: impl Into<Option<Position>>,
        timeout: Time,
    ) -> S::Answer<'_, Changes> {
        let call = Call::Changes { checkpoint, after: after.into(), timeout };
        self.session.ask(call, self.patience(timeout), |reply| match reply {
            Reply::Changes(changes) => Ok(changes),
            other => unexpected(&other),
        })
    }

    /// For operators: checkpoints of the cluster, those with numbers after `after`, at most
    /// [`ais_types::ckpt::LISTED_MAX`].
    ///
    /// # Errors
    /// Only those of the session.
    pub fn list_after(&self, after: u64) -> S::Answer<'_, Vec<Listed>> {
        self.ask(Call::List { after }, |reply| match reply {
            Reply::List(list) => Ok(list),
            other => unexpected(&other),
        })
    }

    /// For operators: the checkpoint of this name and how its replicas keep up, and those that had
    /// the name and are still open.
    ///
    /// # Errors
    /// NOT_EXIST.
    pub fn show(&self, name: Name) -> S::Answer<'_, Vec<Shown>> {
        self.ask(Call::Show { name }, |reply| match reply {
            Reply::Shown(shown) => Ok(shown),
            other => unexpected(&other),
        })
    }

    /// For operators: what the node's service has done, and what it holds.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn counters(&self) -> S::Answer<'_, Counters> {
        self.ask(Call::Counters, |reply| match reply {
            Reply::Counters(counters) => Ok(counters),
            other => unexpected(&other),
        })
    }

    /// For operators: from now on [`Callback::Notification`] tells what the specification has the
    /// service notify.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn observe_notifications(&self) -> S::Answer<'_, ()> {
        self.ask(Call::Observe, done)
    }

    /// Ends the session; all it has open is closed (§3.5.4).
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before.
    #[doc(alias = "saCkptFinalize")]
    pub fn finalize(&self) -> S::Answer<'_, ()> {
        self.session.close()
    }

    /// The session: its selection object, its node.
    pub fn session(&self) -> &S {
        &self.session
    }

    /// Whether a callback is still wanted: not after the close of its handle (§3.6.3).
    fn wanted(&self, callback: &Callback) -> bool {
        match callback {
            Callback::Open { outcome: Ok(handle), .. } => {
                self.handles().insert(*handle);
                true
            }
            Callback::Open { outcome: Err(_), .. } | Callback::Notification(_) => true,
            Callback::Synchronize { checkpoint, .. } | Callback::Track { checkpoint, .. } => {
                self.handles().contains(checkpoint)
            }
        }
    }
}

fn initialized(reply: Reply) -> Outcome<Version> {
    match reply {
        Reply::Initialized(version) => Ok(version),
        other => unexpected(&other),
    }
}

impl Ckpt<Session> {
    /// Opens a session for a program written for `version`, with these callbacks (§3.5.1).
    ///
    /// # Errors
    /// VERSION: ask for what `version.negotiate(ais_types::ckpt::VERSIONS)` names. TRY_AGAIN when
    /// no node answers.
    #[doc(alias = "saCkptInitialize")]
    pub fn initialize(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        Self::begin(endpoint, version, program, Call::Initialize { version, callbacks })
    }

    /// As [`Ckpt::initialize`], for programs with a track callback (B.02.03, an extension).
    ///
    /// # Errors
    /// VERSION unless `version` is B.02 with a minor number of 3 or more: ask for
    /// [`ais_types::ckpt::TRACK_VERSION`]. TRY_AGAIN when no node answers.
    #[doc(alias = "saCkptInitialize_2")]
    pub fn initialize_tracking(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        Self::begin(endpoint, version, program, Call::InitializeTracking { version, callbacks })
    }

    fn begin(endpoint: &Endpoint, version: Version, program: &str, call: Call) -> Outcome<Self> {
        let (session, reply) =
            Session::open_with(endpoint, ServiceId::CKPT, version, program, call)?;
        initialized(reply)?;
        Ok(Self::over(session, version))
    }

    /// For operators: every checkpoint of the cluster.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn list(&self) -> Outcome<Vec<Listed>> {
        let mut all = Vec::new();
        loop {
            let some = self.list_after(all.last().map_or(0, |it: &Listed| it.id))?;
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
    pub fn observe(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let version = Version::b(2, 2);
        let session = Session::open(endpoint, ServiceId::CKPT, version, program)?;
        Ok(Self::over(session, version))
    }

    /// The next callback; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the session is finalized.
    pub fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        loop {
            match self.session.next_callback(wait)? {
                Some(callback) if !self.wanted(&callback) => {}
                found => return Ok(found),
            }
        }
    }

    /// Hands pending callbacks to `take`, in the calling thread (§3.5.3).
    ///
    /// # Errors
    /// BAD_HANDLE when the session is finalized; not when that happens meanwhile.
    #[doc(alias = "saCkptDispatch")]
    pub fn dispatch(&self, flags: DispatchFlags, mut take: impl FnMut(Callback)) -> Outcome<()> {
        let wait = match flags {
            DispatchFlags::One | DispatchFlags::All => Wait::Now,
            DispatchFlags::Blocking => Wait::Forever,
        };
        if self.session.is_finalized() {
            return Err(Error::new(ErrorCode::BadHandle, "the session is finalized"));
        }
        loop {
            match self.next_callback(wait) {
                Ok(Some(callback)) => take(callback),
                Ok(None) => return Ok(()),
                Err(_) if self.session.is_finalized() => return Ok(()),
                Err(error) => return Err(error),
            }
            if flags == DispatchFlags::One {
                return Ok(());
            }
        }
    }
}
