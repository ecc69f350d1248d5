//! Quorum and published state, from C through `libsam.so` with real daemons. Digest, sections 6 to 8.

use crate::{
    common::{Instance, Probe, kill, now},
    corosync::is_left_alone,
};
use ais_client::{Endpoint, Node, Session};
use ais_conformance::Site;
use ais_types::resources::{Object, ProcessState, Recovery};
use rustix::process::Signal;
use std::{path::Path, thread, time::Duration};

fn site(nodes: &[&str]) -> Site {
    Site::start(Path::new(env!("CARGO_BIN_EXE_capi-node")), nodes).expect("nodes come up")
}

/// A program that finds its node by the environment.
fn probe(site: &Site) -> Probe {
    let socket = site.socket("n1").to_str().expect("text");
    Probe::with(&[("AIS_SOCKET", socket)])
}

fn object(site: &Site, pid: u32) -> Option<Object> {
    let endpoint = Endpoint::Path(site.socket("n1").to_owned());
    let node = Node::<Session>::open(&endpoint, "test").expect("the node answers");
    let objects = node.resources().expect("it says what is published");
    objects.into_iter().find(|it| it.pid == pid)
}

/// Waits until the supervisor has published this state.
#[track_caller]
fn wait_for(site: &Site, pid: u32, state: ProcessState) -> Object {
    let began = now();
    loop {
        let found = object(site, pid);
        match found {
            Some(object) if object.state == Some(state) => return object,
            _ => assert!(began.elapsed() < crate::common::PATIENCE, "{state:?}: {found:?}"),
        }
        thread::yield_now();
    }
}

#[test]
fn without_a_node_policies_that_need_one_fail() {
    let nowhere = [("AIS_SOCKET", "/nowhere/ais.sock")];
    let mut probe = Probe::with(&nowhere);
    // The error of the quorum library, and nothing has happened.
    probe.expect(&[("initialize 0 9", "2"), ("initialize 0 10", "2"), ("initialize 0 1", "1")]);
    let mut probe = Probe::with(&nowhere);
    probe.expect(&[("initialize 0 17", "1")]);
    assert!(probe.ask("register").starts_with("registered 9 instance 0"));
}

/// Case 7. The original's own quorum is set by its test; here nodes go and come.
#[test]
fn case_7_quorum() {
    let mut site = site(&["n1", "n2", "n3"]);
    site.kill("n2").expect("it is killed");
    site.cut("n3").expect("it is cut off");
    let mut probe = probe(&site);
    probe.expect(&[("initialize 300 10", "1")]);
    let first = probe.register();
    probe.order("start");
    probe.stays_silent(Duration::from_millis(600));
    kill(first.pid, Signal::KILL);
    assert_eq!(probe.instance().number, 2);
    probe.order("start");
    site.heal("n3").expect("it is back");
    assert_eq!(probe.line(), "1");
    // It beats, so that nothing but the loss of quorum can be its end.
    probe.order("beat 50");
    site.cut("n3").expect("it is cut off");
    assert_eq!(probe.instance().number, 3);
    probe.order("exit 0");
    probe.ends_with(0);
}

/// Up to two signs of life of an instance that was stopped in between.
fn published(site: &Site, probe: &mut Probe, recovery: Recovery) -> Instance {
    let policy = if recovery == Recovery::Quit { 17 } else { 18 };
    probe.expect(&[(&format!("initialize 1000 {policy}"), "1")]);
    assert_eq!(object(site, probe.pid()), None);
    let instance = probe.register();
    let found = wait_for(site, probe.pid(), ProcessState::Stopped);
    assert_eq!((found.recovery, found.poll_period), (Some(recovery), Some(1000)));
    // It appears with the first command.
    assert_eq!(found.last_updated, None);
    instance
}

fn beats_are_seen(site: &Site, probe: &mut Probe) {
    let pid = probe.pid();
    let last = || object(site, pid).and_then(|it| it.last_updated);
    let before = last().expect("start was a command");
    probe.order("hc");
    let began = now();
    while last() <= Some(before) {
        assert!(began.elapsed() < crate::common::PATIENCE, "no sign of life is seen");
    }
    assert_eq!(probe.line(), "1");
}

/// Case 9.
#[test]
fn case_9_published_and_quit() {
    let site = site(&["n1"]);
    let begin = || {
        let mut probe = probe(&site);
        let instance = published(&site, &mut probe, Recovery::Quit);
        probe.expect(&[("start", "1")]);
        wait_for(&site, probe.pid(), ProcessState::Running);
        probe.expect(&[("stop", "1")]);
        assert_eq!(object(&site, probe.pid()).and_then(|it| it.state), Some(ProcessState::Stopped));
        is_left_alone(&mut probe, instance.pid, 1000);
        assert_eq!(object(&site, probe.pid()).and_then(|it| it.state), Some(ProcessState::Stopped));
        probe.expect(&[("start", "1")]);
        assert_eq!(object(&site, probe.pid()).and_then(|it| it.state), Some(ProcessState::Running));
        beats_are_seen(&site, &mut probe);
        beats_are_seen(&site, &mut probe);
        probe
    };
    let mut probe = begin();
    probe.expect(&[("stop", "1")]);
    probe.order("exit 0");
    probe.ends_with(0);
    assert_eq!(object(&site, probe.pid()), None);
    // Silent, killed, and that stays.
    let mut probe = begin();
    probe.ends_with(0);
    wait_for(&site, probe.pid(), ProcessState::Failed);
}

/// Case 10.
#[test]
fn case_10_published_and_restart() {
    let site = site(&["n1"]);
    let mut probe = probe(&site);
    published(&site, &mut probe, Recovery::Restart);
    for number in 2..4 {
        probe.expect(&[("start", "1")]);
        assert_eq!(object(&site, probe.pid()).and_then(|it| it.state), Some(ProcessState::Running));
        assert_eq!(probe.instance().number, number);
        wait_for(&site, probe.pid(), ProcessState::Stopped);
    }
    probe.order("mark-failed");
    assert_eq!(probe.end().code(), Some(0));
    wait_for(&site, probe.pid(), ProcessState::Failed);
}

/// With quorum and published state every start has one answer, and calls have their own ones.
#[test]
fn quorum_and_published_state_together() {
    let site = site(&["n1"]);
    let mut probe = probe(&site);
    probe.expect(&[("initialize 60000 26", "1")]);
    probe.register();
    for _ in 0..3 {
        probe.expect(&[("start", "1"), ("store abc", "1"), ("warn 10", "1"), ("hc", "1")]);
        probe.expect(&[("restore 3", "1 abc"), ("stop", "1")]);
    }
    probe.order("exit 5");
    probe.ends_with(5);
    assert_eq!(object(&site, probe.pid()), None);
}

/// The node goes: warned, and killed at once; the next start says that there is none, and the one
/// after the node's return finds it.
#[test]
fn a_node_that_goes_is_lost_quorum() {
    let mut site = site(&["n1"]);
    let mut probe = probe(&site);
    probe.expect(&[("initialize 60000 10", "1")]);
    probe.register();
    probe.expect(&[("start", "1")]);
    site.kill("n1").expect("it is killed");
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("start", "2"), ("start", "2")]);
    site.restart("n1").expect("it comes back");
    probe.expect(&[("start", "1"), ("hc", "1")]);
}
