//! Starts the probe, tells it what to do, and hears what came of it. Nothing waits for a time to pass:
//! every wait is for a line, or for the end of a process, and fails after a time that is far too long.
#![allow(dead_code, reason = "every test program uses its own part")]

pub(crate) mod node;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, kill_process, pidfd_open, prlimit,
    },
};
use std::{
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A probe: the process that was started, and all its instances.
pub(crate) struct Probe {
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Every instance heard of, so that none outlives the test.
    instances: Vec<u32>,
}

/// An instance, as it introduced itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) number: u32,
    pub(crate) pid: u32,
    pub(crate) parent: u32,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A probe with these variables in its environment.
    pub(crate) fn with(environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(crate::program());
        command.envs(environment.iter().copied());
        Self::start(command)
    }

    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the probe starts");
        let orders = child.stdin.take();
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, orders, lines, instances: Vec::new() }
    }

    /// The process that was started: the supervisor.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives an order, whoever takes it.
    pub(crate) fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("orders are open");
        orders.write_all(format!("{order}\n").as_bytes()).expect("the probe listens");
    }

    /// Gives an order; the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, order: &str) -> String {
        self.order(order);
        self.line()
    }

    /// Gives orders whose answers are these. What this program cannot be asked is not asked.
    #[track_caller]
    pub(crate) fn expect(&mut self, orders: &[(&str, &str)]) {
        for (order, answer) in orders.iter().filter(|(order, _)| crate::can(order)) {
            assert_eq!(self.ask(order), *answer, "to {order:?}");
        }
    }

    /// The next line.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("nothing was said for {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("all processes of the probe have ended"),
        }
    }

    /// Gives the order to register, and hears the first instance.
    #[track_caller]
    pub(crate) fn register(&mut self) -> Instance {
        self.order("register");
        self.instance()
    }

    /// Hears the next instance introduce itself.
    #[track_caller]
    pub(crate) fn instance(&mut self) -> Instance {
        let line = self.line();
        let words: Vec<&str> = line.split(' ').collect();
        let ["registered", "1", "instance", number, "pid", pid, "parent", parent] = words[..]
        else {
            panic!("an instance was awaited, and heard was {line:?}");
        };
        let number_of = |text: &str| text.parse().expect("a number");
        let instance =
            Instance { number: number_of(number), pid: number_of(pid), parent: number_of(parent) };
        self.instances.push(instance.pid);
        instance
    }

    /// Waits for the end of the supervisor.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait_for_end(self.child.id());
        self.child.wait().expect("it has ended")
    }

    /// Waits for the end of the supervisor, which exits with this.
    #[track_caller]
    pub(crate) fn ends_with(&mut self, status: i32) {
        let ended = self.end();
        assert_eq!(ended.code(), Some(status), "{ended:?}");
        self.says_no_more();
    }

    /// All processes have ended, and said nothing more.
    #[track_caller]
    pub(crate) fn says_no_more(&mut self) {
        match self.lines.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => {}
            Ok(line) => panic!("heard was {line:?}"),
            Err(RecvTimeoutError::Timeout) => panic!("a process of the probe has not ended"),
        }
    }

    /// Nothing was said until now.
    #[track_caller]
    pub(crate) fn is_silent(&self) {
        if let Ok(line) = self.lines.try_recv() {
            panic!("heard was {line:?}");
        }
    }

    /// Nothing is said for so long.
    #[track_caller]
    pub(crate) fn stays_silent(&self, time: Duration) {
        let began = now();
        while began.elapsed() < time {
            self.is_silent();
            thread::yield_now();
        }
    }

    #[track_caller]
    pub(crate) fn signal_of_end(&mut self) -> Option<i32> {
        self.end().signal()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in &self.instances {
            if is_probe(*pid) {
                kill(*pid, Signal::KILL);
            }
        }
    }
}

/// Whether the process is (still) one of ours.
fn is_probe(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.contains("ais-sam"))
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    // It may have ended.
    let _ = kill_process(to_pid(pid), signal);
}

pub(crate) fn to_pid(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed()).expect("a process")
}

/// Becomes readable at the end of the process; `None`: it has ended and is gone.
pub(crate) fn pidfd(pid: u32) -> Option<OwnedFd> {
    pidfd_open(to_pid(pid), PidfdFlags::empty()).ok()
}

/// Waits for the end of any process.
#[track_caller]
pub(crate) fn wait_for_end(pid: u32) {
    let Some(pidfd) = pidfd(pid) else { return };
    let limit = Timespec::try_from(PATIENCE).expect("short");
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    let ended = loop {
        match poll(&mut fds, Some(&limit)) {
            Err(rustix::io::Errno::INTR) => {}
            ended => break ended.expect("poll"),
        }
    };
    assert!(ended > 0, "process {pid} has not ended within {PATIENCE:?}");
}

/// The clock, for tests that measure that something took at least so long.
#[expect(clippy::disallowed_methods, reason = "a test in real time measures it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What the system says of a process: the field of /proc/PID/status.
pub(crate) fn status_of(pid: u32, field: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Allows a process no more of something from now on; `None`: as much as this one.
pub(crate) fn limit(pid: u32, what: Resource, most: Option<u64>) {
    let ours = getrlimit(what);
    let current = most.or(ours.current);
    prlimit(Some(to_pid(pid)), what, Rlimit { current, maximum: ours.maximum }).expect("a limit");
}

/// Allows a process no more than so many bytes of memory in addition to what it has.
pub(crate) fn limit_memory(pid: u32, more: u64) {
    let size = status_of(pid, "VmSize").expect("it lives");
    let size: u64 = size.trim_end_matches(" kB").parse().expect("a number");
    limit(pid, Resource::As, Some((size << 10) + more));
}

/// Until a process waits in a call of the system that is described so in /proc/PID/syscall.
pub(crate) fn wait_until_in(pid: u32, is_it: impl Fn(&str) -> bool) {
    let call = || std::fs::read_to_string(format!("/proc/{pid}/syscall")).expect("it lives");
    let began = now();
    while !is_it(&call()) {
        assert!(began.elapsed() < PATIENCE, "process {pid} is in {}", call());
        thread::yield_now();
    }
}

/// Orders after which a process can have no more processes and threads.
pub(crate) fn alone() -> Vec<(&'static str, &'static str)> {
    let mut orders = vec![("processes 1", "0")];
    // Root may have any number: it becomes somebody else, who has this one process.
    if rustix::process::geteuid().is_root() {
        orders.push(("user 64999", "0"));
    }
    orders
}
