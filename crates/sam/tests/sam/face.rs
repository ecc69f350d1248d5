//! The safe face.

use crate::common::{Probe, now};
use std::time::Duration;

fn registered(milliseconds: u64) -> Probe {
    let mut probe = Probe::new();
    probe.order(&format!("face-register {milliseconds}"));
    assert_eq!(probe.instance().number, 1);
    probe
}

#[test]
fn with_a_second_thread_it_refuses_to_fork_and_says_so() {
    let mut probe = Probe::new();
    probe.expect(&[("thread", "done")]);
    let said = probe.ask("face-register 0");
    assert!(said.starts_with("SA_AIS_ERR_BAD_OPERATION sam: this process has 2 threads"), "{said}");
    // Nothing has happened.
    probe.expect(&[("state", "not initialized")]);
}

#[test]
fn values_of_any_type_are_kept() {
    let mut probe = registered(0);
    probe.expect(&[
        ("face-restore", "None"),
        ("face-store 7", "stored"),
        ("face-start", "started"),
    ]);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[
        ("face-restore", "Some(7)"),
        ("face-restore-text", "SA_AIS_ERR_INVALID_PARAM"),
        ("face-forget", "forgotten"),
        ("face-restore", "None"),
    ]);
}

#[test]
fn the_guard_ends_the_checks_when_it_goes_and_not_when_it_panics() {
    let mut probe = registered(0);
    probe.expect(&[("face-work", "worked"), ("state", "registered"), ("face-work", "worked")]);
    probe.order("face-panic");
    // That was a failure.
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("last-death", "exited with 101"), ("face-work", "worked")]);
    probe.order("exit 4");
    probe.ends_with(4);
}

#[test]
fn a_thread_asks_how_the_program_is() {
    let mut probe = registered(200);
    probe.expect(&[("face-asked well", "started")]);
    let pid = probe.ask("pid");
    let began = now();
    while began.elapsed() < Duration::from_millis(900) {
        probe.expect(&[("pid", &pid)]);
    }
    let mut probe = registered(200);
    probe.expect(&[("face-asked sick", "started")]);
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("face-asked-panics", "started")]);
    assert_eq!(probe.instance().number, 3);
}
