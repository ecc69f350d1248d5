//! The handle of the availability management framework.
//!
//! A component registers itself, and from then on does what it is told:
//!
//! ```no_run
//! use ais_client::{Amf, Endpoint, Session, Wait};
//! use ais_types::amf::{Api, Callback, Callbacks};
//!
//! let endpoint = Endpoint::from_env();
//! let amf = Amf::<Session>::initialize(&endpoint, "example", Api::B04, Callbacks::COMPONENT)?;
//! let component = amf.component_name_get()?;
//! amf.component_register(&component)?;
//! while let Some(callback) = amf.next_callback(Wait::Forever)? {
//!     match callback {
//!         Callback::CsiSet { invocation, state, .. } => {
//!             println!("{component} is {state}");
//!             amf.response(invocation, None)?;
//!         }
//!         Callback::CsiRemove { invocation, .. } => amf.response(invocation, None)?,
//!         Callback::Healthcheck { invocation, .. } => amf.response(invocation, None)?,
//!         Callback::Terminate { invocation, .. } => {
//!             amf.response(invocation, None)?;
//!             break;
//!         }
//!     }
//! }
//! # Ok::<(), ais_types::Error>(())
//! ```

use crate::{AsyncSession, Caller, Endpoint, Patience, Session, Wait};
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, Outcome, ServiceId, Time, Version,
    amf::{
        AdminOperation, Answer, Api, Call, Callback, Callbacks, Cause, HaState, Model, Recovery,
        Reply, State,
    },
};
use std::{
    env,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
};

/// The environment variable in which AMF tells a process which component it belongs to.
pub const COMPONENT_VARIABLE: &str = "SA_AMF_COMPONENT_NAME";

/// A handle of AMF. Blocking with a [`Session`], async with an [`AsyncSession`].
#[doc(alias = "SaAmfHandleT")]
#[derive(Debug)]
pub struct Amf<S = Session> {
    session: S,
    version: Version,
}

impl<S: Caller> Amf<S> {
    /// The session: its node, its selection object.
    #[must_use]
    pub fn session(&self) -> &S {
        &self.session
    }

