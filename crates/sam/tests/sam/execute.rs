//! An instance that executes another program.

use crate::common::{Instance, Probe, kill, node::Node, now};
use rustix::process::Signal;
use std::time::Duration;

const PROBE: &str = env!("CARGO_BIN_EXE_ais-sam-probe");

#[test]
fn a_program_that_knows_nothing_of_sam_keeps_the_line_open() {
    // As in C: it is silent, and killed for it.
    let mut probe = Probe::new();
    probe.expect(&[("initialize 200 2", "1")]);
    probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("execute cat");
    let line = loop {
        // What is said before cat is there to read it, is read by it.
        probe.order("echoed");
        let line = probe.line();
        if line != "echoed" {
            break line;
        }
    };
    assert!(line.starts_with("registered 1 instance 2"), "{line}");
}

#[test]
fn with_close_on_exec_it_does_not_and_its_end_is_waited_for() {
    let mut probe = Probe::new();
    probe.expect(&[("options close-on-exec", "1"), ("initialize 0 2", "1")]);
    probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("execute false");
    assert_eq!(probe.instance().number, 2);
    // Not watched: that was the end.
    probe.order("execute false");
    probe.ends_with(1);
}

#[test]
fn a_probe_that_is_executed_has_no_supervisor_of_its_own() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    let first = probe.register();
    probe.order(&format!("execute {PROBE}"));
    // The same process, another program: it begins anew.
    probe.expect(&[("state", "not initialized"), ("pid", &first.pid.to_string())]);
}

/// A probe that waits to become another program, as `ais sam run` does.
fn runner(interval: u64, policy: &str, options: &str, node: Option<&Node>) -> (Probe, Instance) {
    let path = node.map(Node::path);
    let environment: Vec<_> = path.iter().map(|path| ("FAKE_NODE", path.as_str())).collect();
    let mut probe = Probe::with(&environment);
    probe.expect(&[
        (&format!("options executes shell-status {options}"), "1"),
        (&format!("initialize {interval} {policy}"), "1"),
    ]);
    let instance = probe.register();
    (probe, instance)
}

#[test]
fn a_program_that_may_know_sam_is_watched_by_its_end_alone() {
    let (mut probe, first) = runner(100, "2", "", None);
    probe.order(&format!("become {PROBE}"));
    let began = now();
    while began.elapsed() < Duration::from_millis(400) {
        probe.expect(&[("pid", &first.pid.to_string()), ("state", "not initialized")]);
    }
    for how in ["exit 0", "exit 3", "crash"] {
        probe.order(how);
        probe.instance();
        probe.order(&format!("become {PROBE}"));
        probe.expect(&[("state", "not initialized")]);
    }
}

#[test]
fn one_that_does_takes_the_place_of_the_instance() {
    let (mut probe, first) = runner(0, "2", "", None);
    probe.expect(&[("store before", "1"), ("warn 12", "1")]);
    probe.order(&format!("become {PROBE}"));
    // What it asks for holds where nothing else was agreed on.
    probe.expect(&[("report 12", "done"), ("initialize 250 1", "1"), ("getsize", "1 0")]);
    let adopted = probe.register();
    assert_eq!((adopted.pid, adopted.number, adopted.parent), (first.pid, 1, probe.pid()));
    probe.expect(&[("restore 6", "1 before"), ("store after", "1"), ("start", "1"), ("hc", "1")]);
    assert_eq!(probe.line(), "signal 12");
    // The one who started it said "restart", and that holds.
    assert_eq!(probe.instance().number, 2);
    probe.order(&format!("become {PROBE}"));
    probe.expect(&[("initialize 250 1", "1")]);
    assert_eq!(probe.register().number, 2);
    probe.expect(&[
        ("last-death", "killed by signal 9 after a missed health check"),
        ("restore 6", "1 after."),
        ("start", "1"),
        ("stop", "1"),
    ]);
    // Stopped it may be silent, but not end.
    probe.order("exit 0");
    assert_eq!(probe.instance().number, 3);
}

#[test]
fn the_end_with_success_can_be_the_end() {
    let (mut probe, _) = runner(0, "2", "success-ends", None);
    probe.order(&format!("become {PROBE}"));
    probe.order("exit 1");
    assert_eq!(probe.instance().number, 2);
    probe.order(&format!("become {PROBE}"));
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn a_program_that_is_not_there_is_no_reason_to_try_again() {
    let (mut probe, _) = runner(0, "2", "", None);
    assert!(probe.ask("become /nowhere").contains("No such file"));
    probe.order("exit 127");
    probe.ends_with(127);
}

#[test]
fn quorum_and_published_state_are_the_supervisors_affair() {
    let node = Node::new(true);
    let (mut probe, _) = runner(0, "26", "", Some(&node));
    node.expect(&["link", "quorum", "publish recovery restart", "publish poll_period 0"]);
    node.expect(&["publish state stopped"]);
    probe.order(&format!("become {PROBE}"));
    node.expect(&["publish state waiting for quorum", "publish state running"]);
    // The program needs no link of its own.
    probe.expect(&[("initialize 60000 10", "1")]);
    assert_eq!(probe.register().number, 1);
    node.expect(&["publish recovery restart", "publish poll_period 60000"]);
    node.expect(&["publish state stopped"]);
    probe.expect(&[("start", "1")]);
    node.expect(&["publish state waiting for quorum", "publish state running"]);
    // It did not ask for the published state, and its calls have their own answers all the same.
    probe.expect(&[("stop", "1"), ("store abc", "1"), ("start", "1")]);
    node.expect(&["publish state stopped", "publish state waiting for quorum"]);
    node.expect(&["publish state running"]);
    node.quorate(false);
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn a_descendant_is_not_meant() {
    let (mut probe, first) = runner(0, "2", "", None);
    probe.order(&format!("become sh -c {PROBE};exit"));
    // The shell runs it as a child: it has a supervisor of its own, if it likes.
    probe.expect(&[("initialize 0 1", "1")]);
    let own = probe.register();
    assert_ne!(own.parent, probe.pid());
    assert_ne!(own.pid, first.pid);
    kill(own.pid, Signal::KILL);
    // Its supervisor ends with 0, the shell with it; the outer supervisor goes on.
    assert_eq!(probe.instance().number, 2);
}
