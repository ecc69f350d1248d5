//! The handle of the Message Service (`SAI-AIS-MSG-B.03.01 §3.5` to `§3.8`).

use crate::{AsyncSession, Caller, Endpoint, Patience, Session, Wait};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, Outcome, ServiceId, Time, Version,
    msg::{
        AckFlags, Call, Callback, Callbacks, CreationAttributes, Function, Listed, Message,
        OpenFlags, Received, Reply, Status,
    },
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long the service itself waits for other nodes in calls that have no time-out.
const SERVICE: Time = Time(10 * Time::ONE_SECOND.0);

/// A library handle of the Message Service. Blocking with a [`Session`], async with an
/// [`AsyncSession`].
///
/// A call is one question to the node and one answer. The errors of each are those that the
/// specification gives it, and those of the session (see the crate's page). What is not served
/// yet is asked by [`Msg::other`] and answered NOT_SUPPORTED.
///
/// ```no_run
/// use ais_client::{Endpoint, Msg, Session};
/// use ais_types::{Name, Time, Version, msg::{Callbacks, Message}};
///
/// let endpoint = Endpoint::from_env();
/// let msg = Msg::<Session>::initialize(&endpoint, Version::b(3, 1), Callbacks::default(), "me")?;
/// let queue = Name::new("safMq=orders,safApp=safMsgService").expect("it is short enough");
/// let message = Message { kind: 1, version: 1, priority: 0, sender: None, data: "hello".into() };
/// msg.send(queue, message, Time::ONE_SECOND)?;
/// # Ok::<(), ais_types::Error>(())
/// ```
#[derive(Debug)]
pub struct Msg<S = Session> {
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

/// What a Get that has succeeded found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A message.
    Message(Received),
    /// There is one, and it needs room for so many bytes (NO_SPACE). It stays.
    TooSmall(u64),
}

impl<S: Caller> Msg<S> {
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
        // A message on its way is waited for beyond the time-out.
        Patience::beyond(Time(timeout.0.max(0)).plus(SERVICE))
    }

    fn handles(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a queue to receive from it, with `CREATE` and attributes creates it (§3.6.1).
    /// Returns its handle.
    ///
    /// # Errors
    /// INIT, INVALID_PARAM, BAD_FLAGS, TOO_BIG, NOT_EXIST, EXIST, BUSY, NO_RESOURCES, TIMEOUT.
    #[doc(alias = "saMsgQueueOpen")]
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

    /// As [`Msg::open`]; the handle comes with [`Callback::Open`].
    ///
    /// # Errors
    /// INIT, INVALID_PARAM, BAD_FLAGS, TOO_BIG; all others by the callback.
    #[doc(alias = "saMsgQueueOpenAsync")]
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

    /// Gives a queue handle back (§3.6.3). Its pending callbacks are dropped; who waits in Get on
    /// it gets BAD_HANDLE.
    ///
    /// # Errors
    /// BAD_HANDLE.
    #[doc(alias = "saMsgQueueClose")]
    pub fn close(&self, queue: u64) -> S::Answer<'_, ()> {
        self.handles().remove(&queue);
        self.ask(Call::Close { queue }, done)
    }

    /// How a queue is (§3.6.4).
    ///
    /// # Errors
    /// INVALID_PARAM, NOT_EXIST.
    #[doc(alias = "saMsgQueueStatusGet")]
    pub fn status(&self, name: Name) -> S::Answer<'_, Status> {
        self.ask(Call::StatusGet { name }, |reply| match reply {
            Reply::Status(status) => Ok(status),
            other => unexpected(&other),
        })
    }

    /// How long to keep the queue from the next close on (§3.6.5).
    ///
    /// # Errors
    /// BAD_HANDLE, INVALID_PARAM, BAD_OPERATION (persistent, or unlinked).
    #[doc(alias = "saMsgQueueRetentionTimeSet")]
    pub fn retention_time_set(&self, queue: u64, retention: Time) -> S::Answer<'_, ()> {
        self.ask(Call::RetentionTimeSet { queue, retention }, done)
    }

    /// Frees a name (§3.6.6).
    ///
    /// # Errors
    /// INVALID_PARAM, NOT_EXIST.
    #[doc(alias = "saMsgQueueUnlink")]
    pub fn unlink(&self, name: Name) -> S::Answer<'_, ()> {
        self.ask(Call::Unlink { name }, done)
    }

    /// Puts a message into a queue; it is there when this returns (§3.8.1).
    ///
    /// # Errors
    /// INVALID_PARAM, TOO_BIG, NOT_EXIST, QUEUE_FULL, NO_RESOURCES; after TIMEOUT it is not known
    /// whether it is there.
    #[doc(alias = "saMsgMessageSend")]
    pub fn send(&self, destination: Name, message: Message, timeout: Time) -> S::Answer<'_, ()> {
        let call = Call::Send { destination, message, timeout };
        self.session.ask(call, self.patience(timeout), done)
    }

    /// As [`Msg::send`], without waiting; acknowledged by [`Callback::Delivered`] if wanted.
    ///
    /// # Errors
    /// INIT, INVALID_PARAM, BAD_FLAGS, TOO_BIG, NOT_EXIST.
    #[doc(alias = "saMsgMessageSendAsync")]
    pub fn send_async(
        &self,
        invocation: u64,
        destination: Name,
        message: Message,
        ack: AckFlags,
    ) -> S::Answer<'_, ()> {
        self.ask(Call::SendAsync { invocation, destination, message, ack }, done)
    }

    /// Takes the oldest message of the highest priority, or waits for one (§3.8.3).
    ///
    /// # Errors
    /// BAD_HANDLE, INVALID_PARAM, INTERRUPT (cancelled), TIMEOUT.
    #[doc(alias = "saMsgMessageGet")]
    pub fn get(&self, queue: u64, timeout: Time) -> S::Answer<'_, Received> {
        let call = Call::Get { queue, room: None, timeout };
        self.session.ask(call, self.patience(timeout), |reply| match reply {
            Reply::Received(received) => Ok(received),
            other => unexpected(&other),
        })
    }

    /// As [`Msg::get`], for a program that has room for so many bytes only.
    ///
    /// # Errors
    /// As [`Msg::get`].
    #[doc(alias = "saMsgMessageGet")]
    pub fn get_within(&self, queue: u64, room: u64, timeout: Time) -> S::Answer<'_, Got> {
        let call = Call::Get { queue, room: Some(room), timeout };
        self.session.ask(call, self.patience(timeout), |reply| match reply {
            Reply::Received(received) => Ok(Got::Message(received)),
            Reply::TooSmall(bytes) => Ok(Got::TooSmall(bytes)),
            other => unexpected(&other),
        })
    }

    /// Wakes all threads that wait in [`Msg::get`] on this queue (§3.8.6).
    ///
    /// # Errors
    /// BAD_HANDLE, NOT_EXIST (nobody waits).
    #[doc(alias = "saMsgMessageCancel")]
    pub fn cancel(&self, queue: u64) -> S::Answer<'_, ()> {
        self.ask(Call::Cancel { queue }, done)
    }

    /// A function that is not served yet.
    ///
    /// # Errors
    /// NOT_SUPPORTED; VERSION when it is newer than the program.
    pub fn other(&self, function: Function) -> S::Answer<'_, ()> {
        self.ask(Call::Other(function), done)
    }

    /// For operators: every queue of the cluster.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn list(&self) -> S::Answer<'_, Vec<Listed>> {
        self.ask(Call::List, |reply| match reply {
            Reply::List(list) => Ok(list),
            other => unexpected(&other),
        })
    }

    /// Ends the session; all it has open is closed (§3.5.4).
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before.
    #[doc(alias = "saMsgFinalize")]
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
            Callback::Open { outcome: Err(_), .. } | Callback::Delivered { .. } => true,
            Callback::Received { queue } => self.handles().contains(queue),
        }
    }
}

