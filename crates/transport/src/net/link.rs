//! One connection, of whatever kind.

use super::{tcp::Socket, udp::QuicWriter};
use quinn::{RecvStream, SendStream};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, split},
    net::TcpStream,
};
use tokio_rustls::{client, server};

pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection whose two ends may not have greeted yet.
pub(super) struct Link {
    pub(super) stream: Stream,
    /// The names in the peer's certificate; `None`: there are no certificates.
    pub(super) certified: Option<Vec<String>>,
    /// The other end.
    pub(super) remote: SocketAddr,
    /// Our address, if it is known.
    pub(super) local: Option<IpAddr>,
}

/// Its bytes.
pub(super) enum Stream {
    Tcp(Socket),
    /// TLS over TCP, dialled by the peer.
    In(Box<server::TlsStream<Socket>>),
    /// TLS over TCP, dialled by us.
    Out(Box<client::TlsStream<TcpStream>>),
    Quic(RecvStream, QuicWriter),
}

impl Link {
    /// Over QUIC.
    pub(super) fn quic(
        connection: &quinn::Connection,
        (send, receive): (SendStream, RecvStream),
        certified: Option<Vec<String>>,
    ) -> Self {
        Self {
            stream: Stream::Quic(receive, QuicWriter::new(send)),
            certified,
            remote: connection.remote_address(),
            local: connection.local_ip(),
        }
    }

    /// Takes it off the runtime that drives it.
    pub(super) fn park(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(socket) => socket.park(),
            Stream::In(stream) => stream.get_mut().0.park(),
            // These are where they belong.
            Stream::Out(_) | Stream::Quic(..) => Ok(()),
        }
    }

    /// From now on the runtime of the caller drives it.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(socket) => socket.settle(),
            Stream::In(stream) => stream.get_mut().0.settle(),
            Stream::Out(_) | Stream::Quic(..) => Ok(()),
        }
    }
}

impl Stream {
    /// Both directions, each for a task of its own.
    pub(super) fn split(self) -> (Reader, Writer) {
        match self {
            Self::Tcp(Socket::Live(stream)) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Box::new(writer))
            }
            Self::Tcp(socket) => {
                let (reader, writer) = split(socket);
                (Box::new(reader), Box::new(writer))
            }
            Self::In(stream) => {
                let (reader, writer) = split(stream);
                (Box::new(reader), Box::new(writer))
            }
            Self::Out(stream) => {
                let (reader, writer) = split(stream);
                (Box::new(reader), Box::new(writer))
            }
            Self::Quic(reader, writer) => (Box::new(reader), Box::new(writer)),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(it) => Pin::new(it).poll_read(cx, buffer),
            Self::In(it) => Pin::new(it).poll_read(cx, buffer),
            Self::Out(it) => Pin::new(it).poll_read(cx, buffer),
            Self::Quic(it, _) => AsyncRead::poll_read(Pin::new(it), cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(it) => Pin::new(it).poll_write(cx, bytes),
            Self::In(it) => Pin::new(it).poll_write(cx, bytes),
            Self::Out(it) => Pin::new(it).poll_write(cx, bytes),
            Self::Quic(_, it) => Pin::new(it).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(it) => Pin::new(it).poll_flush(cx),
            Self::In(it) => Pin::new(it).poll_flush(cx),
            Self::Out(it) => Pin::new(it).poll_flush(cx),
            Self::Quic(_, it) => Pin::new(it).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(it) => Pin::new(it).poll_shutdown(cx),
            Self::In(it) => Pin::new(it).poll_shutdown(cx),
            Self::Out(it) => Pin::new(it).poll_shutdown(cx),
            Self::Quic(_, it) => Pin::new(it).poll_shutdown(cx),
        }
    }
}
