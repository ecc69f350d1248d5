//! One blocking connection: whole frames out, whole frames in, nothing beyond.

use ais_types::{Error, ErrorCode, Hello, Outcome, Welcome, frame};
use ais_wire::{Frame, FrameError, HEAD, Limits, decode, decode_bytes, encode_bytes};
use bytes::BytesMut;
use rustix::{
    io::Errno,
    net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, sendmsg, shutdown, sockopt},
};
use std::{
    io::{self, IoSlice},
    os::unix::net::UnixStream,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long a hello, or a farewell, waits for its answer.
pub(crate) const MANNERS: Duration = Duration::from_secs(10);

/// How much of a reply is read at first: most replies are smaller.
const USUAL: usize = 8 << 10;

/// How many pieces the system takes at a time.
const PIECES_MAX: usize = 64;

/// Why there is no frame.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The node is gone, or the connection was shut down.
    Gone,
    /// Nothing came in time.
    Late,
    /// What came is no frame.
    Garbled(String),
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    /// How long a read waits at the moment; set only when it changes.
    patience: Mutex<Option<Duration>>,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, patience: Mutex::new(None) }
    }

    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Wakes whoever reads or polls; the descriptor stays until the connection is dropped.
    pub(crate) fn shut_down(&self) {
        let _ = shutdown(&self.stream, Shutdown::Both);
    }

    /// How long reads wait from now on.
    pub(crate) fn be_patient(&self, limit: Option<Duration>) -> io::Result<()> {
        let mut current = self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *current != limit {
            self.wait_at_most(limit)?;
            *current = limit;
        }
        Ok(())
    }

    fn wait_at_most(&self, limit: Option<Duration>) -> io::Result<()> {
        // Zero would mean "for ever" to the system.
        let limit = limit.map(|it| it.max(Duration::from_millis(1)));
        Ok(sockopt::set_socket_timeout(&self.stream, sockopt::Timeout::Recv, limit)?)
    }

    /// A signal ended a read, and the system begins its count anew: without this a program that is
    /// signalled often would wait for ever. `false`: the time is up.
    fn go_on_waiting(&self, begun: Instant) -> bool {
        let current = *self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(limit) = current else { return true };
        let left = limit.saturating_sub(begun.elapsed());
        !left.is_zero() && self.wait_at_most(Some(left)).is_ok()
    }

    /// After [`go_on_waiting`](Self::go_on_waiting): as it was.
    fn wait_as_before(&self) {
        let current = *self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = self.wait_at_most(current);
    }

    /// Sends a whole frame in one piece, if the system takes it. Raises no SIGPIPE. A node that
    /// takes nothing any more is waited for a while only.
    pub(crate) fn send(&self, frame: &Frame, flags: SendFlags) -> Result<(), Broken> {
        let head = frame.head();
        let mut pieces = Vec::with_capacity(2 + frame.body.len());
        add_pieces(&mut pieces, &head, frame);
        self.send_pieces(&mut pieces, flags)
    }

    fn send_pieces(&self, mut left: &mut [IoSlice<'_>], flags: SendFlags) -> Result<(), Broken> {
        while !left.is_empty() {
            let mut none = SendAncillaryBuffer::default();
            let some = &left[..left.len().min(PIECES_MAX)];
            match sendmsg(&self.stream, some, &mut none, flags | SendFlags::NOSIGNAL) {
                Ok(sent) => IoSlice::advance_slices(&mut left, sent),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(Broken::Late),
                Err(_) => return Err(Broken::Gone),
            }
        }
        Ok(())
    }

    /// Receives exactly one frame: the head, then exactly what it announces.
    pub(crate) fn receive(&self) -> Result<Frame, Broken> {
        let mut head = [0; HEAD];
        self.fill(&mut head)?;
        self.receive_rest(&head, HEAD)
    }

    /// Receives the one frame that is awaited here, usually in one read.
    pub(crate) fn receive_only(&self) -> Result<Frame, Broken> {
        let mut start = [0; USUAL];
        let mut have = 0;
        while have < HEAD {
            have += self.read(&mut start[have..])?;
        }
        self.receive_rest(&start[..have], have)
    }

    fn receive_rest(&self, start: &[u8], have: usize) -> Result<Frame, Broken> {
        let limits = Limits::default();
        let garbled = |error: FrameError| Broken::Garbled(error.to_string());
        let head = start.first_chunk().expect("a whole head was read");
        let length = Frame::announced(head, &limits).map_err(garbled)?;
        if have > length {
            return Err(Broken::Garbled("more than the one reply awaited".to_owned()));
        }
        let mut bytes = BytesMut::zeroed(length);
        bytes[..have].copy_from_slice(start);
        self.fill(&mut bytes[have..])?;
        Frame::from_bytes(bytes.freeze(), &limits).map_err(garbled)
    }

    fn fill(&self, mut into: &mut [u8]) -> Result<(), Broken> {
        while !into.is_empty() {
            let read = self.read(into)?;
            into = &mut into[read..];
        }
        Ok(())
    }

    /// At least one byte.
    #[expect(clippy::disallowed_methods, reason = "a blocking wait measures its own time")]
    fn read(&self, into: &mut [u8]) -> Result<usize, Broken> {
        let begun = Instant::now();
        let mut interrupted = false;
        let read = loop {
            match recv(&self.stream, &mut *into, RecvFlags::empty()) {
                Ok((0, _)) => break Err(Broken::Gone),
                Ok((read, _)) => break Ok(read),
                Err(Errno::INTR) if self.go_on_waiting(begun) => interrupted = true,
                Err(Errno::INTR | Errno::AGAIN) => break Err(Broken::Late),
                Err(_) => break Err(Broken::Gone),
            }
        };
        if interrupted {
            self.wait_as_before();
        }
        read
    }

    /// Says hello and waits for the welcome.
    pub(crate) fn greet(&self, hello: &Hello) -> Outcome<Welcome> {
        self.greet_with(hello, |hello| self.send(hello, SendFlags::empty()))
    }

    /// Says hello and the first call at once, and waits for the welcome.
    pub(crate) fn greet_and_send(&self, hello: &Hello, call: &Frame) -> Outcome<Welcome> {
        self.greet_with(hello, |hello| {
            let heads = [hello.head(), call.head()];
            let mut pieces = Vec::with_capacity(4 + call.body.len());
            add_pieces(&mut pieces, &heads[0], hello);
            add_pieces(&mut pieces, &heads[1], call);
            self.send_pieces(&mut pieces, SendFlags::empty())
        })
    }

    fn greet_with(
        &self,
        hello: &Hello,
        say: impl FnOnce(&Frame) -> Result<(), Broken>,
    ) -> Outcome<Welcome> {
        let silent = |_| {
            let text = "the node hung up, or said nothing to a hello; try again";
            Error::new(ErrorCode::TryAgain, text)
        };
        self.be_patient(Some(MANNERS)).map_err(|_| silent(Broken::Gone))?;
        say(&Frame::new(frame::HELLO, 0, encode_bytes(hello))).map_err(silent)?;
        welcome(&self.receive().map_err(silent)?)
    }
}

