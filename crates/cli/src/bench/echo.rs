//! Bare ping-pong of so many bytes with a process that does nothing else.

use super::{
    measure::{Sample, one_by_one},
    site::Seats,
};
use crate::Failure;
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
    os::unix::net::UnixStream,
    process::{Child, ExitCode, Stdio},
};

/// No echo is larger.
const SIZE_MAX: usize = 1 << 20;

/// Over a Unix socket.
pub(super) fn unix(seats: &Seats, size: usize, count: u32) -> Result<Sample, Failure> {
    let (ours, theirs) = UnixStream::pair().map_err(Failure::at("a Unix socket"))?;
    run("unix-echo", seats, theirs.into(), ours, size, count)
}

/// Over TCP on loopback, without delay.
pub(super) fn tcp(seats: &Seats, size: usize, count: u32) -> Result<Sample, Failure> {
    let connect = || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        let (theirs, _) = listener.accept()?;
        ours.set_nodelay(true)?;
        theirs.set_nodelay(true)?;
        Ok((ours, theirs))
    };
    let (ours, theirs) = connect().map_err(Failure::at("a TCP socket"))?;
    run("tcp-echo", seats, theirs.into(), ours, size, count)
}

fn run(
    name: &str,
    seats: &Seats,
    theirs: OwnedFd,
    mut ours: impl Read + Write,
    size: usize,
    count: u32,
) -> Result<Sample, Failure> {
    let mut echo = Echo(seats.spawn(|it| {
        it.args(["echo", &size.to_string()]).stdin(Stdio::from(theirs));
    })?);
    let said = vec![7; size];
    let mut heard = vec![0; size];
    let sample = one_by_one(format!("{name} {}", bytes(size)), count, |_| {
        let once = ours.write_all(&said).and_then(|()| ours.read_exact(&mut heard));
        once.map_err(Failure::at("the echo"))
    })?;
    drop(ours);
    echo.0.wait().map_err(Failure::at("the echo"))?;
    Ok(sample)
}

/// Who answers; it never outlives the measurement.
struct Echo(Child);

impl Drop for Echo {
    fn drop(&mut self) {
        // It has ended already, unless something failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// For people.
pub(super) fn bytes(size: usize) -> String {
    if size < 1024 { format!("{size} B") } else { format!("{} KiB", size / 1024) }
}

/// Answers each `size` bytes from the standard input with the same, on the socket that it is.
pub(crate) fn answer(size: usize) -> ExitCode {
    let answered = || {
        if size == 0 || size > SIZE_MAX {
            let text = format!("echoes have 1 to {SIZE_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let socket = rustix::io::dup(rustix::stdio::stdin())?;
        let mut heard = vec![0; size];
        // Whether it is a Unix or a TCP socket makes no difference to reading and writing it.
        let mut socket = std::fs::File::from(socket);
        while socket.read_exact(&mut heard).is_ok() {
            socket.write_all(&heard)?;
        }
        Ok(())
    };
    match answered() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}
