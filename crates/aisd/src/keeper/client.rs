//! The daemon's side of its keeper.

use super::{ARGUMENT, Link, Notice, Request};
use rustix::time::{ClockId, clock_gettime};
use std::{
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::io::Interest;

/// A keeper that was started and is not talked to yet.
#[derive(Debug)]
pub struct Keeper {
    process: Child,
    socket: UnixStream,
}

impl Keeper {
    /// Starts `program` as a keeper: it must become one when its first argument is
    /// [`ARGUMENT`]. Call it before there is a second thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(program: &Path) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program);
        // A group of its own: an interrupt from the terminal is the daemon's to handle.
        command.arg(ARGUMENT).stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).process_group(0);
        Ok(Self { process: command.spawn()?, socket })
    }

    /// The blocking end of the socket, and the process.
    #[must_use]
    pub fn into_parts(self) -> (Link<UnixStream>, Child) {
        (Link::new(self.socket), self.process)
    }

    /// Talks to it from within a runtime; and the process, to be waited for at the end.
    ///
    /// # Errors
    /// What the system says.
    pub fn attach(self) -> io::Result<(Attached, Child)> {
        self.socket.set_nonblocking(true)?;
        let stream = tokio::net::UnixStream::from_std(self.socket)?;
        Ok((Attached { link: Link::new(Tried(stream)) }, self.process))
    }
}

/// A keeper that is talked to by one task. Dropping it ends the keeper and with it every
/// component.
#[derive(Debug)]
pub struct Attached {
    link: Link<Tried>,
}

impl Attached {
    /// Asks for something. Never waits; what the socket does not take is sent by
    /// [`next`](Self::next).
    ///
    /// # Errors
    /// When the keeper is gone.
    pub fn request(&mut self, request: &Request) -> io::Result<()> {
        self.link.send(request)
    }

    /// Extends the components' lives to this moment, or ends them now.
    ///
    /// # Errors
    /// When the keeper is gone.
    pub fn lease(&mut self, until: Option<Instant>) -> io::Result<()> {
        let until_ns = until.map_or(0, on_the_monotonic_clock);
        self.request(&Request::Lease { until_ns })
    }

    /// Waits for the next notice. Dropping the future loses none. `None`: the keeper is gone, and
    /// every component with it.
    ///
    /// # Errors
    /// When the socket fails, or what came is no notice.
    pub async fn next(&mut self) -> io::Result<Option<Notice>> {
        loop {
            if let Some(notice) = self.link.pop()? {
                return Ok(Some(notice));
            }
            let unsent = self.link.unsent() > 0;
            let interest = if unsent {
                Interest::READABLE.add(Interest::WRITABLE)
            } else {
                Interest::READABLE
            };
            self.link.stream().0.ready(interest).await?;
            self.link.flush()?;
            match self.link.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A tokio socket, read and written without waiting.
#[derive(Debug)]
struct Tried(tokio::net::UnixStream);

impl Read for Tried {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Tried {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `CLOCK_MONOTONIC` now, in nanoseconds: the same in daemon and keeper.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// The moment as the keeper understands it; never later than it is, whatever happens between the
/// two readings of the clock.
#[expect(clippy::disallowed_methods, reason = "std's clock is compared with the system's own")]
fn on_the_monotonic_clock(moment: Instant) -> u64 {
    let now_ns = monotonic_ns();
    let left = moment.saturating_duration_since(Instant::now());
    now_ns.saturating_add(nanos(left))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