/// What goes out for a frame.
fn add_pieces<'a>(pieces: &mut Vec<IoSlice<'a>>, head: &'a [u8; HEAD], frame: &'a Frame) {
    pieces.extend([IoSlice::new(head), IoSlice::new(&frame.header)]);
    pieces.extend(frame.body.iter().map(|piece| IoSlice::new(piece)));
}

/// What the node said to a hello.
pub(crate) fn welcome(frame: &Frame) -> Outcome<Welcome> {
    if frame.kind != frame::WELCOME {
        return Err(not_understood("to a hello"));
    }
    let outcome: Result<Outcome<Welcome>, _> = decode_bytes(&frame.header);
    outcome.unwrap_or_else(|error| Err(not_understood(&error.to_string())))
}

/// The reply in a frame.
pub(crate) fn reply<R: crate::Message>(frame: &Frame) -> Outcome<R> {
    if frame.kind != frame::REPLY {
        return Err(not_understood("to a call"));
    }
    let outcome: Result<Outcome<R>, _> = decode(frame);
    outcome.unwrap_or_else(|error| Err(not_understood(&error.to_string())))
}

pub(crate) fn not_understood(what: &str) -> Error {
    let text = format!("cannot understand what the node says ({what}); is it of another version?");
    Error::new(ErrorCode::Library, text)
}

/// What a frame says that makes a handle stale.
pub(crate) fn stale(frame: &Frame) -> Error {
    match decode::<Outcome<()>>(frame) {
        Ok(Err(error)) => error,
        Ok(Ok(())) => not_understood("a handle is stale, and nothing is wrong with it"),
        Err(error) => not_understood(&error.to_string()),
    }
}
