//! One session: frames in both directions, until one of them ends.

use super::{
    channel::{Context, Happened},
    count,
    frames::{self, Found, GOODBYE},
    outbox::Outbox,
};
use crate::Peer;
use bytes::{Buf, Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    time::timeout,
};

/// How much is read, and written, at once.
const CHUNK: usize = 64 << 10;
/// Frames from this size on are not copied to be written.
const DIRECT_MIN: usize = 16 << 10;

/// How a session ended, as one side of it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer said good-bye.
    Goodbye,
    /// The connection was closed, or reset.
    Closed,
    /// We gave it up: malformed, or stuck.
    Given,
    /// The owner of the channel has gone.
    Gone,
}

/// Receives frames, until the end.
pub(super) async fn read(context: &Context, peer: Peer, mut stream: OwnedReadHalf) -> End {
    let frame_max = context.shared.config.limits(context.class).frame_max;
    let counters = &context.shared.counters;
    let mut buffer = BytesMut::with_capacity(CHUNK);
    loop {
        match frames::next(&mut buffer, frame_max) {
            Found::Frame(frame) => {
                count(&counters.frames_received);
                let memory = context.memory(frame.len()).await;
                if context.tell(Happened::Frame(peer, frame, memory)).await.is_err() {
                    return End::Gone;
                }
            }
            Found::Goodbye => return End::Goodbye,
            Found::Malformed(length) => {
                count(&counters.malformed);
                tracing::warn!(?peer, length, "a frame over the limit: the session ends");
                return End::Given;
            }
            Found::Missing(bytes) => {
                buffer.reserve(bytes.clamp(CHUNK, 16 * CHUNK));
                match stream.read_buf(&mut buffer).await {
                    Ok(0) | Err(_) => return End::Closed,
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Writes what is queued, until the end of the queue, and good-bye.
pub(super) async fn write(
    context: &Context,
    peer: Peer,
    stream: &mut OwnedWriteHalf,
    outbox: &Outbox,
) -> End {
    let counters = &context.shared.counters;
    let mut writer = Writer { stream, buffer: BytesMut::new(), stuck: context.shared.config.stuck };
    let written = async {
        while let Some(batch) = outbox.take(CHUNK).await {
            for frame in batch {
                writer.frame(frame).await?;
                count(&counters.frames_sent);
            }
            writer.flush().await?;
        }
        writer.goodbye().await
    };
    match written.await {
        Ok(()) => End::Gone,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            count(&counters.stuck);
            tracing::warn!(?peer, "a write makes no progress: the session ends");
            End::Given
        }
        Err(_) => End::Closed,
    }
}

/// Gathers small frames into few writes.
struct Writer<'a, W> {
    stream: &'a mut W,
    buffer: BytesMut,
    stuck: Duration,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    async fn frame(&mut self, mut frame: Bytes) -> io::Result<()> {
        let length = u32::try_from(frame.len()).expect("frames are bounded far below 4 GiB");
        self.buffer.extend_from_slice(&length.to_be_bytes());
        if frame.len() < DIRECT_MIN {
            self.buffer.extend_from_slice(&frame);
            return Ok(());
        }
        self.flush().await?;
        write_all(self.stream, &mut frame, self.stuck).await
    }

    async fn goodbye(&mut self) -> io::Result<()> {
        self.buffer.extend_from_slice(&GOODBYE.to_be_bytes());
        self.flush().await?;
        self.stream.shutdown().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        write_all(self.stream, &mut self.buffer, self.stuck).await
    }
}

/// Writes all; each write has to make progress in time.
async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &mut impl Buf,
    stuck: Duration,
) -> io::Result<()> {
    while bytes.has_remaining() {
        let written = timeout(stuck, stream.write_buf(bytes)).await;
        if written.map_err(|_| io::ErrorKind::TimedOut)?? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}
