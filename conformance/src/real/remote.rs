//! The runner's end of a program under test.

use super::protocol::{self, CALL, DISPATCH, Dispatch, Done, FINALIZE, Incoming, Request};
use crate::codec;
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply, SessionName};
use ais_types::{Error, ErrorCode, Outcome};
use ais_wire::{Frame, decode_bytes, encode_bytes};
use bytes::Bytes;
use rustix::process::{Signal, pidfd_send_signal};
use std::{
    collections::BTreeMap,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::Child,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A program under test.
pub(super) struct Remote {
    stream: UnixStream,
    answers: Arc<Answers>,
    body: Body,
}

/// What a program is made of. Dropping it kills the program.
pub(super) enum Body {
    /// Part of this process; the node takes it for a process of its own.
    Inside(Option<Arc<ais_node::Program>>),
    /// A process.
    Process(Child),
    /// A process that AMF has started.
    Component(OwnedFd),
}

#[derive(Default)]
struct Answers {
    come: Mutex<Come>,
    changed: Condvar,
}

#[derive(Default)]
struct Come {
    frames: BTreeMap<u64, Frame>,
    ended: bool,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Come> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote {
    pub(super) fn new(stream: UnixStream, body: Body) -> std::io::Result<Self> {
        let answers = Arc::new(Answers::default());
        let (mut incoming, heard) = (Incoming::new(stream.try_clone()?), Arc::clone(&answers));
        thread::spawn(move || {
            while let Some(frame) = incoming.next() {
                heard.lock().frames.insert(frame.tag, frame);
                heard.changed.notify_all();
            }
            heard.lock().ended = true;
            heard.changed.notify_all();
        });
        Ok(Self { stream, answers, body })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.answers.lock().ended
    }

    pub(super) fn call(&self, tag: u64, session: &SessionName, call: AnyCall) {
        self.ask(CALL, tag, session, None, vec![codec::call_frame(0, call).to_bytes()]);
    }

    /// `None`: not within this time.
    pub(super) fn reply(
        &self,
        tag: u64,
        session: &SessionName,
        patience: Duration,
    ) -> Option<Outcome<AnyReply>> {
        let frame = match self.wait(tag, patience)? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        let inner = protocol::frames(&frame.joined_body());
        Some(match inner.first() {
            Some(reply) => codec::reply_of(session.service, reply),
            None => Err(done(&frame).err().unwrap_or_else(killed)),
        })
    }

    pub(super) fn dispatch(
        &self,
        tag: u64,
        session: &SessionName,
        dispatch: Dispatch,
    ) -> Outcome<Vec<AnyCallback>> {
        self.ask(DISPATCH, tag, session, Some(dispatch), Vec::new());
        let frame = self.wait(tag, Duration::MAX).unwrap_or_else(|| Err(killed()))?;
        done(&frame)?;
        let inner = protocol::frames(&frame.joined_body());
        inner.iter().map(|it| codec::callback_of(session.service, it)).collect()
    }

    pub(super) fn finalize(&self, tag: u64, session: &SessionName) -> Outcome<()> {
        self.ask(FINALIZE, tag, session, None, Vec::new());
        match self.wait(tag, Duration::MAX) {
            Some(Ok(frame)) => done(&frame),
            // AMF may end a component for that before the call returns; no handle is left of it.
            Some(Err(_)) | None => Ok(()),
        }
    }

    fn ask(
        &self,
        kind: u8,
        tag: u64,
        session: &SessionName,
        dispatch: Option<Dispatch>,
        body: Vec<Bytes>,
    ) {
        let (handle, service) = (session.handle.clone(), session.service);
        let header = encode_bytes(&Request { handle, service, dispatch });
        // A program that is gone does not answer; whoever waits for it is told.
        let _ = protocol::send(&self.stream, &Frame { kind, tag, header, body });
    }

    fn wait(&self, tag: u64, patience: Duration) -> Option<Outcome<Frame>> {
        let waiting = |come: &mut Come| !come.frames.contains_key(&tag) && !come.ended;
        let limit = patience.min(Duration::from_secs(1 << 20));
        let (come, _) = self
            .answers
            .changed
            .wait_timeout_while(self.answers.lock(), limit, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        match come.frames.get(&tag) {
            Some(frame) => Some(Ok(frame.clone())),
            None if come.ended => Some(Err(killed())),
            None => None,
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        match &mut self.body {
            Body::Inside(program) => drop(program.take()),
            Body::Process(child) => {
                // SIGKILL; it may have ended already.
                let _ = child.kill();
                let _ = child.wait();
            }
            Body::Component(process) => {
                // It may have ended already.
                let _ = pidfd_send_signal(&*process, Signal::KILL);
            }
        }
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn done(frame: &Frame) -> Done {
    let nonsense = |_| Err(Error::new(ErrorCode::Library, "the program under test said nonsense"));
    decode_bytes::<Done>(&frame.header).unwrap_or_else(nonsense)
}

fn killed() -> Error {
    Error::new(ErrorCode::Library, "the program under test was killed, or has crashed")
}
