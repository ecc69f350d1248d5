//! The task of one peer: one session after the other.

use super::{
    accept::read_greeting,
    channel::{Context, Gone, Happened},
    count,
    hello::{Greeting, Hello},
    outbox::Outbox,
    session::{self, End},
};
use crate::{Cause, Peer};
use ais_types::NodeId;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

const BACKOFF_MIN: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// How long a host may take to close the last sockets of a process that has ended.
const LAST_SOCKETS: Duration = Duration::from_millis(50);

/// How long the last words of a peer that has closed may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a peer's task hears from outside.
#[derive(Debug)]
pub(super) enum Word {
    /// Its address is this.
    Address(SocketAddr),
    /// It is there and has no session.
    Knock(Hello),
    /// It has dialled.
    Connection(std::net::TcpStream, Hello),
}

/// A connection on which both have greeted.
struct Connected {
    stream: TcpStream,
    peer: Peer,
    /// Where the peer listens.
    address: SocketAddr,
}

struct Task {
    context: Arc<Context>,
    node: NodeId,
    knocks: mpsc::Receiver<Word>,
    /// Learned, newer than configured.
    address: Option<SocketAddr>,
    /// A connection that ended the former session.
    waiting: Option<(std::net::TcpStream, Hello)>,
    backoff: Duration,
    /// So that nodes do not dial in step.
    rng: fastrand::Rng,
}

/// Keeps up the sessions with a peer until the channel is closed.
pub(super) async fn run(context: Arc<Context>, node: NodeId, knocks: mpsc::Receiver<Word>) {
    let rng = fastrand::Rng::with_seed(context.shared.config.me.nonce ^ u64::from(node.0));
    let watched = context.clone();
    let backoff = BACKOFF_MIN;
    let mut task = Task { context, node, knocks, address: None, waiting: None, backoff, rng };
    loop {
        let connected = tokio::select! {
            connected = task.connect() => connected,
            () = watched.closed() => return,
        };
        let Some(connected) = connected else { return };
        if task.session(connected).await.is_err() {
            return;
        }
    }
}

// Getting a connection.
impl Task {
    /// Waits for a connection; `None` when the channel is closed.
    async fn connect(&mut self) -> Option<Connected> {
        loop {
            if let Some((stream, hello)) = self.waiting.take() {
                match self.welcome(stream, hello).await {
                    Ok(connected) => return Some(connected),
                    Err(error) => tracing::debug!(node = %self.node, %error, "a dialler went away"),
                }
                continue;
            }
            if let Some(address) = self.address() {
                match self.call(address).await {
                    Ok(Some(connected)) => return Some(connected),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::debug!(node = %self.node, %address, %error, "no session")
                    }
                }
            }
            self.pause().await?;
        }
    }

    fn dials(&self) -> bool {
        self.context.shared.me() < self.node
    }

    fn address(&self) -> Option<SocketAddr> {
        self.address.or_else(|| self.context.shared.open().peers.get(&self.node).copied())
    }

    /// Dials, or knocks, as the ids say.
    async fn call(&self, address: SocketAddr) -> io::Result<Option<Connected>> {
        let patience = self.context.shared.config.hello;
        let call = async {
            if self.dials() {
                self.dial(address).await.map(Some)
            } else {
                self.knock(address).await
            }
        };
        timeout(patience, call).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Connected> {
        let shared = &self.context.shared;
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let hello = shared.hello(self.context.class, self.node);
        stream.write_all(&Greeting::Hello(hello).encode()).await?;
        let refusal = match read_greeting(&mut stream).await? {
            Greeting::Welcome(hello) if hello.from.node == self.node => {
                match shared.objection(&hello) {
                    None => return Ok(Connected { stream, peer: hello.from, address }),
                    Some(reason) => reason,
                }
            }
            Greeting::Refused(reason) => reason,
            Greeting::Welcome(_) | Greeting::Hello(_) | Greeting::Knock(_) => {
                "it did not answer the hello".to_owned()
            }
        };
        count(&shared.counters.refused);
        tracing::warn!(node = %self.node, %address, refusal, "the session was refused");
        Err(io::Error::other(refusal))
    }

    async fn knock(&self, address: SocketAddr) -> io::Result<Option<Connected>> {
        let mut stream = TcpStream::connect(address).await?;
        let hello = self.context.shared.hello(self.context.class, self.node);
        stream.write_all(&Greeting::Knock(hello).encode()).await?;
        if let Ok(Greeting::Refused(refusal)) = read_greeting(&mut stream).await {
            count(&self.context.shared.counters.refused);
            tracing::warn!(node = %self.node, %address, refusal, "the knock was refused");
        }
        Ok(None)
    }

    async fn welcome(&self, stream: std::net::TcpStream, hello: Hello) -> io::Result<Connected> {
        let mut stream = TcpStream::from_std(stream)?;
        stream.set_nodelay(true)?;
        let mine = self.context.shared.hello(self.context.class, self.node);
        stream.write_all(&Greeting::Welcome(mine).encode()).await?;
        Ok(Connected { stream, peer: hello.from, address: hello.address })
    }

    /// Waits before the next attempt, unless someone knocks.
    async fn pause(&mut self) -> Option<()> {
        let pause = self.backoff.mul_f64(0.5 + self.rng.f64() / 2.0);
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        let known = self.address().is_some();
        let knock = match timeout(pause, self.knocks.recv()).await {
            Ok(knock) => knock?,
            Err(_) if known => return Some(()),
            // Nobody to call: only a knock helps.
            Err(_) => self.knocks.recv().await?,
        };
        self.backoff = BACKOFF_MIN;
        match knock {
            Word::Address(address) => self.address = Some(address),
            Word::Knock(hello) => self.address = Some(hello.address),
            Word::Connection(stream, hello) => self.waiting = Some((stream, hello)),
        }
        Some(())
    }
}

