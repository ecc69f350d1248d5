//! What a C interface has no function for, in a program under test that calls a C library: orders
//! of operators, and other services. They are called through this implementation's own client.

use super::{
    helper::{inner, serve},
    protocol::{self, CALL, Incoming, Request},
};
use crate::codec;
use ais_client::Endpoint;
use ais_conformance_core::AnyCall;
use ais_types::{ServiceId, ckpt, clm};
use ais_wire::{Frame, encode_bytes};
use std::{
    collections::BTreeSet,
    io,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A tag that the runner does not use: nobody waits for the answer.
const NOBODY: u64 = 0;

/// The part of a program under test that needs no C library.
pub(super) struct Aside {
    /// Whose library is judged.
    judged: ServiceId,
    stream: UnixStream,
    /// The operators' handles that there are.
    operators: BTreeSet<String>,
    /// Handles of the scenario that are operators' for good.
    observers: BTreeSet<String>,
}

impl Aside {
    /// Starts it; what it answers is written where the program's answers are.
    pub(super) fn start(judged: ServiceId, writer: Arc<Mutex<UnixStream>>) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        thread::spawn(move || serve(theirs, &Endpoint::from_env(), None));
        let mut answers = Incoming::new(stream.try_clone()?);
        thread::spawn(move || {
            while let Some(frame) = answers.next() {
                let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                if frame.tag != NOBODY && protocol::send(&writer, &frame).is_err() {
                    return;
                }
            }
        });
        let (operators, observers) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { judged, stream, operators, observers })
    }

    /// Takes a request that is not the library's. `false`: it is the library's.
    pub(super) fn takes(&mut self, frame: &Frame, request: &Request) -> bool {
        if request.service != self.judged {
            self.forward(frame.clone());
            return true;
        }
        let call = || codec::call_of(self.judged, &inner(frame)?);
        let call = (frame.kind == CALL).then(call).and_then(Result::ok);
        match call {
            Some(call) if is_for_operators(&call) => {
                if is_to_be_told(&call) {
                    self.observers.insert(request.handle.clone());
                }
                self.operate(frame, request);
                true
            }
            Some(_) => false,
            None if self.observers.contains(&request.handle) => {
                self.operate(frame, request);
                true
            }
            None => false,
        }
    }

    /// On a handle beside that of the scenario.
    fn operate(&mut self, frame: &Frame, request: &Request) {
        let handle = format!("{} as operator", request.handle);
        let request = Request { handle: handle.clone(), ..request.clone() };
        let header = encode_bytes(&request);
        if self.operators.insert(handle)
            && let Some(begin) = AnyCall::initialize(self.judged)
        {
            let body = vec![codec::call_frame(0, begin).to_bytes()];
            self.forward(Frame { kind: CALL, tag: NOBODY, header: header.clone(), body });
        }
        self.forward(Frame { header, ..frame.clone() });
    }

    fn forward(&self, frame: Frame) {
        // It listens as long as this program lives.
        let _ = protocol::send(&self.stream, &frame);
    }
}

/// What the C interface has no function for, because it is not the program's to order.
fn is_for_operators(call: &AnyCall) -> bool {
    match call {
        AnyCall::Clm(call) => !matches!(
            call,
            clm::Call::Initialize { .. }
                | clm::Call::Track { .. }
                | clm::Call::TrackStop
                | clm::Call::NodeGet { .. }
                | clm::Call::NodeGetAsync { .. }
                | clm::Call::Response { .. }
        ),
        AnyCall::Ckpt(call) => matches!(
            call,
            ckpt::Call::List { .. }
                | ckpt::Call::Show { .. }
                | ckpt::Call::Counters
                | ckpt::Call::Observe
        ),
        AnyCall::Msg(_) | AnyCall::Amf(_) => false,
    }
}

/// Whether something is told after it: then the scenario dispatches on that handle.
fn is_to_be_told(call: &AnyCall) -> bool {
    matches!(call, AnyCall::Ckpt(ckpt::Call::Observe))
}
