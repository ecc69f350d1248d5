//! The handle of the cluster membership service.
//!
//! ```no_run
//! use ais_client::{Clm, Endpoint, Session, Wait};
//! use ais_types::{TrackFlags, clm::{Api, Callbacks}};
//!
//! let callbacks = Callbacks { track: true, ..Callbacks::default() };
//! let clm = Clm::<Session>::initialize(&Endpoint::from_env(), "example", Api::B04, callbacks)?;
//! for item in clm.track_current(TrackFlags::CHANGES_ONLY)?.items {
//!     println!("{} is a member", item.node.name);
//! }
//! while let Some(callback) = clm.next_callback(Wait::Forever)? {
//!     println!("{callback:?}");
//! }
//! # Ok::<(), ais_types::Error>(())
//! ```

use crate::{AsyncSession, Caller, Endpoint, Patience, Session, Wait};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, NodeId, Outcome, ServiceId, Time, TrackFlags, Version,
    clm::{
        AdminOperation, Api, Attribute, Buffer, Call, Callback, Callbacks, ClusterNode,
        Configuration, Notification, Reply, Response,
    },
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::atomic::{AtomicU64, Ordering},
};

/// A handle of CLM. Blocking with a [`Session`], async with an [`AsyncSession`].
#[doc(alias = "SaClmHandleT")]
#[derive(Debug)]
pub struct Clm<S = Session> {
    session: S,
    api: Api,
    version: Version,
    /// Callbacks of tracking numbered below this were removed by a stop.
    stopped: AtomicU64,
}

/// What became of a [`Clm::track_into`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// Nothing is to be filled in: CURRENT was not asked for, or it comes as a callback.
    Nothing,
    /// The membership, for the buffer.
    Current(Notification),
    /// ERR_NO_SPACE: the membership takes so many items. No tracking was started.
    NoSpace(u32),
}

impl<S: Caller> Clm<S> {
    fn new(session: S, api: Api, version: Version) -> Self {
        Self { session, api, version, stopped: AtomicU64::new(0) }
    }