// A session.
impl Task {
    async fn session(&mut self, connected: Connected) -> Result<(), Gone> {
        let Connected { stream, peer, address } = connected;
        let context = self.context.clone();
        self.backoff = BACKOFF_MIN;
        count(&context.shared.counters.sessions);
        let local = stream.local_addr().map(|it| it.ip());
        let outbox = Arc::new(Outbox::new(*context.shared.config.limits(context.class)));
        context.tell(Happened::Up(peer, outbox.clone())).await?;
        let (reader, mut writer) = stream.into_split();
        let mut read = pin!(session::read(&context, peer, reader));
        // Never dropped half-way: whatever follows on the stream must start at a frame.
        let mut write = pin!(session::write(&context, peer, &mut writer, &outbox));
        let ended = tokio::select! {
            end = &mut read => Ended::By(end),
            end = &mut write => Ended::Writing(end),
            cause = self.replaced(peer) => Ended::Replaced(cause),
            () = context.closed() => Ended::By(End::Gone),
        };
        outbox.close();
        let end = match ended {
            Ended::Replaced(cause) => return context.tell(Happened::Down(peer, cause)).await,
            // What the peer said last may still be there to read.
            Ended::Writing(End::Closed) => timeout(LAST_WORDS, read).await.unwrap_or(End::Closed),
            Ended::By(end) | Ended::Writing(end) => end,
        };
        let cause = match end {
            End::Goodbye => Cause::Closed,
            End::Given => Cause::Broken,
            End::Closed => self.why_closed(local, address).await,
            End::Gone => {
                // What the owner sent before it went is still written, and then good-bye.
                write.await;
                return Err(Gone);
            }
        };
        tracing::debug!(?peer, ?cause, class = ?context.class, "the session has ended");
        context.tell(Happened::Down(peer, cause)).await
    }

    /// Waits for a word from outside that ends the session.
    async fn replaced(&mut self, peer: Peer) -> Cause {
        loop {
            let from = match self.knocks.recv().await {
                // The channel closes: that ends the session elsewhere.
                None => std::future::pending().await,
                Some(Word::Address(address)) => {
                    self.address = Some(address);
                    continue;
                }
                // A knock of the same life was on its way when the session began.
                Some(Word::Knock(hello)) if hello.from == peer => continue,
                Some(Word::Knock(hello)) => {
                    self.address = Some(hello.address);
                    hello.from
                }
                Some(Word::Connection(stream, hello)) => {
                    let from = hello.from;
                    self.waiting = Some((stream, hello));
                    from
                }
            };
            return if from == peer { Cause::Broken } else { Cause::Closed };
        }
    }

    /// Whether the connection closed because the process of the peer has ended: on one's own host
    /// one can know, since nobody listens there any more.
    async fn why_closed(&self, local: io::Result<IpAddr>, address: SocketAddr) -> Cause {
        let same_host = address.ip().is_loopback() || local.is_ok_and(|ip| ip == address.ip());
        for _ in 0..3 {
            if !same_host {
                break;
            }
            match TcpStream::connect(address).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return Cause::Closed;
                }
                Err(_) => break,
                // Either it lives, or its listener is about to be closed: that resets this.
                Ok(mut stream) => match timeout(LAST_SOCKETS, stream.read_u8()).await {
                    Ok(_) => {}
                    Err(_) => break,
                },
            }
        }
        Cause::Broken
    }
}

/// Who ended a session.
enum Ended {
    By(End),
    Writing(End),
    Replaced(Cause),
}
