//! The keeper with real processes: whatever happens to the daemon, no component survives it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aisd::keeper::{End, Keeper, Link, Notice, Request, Task, monotonic_ns};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::{
    fs,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Child,
    time::Duration,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(10);

struct Fixture {
    folder: TempDir,
    daemon: Link<UnixStream>,
    keeper: Child,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

impl Fixture {
    /// A keeper with a lease far into the future.
    fn new() -> Self {
        let keeper = Keeper::start(Path::new(env!("CARGO_BIN_EXE_aisd"))).unwrap();
        let (daemon, keeper) = keeper.into_parts();
        daemon.stream().set_read_timeout(Some(PATIENCE)).unwrap();
        let mut fixture = Self { folder: TempDir::new().unwrap(), daemon, keeper };
        fixture.lease(Duration::from_secs(3600));
        fixture
    }

    fn lease(&mut self, left: Duration) {
        let until_ns = monotonic_ns() + u64::try_from(left.as_nanos()).unwrap();
        self.daemon.send(&Request::Lease { until_ns }).unwrap();
    }

    fn task(&self, script: &str) -> Task {
        Task {
            command: ["sh", "-c", script].map(str::to_owned).into(),
            environment: vec![("GREETING".to_owned(), "hello".to_owned())],
            folder: self.folder.path().to_str().unwrap().to_owned(),
            output: self.folder.path().join("var/log/it.out").to_str().unwrap().to_owned(),
        }
    }

    fn spawn(&mut self, id: u64, script: &str) -> OwnedFd {
        watch(self.start(id, script))
    }

    fn start(&mut self, id: u64, script: &str) -> u32 {
        let task = self.task(script);
        self.daemon.send(&Request::Spawn { id, task }).unwrap();
        match self.notice() {
            Notice::Started { id: started, pid } if started == id => pid,
            other => panic!("not started: {other:?}"),
        }
    }

    fn run(&mut self, script: &str, timeout: Duration, kill_rest: bool) -> Notice {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
        let task = self.task(script);
        self.daemon.send(&Request::Run { id: 7, task, timeout_ms, kill_rest }).unwrap();
        self.notice()
    }

    fn notice(&mut self) -> Notice {
        self.daemon.receive().unwrap().expect("the keeper lives")
    }

    /// A component whose child, in the background, is the second of the two.
    fn family(&mut self, id: u64, background: &str) -> (OwnedFd, OwnedFd) {
        let script = format!("{background} & echo $! > child.new; mv child.new child; wait");
        let parent = self.spawn(id, &script);
        (parent, watch(self.number_in("child")))
    }

    /// The number in a file that is about to be there.
    fn number_in(&self, file: &str) -> u32 {
        let path = self.folder.path().join(file);
        let text = until(|| fs::read_to_string(&path).ok());
        text.trim().parse().unwrap()
    }
}

/// The process, also when its number is used again.
fn watch(pid: u32) -> OwnedFd {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

/// How long it took until the process ended.
fn ended(process: &OwnedFd) -> Duration {
    let begin = monotonic_ns();
    let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&patience)).unwrap(), 1, "the process lives on");
    Duration::from_nanos(monotonic_ns() - begin)
}