    /// The version that was granted.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The generation of functions that the handle was opened for.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api
    }

    /// Tracks as the flags say. What CURRENT asks for comes as a callback, before any other.
    ///
    /// # Errors
    /// BAD_FLAGS for flags that make no sense; INIT without a track callback;
    /// UNAVAILABLE when the own node is not configured.
    #[doc(alias = "saClmClusterTrack")]
    #[doc(alias = "saClmClusterTrack_4")]
    pub fn track(&self, flags: TrackFlags) -> S::Answer<'_, ()> {
        let call = Call::Track { api: self.api, flags, buffer: Buffer::None };
        self.session.ask(call, Patience::USUAL, |reply| match reply {
            Reply::Tracked => Ok(()),
            other => Err(unexpected(&other)),
        })
    }

    /// The current membership, at once; the other flags are heeded too.
    ///
    /// # Errors
    /// As [`track`](Self::track); INIT only if the other flags need a callback.
    #[doc(alias = "saClmClusterTrack")]
    #[doc(alias = "saClmClusterTrack_4")]
    pub fn track_current(&self, others: TrackFlags) -> S::Answer<'_, Notification> {
        let flags = TrackFlags::CURRENT | others;
        let call = Call::Track { api: self.api, flags, buffer: Buffer::Library };
        self.session.ask(call, Patience::USUAL, |reply| match reply {
            Reply::Current(notification) => Ok(notification),
            other => Err(unexpected(&other)),
        })
    }

    /// Tracks as the flags say; what CURRENT asks for goes where the buffer says.
    ///
    /// # Errors
    /// As [`track`](Self::track); INVALID_PARAM for room for 0 items.
    #[doc(alias = "saClmClusterTrack")]
    #[doc(alias = "saClmClusterTrack_4")]
    pub fn track_into(&self, flags: TrackFlags, buffer: Buffer) -> S::Answer<'_, Tracked> {
        let call = Call::Track { api: self.api, flags, buffer };
        self.session.ask(call, Patience::USUAL, |reply| match reply {
            Reply::Tracked => Ok(Tracked::Nothing),
            Reply::Current(notification) => Ok(Tracked::Current(notification)),
            Reply::NoSpace(needed) => Ok(Tracked::NoSpace(needed)),
            other => Err(unexpected(&other)),
        })
    }

    /// Stops tracking changes. Callbacks of it that are still pending are removed.
    ///
    /// # Errors
    /// NOT_EXIST when no changes are tracked.
    #[doc(alias = "saClmClusterTrackStop")]
    pub fn track_stop(&self) -> S::Answer<'_, ()> {
        self.session.ask(Call::TrackStop, Patience::USUAL, |reply| match reply {
            Reply::Stopped(number) => {
                self.stopped.fetch_max(number, Ordering::SeqCst);
                Ok(())
            }
            other => Err(unexpected(&other)),
        })
    }

    /// What is known of a member; [`LOCAL_NODE`](ais_types::clm::LOCAL_NODE) for the own node.
    ///
    /// # Errors
    /// NOT_EXIST when no member has this id (INVALID_PARAM for handles of release B.01);
    /// INVALID_PARAM for 0 or a negative time-out; TIMEOUT; UNAVAILABLE when the own node is no
    /// member.
    #[doc(alias = "saClmClusterNodeGet")]
    #[doc(alias = "saClmClusterNodeGet_4")]
    pub fn node_get(&self, node: NodeId, timeout: Time) -> S::Answer<'_, ClusterNode> {
        let call = Call::NodeGet { api: self.api, node, timeout };
        self.session.ask(call, Patience::beyond(timeout), |reply| match reply {
            Reply::Node(node) => Ok(node),
            other => Err(unexpected(&other)),
        })
    }

    /// Asks for a member; the answer comes as a callback with this invocation.
    ///
    /// # Errors
    /// INIT without a node get callback; INVALID_PARAM for 0; UNAVAILABLE when the own node is no
    /// member. An unknown id is told by the callback.
    #[doc(alias = "saClmClusterNodeGetAsync")]
    pub fn node_get_async(&self, invocation: u64, node: NodeId) -> S::Answer<'_, ()> {
        let call = Call::NodeGetAsync { invocation, node };
        self.session.ask(call, Patience::USUAL, |reply| match reply {
            Reply::Asked => Ok(()),
            other => Err(unexpected(&other)),
        })
    }

    /// Answers a callback of step VALIDATE or START.
    ///
    /// # Errors
    /// INVALID_PARAM when no answer to this invocation is owed, or for REJECTED to a START;
    /// UNAVAILABLE when the own node is no member; VERSION for handles of release
    /// B.01.
    #[doc(alias = "saClmResponse_4")]
    pub fn response(&self, invocation: u64, response: Response) -> S::Answer<'_, ()> {
        let call = Call::Response { invocation, response };
        self.session.ask(call, Patience::USUAL, |reply| match reply {
            Reply::Responded => Ok(()),
            other => Err(unexpected(&other)),
        })
    }

    /// Unlocks, locks or shuts down a node, this one or another; returns when that is done.
    /// The node is named by its DN, or by the value of its first RDN.
    ///
    /// # Errors
    /// NO_OP when it is so already; BAD_OPERATION while another operation on the node is under
    /// way; INVALID_PARAM when no such node is configured; NOT_SUPPORTED for any other number;
    /// INTERRUPT when a shutdown was overtaken by an unlock or a lock.
    pub fn admin(&self, node: Name, operation: AdminOperation) -> S::Answer<'_, ()> {
        self.order(Call::Admin { node, operation })
    }

    /// Takes a member out of the membership for the rest of its present life, if nobody who tracks
    /// VALIDATE objects; `cause` is what the others are told as the root cause.
    ///
    /// # Errors
    /// FAILED_OPERATION when somebody objected; NO_OP when it is no member; BAD_OPERATION and
    /// INVALID_PARAM as for [`admin`](Self::admin).
    pub fn remove(&self, node: Name, cause: Name) -> S::Answer<'_, ()> {
        self.order(Call::Remove { node, cause })
    }

    /// Adds a node to the configuration.
    ///
    /// # Errors
    /// EXIST when it is in it already; INVALID_PARAM for an empty name.
    pub fn create_node(&self, node: Name) -> S::Answer<'_, ()> {
        self.order(Call::CreateNode { node })
    }

    /// Takes a node out of the configuration.
    ///
    /// # Errors
    /// BAD_OPERATION unless it is LOCKED and no member; INVALID_PARAM when it is not configured.
    pub fn delete_node(&self, node: Name) -> S::Answer<'_, ()> {
        self.order(Call::DeleteNode { node })
    }

    /// Changes an attribute of a configured node.
    ///
    /// # Errors
    /// INVALID_PARAM when it is not configured, or for a value that makes no sense.
    pub fn modify_node(&self, node: Name, attribute: Attribute) -> S::Answer<'_, ()> {
        self.order(Call::ModifyNode { node, attribute })
    }

    /// The configured nodes and their states, members or not.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn configuration(&self) -> S::Answer<'_, Configuration> {
        self.session.ask(Call::Configuration, Patience::USUAL, |reply| match reply {
            Reply::Configuration(it) => Ok(it),
            other => Err(unexpected(&other)),
        })
    }

    /// What an operator orders takes as long as it takes.
    fn order(&self, call: Call) -> S::Answer<'_, ()> {
        self.session.ask(call, Patience::ENDLESS, |reply| match reply {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        })
    }

    /// Ends the handle: tracking stops, pending callbacks are gone.
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before.
    #[doc(alias = "saClmFinalize")]
    pub fn finalize(&self) -> S::Answer<'_, ()> {
        self.session.close()
    }

    /// The session: its selection object, its node.
    pub fn session(&self) -> &S {
        &self.session
    }

    fn is_stale(&self, callback: &Callback) -> bool {
        callback.is_stale(self.stopped.load(Ordering::SeqCst))
    }
}

