//! The keeper's one loop.

use super::{End, Link, Notice, Request, Task, child, client::monotonic_ns};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
        set_child_subreaper, wait,
    },
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    os::{fd::OwnedFd, unix::net::UnixStream},
};

/// No node has more components and commands at once.
const CHILDREN_MAX: usize = 4096;

/// The daemon does not read: its requests wait until it does.
const UNSENT_MAX: usize = 1 << 20;

/// How long an orphan that ended may stay unreaped when nothing else happens.
const REAP_NS: u64 = 1_000_000_000;

/// Keeps components until the daemon is gone; then none of them is left.
///
/// `daemon` is this end of the socket. Call it from the main thread of a process that has no other.
///
/// # Errors
/// When the system refuses what a keeper needs.
pub fn keep(daemon: UnixStream) -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    daemon.set_nonblocking(true)?;
    let mut keeper = Keeper {
        daemon: Link::new(daemon),
        children: BTreeMap::new(),
        parent: false,
        lease_until_ns: 0,
        ended: false,
    };
    let served = keeper.serve();
    keeper.kill_everything()?;
    match served {
        Ok(()) => Ok(()),
        // The daemon was killed while it was being told something.
        Err(error)
            if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

struct Keeper {
    daemon: Link<UnixStream>,
    children: BTreeMap<u64, Child>,
    /// There are child processes, known ones or orphans.
    parent: bool,
    /// 0: no lease, nobody lives.
    lease_until_ns: u64,
    /// The node leaves: nobody lives any more, lease or not.
    ended: bool,
}

struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    kind: Kind,
    /// The daemon waits for [`Notice::Gone`].
    kill_asked: bool,
}

enum Kind {
    Component,
    Command { deadline_ns: u64, timed_out: bool, kill_rest: bool },
}

