//! One session: frames in both directions, until one of them ends.

use super::{
    channel::{Context, Happened},
    frames::{self, Found, GOODBYE},
    link::{Reader, Writer},
    outbox::Outbox,
    stats::{add, count},
};
use crate::{FaultSwitch, Peer};
use bytes::{Buf, Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// How much is read, and written, at once.
const CHUNK: usize = 64 << 10;
/// How long the last words of a peer that has closed may take to be read, and our own to arrive.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);
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
pub(super) async fn read(context: &Context, peer: Peer, stream: &mut Reader) -> End {
    let config = &context.shared.config;
    let frame_max = config.limits(context.class).frame_max;
    let counters = &context.shared.counters;
    let mut buffer = BytesMut::with_capacity(CHUNK);
    loop {
        match frames::next(&mut buffer, frame_max) {
            Found::Frame(frame) => {
                count(&counters.frames_received);
                add(&counters.bytes_received, frame.len());
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
                let read = stream.read_buf(&mut buffer).await;
                if let Some(faults) = &config.faults {
                    // The end of the connection does not get through a cut either.
                    faults.incoming(peer.node).await;
                }
                match read {
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
    stream: &mut Writer,
    outbox: &Outbox,
) -> End {
    let counters = &context.shared.counters;
    let config = &context.shared.config;
    let faults = config.faults.as_ref().map(|switch| (switch, peer));
    let mut writer = Batches { stream, buffer: BytesMut::new(), stuck: config.stuck, faults };
    let written = async {
        while let Some(batch) = outbox.take(CHUNK).await {
            writer.may_leave().await?;
            for frame in batch {
                let length = frame.len();
                writer.frame(frame).await?;
                count(&counters.frames_sent);
                add(&counters.bytes_sent, length);
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
struct Batches<'a, W> {
    stream: &'a mut W,
    buffer: BytesMut,
    stuck: Duration,
    faults: Option<(&'a FaultSwitch, Peer)>,
}

impl<W: AsyncWrite + Unpin> Batches<'_, W> {
    /// Waits for a cut to heal; one that does not is like any other write without progress.
    async fn may_leave(&mut self) -> io::Result<()> {
        let Some((faults, peer)) = self.faults else { return Ok(()) };
        timeout(self.stuck, faults.outgoing(peer.node))
            .await
            .map_err(|_| io::ErrorKind::TimedOut.into())
    }

    async fn frame(&mut self, mut frame: Bytes) -> io::Result<()> {
        let length = u32::try_from(frame.len()).expect("frames are bounded far below 4 GiB");
        self.buffer.extend_from_slice(&length.to_be_bytes());
        if frame.len() < DIRECT_MIN {
            self.buffer.extend_from_slice(&frame);
            return Ok(());
        }
        write_all(self.stream, &mut self.buffer, self.stuck).await?;
        write_all(self.stream, &mut frame, self.stuck).await
    }

    async fn goodbye(&mut self) -> io::Result<()> {
        self.may_leave().await?;
        self.buffer.extend_from_slice(&GOODBYE.to_be_bytes());
        self.flush().await?;
        within(LAST_WORDS, self.stream.shutdown()).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        write_all(self.stream, &mut self.buffer, self.stuck).await?;
        // What TLS has taken may not have been sent yet.
        within(self.stuck, self.stream.flush()).await
    }
}

/// Writes all; each write has to make progress in time.
async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &mut impl Buf,
    stuck: Duration,
) -> io::Result<()> {
    while bytes.has_remaining() {
        if within(stuck, stream.write_buf(bytes)).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

async fn within<T>(limit: Duration, done: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, done).await.map_err(|_| io::ErrorKind::TimedOut)?
}
