//! The cases of the original's own test program that need no node, one by one. Digest, section 8. Intervals are
//! shorter where nothing but patience depends on them.

use crate::common::{Probe, now};
use std::time::Duration;

fn beats(probe: &mut Probe, interval: u64) {
    probe.order(&format!("beat {}", interval / 2));
    probe.stays_silent(Duration::from_millis(5 * interval));
    probe.expect(&[("enough", "beaten")]);
}

pub(crate) fn is_left_alone(probe: &mut Probe, pid: u32, interval: u64) {
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
fn case_8_finalize_does_not_hang() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 2000 2", "1")]);
    probe.register();
    probe.expect(&[("start", "1"), ("finalize", "1")]);
}