    /// The version that was granted.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The component that this process belongs to: [`COMPONENT_VARIABLE`].
    ///
    /// # Errors
    /// NOT_EXIST when the variable is not set.
    #[doc(alias = "saAmfComponentNameGet")]
    pub fn component_name_get(&self) -> S::Answer<'_, Name> {
        self.ask(Call::ComponentNameGet, |reply| match reply {
            Reply::ComponentName(name) => Ok(name),
            other => Err(unexpected(&other)),
        })
    }

    /// This process stands for the component, through this handle.
    ///
    /// # Errors
    /// INIT without the callbacks to set and remove CSIs and to terminate; INVALID_PARAM when the
    /// model has no such component; BAD_OPERATION when it is not this process's, or was not
    /// started by AMF; EXIST when it is registered already.
    #[doc(alias = "saAmfComponentRegister")]
    pub fn component_register(&self, component: &Name) -> S::Answer<'_, ()> {
        self.order(Call::Register { component: component.clone(), proxy: None })
    }

    /// Ends that; up to B.03. Unless AMF has asked the component to terminate, it is an error on
    /// the component.
    ///
    /// # Errors
    /// VERSION since B.04; NOT_EXIST when it is not registered; BAD_HANDLE when it is with another
    /// handle.
    #[doc(alias = "saAmfComponentUnregister")]
    pub fn component_unregister(&self, component: &Name) -> S::Answer<'_, ()> {
        self.order(Call::Unregister { component: component.clone(), proxy: None })
    }

    /// What the component has acknowledged to be for the CSI.
    ///
    /// # Errors
    /// NOT_EXIST when it is not registered, or has no such CSI.
    #[doc(alias = "saAmfHAStateGet")]
    pub fn ha_state_get(&self, component: &Name, csi: &Name) -> S::Answer<'_, HaState> {
        let call = Call::HaStateGet { component: component.clone(), csi: csi.clone() };
        self.ask(call, |reply| match reply {
            Reply::HaState(state) => Ok(state),
            other => Err(unexpected(&other)),
        })
    }

    /// Answers a callback: `None` is OK, the only other answer is FAILED_OPERATION.
    ///
    /// # Errors
    /// INVALID_PARAM for another answer, for invocation 0 and for other handles' callbacks;
    /// NOT_EXIST (INVALID_PARAM up to B.03) when no answer is owed.
    #[doc(alias = "saAmfResponse")]
    #[doc(alias = "saAmfResponse_4")]
    pub fn response(&self, invocation: u64, answer: Answer) -> S::Answer<'_, ()> {
        self.order(Call::Response { invocation, answer })
    }

    /// The component serves nobody any more; `invocation` is that of the QUIESCING callback.
    ///
    /// # Errors
    /// As [`response`](Self::response).
    #[doc(alias = "saAmfCSIQuiescingComplete")]
    pub fn csi_quiescing_complete(&self, invocation: u64, answer: Answer) -> S::Answer<'_, ()> {
        self.order(Call::QuiescingComplete { invocation, answer })
    }

    /// Somebody has seen an error of a component.
    ///
    /// # Errors
    /// NOT_EXIST when the model has no such component; INVALID_PARAM when it does not run;
    /// NOT_SUPPORTED for recoveries beyond the component's own.
    #[doc(alias = "saAmfComponentErrorReport")]
    #[doc(alias = "saAmfComponentErrorReport_4")]
    pub fn component_error_report(
        &self,
        component: &Name,
        recovery: Recovery,
    ) -> S::Answer<'_, ()> {
        let (component, recovery) = (component.clone(), recovery.number());
        self.order(Call::ErrorReport { component, detected: Time::BEGIN, recovery })
    }

    /// The errors of a component are gone.
    ///
    /// # Errors
    /// NOT_EXIST when the model has no such component; NO_OP when it has no error; BAD_OPERATION
    /// when it does not run.
    #[doc(alias = "saAmfComponentErrorClear")]
    #[doc(alias = "saAmfComponentErrorClear_4")]
    pub fn component_error_clear(&self, component: &Name) -> S::Answer<'_, ()> {
        self.order(Call::ErrorClear { component: component.clone() })
    }

    /// An operator's order to a unit, a group or an instance. Returns when its effects are
    /// complete, however long that takes; of SHUTDOWN, when it has begun.
    ///
    /// # Errors
    /// NOT_EXIST when the model has no such object; NO_OP, BAD_OPERATION by its state; TRY_AGAIN
    /// while something else is under way; REPAIR_PENDING when it is done, but a component failed.
    #[doc(alias = "saAmfAdminOperation")]
    pub fn admin(&self, object: &Name, operation: AdminOperation) -> S::Answer<'_, ()> {
        let call = Call::Admin { object: object.clone(), operation };
        self.session.ask(call, Patience::ENDLESS, done)
    }

    /// Every object of the model and its states, as the node sees them.
    ///
    /// # Errors
    /// Only those of the session.
    pub fn state(&self) -> S::Answer<'_, State> {
        self.ask(Call::State, |reply| match reply {
            Reply::State(state) => Ok(state),
            other => Err(unexpected(&other)),
        })
    }

    /// Why an object is as it is: the last decisions about it, oldest first.
    ///
    /// # Errors
    /// NOT_EXIST when the model has no such object.
    pub fn explain(&self, object: &Name) -> S::Answer<'_, Vec<Cause>> {
        self.ask(Call::Explain { object: object.clone() }, |reply| match reply {
            Reply::Causes(causes) => Ok(causes),
            other => Err(unexpected(&other)),
        })
    }

    /// Gives the cluster its model.
    ///
    /// # Errors
    /// EXIST when it has another one; INVALID_PARAM for a bad one, the text names object and rule.
    pub fn load_model(&self, model: Model) -> S::Answer<'_, ()> {
        self.order(Call::LoadModel(model))
    }

    /// Ends the handle. A component that is registered with it is in error, unless it was asked to
    /// terminate.
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before.
    #[doc(alias = "saAmfFinalize")]
    pub fn finalize(&self) -> S::Answer<'_, ()> {
        self.session.close()
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        then: impl FnOnce(Reply) -> Outcome<T> + Send + 'a,
    ) -> S::Answer<'a, T> {
        self.session.ask(call, Patience::USUAL, then)
    }

    fn order(&self, call: Call) -> S::Answer<'_, ()> {
        self.session.ask(call, Patience::USUAL, done)
    }
}

