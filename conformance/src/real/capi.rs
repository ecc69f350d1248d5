//! Daemons with real processes that call a service through a C library, found at run time.

use super::{
    aisd::{Aisd, Daemons},
    aside::Aside,
    clock,
    cluster::RealCluster,
    helper::{Respond, inner},
    protocol::{CALL, DISPATCH, Dispatch, FINALIZE, Incoming, Request},
};
use crate::codec;
use ais_capi_loader::{CkptLibrary, ClmLibrary};
use ais_client::{Endpoint, Session};
use ais_conformance_core::{
    AnyCall, AnyCallback, AnyReply, Cluster, Feature, Implementation, Setup, Trouble,
};
use ais_transport::net::Protocol;
use ais_types::{
    DispatchFlags, Error, ErrorCode, Name, Outcome, ServiceId, Time, Version, ckpt, clm,
};
use ais_wire::{Frame, decode_bytes};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// The hidden argument by which the program becomes a program under test that uses a C library.
pub(crate) const C_HELPER: &str = "c-helper";

/// A C function does not say when its question is with the node. So long is waited for its return
/// before the next one is called; a call in the background is under way by then.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// A C library of a service, with this implementation's daemons below it.
#[derive(Clone, Debug)]
pub struct Capi {
    /// A program that becomes daemons and programs under test: `ais-conformance` itself.
    pub program: PathBuf,
    /// The library.
    pub library: PathBuf,
    /// Whose functions it has.
    pub service: ServiceId,
}

impl Implementation for Capi {
    fn name(&self) -> String {
        let name = self.library.file_name().unwrap_or_default();
        format!("{} over aisd", name.to_string_lossy())
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        match feature {
            Feature::Components => Err("components use the library of AMF".to_owned()),
            other => {
                Aisd { program: self.program.clone(), protocol: Protocol::Tcp }.supports(other)
            }
        }
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        // A library that cannot be used is said once, and clearly.
        Library::load(&self.library, self.service).map_err(Trouble::Broken)?;
        let helper = vec![
            C_HELPER.into(),
            self.service.0.to_string().into(),
            self.library.clone().into_os_string(),
        ];
        let daemons = Daemons::new(self.program.clone(), helper, setup)?;
        Ok(Box::new(RealCluster::start(daemons, &setup.nodes)?))
    }
}

/// Does what the other end of the stream says, through the library that the arguments name.
pub(crate) fn serve_c(stream: UnixStream, arguments: &[OsString]) -> Result<(), String> {
    let [service, library] = arguments else { return Err("service and library".to_owned()) };
    let service = service.to_str().and_then(|it| it.parse().ok()).map(ServiceId);
    let service = service.ok_or("a service has a number")?;
    let library = Library::load(Path::new(library), service)?;
    let writer = stream.try_clone().map_err(|error| error.to_string())?;
    let program =
        Arc::new(Program { service, library, handles: Mutex::default(), opened: Mutex::default() });
    let (writer, mut incoming) = (Arc::new(Mutex::new(writer)), Incoming::new(stream));
    let mut aside =
        Aside::start(service, Arc::clone(&writer)).map_err(|error| error.to_string())?;
    while let Some(frame) = incoming.next() {
        let Ok(request) = decode_bytes::<Request>(&frame.header) else { break };
        if aside.takes(&frame, &request) {
            continue;
        }
        let respond = Respond { writer: Arc::clone(&writer), kind: frame.kind, tag: frame.tag };
        let (done, is_done) = mpsc::channel();
        let program = Arc::clone(&program);
        thread::spawn(move || {
            program.take(&frame, &request, &respond);
            // Nobody listens when the next request has been taken meanwhile.
            let _ = done.send(());
        });
        let _ = is_done.recv_timeout(UNDER_WAY);
    }
    Ok(())
}

enum Library {
    Clm(ClmLibrary),
    Ckpt(CkptLibrary),
}

