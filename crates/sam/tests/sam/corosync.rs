//! The cases of the original's own test program, one by one. Digest, section 8. Intervals are shorter where
//! nothing but patience depends on them.

use crate::common::{Probe, kill, node::Node, now};
use rustix::process::Signal;
use std::time::Duration;

fn beats(probe: &mut Probe, interval: u64) {
    probe.order(&format!("beat {}", interval / 2));
    let began = now();
    while began.elapsed() < Duration::from_millis(5 * interval) {
        probe.is_silent();
        std::thread::yield_now();
    }
    probe.expect(&[("enough", "beaten")]);
}

fn is_left_alone(probe: &mut Probe, pid: u32, interval: u64) {
    let began = now();
    while began.elapsed() < Duration::from_millis(interval * 3 / 2) {
        probe.expect(&[("pid", &pid.to_string())]);
    }
}

#[test]
fn case_1_basics() {
    let interval = 400;
    let mut probe = Probe::new();
    probe.expect(&[(&format!("initialize {interval} 2"), "1")]);
    assert_eq!(probe.register().number, 1);
    probe.expect(&[("start", "1")]);
    beats(&mut probe, interval);
    // Silent, and killed.
    let second = probe.instance();
    assert_eq!(second.number, 2);
    probe.expect(&[("start", "1")]);
    beats(&mut probe, interval);
    probe.expect(&[("stop", "1")]);
    is_left_alone(&mut probe, second.pid, interval);
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.instance().number, 3);
    probe.expect(&[("initialize 2000 2", "9"), ("start", "1"), ("stop", "1"), ("finalize", "1")]);
    for call in ["finalize", "initialize 2000 2", "start", "stop", "hc", "callback well"] {
        probe.expect(&[(call, "9")]);
    }
    assert!(probe.ask("register").starts_with("registered 9"));
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn case_2_signal() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 300 1", "1")]);
    probe.register();
    probe.expect(&[("report 15", "done"), ("start", "1"), ("hc", "1")]);
    assert_eq!(probe.line(), "signal 15");
    probe.ends_with(0);
}

#[test]
fn case_3_smoke() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    let mut instance = probe.register();
    while instance.number < 100 {
        probe.expect(&[("start", "1")]);
        probe.order("crash");
        let next = probe.instance();
        assert_eq!(next.number, instance.number + 1);
        instance = next;
    }
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn case_4_data() {
    let mut probe = Probe::new();
    probe.expect(&[
        ("getsize-null", "7"),
        ("getsize", "9"),
        ("restore-null 8", "7"),
        ("restore 8", "9"),
        ("store x", "9"),
        ("initialize 0 2", "1"),
        ("getsize", "1 0"),
        ("getsize-null", "7"),
        ("restore-null 8", "7"),
        ("store-much 128", "1"),
        ("getsize", "1 128"),
        ("restore 128", &format!("1 {}", "x".repeat(128))),
        ("restore 127", "7"),
        ("store-null 1", "1"),
        ("getsize", "1 0"),
        ("store-much 128", "1"),
    ]);
    probe.register();
    probe.expect(&[("getsize", "1 128"), ("restore 128", &format!("1 {}", "x".repeat(128)))]);
    probe.expect(&[("store-much 121", "1"), ("start", "1")]);
    probe.order("raise 9");
    probe.instance();
    probe.expect(&[("getsize", "1 121"), ("restore 121", &format!("1 {}", "x".repeat(121)))]);
    probe.expect(&[("store-null 0", "1"), ("start", "1")]);
    probe.order("raise 9");
    probe.instance();
    probe.expect(&[("getsize", "1 0")]);
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn case_5_health_checks_by_a_callback() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 200 2", "1")]);
    probe.register();
    probe.expect(&[("callback ten", "1"), ("start", "1")]);
    for asked in 1..=11 {
        assert_eq!(probe.line(), format!("asked {asked}"));
    }
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("restore 2", "1 11")]);
}

#[test]
fn case_6_warn_signal() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 300 2", "1")]);
    probe.register();
    probe.expect(&[("warn 10", "1"), ("count 10", "done"), ("start", "1")]);
    assert_eq!(probe.line(), "signal 10");
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("restore 1", "1 1"), ("warn 9", "1"), ("count 10", "done"), ("start", "1")]);
    // Killed, and the handler did not run.
    assert_eq!(probe.instance().number, 3);
    probe.expect(&[("restore 1", "1 1")]);
    probe.order("exit 0");
    probe.ends_with(0);
}

#[test]
fn case_7_quorum() {
    let node = Node::new(false);
    let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
    probe.expect(&[("initialize 300 10", "1")]);
    let first = probe.register();
    probe.order("start");
    let began = now();
    while began.elapsed() < Duration::from_millis(600) {
        probe.is_silent();
        std::thread::yield_now();
    }
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
fn case_8_finalize_does_not_hang() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 2000 2", "1")]);
    probe.register();
    probe.expect(&[("start", "1"), ("finalize", "1")]);
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