impl Clm<Session> {
    /// Opens a handle of this generation of functions.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    #[doc(alias = "saClmInitialize")]
    #[doc(alias = "saClmInitialize_4")]
    pub fn initialize(
        endpoint: &Endpoint,
        program: &str,
        api: Api,
        callbacks: Callbacks,
    ) -> Outcome<Self> {
        Self::initialize_with(endpoint, program, api, api.version(), callbacks)
    }

    /// The same with a version that the caller asks for.
    ///
    /// # Errors
    /// Those of [`Session::open`]; VERSION when it is not supported, the text names what is.
    pub fn initialize_with(
        endpoint: &Endpoint,
        program: &str,
        api: Api,
        version: Version,
        callbacks: Callbacks,
    ) -> Outcome<Self> {
        let call = Call::Initialize { api, version, callbacks };
        let (session, granted) =
            Session::open_with(endpoint, ServiceId::CLM, version, program, call)?;
        Ok(Self::new(session, api, granted_version(version, &granted)?))
    }

    /// The next callback; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the handle is finalized or the node gone.
    pub fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        loop {
            match self.session.next_callback(wait)? {
                Some(callback) if self.is_stale(&callback) => {}
                other => return Ok(other),
            }
        }
    }

    /// Runs pending callbacks.
    ///
    /// # Errors
    /// BAD_HANDLE when the handle was finalized before, or the node has gone.
    #[doc(alias = "saClmDispatch")]
    pub fn dispatch(&self, flags: DispatchFlags, run: impl FnMut(Callback)) -> Outcome<()> {
        if self.session.is_finalized() {
            return Err(Error::new(ErrorCode::BadHandle, "the handle is finalized"));
        }
        match flags {
            DispatchFlags::One => {
                self.next_callback(Wait::Now)?.into_iter().for_each(run);
                Ok(())
            }
            DispatchFlags::All => self.run_all(Wait::Now, run),
            DispatchFlags::Blocking => self.run_all(Wait::Forever, run),
        }
    }

    fn run_all(&self, wait: Wait, mut run: impl FnMut(Callback)) -> Outcome<()> {
        loop {
            match self.next_callback(wait) {
                Ok(Some(callback)) => run(callback),
                Ok(None) => return Ok(()),
                // By another thread, or by a callback: that is how it ends.
                Err(_) if self.session.is_finalized() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Clm<AsyncSession> {
    /// Opens a handle of this generation of functions.
    ///
    /// # Errors
    /// Those of [`AsyncSession::open`].
    #[doc(alias = "saClmInitialize")]
    #[doc(alias = "saClmInitialize_4")]
    pub async fn initialize(
        endpoint: &Endpoint,
        program: &str,
        api: Api,
        callbacks: Callbacks,
    ) -> Outcome<Self> {
        let version = api.version();
        let session = AsyncSession::open(endpoint, ServiceId::CLM, version, program).await?;
        let granted = session.call(Call::Initialize { api, version, callbacks }).await?;
        Ok(Self::new(session, api, granted_version(version, &granted)?))
    }

    /// The next callback; `None` when the wait is over. Dropping the future loses none.
    ///
    /// # Errors
    /// BAD_HANDLE once the handle is finalized or the node gone.
    pub async fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        loop {
            match self.session.next_callback(wait).await? {
                Some(callback) if self.is_stale(&callback) => {}
                other => return Ok(other),
            }
        }
    }
}

impl AsFd for Clm<Session> {
    /// The selection object: readable while a callback is pending.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.session.as_fd()
    }
}

fn granted_version(requested: Version, reply: &Reply) -> Outcome<Version> {
    match reply {
        Reply::Initialized(version) => Ok(*version),
        Reply::VersionRefused(version) => {
            let text = format!("CLM {requested} is not supported; ask for {version}");
            Err(Error::new(ErrorCode::Version, text))
        }
        other => Err(unexpected(other)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::new(ErrorCode::Library, format!("the node answered something else: {reply:?}"))
}
