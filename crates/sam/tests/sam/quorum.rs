//! Policies with quorum, over a node that the test plays. Digest, section 6.

use crate::common::{Probe, kill, node::Node, now, wait_for_end};
use rustix::process::Signal;
use std::time::Duration;

const QUORUM_QUIT: &str = "9";
const QUORUM_RESTART: &str = "10";

fn probe(node: &Node, interval: u64, policy: &str) -> Probe {
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    probe.expect(&[("report 15", "done"), (&format!("initialize {interval} {policy}"), "1")]);
    node.expect(&["link", "quorum"]);
    probe
}

#[test]
fn without_a_node_initialize_fails_with_the_nodes_error_and_nothing_has_happened() {
    let mut probe = Probe::with(&[("FAKE_NODE", "/nowhere")]);
    probe.expect(&[("initialize 0 9", "2"), ("state", "not initialized"), ("initialize 0 1", "1")]);
    // Built without a node there is none either.
    Probe::new().expect(&[("initialize 0 10", "2"), ("state", "not initialized")]);
}

#[test]
fn start_waits_for_quorum() {
    let node = Node::new(false);
    let mut probe = probe(&node, 100, QUORUM_RESTART);
    let first = probe.register();
    probe.order("start");
    probe.stays_silent(Duration::from_millis(300));
    // Neither an event without quorum nor a passing weakness is enough.
    node.quorate(false);
    node.weaken();
    node.quorate(true);
    assert_eq!(probe.line(), "1");
    // From here on silence is warned of.
    assert_eq!(probe.line(), "signal 15");
    assert_eq!(probe.instance().number, 2);
    wait_for_end(first.pid);
    // There is quorum: no wait.
    probe.expect(&[("start", "1")]);
}

#[test]
fn an_end_while_it_waits_is_a_failure() {
    // The state is published as well, so that it is known when the supervisor waits.
    for (policy, follows) in [("26", true), ("25", false)] {
        let node = Node::new(false);
        let mut probe = probe(&node, 0, policy);
        let instance = probe.register();
        probe.order("start");
        while node.asked() != "publish state waiting for quorum" {}
        kill(instance.pid, Signal::KILL);
        if follows {
            assert_eq!(probe.instance().number, 2);
        } else {
            probe.ends_with(0);
        }
    }
}

#[test]
fn the_loss_of_quorum_is_warned_of_at_once_and_killed_at_the_next_sign() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    node.quorate(false);
    assert_eq!(probe.line(), "signal 15");
    // Without an interval it is only warned.
    let pid = probe.ask("pid");
    probe.expect(&[("pid", &pid)]);
    // Another event without quorum is the next sign.
    node.quorate(false);
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("last-death", "killed by signal 9 after the loss of quorum")]);
}

#[test]
fn silence_is_the_next_sign_as_well() {
    let node = Node::new(true);
    let mut probe = probe(&node, 300, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    node.quorate(false);
    assert_eq!(probe.line(), "signal 15");
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn who_handles_the_warning_and_beats_lives_on_without_quorum() {
    let node = Node::new(true);
    let mut probe = probe(&node, 400, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("beat 20");
    node.quorate(false);
    assert_eq!(probe.line(), "signal 15");
    probe.stays_silent(Duration::from_millis(1200));
    probe.expect(&[("enough", "beaten")]);
}

#[test]
fn the_loss_of_quorum_does_nothing_to_who_is_stopped() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, QUORUM_QUIT);
    let instance = probe.register();
    node.quorate(false);
    node.quorate(true);
    probe.expect(&[("start", "1"), ("stop", "1")]);
    node.quorate(false);
    probe.expect(&[("pid", &instance.pid.to_string()), ("store abc", "1")]);
    // And the next start waits.
    probe.order("start");
    node.quorate(true);
    assert_eq!(probe.line(), "1");
    node.quorate(false);
    assert_eq!(probe.line(), "signal 15");
    probe.order("exit 3");
    probe.ends_with(3);
}

#[test]
fn a_node_that_goes_is_lost_quorum_warned_of_and_killed_at_once() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    node.die();
    let heard = probe.line();
    // The warning may be overtaken by the end.
    if heard == "signal 15" {
        assert_eq!(probe.instance().number, 2);
    } else {
        assert!(heard.starts_with("registered 1 instance 2"), "{heard}");
    }
    // There is still no node, and the supervisor does not spin for it.
    probe.expect(&[("start", "2"), ("state", "registered"), ("start", "2")]);
    // With the node everything is well again.
    node.open();
    probe.expect(&[("start", "1"), ("state", "started")]);
}

#[test]
fn a_node_that_goes_while_start_waits_is_an_error() {
    let node = Node::new(false);
    let mut probe = probe(&node, 0, QUORUM_RESTART);
    probe.register();
    probe.order("start");
    assert_eq!(answer_after(&mut probe, || node.die()), "2");
    probe.expect(&[("state", "registered")]);
}

fn answer_after(probe: &mut Probe, event: impl FnOnce()) -> String {
    event();
    probe.line()
}

#[test]
fn a_start_that_waits_holds_nobody_up() {
    // Signals come, and their handlers may call SAM.
    let node = Node::new(false);
    let mut probe = probe(&node, 0, QUORUM_RESTART);
    probe.expect(&[("count 10", "done")]);
    let first = probe.register();
    probe.order("start");
    for _ in 0..3 {
        kill(first.pid, Signal::USR1);
        assert_eq!(probe.line(), "signal 10");
    }
    node.quorate(true);
    assert_eq!(probe.line(), "1");
    probe.expect(&[("restore 1", "1 3")]);
}

#[test]
fn an_error_of_the_node_at_initialize_is_passed_on_as_it_is() {
    let node = Node::new(true);
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    for code in [6, 18, 31] {
        node.refuse("link", code);
        probe.expect(&[("initialize 0 9", &code.to_string()), ("state", "not initialized")]);
    }
    node.refuse("nothing", 1);
    probe.expect(&[("initialize 0 9", "1")]);
}

#[test]
fn an_event_with_quorum_begins_the_interval_anew() {
    let node = Node::new(true);
    let mut probe = probe(&node, 600, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    let began = now();
    while began.elapsed() < Duration::from_millis(1800) {
        node.quorate(true);
        probe.is_silent();
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let pid = probe.ask("pid");
    assert_eq!(probe.line(), "signal 15");
    probe.expect(&[("pid", &pid)]);
}

#[test]
fn a_passing_weakness_of_the_node_is_no_loss_of_quorum() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, QUORUM_RESTART);
    probe.register();
    probe.expect(&[("start", "1")]);
    let pid = probe.ask("pid");
    node.weaken();
    // The second answer comes after what the first wait has seen.
    probe.expect(&[("store a", "1"), ("store b", "1")]);
    // The first warning, and not the second sign.
    node.quorate(false);
    assert_eq!(probe.line(), "signal 15");
    probe.expect(&[("pid", &pid)]);
}
