//! Whether the process of a peer has ended: its own host knows.

use super::Protocol;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpStream, UdpSocket},
    time::{Instant, sleep_until, timeout},
};

/// How often a peer on the same host is looked for while there is a session over UDP, which does not
/// say by itself that the other end has gone.
const LOOK: Duration = Duration::from_millis(40);
/// How long a host may take to close the last sockets of a process that has ended; a busy one takes
/// some tens of milliseconds. A session that broke between two that live is begun again so much later.
const LAST_SOCKETS: Duration = Duration::from_millis(150);

/// Where the process of a peer can be looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    protocol: Protocol,
    address: SocketAddr,
    same_host: bool,
}

impl Place {
    /// Whoever listens at this address, seen from our own.
    pub(super) fn new(protocol: Protocol, address: SocketAddr, own: Option<IpAddr>) -> Self {
        let same_host = address.ip().is_loopback() || own == Some(address.ip());
        Self { protocol, address, same_host }
    }

    /// Waits until the host says that nobody is there any more; for ever, if it cannot say so, or if
    /// the connection itself will end.
    pub(super) async fn deserted(&self) {
        if self.same_host && self.protocol == Protocol::Udp {
            let Ok(socket) = knock_on(self.address).await else {
                return std::future::pending().await;
            };
            while !refused(&socket, LOOK).await {}
            return;
        }
        std::future::pending().await
    }

    /// Whether the host says at once that nobody is there.
    pub(super) async fn is_surely_empty(&self) -> bool {
        self.same_host
            && match knock_on(self.address).await {
                Ok(socket) => refused(&socket, Duration::from_millis(1)).await,
                Err(_) => false,
            }
    }

    /// Whether nobody is there any more, asked once the connection has closed.
    pub(super) async fn is_deserted(&self) -> bool {
        self.same_host
            && match self.protocol {
                Protocol::Tcp => closed(self.address).await,
                Protocol::Udp => match knock_on(self.address).await {
                    Ok(socket) => refused(&socket, LAST_SOCKETS).await,
                    Err(_) => false,
                },
            }
    }
}

async fn knock_on(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = match address {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Whether the host says within this time that nobody has this port. One byte is no QUIC: who has
/// the port throws it away.
async fn refused(socket: &UdpSocket, within: Duration) -> bool {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if let Err(error) = socket.send(&[0]).await {
        return refused(&error);
    }
    let answer = timeout(within, socket.recv(&mut [0; 16])).await;
    match answer {
        Ok(Err(error)) if refused(&error) => true,
        Ok(_) => {
            // Nobody answers this; do not hurry if somebody does.
            sleep_until(Instant::now() + within).await;
            false
        }
        Err(_) => false,
    }
}

/// Whether nobody listens there any more.
async fn closed(address: SocketAddr) -> bool {
    for _ in 0..3 {
        match TcpStream::connect(address).await {
            Err(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => return true,
                // Its listener was closed in this very moment.
                io::ErrorKind::ConnectionReset => {}
                _other => return false,
            },
            // Either it lives, or its listener is about to be closed: that resets this.
            Ok(mut stream) => {
                if timeout(LAST_SOCKETS, stream.read_u8()).await.is_err() {
                    return false;
                }
            }
        }
    }
    false
}
