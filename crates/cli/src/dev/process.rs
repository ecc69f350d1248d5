//! A node's process, found again by later commands.

use super::Lifetime;
use crate::{Failure, wait::Overdue};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use std::{
    fs::{self, OpenOptions},
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// A node's process.
#[derive(Debug)]
pub struct NodeProcess {
    pid: u32,
    pidfd: OwnedFd,
    folder: String,
}

impl NodeProcess {
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        lifetime: Lifetime,
    ) -> Result<Self, Failure> {
        let log = folder.join("node.log");
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.map_err(Failure::at(&log))?;
        let errors = output.try_clone().map_err(Failure::at(&log))?;
        let mut command = Command::new(program);
        command.arg("node").arg("--config").arg(folder.join("node.toml"));
        if lifetime == Lifetime::Parent {
            command.arg("--with-parent");
        }
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let mut child = command.spawn().map_err(Failure::at(program))?;
        let pid = child.id();
        let born = birth(pid).unwrap_or_default();
        let file = folder.join("node.pid");
        fs::write(&file, format!("{pid} {born}\n")).map_err(Failure::at(&file))?;
        // Somebody must take note of its end, or its number stays in use.
        thread::spawn(move || child.wait());
        open(pid, folder).map_err(Failure::at(folder))
    }

    /// The running process of the node in this folder.
    pub(super) fn running(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("node.pid")).ok()?;
        let (pid, born) = text.trim().split_once(' ')?;
        let pid = pid.parse().ok()?;
        let process = open(pid, folder).ok()?;
        // The number may have been given to another process since; this pidfd cannot be.
        (birth(pid)? == born.parse::<u64>().ok()?).then_some(process)
    }

    /// The system's number of it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When that is not allowed.
    pub fn signal(&self, signal: Signal) -> Result<(), Failure> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(Failure::at(&self.folder)(error.into())),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_gone(&self, patience: Duration) -> Result<(), Failure> {
        match self.ends_within(patience)? {
            true => Ok(()),
            false => {
                let what = format!("the end of process {} of {}", self.pid, self.folder);
                Err(Overdue { what, patience }.into())
            }
        }
    }

    /// Whether it ends within this time.
    ///
    /// # Errors
    /// Those of the system.
    pub fn ends_within(&self, patience: Duration) -> Result<bool, Failure> {
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        let timeout = Timespec { tv_sec: seconds, tv_nsec: patience.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(ended) => Ok(ended > 0),
            Err(error) => Err(Failure::at(&self.folder)(error.into())),
        }
    }
}

fn open(pid: u32, folder: &Path) -> io::Result<NodeProcess> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    let pidfd = pidfd_open(number, PidfdFlags::empty())?;
    Ok(NodeProcess { pid, pidfd, folder: folder.display().to_string() })
}

/// When the process was started, in ticks of the system; `None` when it has ended.
fn birth(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let dead = matches!(fields.next()?, "Z" | "X");
    if dead { None } else { fields.nth(18)?.parse().ok() }
}
