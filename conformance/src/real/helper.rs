//! A program under test: calls what it is told to, by the library.

use super::{
    clock,
    protocol::{self, CALL, DISPATCH, Dispatch, Done, FINALIZE, Incoming, Request},
};
use crate::{codec, handles::Pending};
use ais_client::{AsyncSession, Endpoint, Wait};
use ais_conformance_core::AnyCall;
use ais_types::{Error, ErrorCode, Name, Outcome, ServiceId, Version, amf};
use ais_wire::{Frame, FrameReader, Limits, decode_bytes, encode_bytes};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    future::poll_fn,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    thread,
    time::Duration,
};
use tokio::{runtime::Builder, sync::mpsc};

/// Does what the other end of the stream says, with the node at this endpoint, until it hangs up.
/// A component says first which one it is.
pub(crate) fn serve(stream: UnixStream, endpoint: &Endpoint, component: Option<Name>) {
    let (Ok(writer), Ok(runtime)) =
        (stream.try_clone(), Builder::new_current_thread().enable_all().build())
    else {
        return;
    };
    let mut program = Program {
        endpoint: endpoint.clone(),
        component,
        writer: Arc::new(Mutex::new(writer)),
        handles: BTreeMap::new(),
    };
    let (sender, mut requests) = mpsc::unbounded_channel();
    let mut incoming = Incoming::new(stream);
    thread::spawn(move || while incoming.next().is_some_and(|frame| sender.send(frame).is_ok()) {});
    runtime.block_on(async {
        while let Some(frame) = requests.recv().await {
            let Ok(request) = decode_bytes::<Request>(&frame.header) else { return };
            program.take(&frame, request).await;
        }
    });
}

/// Starts the future here and now: what it does at once is done before anything that is asked
/// later. The calls of a handle so reach the node in the scenario's order, also those that nobody
/// waits for.
async fn begin(future: impl Future<Output = ()> + Send + 'static) {
    let mut future = Box::pin(future);
    if poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await.is_pending() {
        tokio::spawn(future);
    }
}

struct Program {
    endpoint: Endpoint,
    component: Option<Name>,
    writer: Arc<Mutex<UnixStream>>,
    handles: BTreeMap<(ServiceId, String), Arc<Handle>>,
}

struct Handle {
    service: ServiceId,
    session: AsyncSession,
    pending: Mutex<Pending>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    async fn take(&mut self, frame: &Frame, request: Request) {
        let (kind, tag) = (frame.kind, frame.tag);
        let respond = Respond { writer: Arc::clone(&self.writer), kind, tag };
        match kind {
            CALL => {
                let call = inner(frame);
                let handle = self.open(&request, call.as_ref().ok()).await;
                let component = self.component.clone();
                begin(async move {
                    let reply = match (handle, call) {
                        (Ok(handle), Ok(call)) => handle.call(&call, component).await,
                        (Err(error), _) | (_, Err(error)) => Err(error),
                    };
                    respond.reply(reply);
                })
                .await;
            }
            DISPATCH => {
                let handle = self.find(&request);
                begin(async move {
                    respond.callbacks(match handle {
                        Ok(handle) => handle.dispatch(&request).await,
                        Err(error) => Err(error),
                    });
                })
                .await;
            }
            FINALIZE => {
                let outcome = match self.find(&request) {
                    Ok(handle) => handle.session.finalize().await,
                    Err(error) => Err(error),
                };
                respond.done(outcome, Vec::new());
            }
            _ => respond.done(Err(Error::new(ErrorCode::Library, "no such request")), Vec::new()),
        }
    }

    /// The first call on a handle opens its session.
    async fn open(&mut self, request: &Request, call: Option<&Frame>) -> Outcome<Arc<Handle>> {
        if let Ok(handle) = self.find(request) {
            return Ok(handle);
        }
        let service = request.service;
        let call = call.and_then(|it| codec::call_of(service, it).ok());
        let version = call.map_or(Version::b(1, 1), |it| codec::version_of(&it));
        let session = AsyncSession::open(&self.endpoint, service, version, "conformance").await?;
        let handle = Arc::new(Handle { service, session, pending: Mutex::default() });
        self.handles.insert((service, request.handle.clone()), Arc::clone(&handle));
        Ok(handle)
    }

    fn find(&self, request: &Request) -> Outcome<Arc<Handle>> {
        let handle = self.handles.get(&(request.service, request.handle.clone()));
        let never = || Error::new(ErrorCode::BadHandle, "the handle was never initialised");
        handle.cloned().ok_or_else(never)
    }
}

impl Handle {
    async fn call(&self, frame: &Frame, of: Option<Name>) -> Outcome<Frame> {
        let mut call = codec::call_of(self.service, frame)?;
        // A library says at Initialize whose environment it runs in.
        if let AnyCall::Amf(amf::Call::Initialize { component, .. }) = &mut call {
            *component = of;
        }
        let reply = codec::ask(&self.session, call.clone()).await?;
        lock(&self.pending).heed(&call, &reply);
        Ok(codec::reply_frame(0, Ok(reply)))
    }

    async fn dispatch(&self, request: &Request) -> Outcome<Vec<Bytes>> {
        let Some(dispatch) = request.dispatch else { return Ok(Vec::new()) };
        self.wait(dispatch).await?;
        let callbacks = lock(&self.pending).take(dispatch.one);
        Ok(callbacks.into_iter().map(|it| codec::callback_frame(it).to_bytes()).collect())
    }

    async fn wait(&self, dispatch: Dispatch) -> Outcome<()> {
        let quiet = Duration::from_millis(dispatch.quiet_ms);
        let until = clock::after(Duration::from_millis(dispatch.patience_ms));
        while lock(&self.pending).len() < dispatch.want {
            match codec::next_callback(&self.session, self.service, Wait::Until(until)).await? {
                Some(callback) => lock(&self.pending).push(callback),
                None => return Ok(()),
            }
        }
        while let Some(callback) =
            codec::next_callback(&self.session, self.service, Wait::Until(clock::after(quiet)))
                .await?
        {
            lock(&self.pending).push(callback);
        }
        Ok(())
    }
}

/// Where a response goes.
pub(super) struct Respond {
    pub(super) writer: Arc<Mutex<UnixStream>>,
    pub(super) kind: u8,
    pub(super) tag: u64,
}

impl Respond {
    pub(super) fn reply(&self, reply: Outcome<Frame>) {
        let frame = reply.unwrap_or_else(|error| codec::reply_frame(0, Err(error)));
        self.done(Ok(()), vec![frame.to_bytes()]);
    }

    pub(super) fn callbacks(&self, callbacks: Outcome<Vec<Bytes>>) {
        match callbacks {
            Ok(frames) => self.done(Ok(()), frames),
            Err(error) => self.done(Err(error), Vec::new()),
        }
    }

    pub(super) fn done(&self, done: Done, body: Vec<Bytes>) {
        let frame = Frame { kind: self.kind, tag: self.tag, header: encode_bytes(&done), body };
        // Who does not listen any more has killed this program, or is about to.
        let _ = protocol::send(&lock(&self.writer), &frame);
    }
}

pub(super) fn inner(frame: &Frame) -> Outcome<Frame> {
    let mut reader = FrameReader::new(Limits::default());
    reader.buffer().extend_from_slice(&frame.joined_body());
    let frame = reader.next_frame().ok().flatten();
    frame.ok_or_else(|| Error::new(ErrorCode::Library, "the runner sent nonsense"))
}
