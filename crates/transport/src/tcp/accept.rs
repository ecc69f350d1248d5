//! The door: hears who comes and hands the connection to the channel it is for.

use super::{
    Shared, count,
    hello::{GREETING_MAX, Greeting, Hello},
    peer::Word,
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};

/// Connections that may be at their hello at a time.
const WAITING_MAX: usize = 64;

/// Listens, for ever.
pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    loop {
        let place = waiting.clone().acquire_owned().await;
        let (stream, from) = match listener.accept().await {
            Ok(it) => it,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Mostly too many open files: there is nothing to wait for but others' ends.
                sleep_until(Instant::now() + Duration::from_millis(100)).await;
                continue;
            }
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            greet(&shared, stream, from).await;
            drop(place);
        });
    }
}

async fn greet(shared: &Shared, mut stream: TcpStream, from: SocketAddr) {
    let refusal = match timeout(shared.config.hello, read_greeting(&mut stream)).await {
        Ok(Ok(Greeting::Hello(hello))) => match judge(shared, &hello, true) {
            None => return pass_on(shared, stream, hello),
            Some(reason) => reason,
        },
        Ok(Ok(Greeting::Knock(hello))) => match judge(shared, &hello, false) {
            None => return knocked(shared, hello, from),
            Some(reason) => reason,
        },
        Ok(Ok(Greeting::Welcome(_) | Greeting::Refused(_))) => "the first word is a hello".into(),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no hello in time".into(),
    };
    count(&shared.counters.refused);
    tracing::warn!(%from, refusal, "a connection was refused");
    let words = Greeting::Refused(refusal).encode();
    let _ = timeout(shared.config.hello, stream.write_all(&words)).await;
}

/// Why this one does not come in.
fn judge(shared: &Shared, hello: &Hello, dials: bool) -> Option<String> {
    shared.objection(hello).or_else(|| {
        let right = (hello.from.node < shared.me()) == dials;
        (!right).then(|| "the node with the lower id dials, the other knocks".to_owned())
    })
}

/// Gives the connection to the channel, which answers it on its own runtime.
fn pass_on(shared: &Shared, stream: TcpStream, hello: Hello) {
    let Ok(stream) = stream.into_std() else { return };
    let channel = shared.open().channels.get(&hello.class).cloned();
    // Without a channel, or with a crowded one, the connection closes: the peer dials again.
    if let Some(channel) = channel {
        let _ = channel.try_send((hello.from.node, Word::Connection(stream, hello)));
    }
}

fn knocked(shared: &Shared, mut hello: Hello, from: SocketAddr) {
    if hello.address.ip().is_unspecified() {
        hello.address.set_ip(from.ip());
    }
    let channel = shared.open().channels.get(&hello.class).cloned();
    if let Some(channel) = channel {
        let _ = channel.try_send((hello.from.node, Word::Knock(hello)));
    }
}

/// Reads one greeting.
pub(super) async fn read_greeting(stream: &mut TcpStream) -> io::Result<Greeting> {
    let length = usize::from(stream.read_u16().await?);
    if length > GREETING_MAX {
        return Err(malformed("malformed greeting: too long"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Greeting::decode(&bytes).map_err(malformed)
}

fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