impl Keeper {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let readable = self.wait()?;
            if readable && !self.read_requests()? {
                return Ok(());
            }
            self.expire(monotonic_ns());
            self.reap();
            self.daemon.flush()?;
        }
    }

    /// Blocks until something happened. Whether the daemon wrote or closed.
    fn wait(&self) -> io::Result<bool> {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.daemon.unsent() < UNSENT_MAX);
        interest.set(PollFlags::OUT, self.daemon.unsent() > 0);
        let mut fds = vec![PollFd::new(&self.daemon, interest)];
        fds.extend(self.children.values().map(|child| PollFd::new(&child.pidfd, PollFlags::IN)));
        let timeout = self.next_deadline_ns().map(until);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let closed_or_written = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        Ok(fds[0].revents().intersects(closed_or_written))
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        let lease = (self.lease_until_ns > 0).then_some(self.lease_until_ns);
        let commands = self.children.values().filter_map(|child| match child.kind {
            Kind::Command { deadline_ns, timed_out: false, .. } => Some(deadline_ns),
            Kind::Command { timed_out: true, .. } | Kind::Component => None,
        });
        let reap = self.parent.then(|| monotonic_ns().saturating_add(REAP_NS));
        lease.into_iter().chain(commands).chain(reap).min()
    }

    /// `false`: the daemon is gone.
    fn read_requests(&mut self) -> io::Result<bool> {
        let open = match self.daemon.fill() {
            Ok(open) => open,
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => return Err(error),
        };
        while let Some(request) = self.daemon.pop()? {
            self.handle(request)?;
        }
        Ok(open)
    }

    fn handle(&mut self, request: Request) -> io::Result<()> {
        match request {
            // There is no life after the end.
            Request::Lease { .. } if self.ended => {}
            Request::Lease { until_ns } => {
                self.lease_until_ns = until_ns;
                if until_ns == 0 {
                    self.kill_all();
                }
            }
            Request::Spawn { id, task } => {
                if let Some(pid) = self.start(id, &task, Kind::Component) {
                    self.daemon.push(&Notice::Started { id, pid });
                }
            }
            Request::Run { id, task, timeout_ms, kill_rest } => {
                let timeout_ns = timeout_ms.saturating_mul(1_000_000);
                let deadline_ns = monotonic_ns().saturating_add(timeout_ns);
                self.start(id, &task, Kind::Command { deadline_ns, timed_out: false, kill_rest });
            }
            Request::Kill { id } => match self.children.get_mut(&id) {
                Some(child) => {
                    child.kill_asked = true;
                    kill_group(child.pid);
                }
                None => self.daemon.push(&Notice::Gone { id }),
            },
            Request::End => {
                self.ended = true;
                self.lease_until_ns = 0;
                self.kill_everything()?;
                self.children.clear();
                self.daemon.push(&Notice::Nobody);
            }
        }
        Ok(())
    }

    /// The number of the new process, unless it failed, which is told.
    fn start(&mut self, id: u64, task: &Task, kind: Kind) -> Option<u32> {
        let started = if monotonic_ns() >= self.lease_until_ns {
            Err("this node holds no lease: it may act again when the cluster gives it one".into())
        } else if self.children.len() >= CHILDREN_MAX {
            Err(format!("{CHILDREN_MAX} processes run on this node already, which is the limit"))
        } else if self.children.contains_key(&id) {
            Err(format!("process {id} exists already: numbers are never reused"))
        } else {
            child::start(task)
        };
        match started {
            Ok((pid, pidfd)) => {
                self.children.insert(id, Child { pid, pidfd, kind, kill_asked: false });
                Some(pid.as_raw_pid().unsigned_abs())
            }
            Err(reason) => {
                self.daemon.push(&Notice::Failed { id, reason });
                None
            }
        }
    }

    /// Kills what has no more time.
    fn expire(&mut self, now_ns: u64) {
        if self.lease_until_ns > 0 && now_ns >= self.lease_until_ns {
            self.lease_until_ns = 0;
            self.kill_all();
        }
        for child in self.children.values_mut() {
            if let Kind::Command { deadline_ns, timed_out, .. } = &mut child.kind
                && !*timed_out
                && now_ns >= *deadline_ns
            {
                *timed_out = true;
                kill_group(child.pid);
            }
        }
    }

    fn kill_all(&self) {
        self.children.values().for_each(|child| kill_group(child.pid));
        // What left its group, or was left behind by a command.
        orphans().for_each(|pid| {
            let _ = kill_process(pid, Signal::KILL);
        });
    }

    /// Collects whoever has ended, and tells.
    fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.ended(pid, status),
                Ok(None) => return self.parent = true,
                Err(_) => return self.parent = false,
            }
        }
    }

    fn ended(&mut self, pid: Pid, status: WaitStatus) {
        let found = self.children.iter().find(|(_, child)| child.pid == pid);
        let Some(id) = found.map(|(id, _)| *id) else { return };
        let child = self.children.remove(&id).expect("found just now");
        // At once: while one of its members lives, the number still means this group.
        if child.kill_asked || child.kind.rest_dies() {
            kill_group(pid);
        }
        self.daemon.push(&Notice::Ended { id, end: child.kind.end(status) });
        if child.kill_asked {
            self.daemon.push(&Notice::Gone { id });
        }
    }

    /// Returns when no descendant is left.
    fn kill_everything(&mut self) -> io::Result<()> {
        self.kill_all();
        loop {
            // The children of those who die become ours, and die next.
            orphans().for_each(|pid| {
                let _ = kill_process(pid, Signal::KILL);
            });
            match wait(WaitOptions::empty()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::CHILD) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Kind {
    fn rest_dies(&self) -> bool {
        match self {
            Self::Component => true,
            Self::Command { kill_rest, timed_out, .. } => *kill_rest || *timed_out,
        }
    }

    fn end(&self, status: WaitStatus) -> End {
        match self {
            Self::Command { timed_out: true, .. } => End::TimedOut,
            Self::Command { .. } | Self::Component => status
                .terminating_signal()
                .map_or_else(|| End::Code(status.exit_status().unwrap_or_default()), End::Signal),
        }
    }
}

fn kill_group(pid: Pid) {
    // An error means that nobody is left in it, which is what was wanted.
    let _ = kill_process_group(pid, Signal::KILL);
}

/// The direct children of this (single) thread.
fn orphans() -> impl Iterator<Item = Pid> {
    let listed = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    let numbers: Vec<i32> = listed.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    numbers.into_iter().filter_map(Pid::from_raw)
}

fn until(deadline_ns: u64) -> Timespec {
    let left = deadline_ns.saturating_sub(monotonic_ns());
    let parts = (left / 1_000_000_000, left % 1_000_000_000);
    Timespec {
        tv_sec: i64::try_from(parts.0).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(parts.1).expect("less than a second"),
    }
}
