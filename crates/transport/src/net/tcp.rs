//! Connections over TCP, with TLS or without.

use super::{Config, Shared, accept, link::Link, link::Stream};
use crate::tls::{CLUSTER_NAME, names};
use rustls::pki_types::{CertificateDer, ServerName};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A socket that can move from one runtime to another.
#[derive(Debug)]
pub(super) enum Socket {
    Live(TcpStream),
    Parked(std::net::TcpStream),
    /// Between the two, and after an error.
    Gone,
}

impl Socket {
    pub(super) fn park(&mut self) -> io::Result<()> {
        if let Self::Live(stream) = std::mem::replace(self, Self::Gone) {
            *self = Self::Parked(stream.into_std()?);
        }
        Ok(())
    }

    pub(super) fn settle(&mut self) -> io::Result<()> {
        if let Self::Parked(stream) = std::mem::replace(self, Self::Gone) {
            *self = Self::Live(TcpStream::from_std(stream)?);
        }
        Ok(())
    }

    fn live(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        match self.get_mut() {
            Self::Live(stream) => Ok(Pin::new(stream)),
            Self::Parked(_) | Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Dials.
pub(super) async fn connect(config: &Config, to: SocketAddr) -> io::Result<Link> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (remote, local) = (stream.peer_addr()?, stream.local_addr()?.ip());
    let (stream, certified) = match &config.tls {
        None => (Stream::Tcp(Socket::Live(stream)), None),
        Some(tls) => {
            let connector = TlsConnector::from(tls.client.clone());
            let name = ServerName::try_from(CLUSTER_NAME).expect("it is a name");
            let stream = connector.connect(name, stream).await?;
            let certified = certified(stream.get_ref().1.peer_certificates());
            (Stream::Out(Box::new(stream)), Some(certified))
        }
    };
    Ok(Link { stream, certified, remote, local: Some(local) })
}

/// Takes in a connection.
async fn take_in(config: &Config, stream: TcpStream) -> io::Result<Link> {
    stream.set_nodelay(true)?;
    let (remote, local) = (stream.peer_addr()?, stream.local_addr()?.ip());
    let socket = Socket::Live(stream);
    let (stream, certified) = match &config.tls {
        None => (Stream::Tcp(socket), None),
        Some(tls) => {
            let stream = TlsAcceptor::from(tls.server.clone()).accept(socket).await?;
            let certified = certified(stream.get_ref().1.peer_certificates());
            (Stream::In(Box::new(stream)), Some(certified))
        }
    };
    Ok(Link { stream, certified, remote, local: Some(local) })
}

fn certified(chain: Option<&[CertificateDer<'_>]>) -> Vec<String> {
    chain.and_then(<[_]>::first).map(names).unwrap_or_default()
}

/// Listens, for ever.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let waiting = Arc::new(Semaphore::new(accept::WAITING_MAX));
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
            let link = timeout(shared.config.hello, take_in(&shared.config, stream)).await;
            match link.map_err(|_| io::ErrorKind::TimedOut.into()).flatten() {
                Ok(link) => accept::greet(&shared, link, accept::Door::Every).await,
                Err(error) => accept::unknown(&shared, from, &error),
            }
            drop(place);
        });
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.live()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.live()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.live()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.live()?.poll_shutdown(cx)
    }
}
