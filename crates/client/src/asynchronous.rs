//! The async session: many calls at a time on one connection, on tokio.

use crate::{
    Caller, Endpoint, Message, Patience, Wait,
    connection::{MANNERS, not_understood, reply, stale, welcome},
};
use ais_types::{Error, ErrorCode, Hello, Outcome, ServiceId, Version, Welcome, frame};
use ais_wire::{Frame, FrameReader, Limits, decode, encode, encode_bytes};
use bytes::{BufMut, Bytes, BytesMut};
use futures::future::BoxFuture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout_at,
};

/// How many calls are sent together, at most.
const BATCH: usize = 64;

/// How much is read at a time, at least, and written.
const READ: usize = 16 << 10;

/// A session whose calls are futures. Dropping the future of a call takes the call back; dropping
/// the session ends it.
#[derive(Debug)]
pub struct AsyncSession {
    node: String,
    calls: mpsc::UnboundedSender<Frame>,
    pending: Arc<Pending>,
    tags: AtomicU64,
    callbacks: tokio::sync::Mutex<Reader>,
    /// Kept so that the session's own connection stays open both ways.
    _main: OwnedWriteHalf,
    finalized: AtomicBool,
    /// What dispatching returns since the node left the cluster.
    stale: OnceLock<Error>,
    ended: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

/// The calls that wait for their reply; `None` once no reply can come any more.
#[derive(Debug)]
struct Pending(Mutex<Option<BTreeMap<u64, oneshot::Sender<Frame>>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<u64, oneshot::Sender<Frame>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncSession {
    /// Opens a session with a service of the node.
    ///
    /// # Errors
    /// As [`Session::open`](crate::Session::open).
    pub async fn open(
        endpoint: &Endpoint,
        service: ServiceId,
        version: Version,
        program: &str,
    ) -> Outcome<Self> {
        let program = program.to_owned();
        let hello = Hello::Open { protocol: Hello::PROTOCOL, service, version, program };
        let (callbacks, main, welcome) = greet(endpoint, &hello).await?;
        let hello = Hello::Attach { protocol: Hello::PROTOCOL, token: welcome.token };
        let (replies, writer, _) = greet(endpoint, &hello).await?;
        let (calls, to_send) = mpsc::unbounded_channel();
        let pending = Arc::new(Pending(Mutex::new(Some(BTreeMap::new()))));
        let tasks = [
            tokio::spawn(send_all(to_send, writer)),
            tokio::spawn(receive_all(replies, Arc::clone(&pending))),
        ];
        Ok(Self {
            node: welcome.node,
            calls,
            pending,
            tags: AtomicU64::new(0),
            callbacks: tokio::sync::Mutex::new(callbacks),
            _main: main,
            finalized: AtomicBool::new(false),
            stale: OnceLock::new(),
            ended: watch::Sender::new(false),
            tasks,
        })
    }

    /// The name of the node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Asks the service and waits for its answer with [`Patience::USUAL`].
    ///
    /// # Errors
    /// Those of the service, and those of the session (see the crate's page).
    pub async fn call<C: Message, R: Message>(&self, call: C) -> Outcome<R> {
        self.call_within(call, Patience::USUAL).await
    }

    /// Asks the service and waits for its answer.
    ///
    /// # Errors
    /// Those of the service, and those of the session (see the crate's page).
    pub async fn call_within<C: Message, R: Message>(
        &self,
        mut call: C,
        patience: Patience,
    ) -> Outcome<R> {
        let tag = self.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = self.exchange(encode(frame::CALL, tag, &mut call), patience);
        reply(&answer.await?)
    }

    /// The next callback; `None` when the wait is over.
    ///
    /// # Errors
    /// BAD_HANDLE once the session is finalized or its node gone; UNAVAILABLE (for programs of old
    /// versions TRY_AGAIN) once the node has left the cluster; LIBRARY for nonsense.
    pub async fn next_callback<C: Message>(&self, wait: Wait) -> Outcome<Option<C>> {
        if self.finalized.load(Ordering::SeqCst) {
            return Err(self.gone());
        }
        if let Some(error) = self.stale.get() {
            return Err(error.clone());
        }
        let frame = match wait {
            Wait::Forever => self.callback_frame().await?,
            Wait::Until(moment) => match timeout_at(moment.into(), self.callback_frame()).await {
                Ok(frame) => frame?,
                Err(_) => return Ok(None),
            },
            Wait::Now if self.has_callback() => self.callback_frame().await?,
            Wait::Now => return Ok(None),
        };
        if frame.kind == frame::STALE {
            return Err(self.stale.get_or_init(|| stale(&frame)).clone());
        }
        if frame.kind != frame::CALLBACK {
            return Err(not_understood(&format!("kind {} as a callback", frame.kind)));
        }
        decode(&frame).map(Some).map_err(|it| not_understood(&it.to_string()))
    }

    /// Ends the session; the service has taken note when this returns.
    ///
    /// # Errors
    /// BAD_HANDLE when it was finalized before. A node that has gone is no error.
    pub async fn finalize(&self) -> Outcome<()> {
        if self.finalized.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::BadHandle, "the session was finalized before"));
        }
        let tag = self.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let frame = Frame::new(frame::FINALIZE, tag, Bytes::new());
        // Whether the node is there to say good-bye to or not: the session ends.
        let _ = self.exchange(frame, Patience::USUAL).await;
        self.ended.send_replace(true);
        self.pending.lock().take();
        Ok(())
    }

    /// Whether one has arrived; not if another task waits for it already.
    fn has_callback(&self) -> bool {
        self.callbacks.try_lock().is_ok_and(|mut reader| reader.has_more())
    }

    async fn callback_frame(&self) -> Outcome<Frame> {
        let mut ended = self.ended.subscribe();
        tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => Err(self.gone()),
            frame = async { self.callbacks.lock().await.next().await } => {
                frame?.ok_or_else(|| self.gone())
            }
        }
    }

    async fn exchange(&self, frame: Frame, patience: Patience) -> Outcome<Frame> {
        let (tag, kind) = (frame.tag, frame.kind);
        if self.finalized.load(Ordering::SeqCst) && kind != frame::FINALIZE {
            return Err(self.gone());
        }
        let (sender, answer) = oneshot::channel();
        match self.pending.lock().as_mut() {
            Some(pending) => pending.insert(tag, sender),
            None => return Err(self.gone()),
        };
        let waiting = Waiting { session: self, tag };
        if self.calls.send(frame).is_err() {
            return Err(self.gone());
        }
        let answered = match patience.limit() {
            Some(limit) => tokio::time::timeout(limit, answer).await,
            None => Ok(answer.await),
        };
        match answered {
            Ok(Ok(frame)) => {
                drop(waiting);
                Ok(frame)
            }
            Ok(Err(_)) => Err(self.gone_after_asking()),
            Err(_) => {
                let text = "the node did not answer in time; whether it was done is not known";
                Err(Error::new(ErrorCode::Timeout, text))
            }
        }
    }

    fn gone(&self) -> Error {
        let text = if self.finalized.load(Ordering::SeqCst) {
            "the session is finalized".to_owned()
        } else {
            let node = &self.node;
            format!("node {node} has ended the session; nothing was done, initialize again")
        };
        Error::new(ErrorCode::BadHandle, text)
    }

    fn gone_after_asking(&self) -> Error {
        if self.finalized.load(Ordering::SeqCst) {
            return self.gone();
        }
        let text = format!("node {} went away; whether the call was done is not known", self.node);
        Error::new(ErrorCode::Timeout, text)
    }
}

