//! The line between an instance and its supervisor: commands go up, answers come down.
//!
//! One byte a command, with a number or sized bytes behind it; one byte an answer, with a code behind
//! it if it is an error. Both ends are the same program, so nothing here is a format for others.

use crate::{Error, sys::uninterrupted};
use ais_types::ErrorCode;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{Errno, FdFlags, fcntl_setfd, read, write},
    net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair},
    pipe::{PipeFlags, pipe_with},
};
use std::os::fd::{AsFd, OwnedFd};

pub(crate) const START: u8 = 0;
pub(crate) const STOP: u8 = 1;
pub(crate) const HEARTBEAT: u8 = 2;
pub(crate) const DATA_STORE: u8 = 3;
pub(crate) const WARN_SIGNAL_SET: u8 = 4;
pub(crate) const MARK_FAILED: u8 = 5;
/// A program that was executed by an instance takes its place: interval and policy follow.
pub(crate) const ADOPT: u8 = 6;

const OK: u8 = 0;
const ERROR: u8 = 1;

/// The end of an instance.
#[derive(Debug)]
pub(crate) struct ActiveEnd {
    pub(crate) commands: OwnedFd,
    pub(crate) answers: OwnedFd,
    /// Answers to START, which may take long, under policies with quorum.
    pub(crate) starts: Option<OwnedFd>,
}

/// The end of its supervisor.
#[derive(Debug)]
pub(crate) struct SupervisorEnd {
    pub(crate) commands: OwnedFd,
    answers: OwnedFd,
    starts: Option<OwnedFd>,
}

/// A new line.
///
/// # Errors
/// LIBRARY if there is not even a first pipe, BAD_HANDLE if there is only one.
pub(crate) fn line(quorum: bool, close_on_exec: bool) -> Result<(ActiveEnd, SupervisorEnd), Error> {
    let (commands, to_supervisor) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|it| Error::Pipe(it.into()))?;
    let (answers, to_instance) = stream()?;
    let (starts, to_starts) = match quorum.then(stream).transpose()? {
        Some((starts, to_starts)) => (Some(starts), Some(to_starts)),
        None => (None, None),
    };
    let active = ActiveEnd { commands: to_supervisor, answers, starts };
    let split = |error: Errno| Error::Split(error.into());
    // The supervisor never waits for its instance, nor a heartbeat for the supervisor.
    for end in [&commands, &active.commands] {
        let flags = fcntl_getfl(end).map_err(split)?;
        fcntl_setfl(end, flags | OFlags::NONBLOCK).map_err(split)?;
    }
    if !close_on_exec {
        active.stay_open_on_exec().map_err(split)?;
    }
    Ok((active, SupervisorEnd { commands, answers: to_instance, starts: to_starts }))
}

/// A pair of sockets, since writing to one whose other end is gone need not raise a signal.
pub(crate) fn stream() -> Result<(OwnedFd, OwnedFd), Error> {
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map_err(|it| Error::Split(it.into()))
}

impl ActiveEnd {
    pub(crate) fn stay_open_on_exec(&self) -> Result<(), Errno> {
        let ends = [Some(&self.commands), Some(&self.answers), self.starts.as_ref()];
        ends.into_iter().flatten().try_for_each(|end| fcntl_setfd(end, FdFlags::empty()))
    }

    /// Says a command. As with any pipe, SIGPIPE comes if the supervisor is gone, unless the program
    /// has seen to it.
    pub(crate) fn say(&self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            match write(&self.commands, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.commands, PollFlags::OUT)];
                    uninterrupted(|| poll(&mut fds, None)).map_err(|_| Error::SupervisorGone)?;
                }
                Err(_) => return Err(Error::SupervisorGone),
            }
        }
        Ok(())
    }

    /// Says that all is well. A supervisor that has not read thousands of these needs no more.
    pub(crate) fn beat(&self) -> Result<(), Error> {
        match uninterrupted(|| write(&self.commands, &[HEARTBEAT])) {
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(_) => Err(Error::SupervisorGone),
        }
    }

    /// The answer to the last command that has one.
    pub(crate) fn answer(&self) -> Result<(), Error> {
        answer(&self.answers)
    }
}

/// Waits for an answer.
pub(crate) fn answer(from: impl AsFd) -> Result<(), Error> {
    let mut kind = [0];
    fill(&from, &mut kind)?;
    if kind == [OK] {
        return Ok(());
    }
    let mut code = [0; 4];
    fill(&from, &mut code)?;
    let code = ErrorCode::from_number(u32::from_ne_bytes(code)).unwrap_or(ErrorCode::Library);
    Err(Error::Refused(code))
}

/// Reads exactly so much.
pub(crate) fn fill(from: &impl AsFd, mut into: &mut [u8]) -> Result<(), Error> {
    while !into.is_empty() {
        match uninterrupted(|| read(from, &mut *into)) {
            Ok(0) | Err(_) => return Err(Error::SupervisorGone),
            Ok(count) => into = &mut into[count..],
        }
    }
    Ok(())
}

impl SupervisorEnd {
    /// Answers a command. An instance that is gone needs no answer.
    pub(crate) fn answer(&self, answer: Result<(), ErrorCode>) {
        reply(&self.answers, answer);
    }

    /// Whether every START is answered.
    pub(crate) fn has_starts(&self) -> bool {
        self.starts.is_some()
    }

    /// Tells an instance what it could not know.
    pub(crate) fn tell(&self, turn: &[u8]) {
        // One that does not listen does not want to know.
        let _ = crate::turn::tell(&self.answers, turn);
    }

    /// Answers START.
    pub(crate) fn answer_start(&self, answer: Result<(), ErrorCode>) {
        reply(self.starts.as_ref().unwrap_or(&self.answers), answer);
    }
}

fn reply(to: &OwnedFd, answer: Result<(), ErrorCode>) {
    let mut bytes = [ERROR; 5];
    let bytes = match answer {
        Ok(()) => &[OK][..],
        Err(code) => {
            bytes[1..].copy_from_slice(&code.number().to_ne_bytes());
            &bytes
        }
    };
    // Five bytes fit; if they do not, or nobody is there, nobody is listening.
    let _ = send(to, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
}
