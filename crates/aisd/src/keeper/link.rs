//! Framed messages over a socket, blocking or not, without a runtime.

use ais_wire::{Frame, FrameReader, Limits, decode_bytes, encode_bytes};
use bytes::{Buf, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsFd, BorrowedFd},
};

/// The kind of every frame between daemon and keeper.
const KIND: u8 = 64;

/// No message between daemon and keeper is larger: a command line and an environment.
const LIMITS: Limits = Limits { header_max: 1 << 20, body_max: 0 };

/// One end of the socket between daemon and keeper.
#[derive(Debug)]
pub struct Link<S> {
    stream: S,
    reader: FrameReader,
    unsent: BytesMut,
}

impl<S: Read + Write> Link<S> {
    /// Speaks over this socket.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self { stream, reader: FrameReader::new(LIMITS), unsent: BytesMut::new() }
    }

    /// Puts a message behind what is not sent yet.
    pub fn push<T: Serialize>(&mut self, message: &T) {
        Frame::new(KIND, 0, encode_bytes(message)).put(&mut self.unsent);
    }

    /// Bytes not sent yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Sends as much as the socket takes.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => self.unsent.advance(sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once. `false`: the other end has closed.
    ///
    /// # Errors
    /// When the socket fails, and `WouldBlock` as the socket says it.
    pub fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 << 10];
        let read = match self.stream.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        self.reader.buffer().extend_from_slice(&chunk[..read]);
        Ok(read > 0)
    }

    /// The next message that has been read whole.
    ///
    /// # Errors
    /// When the other end does not speak this protocol.
    pub fn pop<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let invalid = |error: String| io::Error::new(ErrorKind::InvalidData, error);
        let frame = self.reader.next_frame().map_err(|error| invalid(error.to_string()))?;
        let Some(frame) = frame else { return Ok(None) };
        if frame.kind != KIND {
            return Err(invalid(format!(
                "a frame of kind {} between daemon and keeper",
                frame.kind
            )));
        }
        decode_bytes(&frame.header).map(Some).map_err(|error| invalid(error.to_string()))
    }

    /// Sends a message at once.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn send<T: Serialize>(&mut self, message: &T) -> io::Result<()> {
        self.push(message);
        self.flush()
    }

    /// Waits for the next message on a blocking socket. `None`: the other end has closed.
    ///
    /// # Errors
    /// When the socket fails (also by its read time-out), or what came is no message.
    pub fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(message) = self.pop()? {
                return Ok(Some(message));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The socket itself.
    pub fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: AsFd> AsFd for Link<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