impl Drop for AsyncSession {
    /// Says good-bye without waiting for the answer.
    fn drop(&mut self) {
        if !self.finalized.load(Ordering::SeqCst) {
            let _ = self.calls.send(Frame::new(frame::FINALIZE, 0, Bytes::new()));
        }
        // The sender ends by itself once it has sent that; the receiver when the node hangs up.
        if self.finalized.load(Ordering::SeqCst) {
            self.tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

/// A call in progress. Dropped before its reply came, it is taken back.
struct Waiting<'a> {
    session: &'a AsyncSession,
    tag: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waits = self.session.pending.lock().as_mut().and_then(|it| it.remove(&self.tag));
        if waits.is_some() {
            let _ = self.session.calls.send(Frame::new(frame::CANCEL, self.tag, Bytes::new()));
        }
    }
}

/// Frames from one connection. Dropping the future of `next` loses none.
#[derive(Debug)]
struct Reader {
    stream: OwnedReadHalf,
    frames: FrameReader,
}

impl Reader {
    /// Whether something has arrived that was not given out yet.
    fn has_more(&mut self) -> bool {
        if !self.frames.buffer().is_empty() {
            return true;
        }
        let mut fds = [PollFd::new(self.stream.as_ref(), PollFlags::IN)];
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&none)).is_ok_and(|ready| ready > 0)
    }

    /// `None`: the node has hung up.
    async fn next(&mut self) -> Outcome<Option<Frame>> {
        loop {
            let frame = self.frames.next_frame().map_err(|it| not_understood(&it.to_string()))?;
            if frame.is_some() {
                return Ok(frame);
            }
            self.frames.buffer().reserve(READ);
            match self.stream.read_buf(self.frames.buffer()).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
        }
    }
}

