//! The task of one peer: one session after the other.

use super::{
    Protocol,
    accept::{read_greeting, write_greeting},
    channel::{Context, Gone, Happened, Way},
    hello::{Greeting, Hello},
    link::Link,
    outbox::Outbox,
    probe::Place,
    session::{self, End, LAST_WORDS},
    stats::{add, count},
    tcp, udp,
};
use crate::{Cause, Peer};
use ais_types::NodeId;
use futures::stream::{FuturesUnordered, StreamExt};
use std::{error::Error, future::pending, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};

const BACKOFF_MIN: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// What a peer's task hears from outside.
#[derive(Debug)]
pub(super) enum Word {
    /// Its address is this.
    Address(SocketAddr),
    /// It is there and has no session.
    Knock(Hello),
    /// It has dialled.
    Connection(Link, Hello),
    /// Break the session.
    Break,
}

/// A connection on which both have greeted.
struct Connected {
    link: Link,
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
    waiting: Option<(Link, Hello)>,
    /// The life with which there was the last session.
    last: Option<Peer>,
    backoff: Duration,
    /// So that nodes do not dial in step.
    rng: fastrand::Rng,
}

/// Keeps up the sessions with a peer until the channel is closed.
pub(super) async fn run(context: Arc<Context>, node: NodeId, knocks: mpsc::Receiver<Word>) {
    let rng = fastrand::Rng::with_seed(context.shared.config.me.nonce ^ u64::from(node.0));
    let watched = context.clone();
    let backoff = BACKOFF_MIN;
    let mut task =
        Task { context, node, knocks, address: None, waiting: None, last: None, backoff, rng };
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
            if let Some((link, hello)) = self.waiting.take() {
                match self.welcome(link, hello).await {
                    Ok(connected) => return Some(connected),
                    Err(error) => tracing::debug!(node = %self.node, %error, "a dialler went away"),
                }
                continue;
            }
            if let Some(address) = self.address() {
                match self.call(address).await {
                    Ok(Some(connected)) => return Some(connected),
                    Ok(None) => {}
                    Err(error) => self.failed(address, &error),
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
        let config = &self.context.shared.config;
        let cut = |it: &crate::FaultSwitch| !it.hears(self.node) || !it.reaches(self.node);
        if config.faults.as_ref().is_some_and(cut) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let call = async {
            if self.dials() {
                self.dial(address).await.map(Some)
            } else {
                self.knock(address).await
            }
        };
        timeout(config.hello, call).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Connected> {
        let shared = &self.context.shared;
        let hello = || shared.hello(self.context.class, self.node);
        let door = match &self.context.way {
            Way::Tcp => address,
            Way::Udp(..) => match self.ask(address, &Greeting::Where(hello())).await? {
                (Greeting::At(mut at), _) => {
                    if at.ip().is_unspecified() {
                        at.set_ip(address.ip());
                    }
                    at
                }
                (other, _) => return Err(self.refused(address, other)),
            },
        };
        match self.ask(door, &Greeting::Hello(hello())).await? {
            (Greeting::Welcome(hello), link) if hello.from.node == self.node => {
                match shared.objection(&hello, link.certified.as_deref()) {
                    None => Ok(Connected { link, peer: hello.from, address }),
                    Some(reason) => Err(self.refused(address, Greeting::Refused(reason))),
                }
            }
            (other, _) => Err(self.refused(address, other)),
        }
    }

    /// Says something at a door, and hears the answer.
    async fn ask(&self, at: SocketAddr, greeting: &Greeting) -> io::Result<(Greeting, Link)> {
        let mut link = self.link(at).await?;
        write_greeting(&mut link.stream, greeting).await?;
        let answer = read_greeting(&mut link.stream).await?;
        Ok((answer, link))
    }

    async fn link(&self, at: SocketAddr) -> io::Result<Link> {
        let config = &self.context.shared.config;
        match &self.context.way {
            Way::Tcp => tcp::connect(config, at).await,
            Way::Udp(quic, endpoint) => {
                // The host knows at once what QUIC would wait for.
                if Place::new(Protocol::Udp, at, Some(config.listen.ip())).is_surely_empty().await {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                udp::connect(quic, endpoint, at).await
            }
        }
    }

    /// Counts and logs why there is no session.
    fn refused(&self, address: SocketAddr, answer: Greeting) -> io::Error {
        let refusal = match answer {
            Greeting::Refused(reason) => reason,
            Greeting::Welcome(_)
            | Greeting::Hello(_)
            | Greeting::Knock(_)
            | Greeting::Where(_)
            | Greeting::At(_) => "it did not answer what was asked".to_owned(),
        };
        count(&self.context.shared.counters.refused);
        tracing::warn!(node = %self.node, %address, refusal, "the session was refused");
        io::Error::other(refusal)
    }

    async fn knock(&self, address: SocketAddr) -> io::Result<Option<Connected>> {
        let hello = self.context.shared.hello(self.context.class, self.node);
        let mut link = self.link(address).await?;
        write_greeting(&mut link.stream, &Greeting::Knock(hello)).await?;
        // Mostly the connection just closes.
        if let Ok(answer) = read_greeting(&mut link.stream).await {
            return Err(self.refused(address, answer));
        }
        Ok(None)
    }

    /// Logs why a call came to nothing; loudly, where somebody has to do something about it.
    fn failed(&self, address: SocketAddr, error: &io::Error) {
        let node = self.node;
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::NotConnected => {
                tracing::warn!(%node, %address, "no session: {error}{cause}");
            }
            _ => tracing::debug!(%node, %address, "no session: {error}{cause}"),
        }
    }

    async fn welcome(&self, mut link: Link, hello: Hello) -> io::Result<Connected> {
        link.settle()?;
        let mine = Greeting::Welcome(self.context.shared.hello(self.context.class, self.node));
        let welcome = write_greeting(&mut link.stream, &mine);
        let patience = self.context.shared.config.hello;
        timeout(patience, welcome).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let mut address = hello.address;
        if address.ip().is_unspecified() {
            address.set_ip(link.remote.ip());
        }
        Ok(Connected { link, peer: hello.from, address })
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
            Word::Connection(link, hello) => self.waiting = Some((link, hello)),
            Word::Break => {}
        }
        Some(())
    }
}

// A session.
impl Task {
    async fn session(&mut self, connected: Connected) -> Result<(), Gone> {
        let Connected { link, peer, address } = connected;
        let context = self.context.clone();
        let shared = &context.shared;
        self.backoff = BACKOFF_MIN;
        self.begins(peer);
        let protocol = shared.config.protocol;
        let at = match protocol {
            Protocol::Tcp => address,
            Protocol::Udp => link.remote,
        };
        let place = Place::new(protocol, at, link.local);
        let outbox = Arc::new(Outbox::new(*shared.config.limits(context.class)));
        context.tell(Happened::Up(peer, outbox.clone())).await?;
        let (mut reader, mut writer) = link.stream.split();
        let ended = {
            // Each is polled only when it has something to do, not with every frame of another.
            let mut read = Lazy::new(session::read(&context, peer, &mut reader));
            // Never dropped half-way: whatever follows on the stream must start at a frame.
            let mut write = Lazy::new(session::write(&context, peer, &mut writer, &outbox));
            let mut replaced = Lazy::new(self.replaced(peer));
            let mut deserted = Lazy::new(deserted(&context, peer, &place));
            let mut closed = Lazy::new(context.closed());
            let ended = tokio::select! {
                end = read.done() => Ended::By(end),
                end = write.done() => Ended::Writing(end),
                cause = replaced.done() => Ended::Replaced(cause),
                () = deserted.done() => Ended::Replaced(Cause::Closed),
                () = closed.done() => Ended::By(End::Gone),
            };
            outbox.close();
            match ended {
                Ended::Replaced(cause) => Err(cause),
                // What the peer said last may still be there to read.
                Ended::Writing(End::Closed) => {
                    Ok(timeout(LAST_WORDS, read.done()).await.unwrap_or(End::Closed))
                }
                Ended::Writing(End::Gone) => return Err(Gone),
                Ended::By(End::Gone) => {
                    // What the owner sent before it went is still written, and then good-bye.
                    write.done().await;
                    return Err(Gone);
                }
                Ended::By(end) | Ended::Writing(end) => Ok(end),
            }
        };
        let cause = match ended {
            Err(cause) => cause,
            Ok(End::Goodbye) => Cause::Closed,
            Ok(End::Given | End::Gone) => Cause::Broken,
            Ok(End::Closed) if place.is_deserted().await => Cause::Closed,
            Ok(End::Closed) => Cause::Broken,
        };
        add(&shared.counters.dropped, outbox.left());
        if cause == Cause::Closed {
            shared.open().ended(context.class, peer);
        }
        if let Some(faults) = shared.config.faults.clone() {
            // The peer does not see through a cut that we have given up.
            tokio::spawn(async move {
                faults.outgoing(peer.node).await;
                drop((reader, writer));
            });
        }
        tracing::debug!(?peer, ?cause, class = ?context.class, "the session has ended");
        context.tell(Happened::Down(peer, cause)).await
    }

    /// Counts, and remembers which lives are over.
    fn begins(&mut self, peer: Peer) {
        let shared = &self.context.shared;
        count(&shared.counters.sessions);
        if let Some(last) = self.last.replace(peer) {
            count(&shared.counters.reconnects);
            if last != peer {
                shared.open().ended(self.context.class, last);
            }
        }
    }

    /// Waits for a word from outside that ends the session.
    async fn replaced(&mut self, peer: Peer) -> Cause {
        loop {
            let from = match self.knocks.recv().await {
                // The channel closes: that ends the session elsewhere.
                None => pending().await,
                Some(Word::Address(address)) => {
                    self.address = Some(address);
                    continue;
                }
                Some(Word::Break) => return Cause::Broken,
                // A knock of the same life was on its way when the session began.
                Some(Word::Knock(hello)) if hello.from == peer => continue,
                Some(Word::Knock(hello)) => {
                    self.address = Some(hello.address);
                    hello.from
                }
                Some(Word::Connection(link, hello)) => {
                    let from = hello.from;
                    self.waiting = Some((link, hello));
                    from
                }
            };
            return if from == peer { Cause::Broken } else { Cause::Closed };
        }
    }
}

/// Waits until the peer's host says that its process has ended.
async fn deserted(context: &Context, peer: Peer, place: &Place) {
    place.deserted().await;
    if let Some(faults) = &context.shared.config.faults {
        faults.incoming(peer.node).await;
    }
}

/// A future that is polled only when it has been woken, whoever else wakes its task.
struct Lazy<F>(FuturesUnordered<F>);

impl<F: Future> Lazy<F> {
    fn new(future: F) -> Self {
        Self(FuturesUnordered::from_iter([future]))
    }

    /// What it gives, once. Dropping this loses nothing.
    async fn done(&mut self) -> F::Output {
        match self.0.next().await {
            Some(output) => output,
            None => pending().await,
        }
    }
}

/// Who ended a session.
enum Ended {
    By(End),
    Writing(End),
    Replaced(Cause),
}
