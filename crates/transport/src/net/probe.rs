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
/// How long a call on the same host may be without an answer: its system answers at once.
const ANSWER: Duration = Duration::from_millis(20);

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
    let until = Instant::now() + LAST_SOCKETS;
    let mut patience = ANSWER;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        match timeout(left.min(ANSWER), TcpStream::connect(address)).await {
            // A listener that is being closed may swallow a call, which is repeated a second later.
            Err(_) => {}
            Ok(Err(error)) => match error.kind() {
                io::ErrorKind::ConnectionRefused => return true,
                // It was closed in this very moment.
                io::ErrorKind::ConnectionReset => {}
                _other => return false,
            },
            // Either it lives, or its listener is about to be closed: that resets this, or forgets
            // it. Who is not forgotten twice has called somebody who lives.
            Ok(Ok(mut stream)) => {
                let _ = timeout(left.min(patience), stream.read_u8()).await;
                patience = LAST_SOCKETS;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpSocket;

    #[tokio::test]
    async fn a_listener_that_swallows_calls_is_there_until_it_is_closed() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        // Whoever calls when somebody waits already gets no answer.
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(LAST_SOCKETS, TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        let asked = timeout(Duration::from_secs(30), closed(address)).await;
        assert_eq!(asked, Ok(false), "the system repeats a call for two minutes");
        drop(listener);
        assert!(closed(address).await);
    }
}
