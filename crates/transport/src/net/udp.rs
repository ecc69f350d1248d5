//! Connections over UDP, by QUIC.
//!
//! Each class has a socket and an endpoint of its own, on the runtime that uses it: a frame costs no
//! hop between threads, and bulk data cannot delay control, neither by flow nor by congestion
//! control. A node's configured address is a door with a third endpoint, which tells where the
//! class that is asked for can be reached.

use super::{Config, Shared, accept, link::Link};
use crate::{
    TransportError,
    tls::{CLUSTER_NAME, Tls, names},
};
use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, Incoming, SendStream, ServerConfig,
    StoppedError, TokioRuntime, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::pki_types::CertificateDer;
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{io::AsyncWrite, sync::Semaphore, time::timeout};

/// What may be on its way to a peer that does not read.
const WINDOW: u32 = 4 << 20;
/// A guess until it is measured: nodes are near one another.
const FIRST_RTT: Duration = Duration::from_millis(20);
/// How long a peer without a word is waited for when it is dialled.
const DIAL: Duration = Duration::from_secs(2);

/// How all connections of a node are made.
#[derive(Clone, Debug)]
pub(super) struct Quic {
    client: ClientConfig,
    server: ServerConfig,
    /// Without certificates the peers' mean nothing.
    certified: bool,
}

impl Quic {
    pub(super) fn new(config: &Config) -> Result<Self, TransportError> {
        let tls = match &config.tls {
            Some(tls) => tls.clone(),
            None => Tls::throw_away().map_err(TransportError::Quic)?,
        };
        let failed = |error: String| TransportError::Quic(error);
        let client = QuicClientConfig::try_from(tls.client).map_err(|it| failed(it.to_string()))?;
        let server = QuicServerConfig::try_from(tls.server).map_err(|it| failed(it.to_string()))?;
        let mut client = ClientConfig::new(Arc::new(client));
        let mut server = ServerConfig::with_crypto(Arc::new(server));
        let transport = Arc::new(transport(config.stuck));
        client.transport_config(transport.clone());
        server.transport_config(transport);
        server.migration(false).max_incoming(accept::WAITING_MAX);
        Ok(Self { client, server, certified: config.tls.is_some() })
    }

    /// The endpoint on this socket, driven by the runtime of the caller.
    pub(super) fn endpoint(&self, socket: UdpSocket) -> io::Result<Endpoint> {
        let (server, runtime) = (self.server.clone(), Arc::new(TokioRuntime));
        let mut endpoint = Endpoint::new(EndpointConfig::default(), Some(server), socket, runtime)?;
        endpoint.set_default_client_config(self.client.clone());
        Ok(endpoint)
    }

    fn certified(&self, connection: &Connection) -> Option<Vec<String>> {
        let chain = || connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok();
        self.certified.then(|| chain().and_then(|it| it.first().map(names)).unwrap_or_default())
    }
}

fn transport(stuck: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(WINDOW.into())
        .initial_rtt(FIRST_RTT)
        // A peer that is not heard of at all for so long makes no progress either.
        .max_idle_timeout(stuck.try_into().ok())
        .keep_alive_interval(Some(stuck / 5));
    config
}

/// Binds the socket of a door or a class.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Dials.
pub(super) async fn connect(quic: &Quic, from: &Endpoint, to: SocketAddr) -> io::Result<Link> {
    let connect = async {
        let connection = from.connect(to, CLUSTER_NAME).map_err(io::Error::other)?.await?;
        let streams = connection.open_bi().await?;
        Ok(Link::quic(&connection, streams, quic.certified(&connection)))
    };
    timeout(DIAL, connect).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn take_in(quic: &Quic, incoming: Incoming) -> io::Result<Link> {
    let connection = incoming.await?;
    let streams = connection.accept_bi().await?;
    Ok(Link::quic(&connection, streams, quic.certified(&connection)))
}

/// Hears who comes, as long as the endpoint is open.
pub(super) async fn listen(shared: Arc<Shared>, quic: Quic, at: Endpoint, door: accept::Door) {
    let waiting = Arc::new(Semaphore::new(accept::WAITING_MAX));
    while let Some(incoming) = at.accept().await {
        let place = waiting.clone().acquire_owned().await;
        let (shared, quic) = (shared.clone(), quic.clone());
        tokio::spawn(async move {
            let from = incoming.remote_address();
            let link = timeout(shared.config.hello, take_in(&quic, incoming)).await;
            match link.map_err(|_| io::ErrorKind::TimedOut.into()).flatten() {
                Ok(link) => accept::greet(&shared, link, door).await,
                Err(error) => accept::unknown(&shared, from, &error),
            }
            drop(place);
        });
    }
}

/// The sending half of a stream. It is shut down when the peer has everything.
pub(super) struct QuicWriter {
    stream: SendStream,
    /// `Some` once it is being shut down.
    received: Option<Received>,
}

type Received = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send + Sync>>;

impl QuicWriter {
    pub(super) fn new(stream: SendStream) -> Self {
        Self { stream, received: None }
    }
}

impl AsyncWrite for QuicWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.get_mut().stream), cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let received = this.received.get_or_insert_with(|| {
            // It may be closed already: then there is nothing to finish.
            let _ = this.stream.finish();
            Box::pin(this.stream.stopped())
        });
        received.as_mut().poll(cx).map(|ended| ended.map(drop).map_err(io::Error::other))
    }
}
