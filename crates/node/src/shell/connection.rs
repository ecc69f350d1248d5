//! One connection of a program: a task that reads, and an outbox that never waits.

use super::Inbound;
use crate::ConnectionId;
use ais_types::frame;
use ais_wire::{Frame, FrameReader, Limits};
use bytes::{Buf, Bytes, BytesMut};
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    io::{ErrorKind, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, ReadBuf},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, mpsc, watch},
    time::timeout,
};

/// How long a new connection may take to say hello, and an ended one to take what is left for it.
const MANNERS: Duration = Duration::from_secs(10);

/// How much is read at a time, unless it is known how much is to come.
const READ: usize = 16 << 10;

/// Pieces up to this size are copied, to be written with others in one piece.
const COPIED: usize = 4 << 10;

/// How many pieces are written at a time.
const PIECES: usize = 64;

thread_local! {
    /// Where all connections of a node are read to: an idle one has no buffer.
    static SCRATCH: RefCell<Box<[u8; READ]>> = RefCell::new(Box::new([0; READ]));
}

/// Reads a connection to its end, or, when its process has died, to the end of what is there.
pub(super) struct Incoming {
    pub(super) id: ConnectionId,
    pub(super) stream: OwnedReadHalf,
    pub(super) limits: Limits,
    pub(super) inbox: mpsc::Sender<Inbound>,
    pub(super) died: Arc<Notify>,
    pub(super) gate: Gate,
}

/// Keeps calls out while the node has enough to do with what it was asked already.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    busy: watch::Receiver<bool>,
    /// Operators always come through.
    free: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn new(busy: watch::Receiver<bool>) -> Self {
        Self { busy, free: Arc::default() }
    }

    /// Whoever is behind it asks the node itself, and not a service.
    pub(super) fn set_free(&self) {
        self.free.store(true, Ordering::Relaxed);
    }

    async fn pass(&self, frame: &Frame) {
        if frame.kind == frame::CALL && *self.busy.borrow() && !self.free.load(Ordering::Relaxed) {
            // An error says that the node has ended.
            let _ = self.busy.clone().wait_for(|busy| !busy).await;
        }
    }
}

impl Incoming {
    pub(super) async fn read(mut self) {
        let mut frames = FrameReader::new(self.limits);
        let ended = match timeout(MANNERS, self.read_frame(&mut frames)).await {
            Err(_) | Ok(Ok(false)) => Ok(()),
            Ok(Ok(true)) => self.read_on(&mut frames).await,
            Ok(Err(garbage)) => Err(garbage),
        };
        let _ = self.inbox.send(Inbound::Closed(self.id, ended.err())).await;
    }

    async fn read_on(&mut self, frames: &mut FrameReader) -> Result<(), String> {
        while self.read_frame(frames).await? {}
        Ok(())
    }

    /// `false`: the end.
    async fn read_frame(&mut self, frames: &mut FrameReader) -> Result<bool, String> {
        loop {
            if let Some(frame) = frames.next_frame().map_err(|error| error.to_string())? {
                self.gate.pass(&frame).await;
                // The receiver ends with the node.
                return Ok(self.inbox.send(Inbound::Frame(self.id, frame)).await.is_ok());
            }
            if !self.read_more(frames.buffer()).await {
                return Ok(false);
            }
        }
    }

    async fn read_more(&mut self, buffer: &mut BytesMut) -> bool {
        let died = Arc::clone(&self.died);
        tokio::select! {
            read = read_some(&mut self.stream, buffer) => read > 0,
            () = died.notified() => {
                // Stays told for the next time.
                died.notify_one();
                self.read_what_is_there(buffer)
            }
        }
    }

    /// Asks the system itself: the runtime may not have heard yet of the last bytes.
    fn read_what_is_there(&self, buffer: &mut BytesMut) -> bool {
        let stream: &UnixStream = self.stream.as_ref();
        let mut piece = [0; READ];
        match recv(stream, &mut piece, RecvFlags::DONTWAIT) {
            Ok((read @ 1.., _)) => {
                buffer.extend_from_slice(&piece[..read]);
                true
            }
            Ok((0, _)) | Err(_) => false,
        }
    }
}

/// How many bytes were read; 0 at the end. The rest of a large frame, for which there is room, goes
/// where it belongs; everything else over the scratch.
async fn read_some(stream: &mut OwnedReadHalf, buffer: &mut BytesMut) -> usize {
    if buffer.capacity() - buffer.len() >= READ {
        return stream.read_buf(buffer).await.unwrap_or(0);
    }
    let read = poll_fn(|context| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut piece = ReadBuf::new(&mut scratch[..]);
            let read = Pin::new(&mut *stream).poll_read(context, &mut piece);
            read.map_ok(|()| {
                buffer.extend_from_slice(piece.filled());
                piece.filled().len()
            })
        })
    });
    read.await.unwrap_or(0)
}