impl Library {
    fn load(path: &Path, service: ServiceId) -> Result<Self, String> {
        match service {
            ServiceId::CLM => ClmLibrary::load(path).map(Self::Clm),
            ServiceId::CKPT => CkptLibrary::load(path).map(Self::Ckpt),
            other => Err(format!("libraries of service {} cannot be called yet", other.0)),
        }
    }

    /// A new handle, if one was issued, and the reply.
    fn initialize(&self, call: &AnyCall) -> Option<Outcome<(Option<u64>, AnyReply)>> {
        let of_ckpt = |it: Outcome<(u64, ckpt::Reply)>| {
            it.map(|(handle, reply)| (Some(handle), AnyReply::Ckpt(reply)))
        };
        Some(match (self, call) {
            (Self::Clm(it), &AnyCall::Clm(clm::Call::Initialize { api, version, callbacks })) => it
                .initialize(api, version, callbacks)
                .map(|(handle, reply)| (handle, AnyReply::Clm(reply))),
            (Self::Ckpt(it), &AnyCall::Ckpt(ckpt::Call::Initialize { version, callbacks })) => {
                of_ckpt(it.initialize(version, callbacks))
            }
            (
                Self::Ckpt(it),
                &AnyCall::Ckpt(ckpt::Call::InitializeTracking { version, callbacks }),
            ) => of_ckpt(it.initialize_tracking(version, callbacks)),
            _ => return None,
        })
    }

    fn call(&self, handle: u64, call: &AnyCall) -> Outcome<AnyReply> {
        match (self, call) {
            (Self::Clm(it), AnyCall::Clm(call)) => it.call(handle, call).map(AnyReply::Clm),
            (Self::Ckpt(it), AnyCall::Ckpt(call)) => it.call(handle, call).map(AnyReply::Ckpt),
            _ => Err(Error::new(ErrorCode::Library, "a call of another service")),
        }
    }

    fn selection_object(&self, handle: u64) -> Outcome<u64> {
        match self {
            Self::Clm(it) => it.selection_object(handle),
            Self::Ckpt(it) => it.selection_object(handle),
        }
    }

    fn dispatch(&self, handle: u64, flags: DispatchFlags) -> Outcome<Vec<AnyCallback>> {
        fn any<T>(it: Vec<T>, of: fn(T) -> AnyCallback) -> Vec<AnyCallback> {
            it.into_iter().map(of).collect()
        }
        match self {
            Self::Clm(it) => it.dispatch(handle, flags).map(|it| any(it, AnyCallback::Clm)),
            Self::Ckpt(it) => it.dispatch(handle, flags).map(|it| any(it, AnyCallback::Ckpt)),
        }
    }

    fn finalize(&self, handle: u64) -> Outcome<()> {
        match self {
            Self::Clm(it) => it.finalize(handle),
            Self::Ckpt(it) => it.finalize(handle),
        }
    }
}

struct Program {
    service: ServiceId,
    library: Library,
    /// The C handle of each handle of the scenario.
    handles: Mutex<BTreeMap<String, u64>>,
    /// The name of each checkpoint that was opened, by its C handle.
    opened: Mutex<BTreeMap<u64, Name>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    fn find(&self, request: &Request) -> Outcome<u64> {
        let handle = lock(&self.handles).get(&request.handle).copied();
        let never = || Error::new(ErrorCode::BadHandle, "the handle was never initialised");
        handle.ok_or_else(never)
    }

    fn take(&self, frame: &Frame, request: &Request, respond: &Respond) {
        match frame.kind {
            CALL => {
                let reply = inner(frame)
                    .and_then(|it| codec::call_of(self.service, &it))
                    .and_then(|call| self.call(request, &call));
                respond.reply(reply.map(|it| codec::reply_frame(0, Ok(it))));
            }
            DISPATCH => {
                let callbacks = self.dispatch(request);
                let frame = |it| codec::callback_frame(it).to_bytes();
                respond.callbacks(callbacks.map(|it| it.into_iter().map(frame).collect()));
            }
            FINALIZE => {
                let outcome = self.find(request).and_then(|it| self.library.finalize(it));
                respond.done(outcome, Vec::new());
            }
            _ => respond.done(Err(Error::new(ErrorCode::Library, "no such request")), Vec::new()),
        }
    }

