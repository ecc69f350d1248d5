//! Event-driven health checks. Digest, section 5.

use crate::common::{Probe, alone, now, status_of};
use std::time::Duration;

fn with_callback(interval: u64, callback: &str, before: &[(&str, &str)]) -> Probe {
    let mut probe = Probe::new();
    probe.expect(before);
    probe.expect(&[(&format!("initialize {interval} 2"), "1")]);
    probe.register();
    probe.expect(&[(&format!("callback {callback}"), "1")]);
    probe
}

#[test]
fn a_thread_beats_and_asks() {
    let mut probe = with_callback(400, "well", &[]);
    probe.expect(&[("start", "1")]);
    let pid = probe.ask("pid");
    let began = now();
    while began.elapsed() < Duration::from_secs(2) {
        probe.expect(&[("pid", &pid)]);
    }
    // Once an interval, in the active process itself, which has a thread more for it.
    let asked: u64 = probe.ask("asked").parse().unwrap();
    assert!((1..=5).contains(&asked), "asked {asked} times in five intervals");
    assert_eq!(status_of(pid.parse().unwrap(), "Threads").as_deref(), Some("2"));
}

#[test]
fn who_is_not_well_is_warned_and_killed() {
    let mut probe = with_callback(200, "sick", &[("report 15", "done")]);
    let began = now();
    probe.expect(&[("start", "1")]);
    assert_eq!((probe.line(), probe.line()), ("asked".into(), "signal 15".into()));
    assert_eq!(probe.instance().number, 2);
    // An interval until it was asked, and two of silence.
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[test]
fn a_callback_that_does_not_return_is_not_well() {
    let mut probe = with_callback(200, "stuck", &[]);
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "asked");
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn stop_and_start_do_not_heal() {
    let mut probe = with_callback(200, "sick", &[]);
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "asked");
    probe.expect(&[("stop", "1"), ("callback well", "1"), ("start", "1")]);
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn a_stopped_instance_is_not_asked() {
    let mut probe = with_callback(100, "sick", &[]);
    let pid = probe.ask("pid");
    let began = now();
    while began.elapsed() < Duration::from_millis(500) {
        probe.expect(&[("pid", &pid)]);
    }
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "asked");
}

#[test]
fn a_callback_can_be_replaced_and_taken_away() {
    let mut probe = with_callback(200, "sick", &[]);
    probe.expect(&[("callback well", "1"), ("start", "1")]);
    let pid = probe.ask("pid");
    let began = now();
    while began.elapsed() < Duration::from_millis(800) {
        probe.expect(&[("pid", &pid)]);
    }
    // Without one the program has to beat itself.
    probe.expect(&[("stop", "1"), ("callback null", "1"), ("start", "1")]);
    assert_eq!(probe.instance().number, 2);
    // The next instance has none.
    probe.expect(&[("callback null", "7"), ("start", "1")]);
    assert_eq!(probe.instance().number, 3);
}

#[test]
fn without_a_thread_there_is_no_callback_and_that_is_library() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 2", "1")]);
    probe.register();
    probe.expect(&alone());
    probe.expect(&[("callback well", "2"), ("callback well", "2")]);
    // There never was one that could be taken away; the program beats itself.
    probe.expect(&[("callback null", "7"), ("start", "1"), ("hc", "1"), ("stop", "1")]);
}

#[test]
fn a_callback_has_a_stack_to_work_with() {
    let mut probe = with_callback(400, "deep", &[]);
    probe.expect(&[("start", "1")]);
    for _ in 0..2 {
        assert_eq!(probe.line(), "deep 16384");
    }
}
