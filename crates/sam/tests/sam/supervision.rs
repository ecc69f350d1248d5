//! What the supervisor makes of the end of an instance. Digest, section 4.

use crate::common::{Probe, kill, now, wait_for_end};
use rustix::process::Signal;
use std::time::Duration;

fn registered(policy: &str) -> (Probe, crate::common::Instance) {
    let mut probe = Probe::new();
    probe.expect(&[(&format!("initialize 0 {policy}"), "1")]);
    let instance = probe.register();
    (probe, instance)
}

#[test]
fn an_end_without_health_checks_is_no_failure_and_its_status_is_passed_on() {
    for policy in ["1", "2"] {
        for status in [0, 1, 7, 255] {
            let (mut probe, _) = registered(policy);
            probe.order(&format!("exit {status}"));
            probe.ends_with(status);
        }
        // Killed by a signal: 0.
        let (mut probe, instance) = registered(policy);
        kill(instance.pid, Signal::KILL);
        probe.ends_with(0);
    }
}

#[test]
fn any_end_with_health_checks_is_a_failure() {
    for how in ["exit 0", "exit 3", "crash", "raise 9", "raise 15"] {
        let (mut probe, _) = registered("2");
        probe.expect(&[("start", "1")]);
        probe.order(how);
        assert_eq!(probe.instance().number, 2, "{how}");
    }
}

#[test]
fn after_stop_an_end_is_none() {
    let (mut probe, _) = registered("2");
    probe.expect(&[("start", "1"), ("stop", "1"), ("start", "1"), ("stop", "1")]);
    probe.order("exit 5");
    probe.ends_with(5);
}

#[test]
fn quit_ends_the_supervisor_with_the_status_of_the_failed_instance() {
    for (how, status) in [("exit 0", 0), ("exit 4", 4), ("raise 9", 0), ("crash", 0)] {
        let (mut probe, _) = registered("1");
        probe.expect(&[("start", "1")]);
        probe.order(how);
        probe.ends_with(status);
    }
}

#[test]
fn a_finalized_instance_keeps_its_supervisor_until_it_exits() {
    let (mut probe, _) = registered("2");
    probe.expect(&[("start", "1"), ("finalize", "1")]);
    probe.order("exit 6");
    probe.ends_with(6);
}

#[test]
fn an_instance_that_closes_its_line_is_waited_for() {
    // Not watched: that was the end of it.
    let (mut probe, instance) = registered("2");
    probe.expect(&[("close-all", "0"), ("hc", "9"), ("start", "2")]);
    probe.expect(&[("pid", &instance.pid.to_string())]);
    probe.order("exit 2");
    probe.ends_with(2);

    // Watched: the next one comes, and not before this one has ended, even if it is silent for longer
    // than the interval.
    let mut probe = Probe::new();
    probe.expect(&[("initialize 50 2", "1")]);
    let instance = probe.register();
    probe.expect(&[("start", "1"), ("close-all", "0")]);
    let began = now();
    while began.elapsed() < Duration::from_millis(200) {
        probe.expect(&[("pid", &instance.pid.to_string())]);
    }
    probe.order("exit 0");
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn what_was_said_before_the_end_counts() {
    let (mut probe, _) = registered("2");
    probe.expect(&[("start", "1"), ("store last-words", "1"), ("warn 10", "1")]);
    probe.order("raise 9");
    probe.instance();
    probe.expect(&[("restore 10", "1 last-words")]);
}

#[test]
fn an_instance_is_missed_though_a_descendant_holds_its_line() {
    let (mut probe, instance) = registered("2");
    probe.expect(&[("start", "1")]);
    let descendant: u32 = probe.ask("descend").parse().unwrap();
    kill(instance.pid, Signal::KILL);
    assert_eq!(probe.instance().number, 2);
    kill(descendant, Signal::KILL);
}

#[test]
fn restarts_have_no_limit_and_numbers_go_up() {
    let (mut probe, _) = registered("2");
    for number in 2..60 {
        probe.expect(&[("start", "1")]);
        probe.order("exit 0");
        assert_eq!(probe.instance().number, number);
    }
}

#[test]
fn a_program_that_ignores_its_children_is_supervised_all_the_same() {
    let mut probe = Probe::new();
    probe.expect(&[("ignore 17", "done"), ("initialize 0 2", "1")]);
    let first = probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("exit 3");
    wait_for_end(first.pid);
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("last-death", "ended"), ("store abc", "1")]);
    probe.order("exit 3");
    probe.ends_with(0);
}
