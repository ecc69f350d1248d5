//! A program under test: calls what it is told to, by the library.

use super::{
    clock,
    protocol::{self, CALL, DISPATCH, Dispatch, Done, FINALIZE, Incoming, Request},
};
use crate::{codec, handles::Pending};
use ais_client::{Endpoint, Session, Wait};
use ais_types::{Error, ErrorCode, Outcome, ServiceId, Version};
use ais_wire::{Frame, FrameReader, Limits, decode_bytes, encode_bytes};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Does what the other end of the stream says, with the node at this endpoint, until it hangs up.
pub(crate) fn serve(stream: UnixStream, endpoint: &Endpoint) {
    let Ok(writer) = stream.try_clone() else { return };
    let mut program = Program {
        endpoint: endpoint.clone(),
        writer: Arc::new(Mutex::new(writer)),
        handles: BTreeMap::new(),
    };
    let mut incoming = Incoming::new(stream);
    while let Some(frame) = incoming.next() {
        let Ok(request) = decode_bytes::<Request>(&frame.header) else { return };
        program.take(&frame, request);
    }
}

struct Program {
    endpoint: Endpoint,
    writer: Arc<Mutex<UnixStream>>,
    handles: BTreeMap<(ServiceId, String), Arc<Handle>>,
}

struct Handle {
    service: ServiceId,
    session: Session,
    pending: Mutex<Pending>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    fn take(&mut self, frame: &Frame, request: Request) {
        let (kind, tag) = (frame.kind, frame.tag);
        let respond = Respond { writer: Arc::clone(&self.writer), kind, tag };
        match kind {
            CALL => {
                let handle = self.open(&request);
                let call = inner(frame);
                thread::spawn(move || respond.reply(handle.and_then(|it| it.call(&call?))));
            }
            DISPATCH => {
                let handle = self.find(&request);
                thread::spawn(move || {
                    respond.callbacks(handle.and_then(|it| it.dispatch(&request)))
                });
            }
            FINALIZE => {
                let outcome = self.find(&request).and_then(|it| it.session.finalize());
                respond.done(outcome, Vec::new());
            }
            _ => respond.done(Err(Error::new(ErrorCode::Library, "no such request")), Vec::new()),
        }
    }

    /// The first call on a handle opens its session.
    fn open(&mut self, request: &Request) -> Outcome<Arc<Handle>> {
        if let Ok(handle) = self.find(request) {
            return Ok(handle);
        }
        let service = request.service;
        let session = Session::open(&self.endpoint, service, Version::b(1, 1), "conformance")?;
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
    fn call(&self, frame: &Frame) -> Outcome<Frame> {
        let call = codec::call_of(self.service, frame)?;
        let reply = codec::ask(&self.session, call.clone())?;
        lock(&self.pending).heed(&call, &reply);
        Ok(codec::reply_frame(0, Ok(reply)))
    }

    fn dispatch(&self, request: &Request) -> Outcome<Vec<Bytes>> {
        let Some(dispatch) = request.dispatch else { return Ok(Vec::new()) };
        self.wait(dispatch)?;
        let callbacks = lock(&self.pending).take(dispatch.one);
        Ok(callbacks.into_iter().map(|it| codec::callback_frame(it).to_bytes()).collect())
    }

    fn wait(&self, dispatch: Dispatch) -> Outcome<()> {
        let quiet = Duration::from_millis(dispatch.quiet_ms);
        let until = clock::after(Duration::from_millis(dispatch.patience_ms));
        while lock(&self.pending).len() < dispatch.want {
            match codec::next_callback(&self.session, self.service, Wait::Until(until))? {
                Some(callback) => lock(&self.pending).push(callback),
                None => return Ok(()),
            }
        }
        while let Some(callback) =
            codec::next_callback(&self.session, self.service, Wait::Until(clock::after(quiet)))?
        {
            lock(&self.pending).push(callback);
        }
        Ok(())
    }
}

/// Where a response goes.
struct Respond {
    writer: Arc<Mutex<UnixStream>>,
    kind: u8,
    tag: u64,
}

impl Respond {
    fn reply(&self, reply: Outcome<Frame>) {
        let frame = reply.unwrap_or_else(|error| codec::reply_frame(0, Err(error)));
        self.done(Ok(()), vec![frame.to_bytes()]);
    }

    fn callbacks(&self, callbacks: Outcome<Vec<Bytes>>) {
        match callbacks {
            Ok(frames) => self.done(Ok(()), frames),
            Err(error) => self.done(Err(error), Vec::new()),
        }
    }

    fn done(&self, done: Done, body: Vec<Bytes>) {
        let frame = Frame { kind: self.kind, tag: self.tag, header: encode_bytes(&done), body };
        // Who does not listen any more has killed this program, or is about to.
        let _ = protocol::send(&lock(&self.writer), &frame);
    }
}

fn inner(frame: &Frame) -> Outcome<Frame> {
    let mut reader = FrameReader::new(Limits::default());
    reader.buffer().extend_from_slice(&frame.joined_body());
    let frame = reader.next_frame().ok().flatten();
    frame.ok_or_else(|| Error::new(ErrorCode::Library, "the runner sent nonsense"))
}
