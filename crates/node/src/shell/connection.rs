//! One connection of a program: a task that reads, and an outbox that never waits.

use super::Inbound;
use crate::ConnectionId;
use ais_types::frame;
use ais_wire::{Frame, FrameReader, Limits};
use bytes::{Buf, Bytes, BytesMut};
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, ReadBuf},
    net::UnixStream,
    sync::{Notify, mpsc, watch},
    time::timeout,
};

/// How long a new connection may take to say hello, and an ended one to take what is left for it.
const MANNERS: Duration = Duration::from_secs(10);

/// How much is read at a time.
const READ: usize = 64 << 10;

/// Reads a connection to its end, or, when its process has died, to the end of what is there.
pub(super) struct Incoming {
    pub(super) id: ConnectionId,
    pub(super) stream: Arc<UnixStream>,
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
    pub(super) async fn read(self) {
        let mut frames = FrameReader::new(self.limits);
        let ended = match timeout(MANNERS, self.read_frame(&mut frames)).await {
            Err(_) | Ok(Ok(false)) => Ok(()),
            Ok(Ok(true)) => self.read_on(&mut frames).await,
            Ok(Err(garbage)) => Err(garbage),
        };
        let _ = self.inbox.send(Inbound::Closed(self.id, ended.err())).await;
    }

    async fn read_on(&self, frames: &mut FrameReader) -> Result<(), String> {
        while self.read_frame(frames).await? {}
        Ok(())
    }

    /// `false`: the end.
    async fn read_frame(&self, frames: &mut FrameReader) -> Result<bool, String> {
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

    async fn read_more(&self, buffer: &mut BytesMut) -> bool {
        let mut stream = ReadShared(&self.stream);
        tokio::select! {
            read = stream.read_buf(buffer) => matches!(read, Ok(1..)),
            () = self.died.notified() => {
                // Stays told for the next time.
                self.died.notify_one();
                self.read_what_is_there(buffer)
            }
        }
    }

    /// Asks the system itself: the runtime may not have heard yet of the last bytes.
    fn read_what_is_there(&self, buffer: &mut BytesMut) -> bool {
        let mut piece = [0; READ];
        match recv(&self.stream, &mut piece, RecvFlags::DONTWAIT) {
            Ok((read @ 1.., _)) => {
                buffer.extend_from_slice(&piece[..read]);
                true
            }
            Ok((0, _)) | Err(_) => false,
        }
    }
}

/// Reads a stream that others write.
struct ReadShared<'a>(&'a UnixStream);

impl tokio::io::AsyncRead for ReadShared<'_> {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        loop {
            std::task::ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return std::task::Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return std::task::Poll::Ready(Err(error)),
            }
        }
    }
}

/// What is on its way to a program. Bounded: who does not read is cut off, and holds up nobody.
pub(super) struct Outbox {
    id: ConnectionId,
    stream: Arc<UnixStream>,
    queue: VecDeque<Bytes>,
    queued: usize,
    limit: usize,
    inbox: mpsc::Sender<Inbound>,
}

/// More waits for a connection than it may; it was cut off.
#[derive(Debug)]
pub(super) struct Overflow;

impl Outbox {
    pub(super) fn new(
        id: ConnectionId,
        stream: Arc<UnixStream>,
        limit: usize,
        inbox: mpsc::Sender<Inbound>,
    ) -> Self {
        Self { id, stream, queue: VecDeque::new(), queued: 0, limit, inbox }
    }

    /// Sends a frame, or as much as goes now. One frame of any size always finds room.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<(), Overflow> {
        if self.queued > 0 && self.queued + frame.wire_len() > self.limit {
            self.hang_up();
            return Err(Overflow);
        }
        let waits_already = self.queued > 0;
        self.queue.push_back(Bytes::copy_from_slice(&frame.head()));
        self.queue.push_back(frame.header.clone());
        self.queue.extend(frame.body.iter().cloned());
        self.queued += frame.wire_len();
        if !waits_already {
            self.flush();
        }
        Ok(())
    }

    /// Writes what the system takes; for the rest it will be called again.
    pub(super) fn flush(&mut self) {
        if !self.write() {
            return;
        }
        let (id, stream, inbox) = (self.id, Arc::clone(&self.stream), self.inbox.clone());
        tokio::spawn(async move {
            let _ = stream.writable().await;
            let _ = inbox.send(Inbound::Writable(id)).await;
        });
    }

    /// Whether something is left.
    fn write(&mut self) -> bool {
        while self.queued > 0 {
            let slices: Vec<IoSlice<'_>> =
                self.queue.iter().take(64).map(|it| IoSlice::new(it)).collect();
            match self.stream.try_write_vectored(&slices) {
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
    }

    fn forget(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }

    /// Ends the connection at once.
    pub(super) fn hang_up(&mut self) {
        self.forget();
        let _ = shutdown(&self.stream, Shutdown::Both);
    }

    /// The program hears nothing more; what it has written can still be read.
    pub(super) fn hang_up_writing(&mut self) {
        self.forget();
        let _ = shutdown(&self.stream, Shutdown::Write);
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
