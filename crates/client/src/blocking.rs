//! The blocking session: no runtime, no thread of its own.

use crate::{
    Caller, Endpoint, Message, Patience, Wait,
    connection::{Broken, Connection, MANNERS, not_understood, reply, stale},
};
use ais_types::{Error, ErrorCode, Hello, Outcome, ServiceId, Version, Welcome, frame};
use ais_wire::{Frame, decode, encode};
use bytes::Bytes;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::SendFlags,
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A session whose calls block. Share it among threads: none waits for another's call.
///
/// A call is one write and one read on a connection from a pool. Callbacks come on the session's first
/// connection, whose descriptor is the selection object (`AsFd`): readable while and only while
/// a callback is pending, since nothing is ever read ahead. A session that opens with its first
/// call, and has no other, needs no further connection. Dropping a session ends it.
#[derive(Debug)]
pub struct Session {
    endpoint: Endpoint,
    token: u128,
    node: String,
    callbacks: Connection,
    /// One reader at a time; never held while waiting.
    reading: Mutex<()>,
    connections: Mutex<Connections>,
    state: AtomicU8,
    tags: AtomicU64,
    /// What dispatching returns since the node left the cluster.
    stale: OnceLock<Error>,
}

/// Those for calls: at rest, and in use.
#[derive(Debug, Default)]
struct Connections {
    idle: Vec<Arc<Connection>>,
    busy: Vec<Arc<Connection>>,
}

impl Connections {
    fn take_idle(&mut self) -> Option<Arc<Connection>> {
        let idle = self.idle.pop()?;
        self.busy.push(Arc::clone(&idle));
        Some(idle)
    }
}

/// Of the call that goes with the hello.
const FIRST_TAG: u64 = 1;

const OPEN: u8 = 0;
const FINALIZED: u8 = 1;
const GONE: u8 = 2;

impl Session {
    /// Opens a session with a service of the node.
    ///
    /// # Errors
    /// TRY_AGAIN when no node answers or it is no member of its group at the moment;
    /// NOT_SUPPORTED when it has no such service; NO_RESOURCES beyond its limits.
    pub fn open(
        endpoint: &Endpoint,
        service: ServiceId,
        version: Version,
        program: &str,
    ) -> Outcome<Self> {
        let first = Connection::new(endpoint.connect_first()?);
        let welcome = first.greet(&opening(service, version, program))?;
        Ok(Self::begin(endpoint, first, welcome))
    }

    /// Opens a session with a service and asks its first question in the same breath: one exchange with
    /// the node for both.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and of [`call`](Self::call); the session is ended then.
    pub fn open_with<C: Message, R: Message>(
        endpoint: &Endpoint,
        service: ServiceId,
        version: Version,
        program: &str,
        mut call: C,
    ) -> Outcome<(Self, R)> {
        let first = Connection::new(endpoint.connect_first()?);
        let call = encode(frame::CALL, FIRST_TAG, &mut call);
        let welcome = first.greet_and_send(&opening(service, version, program), &call)?;
        let session = Self::begin(endpoint, first, welcome);
        let answer = session.answer_on_first(&call)?;
        Ok((session, reply(&answer)?))
    }

    fn begin(endpoint: &Endpoint, first: Connection, welcome: Welcome) -> Self {
        Self {
            endpoint: endpoint.clone(),
            token: welcome.token,
            node: welcome.node,
            callbacks: first,
            reading: Mutex::new(()),
            connections: Mutex::default(),
            state: AtomicU8::new(OPEN),
            tags: AtomicU64::new(FIRST_TAG),
            stale: OnceLock::new(),
        }
    }

    /// The name of the node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Whether this session was finalized here (and did not break off otherwise).
    #[must_use]
    pub fn is_finalized(&self) -> bool {
        self.state.load(Ordering::SeqCst) == FINALIZED
    }