async fn greet(endpoint: &Endpoint, hello: &Hello) -> Outcome<(Reader, OwnedWriteHalf, Welcome)> {
    let silent = || {
        let text = "the node hung up, or said nothing to a hello; try again";
        Error::new(ErrorCode::TryAgain, text)
    };
    let stream = endpoint.connect_first()?;
    let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
    let (reader, mut writer) = stream.map_err(|_| silent())?.into_split();
    let hello = Frame::new(frame::HELLO, 0, encode_bytes(hello)).to_bytes();
    writer.write_all(&hello).await.map_err(|_| silent())?;
    let mut reader = Reader { stream: reader, frames: FrameReader::new(Limits::default()) };
    let answer = tokio::time::timeout(MANNERS, reader.next()).await.map_err(|_| silent())?;
    let welcome = welcome(&answer?.ok_or_else(silent)?)?;
    Ok((reader, writer, welcome))
}

async fn send_all(mut frames: mpsc::UnboundedReceiver<Frame>, mut writer: OwnedWriteHalf) {
    let (mut some, mut bytes) = (Vec::new(), BytesMut::new());
    while frames.recv_many(&mut some, BATCH).await > 0 {
        for frame in some.drain(..) {
            if write(&frame, &mut bytes, &mut writer).await.is_err() {
                return;
            }
        }
        if writer.write_all_buf(&mut bytes).await.is_err() {
            return;
        }
    }
}

/// Gathers small pieces, and writes large ones as they are.
async fn write(
    frame: &Frame,
    bytes: &mut BytesMut,
    writer: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    bytes.put_slice(&frame.head());
    bytes.put_slice(&frame.header);
    for piece in &frame.body {
        if piece.len() < READ {
            bytes.put_slice(piece);
        } else {
            writer.write_all_buf(bytes).await?;
            writer.write_all(piece).await?;
        }
        if bytes.len() >= READ {
            writer.write_all_buf(bytes).await?;
        }
    }
    Ok(())
}

async fn receive_all(mut replies: Reader, pending: Arc<Pending>) {
    while let Ok(Some(frame)) = replies.next().await {
        let waiting = pending.lock().as_mut().and_then(|it| it.remove(&frame.tag));
        if let Some(waiting) = waiting {
            // The caller may have given up meanwhile.
            let _ = waiting.send(frame);
        }
    }
    pending.lock().take();
}

impl Caller for AsyncSession {
    type Answer<'a, T: Send + 'a> = BoxFuture<'a, Outcome<T>>;

    fn open<'a>(
        endpoint: &'a Endpoint,
        service: ServiceId,
        version: Version,
        program: &'a str,
    ) -> BoxFuture<'a, Outcome<Self>> {
        Box::pin(Self::open(endpoint, service, version, program))
    }

    fn ask<'a, C: Message, R: Message, T: Send + 'a>(
        &'a self,
        call: C,
        patience: Patience,
        then: impl FnOnce(R) -> Outcome<T> + Send + 'a,
    ) -> BoxFuture<'a, Outcome<T>> {
        Box::pin(async move { self.call_within(call, patience).await.and_then(then) })
    }

    fn callback<C: Message>(&self, wait: Wait) -> BoxFuture<'_, Outcome<Option<C>>> {
        Box::pin(self.next_callback(wait))
    }

    fn close(&self) -> BoxFuture<'_, Outcome<()>> {
        Box::pin(self.finalize())
    }
}