/// What is on its way to a program. Bounded: who does not read is cut off, and holds up nobody.
pub(super) struct Outbox {
    id: ConnectionId,
    stream: Arc<OwnedWriteHalf>,
    queue: VecDeque<Bytes>,
    /// What comes after the queue.
    tail: BytesMut,
    queued: usize,
    limit: usize,
    /// The system takes no more: it will say when.
    stuck: bool,
    inbox: mpsc::Sender<Inbound>,
}

/// More waits for a connection than it may; it was cut off.
#[derive(Debug)]
pub(super) struct Overflow;

impl Outbox {
    pub(super) fn new(
        id: ConnectionId,
        stream: OwnedWriteHalf,
        limit: usize,
        inbox: mpsc::Sender<Inbound>,
    ) -> Self {
        let (queue, tail) = (VecDeque::new(), BytesMut::new());
        Self { id, stream: Arc::new(stream), queue, tail, queued: 0, limit, stuck: false, inbox }
    }

    /// Takes a frame. One of any size always finds room. `true`: it wants to be flushed.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<bool, Overflow> {
        if self.queued > 0 && self.queued + frame.wire_len() > self.limit && !self.stuck {
            self.flush();
        }
        if self.queued > 0 && self.queued + frame.wire_len() > self.limit {
            self.hang_up();
            return Err(Overflow);
        }
        let first = self.queued == 0;
        self.queued += frame.wire_len();
        self.tail.extend_from_slice(&frame.head());
        self.push(&frame.header);
        frame.body.iter().for_each(|piece| self.push(piece));
        Ok(first)
    }

    fn push(&mut self, piece: &Bytes) {
        if piece.len() <= COPIED {
            self.tail.extend_from_slice(piece);
        } else {
            self.queue.push_back(self.tail.split().freeze());
            self.queue.push_back(piece.clone());
        }
    }

    /// The system may take bytes again.
    pub(super) fn writable(&mut self) {
        self.stuck = false;
        self.flush();
    }

    /// Writes what the system takes; for the rest it will be called again.
    pub(super) fn flush(&mut self) {
        if self.stuck || !self.write() {
            return;
        }
        self.stuck = true;
        let (id, stream, inbox) = (self.id, Arc::clone(&self.stream), self.inbox.clone());
        tokio::spawn(async move {
            let _ = stream.writable().await;
            let _ = inbox.send(Inbound::Writable(id)).await;
        });
    }

    /// Whether something is left.
    fn write(&mut self) -> bool {
        while self.queued > 0 {
            let written = if self.queue.is_empty() {
                self.stream.try_write(&self.tail)
            } else {
                let pieces = self.queue.iter().map(Bytes::as_ref).take(PIECES);
                // The tail only where it is its turn.
                let tail = (self.queue.len() < PIECES).then_some(self.tail.as_ref());
                let pieces: Vec<IoSlice<'_>> = pieces.chain(tail).map(IoSlice::new).collect();
                self.stream.try_write_vectored(&pieces)
            };
            match written {
                Ok(written) => self.written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // The reader will see the end.
                Err(_) => self.forget(),
            }
        }
        false
    }

    fn written(&mut self, mut written: usize) {
        self.queued -= written;
        while let Some(first) = self.queue.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.queue.pop_front();
        }
        self.tail.advance(written);
    }

    fn forget(&mut self) {
        self.queue.clear();
        self.tail = BytesMut::new();
        self.queued = 0;
    }

    /// Ends the connection at once.
    pub(super) fn hang_up(&mut self) {
        self.forget();
        self.shut_down(Shutdown::Both);
    }

    /// The program hears nothing more; what it has written can still be read.
    pub(super) fn hang_up_writing(&mut self) {
        self.forget();
        self.shut_down(Shutdown::Write);
    }

    fn shut_down(&self, how: Shutdown) {
        let stream: &UnixStream = self.stream.as_ref().as_ref();
        let _ = shutdown(stream, how);
    }

    /// Ends the connection after what is on its way, if the program takes it soon.
    pub(super) fn close(mut self) {
        if !self.write() {
            return self.hang_up();
        }
        tokio::spawn(async move {
            let _ = timeout(MANNERS, async {
                while self.write() {
                    if self.stream.writable().await.is_err() {
                        return;
                    }
                }
            })
            .await;
            self.hang_up();
        });
    }
}