    /// Whether the node has ended this session, or has gone. It is found out by calls and while
    /// waiting for callbacks; such a session is of no more use.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.state.load(Ordering::SeqCst) == GONE
    }

    /// Whether a node answers at the session's endpoint now, this session's or a later one.
    #[must_use]
    pub fn node_answers(&self) -> bool {
        self.endpoint.connect().is_ok()
    }

    /// Asks the service and waits for its answer with [`Patience::USUAL`].
    ///
    /// # Errors
    /// Those of the service, and those of the session (see the crate's page).
    pub fn call<C: Message, R: Message>(&self, call: C) -> Outcome<R> {
        self.call_within(call, Patience::USUAL)
    }

    /// Asks the service and waits for its answer.
    ///
    /// # Errors
    /// Those of the service, and those of the session (see the crate's page).
    pub fn call_within<C: Message, R: Message>(
        &self,
        mut call: C,
        patience: Patience,
    ) -> Outcome<R> {
        let tag = self.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let frame = encode(frame::CALL, tag, &mut call);
        reply(&self.exchange(&frame, patience.limit())?)
    }

    /// The next callback; `None` when the wait is over. Several threads may wait: each callback
    /// goes to one of them.
    ///
    /// # Errors
    /// BAD_HANDLE once the session is finalized or its node gone; UNAVAILABLE (for programs of old
    /// versions TRY_AGAIN) once the node has left the cluster; LIBRARY for nonsense.
    pub fn next_callback<C: Message>(&self, wait: Wait) -> Outcome<Option<C>> {
        loop {
            self.check_open()?;
            if let Some(error) = self.stale.get() {
                return Err(error.clone());
            }
            if !self.wait_readable(wait) {
                self.check_open()?;
                return Ok(None);
            }
            if let Some(frame) = self.take_callback()? {
                let callback = decode(&frame).map_err(|it| not_understood(&it.to_string()))?;
                return Ok(Some(callback));
            }
        }
    }

    /// Ends the session; the service has taken note when this returns. Threads that wait in calls
    /// or for callbacks return BAD_HANDLE, and the selection object hangs up.
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before. A node that has gone is no error.
    pub fn finalize(&self) -> Outcome<()> {
        let before = self.state.swap(FINALIZED, Ordering::SeqCst);
        if before == FINALIZED {
            return Err(Error::new(ErrorCode::BadHandle, "the session was finalized before"));
        }
        if before == OPEN {
            // Whether the node is there to say good-bye to or not: the session ends.
            let _ = self.say_goodbye();
        }
        self.hang_up();
        Ok(())
    }

    /// In a forked child, where the session still belongs to the parent: closes this process's copies of
    /// its descriptors, and neither says nor ends anything.
    pub fn abandon(self) {
        self.state.store(GONE, Ordering::SeqCst);
    }

    fn exchange(&self, frame: &Frame, patience: Option<Duration>) -> Outcome<Frame> {
        self.check_open()?;
        let connection = self.take_connection()?;
        let answer = self.exchange_on(&connection, frame, patience);
        self.give_back(connection, answer.is_ok());
        answer
    }

    fn exchange_on(
        &self,
        connection: &Connection,
        frame: &Frame,
        patience: Option<Duration>,
    ) -> Outcome<Frame> {
        connection.be_patient(patience).map_err(|_| self.gone())?;
        let answer = match connection.send(frame, SendFlags::empty()) {
            Ok(()) => connection.receive_only(),
            Err(Broken::Late) => Err(Broken::Late),
            Err(Broken::Gone | Broken::Garbled(_)) => return Err(self.gone()),
        };
        match answer {
            Ok(answer) if answer.tag == frame.tag => Ok(answer),
            Ok(_) => Err(not_understood("a reply to another call")),
            Err(broken) => Err(self.no_answer(broken)),
        }
    }

    /// Nothing can be said of the call that was sent.
    fn no_answer(&self, broken: Broken) -> Error {
        match broken {
            Broken::Garbled(why) => not_understood(&why),
            Broken::Late => {
                let text = "the node did not answer in time; whether it was done is not known";
                Error::new(ErrorCode::Timeout, text)
            }
            Broken::Gone => self.gone_after_asking(),
        }
    }

    /// The answer to what was sent on the first connection. Nobody else may read it meanwhile. Before the
    /// answer to the first call there are no callbacks, and nobody wants those before the last.
    fn answer_on_first(&self, asked: &Frame) -> Outcome<Frame> {
        loop {
            let frame = self.callbacks.receive().map_err(|broken| self.no_answer(broken))?;
            match frame.kind {
                frame::REPLY if frame.tag == asked.tag => return Ok(frame),
                frame::CALLBACK if self.is_finalized() => {}
                frame::STALE => {
                    self.stale.get_or_init(|| stale(&frame));
                }
                kind => return Err(not_understood(&format!("kind {kind} on a first connection"))),
            }
        }
    }

    fn take_connection(&self) -> Outcome<Arc<Connection>> {
        if let Some(idle) = self.connections().take_idle() {
            return Ok(idle);
        }
        let stream = self.endpoint.connect().map_err(|_| self.gone())?;
        let connection = Arc::new(Connection::new(stream));
        let hello = Hello::Attach { protocol: Hello::PROTOCOL, token: self.token };
        connection.greet(&hello).map_err(|_| self.gone())?;
        self.connections().busy.push(Arc::clone(&connection));
        // Finalized meanwhile: nobody else would wake us.
        self.check_open()?;
        Ok(connection)
    }

    fn give_back(&self, connection: Arc<Connection>, sound: bool) {
        let mut connections = self.connections();
        connections.busy.retain(|it| !Arc::ptr_eq(it, &connection));
        if sound {
            connections.idle.push(connection);
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one callback, if no other thread was faster.
    fn take_callback(&self) -> Outcome<Option<Frame>> {
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.wait_readable(Wait::Now) {
            return Ok(None);
        }
        match self.callbacks.receive() {
            Ok(frame) if frame.kind == frame::CALLBACK => Ok(Some(frame)),
            Ok(frame) if frame.kind == frame::STALE => {
                let error = stale(&frame);
                Err(self.stale.get_or_init(|| error).clone())
            }
            Ok(frame) => Err(not_understood(&format!("kind {} as a callback", frame.kind))),
            Err(Broken::Garbled(why)) => Err(not_understood(&why)),
            Err(Broken::Gone | Broken::Late) => Err(self.gone()),
        }
    }

    /// Whether the selection object became readable (or hung up) in time.
    fn wait_readable(&self, wait: Wait) -> bool {
        loop {
            let mut fds = [PollFd::new(self.callbacks.stream(), PollFlags::IN)];
            let limit = time_left(wait).map(|left| {
                Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
            });
            match poll(&mut fds, limit.as_ref()) {
                Ok(ready) => return ready > 0,
                Err(Errno::INTR) => {}
                Err(_) => return true, // Reading will tell.
            }
        }
    }

    fn check_open(&self) -> Outcome<()> {
        match self.state.load(Ordering::SeqCst) {
            OPEN => Ok(()),
            FINALIZED => Err(Error::new(ErrorCode::BadHandle, "the session is finalized")),
            _ => Err(self.gone()),
        }
    }

    /// The connections ended, and not by us: this session is of no more use.
    fn gone(&self) -> Error {
        let state = self.state.compare_exchange(OPEN, GONE, Ordering::SeqCst, Ordering::SeqCst);
        let text = match state {
            Err(FINALIZED) => "the session is finalized".to_owned(),
            Ok(_) | Err(_) => {
                self.hang_up();
                let node = &self.node;
                format!("node {node} has ended the session; nothing was done, initialize again")
            }
        };
        Error::new(ErrorCode::BadHandle, text)
    }

    fn gone_after_asking(&self) -> Error {
        let error = self.gone();
        if self.is_finalized() {
            return error;
        }
        let text = format!("node {} went away; whether the call was done is not known", self.node);
        Error::new(ErrorCode::Timeout, text)
    }

    fn say_goodbye(&self) -> Outcome<()> {
        let tag = self.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let farewell = Frame::new(frame::FINALIZE, tag, Bytes::new());
        let idle = self.connections().idle.pop();
        let answer = match idle {
            Some(idle) => self.exchange_on(&idle, &farewell, Some(MANNERS)),
            None => self.say_goodbye_on_first(&farewell),
        };
        answer.and_then(|frame| reply(&frame))
    }

    fn say_goodbye_on_first(&self, farewell: &Frame) -> Outcome<Frame> {
        // Whoever dispatches finds the end, and not our answer.
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = self.callbacks.send(farewell, SendFlags::empty());
        sent.map_err(|broken| self.no_answer(broken))?;
        self.answer_on_first(farewell)
    }

    fn hang_up(&self) {
        self.callbacks.shut_down();
        let mut connections = self.connections();
        connections.idle.clear();
        connections.busy.iter().for_each(|it| it.shut_down());
    }
}

impl Drop for Session {
    /// Says good-bye without waiting for the answer.
    fn drop(&mut self) {
        if self.state.load(Ordering::SeqCst) == OPEN {
            let frame = Frame::new(frame::FINALIZE, 0, Bytes::new());
            let _ = self.callbacks.send(&frame, SendFlags::DONTWAIT);
        }
    }
}

impl AsFd for Session {
    /// The selection object: for `poll` and the like only. Valid until the session is dropped.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.callbacks.stream().as_fd()
    }
}