/// The version that was granted, or VERSION.
fn initialized(reply: Reply) -> Outcome<Version> {
    match reply {
        Reply::Initialized(version) => Ok(version),
        Reply::VersionRefused(nearest) => {
            let text = format!("the version is not served; ask for {nearest}");
            Err(Error::new(ErrorCode::Version, text))
        }
        other => unexpected(&other),
    }
}

impl Msg<Session> {
    /// Opens a session for a program written for `version`, with these callbacks (§3.5.1).
    ///
    /// # Errors
    /// VERSION: ask for what `version.negotiate(ais_types::msg::VERSIONS)` names. TRY_AGAIN when
    /// no node answers.
    #[doc(alias = "saMsgInitialize")]
    pub fn initialize(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        let call = Call::Initialize { version, callbacks };
        let (session, reply) =
            Session::open_with(endpoint, ServiceId::MSG, version, program, call)?;
        initialized(reply)?;
        Ok(Self::over(session, version))
    }

    /// For operators: only [`Msg::list`] can be asked.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers.
    pub fn observe(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let version = Version::b(3, 1);
        let session = Session::open(endpoint, ServiceId::MSG, version, program)?;
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
    #[doc(alias = "saMsgDispatch")]
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

impl Msg<AsyncSession> {
    /// Opens a session for a program written for `version`, with these callbacks (§3.5.1).
    ///
    /// # Errors
    /// VERSION: ask for what `version.negotiate(ais_types::msg::VERSIONS)` names. TRY_AGAIN when
    /// no node answers.
    pub async fn initialize(
        endpoint: &Endpoint,
        version: Version,
        callbacks: Callbacks,
        program: &str,
    ) -> Outcome<Self> {
        let session = AsyncSession::open(endpoint, ServiceId::MSG, version, program).await?;
        let it = Self::over(session, version);
        it.ask(Call::Initialize { version, callbacks }, initialized).await?;
        Ok(it)
    }

    /// For operators: only [`Msg::list`] can be asked.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers.
    pub async fn observe(endpoint: &Endpoint, program: &str) -> Outcome<Self> {
        let version = Version::b(3, 1);
        let session = AsyncSession::open(endpoint, ServiceId::MSG, version, program).await?;
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
