//! The cases of the original's own test program that need a node, which the test plays. Digest, section 8.

use crate::{
    common::{Probe, kill, node::Node},
    corosync::is_left_alone,
};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn case_7_quorum() {
    let node = Node::new(false);
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    probe.expect(&[("initialize 300 10", "1")]);
    let first = probe.register();
    probe.order("start");
    probe.stays_silent(Duration::from_millis(600));
    kill(first.pid, Signal::KILL);
    assert_eq!(probe.instance().number, 2);
    node.quorate(true);
    probe.expect(&[("start", "1")]);
    node.quorate(false);
    assert_eq!(probe.instance().number, 3);
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn case_9_published_and_quit() {
    let node = Node::new(true);
    let begin = || {
        let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
        probe.expect(&[("initialize 500 17", "1")]);
        let instance = probe.register();
        node.expect(&["link", "publish recovery quit", "publish poll_period 500"]);
        node.expect(&["publish state stopped"]);
        probe.expect(&[("start", "1")]);
        node.expect(&["publish state running"]);
        probe.expect(&[("stop", "1")]);
        node.expect(&["publish state stopped"]);
        is_left_alone(&mut probe, instance.pid, 500);
        probe.expect(&[("start", "1")]);
        node.expect(&["publish state running"]);
        for _ in 0..2 {
            probe.expect(&[("hc", "1")]);
            assert_eq!(node.asked_anything(), "publish last_updated");
        }
        probe
    };
    let mut probe = begin();
    probe.expect(&[("stop", "1")]);
    node.expect(&["publish state stopped"]);
    probe.order("exit 0");
    node.expect(&["withdraw"]);
    probe.ends_with(0);
    // Silent, killed, and that stays.
    let mut probe = begin();
    node.expect(&["publish state failed"]);
    probe.ends_with(0);
}

#[test]
fn case_10_published_and_restart() {
    let node = Node::new(true);
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    probe.expect(&[("initialize 300 18", "1")]);
    probe.register();
    node.expect(&["link", "publish recovery restart", "publish poll_period 300"]);
    for number in 2..4 {
        node.expect(&["publish state stopped"]);
        probe.expect(&[("start", "1")]);
        node.expect(&["publish state running"]);
        assert_eq!(probe.instance().number, number);
    }
    node.expect(&["publish state stopped"]);
    probe.order("mark-failed");
    node.expect(&["publish state failed"]);
    assert_eq!(probe.end().code(), Some(0));
}
