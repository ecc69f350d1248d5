//! The door: hears who comes and hands the connection to the channel it is for.

use super::{
    Shared,
    hello::{GREETING_MAX, Greeting, Hello},
    link::Link,
    peer::Word,
    stats::count,
};
use crate::Class;
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Connections that may be at their hello at a time.
pub(super) const WAITING_MAX: usize = 64;

/// What may be said at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Everything.
    Every,
    /// Where a class is, and that one is there.
    Questions,
    /// A hello for this class.
    Class(Class),
}

/// Somebody did not even get to a hello.
pub(super) fn unknown(shared: &Shared, from: SocketAddr, error: &io::Error) {
    count(&shared.counters.refused);
    tracing::warn!(%from, %error, "a connection did not come about");
}

pub(super) async fn greet(shared: &Shared, mut link: Link, door: Door) {
    let from = link.remote;
    let refusal = match timeout(shared.config.hello, read_greeting(&mut link.stream)).await {
        Ok(Ok(greeting)) => match answer(shared, &mut link, door, greeting).await {
            Ok(Reaction::Pass(hello)) => return pass_on(shared, link, hello),
            Ok(Reaction::Done) => return,
            Err(refusal) => refusal,
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no hello in time".into(),
    };
    count(&shared.counters.refused);
    tracing::warn!(%from, refusal, "a connection was refused");
    say(shared, &mut link, &Greeting::Refused(refusal)).await;
}

/// What follows from a greeting that was not refused.
enum Reaction {
    /// The channel goes on with it.
    Pass(Hello),
    Done,
}

async fn answer(
    shared: &Shared,
    link: &mut Link,
    door: Door,
    greeting: Greeting,
) -> Result<Reaction, String> {
    let hello = match &greeting {
        Greeting::Hello(hello) | Greeting::Knock(hello) | Greeting::Where(hello) => hello,
        Greeting::Welcome(_) | Greeting::At(_) | Greeting::Refused(_) => {
            return Err("the first word is a hello".into());
        }
    };
    if let Some(faults) = &shared.config.faults {
        let arrived = timeout(shared.config.hello, faults.incoming(hello.from.node)).await;
        if arrived.is_err() {
            return Ok(Reaction::Done);
        }
    }
    if let Some(reason) = shared.objection(hello, link.certified.as_deref()) {
        return Err(reason);
    }
    let dials = hello.from.node < shared.me();
    let wrong_way = || Err("the node with the lower id dials, the other knocks".to_owned());
    match greeting {
        Greeting::Hello(_) | Greeting::Where(_) if !dials => wrong_way(),
        Greeting::Knock(_) if dials => wrong_way(),
        Greeting::Hello(hello) => match door {
            Door::Every => Ok(Reaction::Pass(hello)),
            Door::Class(class) if class == hello.class => Ok(Reaction::Pass(hello)),
            Door::Class(_) | Door::Questions => Err("this is not the port of that class".into()),
        },
        Greeting::Where(hello) => {
            let address = shared.address_of(hello.class);
            say(shared, link, &Greeting::At(address)).await;
            Ok(Reaction::Done)
        }
        Greeting::Knock(mut hello) => {
            if hello.address.ip().is_unspecified() {
                hello.address.set_ip(link.remote.ip());
            }
            tell(shared, Word::Knock(hello));
            Ok(Reaction::Done)
        }
        Greeting::Welcome(_) | Greeting::At(_) | Greeting::Refused(_) => Ok(Reaction::Done),
    }
}

/// Says one thing, and sees that it gets there.
async fn say(shared: &Shared, link: &mut Link, greeting: &Greeting) {
    let words = async {
        link.stream.write_all(&greeting.encode()).await?;
        link.stream.shutdown().await
    };
    let _ = timeout(shared.config.hello, words).await;
}

/// Gives the connection to the channel, which answers it on its own runtime.
fn pass_on(shared: &Shared, mut link: Link, hello: Hello) {
    if link.park().is_ok() {
        tell(shared, Word::Connection(link, hello));
    }
}

/// Without a channel, or with a crowded one, nobody hears it: the peer comes again.
fn tell(shared: &Shared, word: Word) {
    let (Word::Knock(hello) | Word::Connection(_, hello)) = &word else { return };
    let channel = shared.open().channels.get(&hello.class).cloned();
    if let Some(channel) = channel {
        let _ = channel.try_send((hello.from.node, word));
    }
}

/// Says one greeting.
pub(super) async fn write_greeting(
    stream: &mut (impl AsyncWrite + Unpin),
    greeting: &Greeting,
) -> io::Result<()> {
    stream.write_all(&greeting.encode()).await?;
    stream.flush().await
}

/// Reads one greeting.
pub(super) async fn read_greeting(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Greeting> {
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