fn lives(process: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = monotonic_ns() + u64::try_from(PATIENCE.as_nanos()).unwrap();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(monotonic_ns() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn the_death_of_a_component_is_told_within_100_ms() {
    let mut it = Fixture::new();
    it.spawn(1, "echo $$ > pid.new; mv pid.new pid; exec sleep 1000");
    let pid = Pid::from_raw(i32::try_from(it.number_in("pid")).unwrap()).unwrap();
    let killed = monotonic_ns();
    kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(it.notice(), Notice::Ended { id: 1, end: End::Signal(9) });
    assert!(monotonic_ns() - killed < 100_000_000);
}

#[test]
fn a_component_gets_its_environment_and_its_output_is_kept() {
    let mut it = Fixture::new();
    it.start(1, "echo $GREETING; echo trouble >&2; exit 3");
    assert_eq!(it.notice(), Notice::Ended { id: 1, end: End::Code(3) });
    let output = fs::read_to_string(it.folder.path().join("var/log/it.out")).unwrap();
    assert_eq!(output, "hello\ntrouble\n");
}

#[test]
fn components_die_with_the_daemon() {
    let mut it = Fixture::new();
    let (parent, child) = it.family(1, "sleep 1000");
    it.daemon.stream().shutdown(std::net::Shutdown::Both).unwrap();
    ended(&parent);
    ended(&child);
    assert!(it.keeper.wait().unwrap().success());
}

#[test]
fn what_left_its_group_dies_with_the_daemon_too() {
    let mut it = Fixture::new();
    let (_, stray) = it.family(1, "setsid sh -c 'sleep 1000; true'");
    it.daemon.stream().shutdown(std::net::Shutdown::Both).unwrap();
    assert!(it.keeper.wait().unwrap().success());
    assert!(!lives(&stray), "the keeper ends only when nobody is left");
}

#[test]
fn components_die_with_the_keeper() {
    let mut it = Fixture::new();
    let process = it.spawn(1, "exec sleep 1000");
    it.keeper.kill().unwrap();
    ended(&process);
}

#[test]
fn components_die_when_the_lease_runs_out_and_no_new_one_starts() {
    let mut it = Fixture::new();
    let process = it.spawn(1, "exec sleep 1000");
    it.lease(Duration::from_millis(200));
    let took = ended(&process);
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(it.notice(), Notice::Ended { id: 1, end: End::Signal(9) });

    let task = it.task("exec sleep 1000");
    it.daemon.send(&Request::Spawn { id: 2, task }).unwrap();
    assert!(matches!(it.notice(), Notice::Failed { id: 2, .. }));

    it.lease(Duration::from_secs(3600));
    assert!(lives(&it.spawn(3, "exec sleep 1000")));
}

#[test]
fn an_extended_lease_outlives_the_first() {
    let mut it = Fixture::new();
    it.lease(Duration::from_millis(50));
    let process = it.spawn(1, "exec sleep 1000");
    it.lease(Duration::from_secs(3600));
    // A command longer than the first lease: were it not extended, it would be killed.
    let end = it.run("sleep 0.2", PATIENCE, true);
    assert_eq!(end, Notice::Ended { id: 7, end: End::Code(0) });
    assert!(lives(&process));
}

#[test]
fn a_lost_lease_kills_at_once() {
    let mut it = Fixture::new();
    let (parent, child) = it.family(1, "sleep 1000");
    it.daemon.send(&Request::Lease { until_ns: 0 }).unwrap();
    ended(&parent);
    ended(&child);
}

#[test]
fn the_end_is_told_when_nobody_is_left_and_there_is_no_life_after_it() {
    let mut it = Fixture::new();
    let (parent, stray) = it.family(1, "setsid sh -c 'sleep 1000; true'");
    it.daemon.send(&Request::End).unwrap();
    assert_eq!(it.notice(), Notice::Nobody);
    assert!(!lives(&parent) && !lives(&stray));

    it.lease(Duration::from_secs(3600));
    let task = it.task("exec sleep 1000");
    it.daemon.send(&Request::Spawn { id: 2, task }).unwrap();
    assert!(matches!(it.notice(), Notice::Failed { id: 2, .. }));
}

#[test]
fn a_kill_takes_the_whole_group_and_is_answered_when_it_is_gone() {
    let mut it = Fixture::new();
    let (parent, child) = it.family(1, "sleep 1000");
    it.daemon.send(&Request::Kill { id: 1 }).unwrap();
    assert_eq!(it.notice(), Notice::Ended { id: 1, end: End::Signal(9) });
    assert_eq!(it.notice(), Notice::Gone { id: 1 });
    ended(&parent);
    ended(&child);
    it.daemon.send(&Request::Kill { id: 1 }).unwrap();
    assert_eq!(it.notice(), Notice::Gone { id: 1 });
}

#[test]
fn the_rest_of_a_component_goes_with_its_first_process() {
    let mut it = Fixture::new();
    let (_, child) = it.family(1, "sleep 1000");
    let other = it.spawn(2, "exec sleep 1000");
    it.daemon.send(&Request::Kill { id: 1 }).unwrap();
    ended(&child);
    assert!(lives(&other), "and nothing else does");
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_what_it_started() {
    let mut it = Fixture::new();
    let script = "sleep 1000 & echo $! > child.new; mv child.new child; wait";
    let end = it.run(script, Duration::from_millis(100), false);
    assert_eq!(end, Notice::Ended { id: 7, end: End::TimedOut });
    let child = it.number_in("child");
    until(|| (!Path::new(&format!("/proc/{child}")).exists()).then_some(()));
}

#[test]
fn what_a_command_leaves_behind_is_killed_or_not_as_asked() {
    let mut it = Fixture::new();
    let script = "sleep 1000 & echo $! > child.new; mv child.new child";
    assert_eq!(it.run(script, PATIENCE, false), Notice::Ended { id: 7, end: End::Code(0) });
    let kept = watch(it.number_in("child"));
    assert_eq!(it.run(script, PATIENCE, true), Notice::Ended { id: 7, end: End::Code(0) });
    assert!(lives(&kept));
    let child = it.number_in("child");
    until(|| (!Path::new(&format!("/proc/{child}")).exists()).then_some(()));
}

#[test]
fn a_program_that_is_not_there_fails_and_says_so() {
    let mut it = Fixture::new();
    let task = Task { command: vec!["./no-such-program".into()], ..it.task("") };
    it.daemon.send(&Request::Spawn { id: 1, task }).unwrap();
    match it.notice() {
        Notice::Failed { id: 1, reason } => {
            assert!(reason.contains("./no-such-program"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    let task = Task { command: Vec::new(), ..it.task("") };
    it.daemon.send(&Request::Spawn { id: 2, task }).unwrap();
    assert!(matches!(it.notice(), Notice::Failed { id: 2, .. }));
}

#[test]
fn nonsense_ends_the_keeper_and_its_components() {
    let mut it = Fixture::new();
    let process = it.spawn(1, "exec sleep 1000");
    it.daemon.send(&Notice::Gone { id: 1 }).unwrap();
    ended(&process);
    assert!(!it.keeper.wait().unwrap().success());
}
