//! Published state, over a node that the test plays. Digest, section 7.

use crate::common::{Probe, kill, node::Node};
use rustix::process::Signal;

const QUIT: &str = "17";
const RESTART: &str = "18";

fn probe(node: &Node, interval: u64, policy: &str) -> Probe {
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    probe.expect(&[(&format!("initialize {interval} {policy}"), "1")]);
    probe
}

#[test]
fn what_is_published_when() {
    let node = Node::new(true);
    let mut probe = probe(&node, 60_000, QUIT);
    let first = probe.register();
    node.expect(&["link", "publish recovery quit", "publish poll_period 60000"]);
    node.expect(&["publish state stopped"]);
    // Every command is a sign of life, also those that are not answered.
    probe.expect(&[("start", "1")]);
    assert_eq!(node.asked_anything(), "publish last_updated");
    assert_eq!(node.asked_anything(), "publish state running");
    for call in ["hc", "store abc", "warn 15"] {
        probe.expect(&[(call, "1")]);
        assert_eq!(node.asked_anything(), "publish last_updated");
    }
    probe.expect(&[("stop", "1")]);
    node.expect(&["publish state stopped"]);
    probe.expect(&[("start", "1")]);
    node.expect(&["publish state running"]);
    // Whoever dies under QUIT while it is watched has failed, and that stays.
    kill(first.pid, Signal::KILL);
    node.expect(&["publish state failed"]);
    probe.ends_with(0);
}

#[test]
fn an_end_that_is_no_failure_takes_everything_away() {
    let node = Node::new(true);
    for policy in [QUIT, RESTART] {
        let mut probe = probe(&node, 0, policy);
        probe.register();
        let recovery =
            if policy == QUIT { "publish recovery quit" } else { "publish recovery restart" };
        node.expect(&["link", recovery, "publish poll_period 0", "publish state stopped"]);
        probe.order("exit 3");
        node.expect(&["withdraw"]);
        probe.ends_with(3);
    }
}

#[test]
fn a_restart_publishes_stopped_before_the_next_instance() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, RESTART);
    probe.register();
    node.expect(&["link", "publish recovery restart", "publish poll_period 0"]);
    node.expect(&["publish state stopped"]);
    probe.expect(&[("start", "1")]);
    node.expect(&["publish state running"]);
    probe.order("exit 0");
    assert_eq!(probe.instance().number, 2);
    node.expect(&["publish state stopped"]);
}

#[test]
fn mark_failed_kills_at_once_without_a_warning_and_nobody_follows() {
    let node = Node::new(true);
    for started in [false, true] {
        let mut probe = probe(&node, 60_000, RESTART);
        probe.expect(&[("report 15", "done")]);
        probe.register();
        node.expect(&["link", "publish recovery restart", "publish poll_period 60000"]);
        node.expect(&["publish state stopped"]);
        if started {
            probe.expect(&[("start", "1")]);
            node.expect(&["publish state running"]);
        }
        probe.order("mark-failed");
        node.expect(&["publish state failed"]);
        assert_eq!(probe.end().code(), Some(0));
    }
}

#[test]
fn register_without_a_node_is_bad_handle_whatever_the_cause() {
    let mut nowhere = Probe::with(&[("FAKE_NODE", "/nowhere")]);
    nowhere.expect(&[("initialize 0 17", "1")]);
    assert!(nowhere.ask("register").starts_with("registered 9 instance 0"));
    nowhere.expect(&[("state", "initialized")]);

    for refused in ["publish recovery", "publish poll_period"] {
        let node = Node::new(true);
        node.refuse(refused, 18);
        let mut probe = probe(&node, 0, QUIT);
        assert!(probe.ask("register").starts_with("registered 9 instance 0"), "{refused}");
    }
}

#[test]
fn a_state_that_cannot_be_published_before_a_fork_is_its_own_error() {
    let node = Node::new(true);
    node.refuse("publish state", 18);
    let mut first = probe(&node, 0, QUIT);
    let registered = format!("registered 18 instance 0 pid {}", first.pid());
    assert!(first.ask("register").starts_with(&registered));
    first.expect(&[("state", "initialized")]);

    // Before a restart, too: the original process goes on as ordinary code.
    let node = Node::new(true);
    let mut second = probe(&node, 0, RESTART);
    second.register();
    second.expect(&[("start", "1")]);
    node.refuse("publish state", 6);
    second.order("exit 0");
    assert!(second.line().starts_with("registered 6 instance 0"));
    second.expect(&[("state", "initialized")]);
}

#[test]
fn start_and_stop_return_the_nodes_error_and_change_nothing() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, RESTART);
    probe.register();
    node.refuse("publish state running", 18);
    probe.expect(&[("start", "18"), ("state", "registered")]);
    node.refuse("publish state stopped", 21);
    probe.expect(&[("start", "1"), ("stop", "21"), ("state", "started"), ("finalize", "21")]);
    node.refuse("nothing", 1);
    probe.expect(&[("stop", "1"), ("state", "registered")]);
    // A sign of life that nobody sees is nobody's error.
    node.refuse("publish last_updated", 18);
    probe.expect(&[("start", "1"), ("hc", "1"), ("store abc", "1"), ("restore 3", "1 abc")]);
}

#[test]
fn with_quorum_too_every_start_has_one_answer() {
    let node = Node::new(false);
    let mut probe = probe(&node, 0, "26");
    probe.register();
    node.expect(&["link", "quorum", "publish recovery restart", "publish poll_period 0"]);
    node.expect(&["publish state stopped"]);
    probe.order("start");
    node.expect(&["publish state waiting for quorum"]);
    node.quorate(true);
    node.expect(&["publish state running"]);
    assert_eq!(probe.line(), "1");
    // Each call has its own answer, and not the one of the call before.
    node.refuse("publish state stopped", 21);
    probe.expect(&[("store abc", "1"), ("stop", "21"), ("warn 10", "1"), ("store abc", "1")]);
    node.refuse("publish state running", 18);
    probe.expect(&[("store abc", "1"), ("warn 10", "1")]);
}

#[test]
fn a_quorum_error_at_start_is_returned_and_the_state_is_stopped_again() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, "26");
    probe.register();
    node.expect(&["link", "quorum", "publish recovery restart", "publish poll_period 0"]);
    node.expect(&["publish state stopped"]);
    node.refuse("publish state waiting", 12);
    probe.expect(&[("start", "12"), ("state", "registered")]);
    node.expect(&["publish state waiting for quorum", "publish state stopped"]);
}

#[test]
fn mark_failed_without_a_supervisor_is_library() {
    let node = Node::new(true);
    let mut probe = probe(&node, 0, RESTART);
    probe.register();
    kill(probe.pid(), Signal::KILL);
    assert_eq!(probe.signal_of_end(), Some(9));
    probe.expect(&[("mark-failed", "2"), ("start", "2"), ("mark-failed", "2")]);
}