impl Caller for Session {
    type Answer<'a, T: Send + 'a> = Outcome<T>;

    fn open<'a>(
        endpoint: &'a Endpoint,
        service: ServiceId,
        version: Version,
        program: &'a str,
    ) -> Outcome<Self> {
        Self::open(endpoint, service, version, program)
    }

    fn ask<'a, C: Message, R: Message, T: Send + 'a>(
        &'a self,
        call: C,
        patience: Patience,
        then: impl FnOnce(R) -> Outcome<T> + Send + 'a,
    ) -> Outcome<T> {
        self.call_within(call, patience).and_then(then)
    }

    fn callback<C: Message>(&self, wait: Wait) -> Outcome<Option<C>> {
        self.next_callback(wait)
    }

    fn close(&self) -> Outcome<()> {
        self.finalize()
    }
}

fn opening(service: ServiceId, version: Version, program: &str) -> Hello {
    let program = program.to_owned();
    Hello::Open { protocol: Hello::PROTOCOL, service, version, program }
}

#[expect(clippy::disallowed_methods, reason = "a blocking wait measures its own time")]
fn time_left(wait: Wait) -> Option<Duration> {
    match wait {
        Wait::Now => Some(Duration::ZERO),
        Wait::Until(moment) => Some(moment.saturating_duration_since(Instant::now())),
        Wait::Forever => None,
    }
}