impl Amf<Session> {
    /// Opens a handle of this generation of functions, for the component of the environment.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    #[doc(alias = "saAmfInitialize")]
    #[doc(alias = "saAmfInitialize_3")]
    #[doc(alias = "saAmfInitialize_4")]
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
        let call = opening(api, version, callbacks);
        let (session, granted) =
            Session::open_with(endpoint, ServiceId::AMF, version, program, call)?;
        Ok(Self { session, version: granted_version(version, &granted)? })
    }

    /// The next callback; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the handle is finalized or the node gone.
    pub fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        self.session.next_callback(wait)
    }

    /// Runs pending callbacks.
    ///
    /// # Errors
    /// BAD_HANDLE when the handle was finalized before, or the node has gone.
    #[doc(alias = "saAmfDispatch")]
    pub fn dispatch(&self, flags: DispatchFlags, mut run: impl FnMut(Callback)) -> Outcome<()> {
        match flags {
            DispatchFlags::One => {
                self.next_callback(Wait::Now)?.into_iter().for_each(run);
                Ok(())
            }
            DispatchFlags::All => {
                while let Some(callback) = self.next_callback(Wait::Now)? {
                    run(callback);
                    // The callback may have ended the handle; that is no error of this call.
                    if self.session.is_finalized() {
                        break;
                    }
                }
                Ok(())
            }
            DispatchFlags::Blocking => loop {
                match self.next_callback(Wait::Forever) {
                    Ok(callback) => callback.into_iter().for_each(&mut run),
                    // By another thread, or by a callback: that is how it ends.
                    Err(_) if self.session.is_finalized() => return Ok(()),
                    Err(error) => return Err(error),
                }
            },
        }
    }
}

impl Amf<AsyncSession> {
    /// Opens a handle of this generation of functions, for the component of the environment.
    ///
    /// # Errors
    /// Those of [`AsyncSession::open`].
    pub async fn initialize(
        endpoint: &Endpoint,
        program: &str,
        api: Api,
        callbacks: Callbacks,
    ) -> Outcome<Self> {
        let version = api.version();
        let session = AsyncSession::open(endpoint, ServiceId::AMF, version, program).await?;
        let granted = session.call(opening(api, version, callbacks)).await?;
        Ok(Self { session, version: granted_version(version, &granted)? })
    }

    /// The next callback; `None` when the wait is over. Dropping the future loses none.
    ///
    /// # Errors
    /// BAD_HANDLE once the handle is finalized or the node gone.
    pub async fn next_callback(&self, wait: Wait) -> Outcome<Option<Callback>> {
        self.session.next_callback(wait).await
    }
}

impl AsFd for Amf<Session> {
    /// The selection object: readable while a callback is pending.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.session.as_fd()
    }
}

fn opening(api: Api, version: Version, callbacks: Callbacks) -> Call {
    let component = env::var_os(COMPONENT_VARIABLE);
    // A name that is too long is nobody's: as if there were none.
    let component = component.and_then(|it| Name::new(it.as_bytes()).ok());
    Call::Initialize { version, api, callbacks, component }
}

fn granted_version(requested: Version, reply: &Reply) -> Outcome<Version> {
    match reply {
        Reply::Initialized(version) => Ok(*version),
        Reply::VersionRefused(version) => {
            let text = format!("AMF {requested} is not supported; ask for {version}");
            Err(Error::new(ErrorCode::Version, text))
        }
        other => Err(unexpected(other)),
    }
}

fn done(reply: Reply) -> Outcome<()> {
    match reply {
        Reply::Done => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::new(ErrorCode::Library, format!("the node answered something else: {reply:?}"))
}