    fn call(&self, request: &Request, call: &AnyCall) -> Outcome<AnyReply> {
        if let Some(initialized) = self.library.initialize(call) {
            let (handle, reply) = initialized?;
            if let Some(handle) = handle {
                lock(&self.handles).insert(request.handle.clone(), handle);
            }
            return Ok(reply);
        }
        if let AnyCall::Ckpt(ckpt::Call::Corrupt { checkpoint, section }) = call {
            let name = lock(&self.opened).get(checkpoint).cloned().unwrap_or_default();
            return corrupt(name, section.clone()).map(AnyReply::Ckpt);
        }
        let reply = self.library.call(self.find(request)?, call)?;
        if let (
            AnyCall::Ckpt(ckpt::Call::Open { name, .. }),
            AnyReply::Ckpt(ckpt::Reply::Opened(handle)),
        ) = (call, &reply)
        {
            lock(&self.opened).insert(*handle, name.clone());
        }
        Ok(reply)
    }

    /// As a program in C: polls the selection object, and dispatches when there is something.
    fn dispatch(&self, request: &Request) -> Outcome<Vec<AnyCallback>> {
        let handle = self.find(request)?;
        let Some(dispatch) = request.dispatch else { return Ok(Vec::new()) };
        let object = self.library.selection_object(handle)?;
        let Dispatch { one, want, patience_ms, quiet_ms } = dispatch;
        let until = clock::after(Duration::from_millis(patience_ms));
        let quiet = Duration::from_millis(quiet_ms);
        let mut told = Vec::new();
        if one {
            if want > 0 {
                wait_readable(
                    object,
                    until.saturating_duration_since(clock::after(Duration::ZERO)),
                );
            }
            return self.library.dispatch(handle, DispatchFlags::One);
        }
        while told.len() < want {
            let left = until.saturating_duration_since(clock::after(Duration::ZERO));
            if !wait_readable(object, left) {
                break;
            }
            told.extend(self.library.dispatch(handle, DispatchFlags::All)?);
        }
        while wait_readable(object, quiet) {
            told.extend(self.library.dispatch(handle, DispatchFlags::All)?);
        }
        told.extend(self.library.dispatch(handle, DispatchFlags::All)?);
        Ok(told)
    }
}

/// A fault that no program can bring about: done by a session of its own that opens the checkpoint.
fn corrupt(name: Name, section: ckpt::SectionId) -> Outcome<ckpt::Reply> {
    let version = Version::b(2, 2);
    let session = Session::open(&Endpoint::from_env(), ServiceId::CKPT, version, "conformance")?;
    let ask = |call: ckpt::Call| session.call::<_, ckpt::Reply>(call);
    ask(ckpt::Call::Initialize { version, callbacks: ckpt::Callbacks::default() })?;
    let (flags, timeout) = (ckpt::OpenFlags::WRITE, Time(10 * Time::ONE_SECOND.0));
    match ask(ckpt::Call::Open { name, attributes: None, flags, timeout })? {
        ckpt::Reply::Opened(checkpoint) => ask(ckpt::Call::Corrupt { checkpoint, section }),
        other => Ok(other),
    }
}

/// Polls as C does. `false`: not in this time.
fn wait_readable(object: u64, limit: Duration) -> bool {
    // A second descriptor for the same thing, so that nothing is assumed about the first.
    let Some(object) = i32::try_from(object).ok().and_then(ais_capi_loader::duplicate) else {
        return false;
    };
    let mut fds = [PollFd::new(&object, PollFlags::IN)];
    let limit = Timespec::try_from(limit).ok();
    poll(&mut fds, limit.as_ref()).is_ok_and(|ready| ready > 0)
}
