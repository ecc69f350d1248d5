//! Silence is warned of, and killed. Digest, sections 4 and 5.

use crate::common::{Instance, Probe, kill, now, wait_until_in};
use rustix::process::Signal;
use std::time::Duration;

fn started(interval: u64, policy: &str, before: &[(&str, &str)]) -> (Probe, Instance) {
    let mut probe = Probe::new();
    probe.expect(before);
    probe.expect(&[(&format!("initialize {interval} {policy}"), "1")]);
    let instance = probe.register();
    probe.expect(&[("start", "1")]);
    (probe, instance)
}

#[test]
fn silence_is_warned_of_with_sigterm_and_that_kills_who_does_not_handle_it() {
    let began = now();
    let (mut probe, _) = started(100, "2", &[]);
    assert_eq!(probe.instance().number, 2);
    assert!(began.elapsed() >= Duration::from_millis(100));
    probe.expect(&[("last-death", "killed by signal 15 after a missed health check")]);
}

#[test]
fn who_handles_the_warning_and_stays_silent_is_killed_an_interval_later() {
    let began = now();
    let (mut probe, _) = started(100, "2", &[("report 15", "done")]);
    assert_eq!(probe.line(), "signal 15");
    assert_eq!(probe.instance().number, 2);
    assert!(began.elapsed() >= Duration::from_millis(200));
    probe.expect(&[("last-death", "killed by signal 9 after a missed health check")]);
}

#[test]
fn who_ignores_the_warning_is_killed_an_interval_later_under_quit_too() {
    let (mut probe, _) = started(100, "1", &[("ignore 15", "done")]);
    probe.ends_with(0);
}

#[test]
fn who_beats_lives() {
    let (mut probe, _) = started(300, "2", &[]);
    probe.order("beat 20");
    let began = now();
    // It beats for three intervals; the pace is its own.
    while began.elapsed() < Duration::from_millis(900) {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    probe.expect(&[("enough", "beaten")]);
}

#[test]
fn any_command_is_as_good_as_a_beat() {
    let (mut probe, instance) = started(500, "2", &[]);
    let began = now();
    let pid = instance.pid.to_string();
    while began.elapsed() < Duration::from_millis(1500) {
        probe.expect(&[("store abc", "1"), ("warn 15", "1"), ("pid", &pid)]);
    }
}

#[test]
fn without_an_interval_nobody_is_warned() {
    for interval in ["0", "-5"] {
        let mut probe = Probe::new();
        probe.expect(&[("report 15", "done"), (&format!("initialize {interval} 2"), "1")]);
        let instance = probe.register();
        let pid = instance.pid.to_string();
        probe.expect(&[("start", "1"), ("hc", "1")]);
        let began = now();
        while began.elapsed() < Duration::from_millis(300) {
            probe.expect(&[("pid", &pid)]);
        }
    }
}

#[test]
fn a_stopped_instance_may_be_silent() {
    let (mut probe, instance) = started(100, "2", &[]);
    probe.expect(&[("stop", "1")]);
    let began = now();
    while began.elapsed() < Duration::from_millis(500) {
        probe.expect(&[("pid", &instance.pid.to_string())]);
    }
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn an_instance_gets_one_warning_in_its_life() {
    let (mut probe, first) = started(300, "2", &[("report 15", "done")]);
    // Silent once: warned. Then it beats again, and is left alone.
    assert_eq!(probe.line(), "signal 15");
    probe.order("beat 20");
    let began = now();
    while began.elapsed() < Duration::from_millis(900) {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    probe.expect(&[("enough", "beaten")]);
    // Silent again: killed, without a word.
    let second = probe.instance();
    assert_eq!(second.number, 2);
    assert_ne!(second.pid, first.pid);
    // The next one has a warning of its own.
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "signal 15");
}

#[test]
fn the_signal_is_the_programs_choice_and_outlives_the_instance() {
    let (mut probe, _) = started(200, "2", &[("report 10", "done"), ("report 12", "done")]);
    probe.expect(&[("warn 12", "1")]);
    assert_eq!(probe.line(), "signal 12");
    probe.instance();
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "signal 12");
    probe.instance();
    probe.expect(&[("warn 10", "1"), ("start", "1")]);
    assert_eq!(probe.line(), "signal 10");
    assert_eq!(probe.instance().number, 4);
}

#[test]
fn it_can_be_set_before_register() {
    let mut probe = Probe::new();
    probe.expect(&[("report 10", "done"), ("initialize 200 1", "1"), ("warn 10", "1")]);
    probe.register();
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "signal 10");
    probe.ends_with(0);
}

#[test]
fn a_number_that_is_no_signal_is_no_warning() {
    for signal in ["0", "4711", "-1"] {
        let (mut probe, _) = started(150, "2", &[]);
        probe.expect(&[(&format!("warn {signal}"), "1")]);
        assert_eq!(probe.instance().number, 2);
        probe.expect(&[("last-death", "killed by signal 9 after a missed health check")]);
    }
}

#[test]
fn sigkill_is_no_warning_either() {
    let (mut probe, _) = started(150, "2", &[("report 15", "done")]);
    probe.expect(&[("warn 9", "1")]);
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("last-death", "killed by signal 9 after a missed health check")]);
}

#[test]
fn a_stopped_process_is_silent_and_killed() {
    let (mut probe, first) = started(150, "2", &[]);
    kill(first.pid, Signal::STOP);
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("last-death", "killed by signal 9 after a missed health check")]);
}

#[test]
fn sam_may_be_called_from_the_handler_of_the_warning() {
    // Whatever the thread is doing at the moment: here it beats without a pause.
    let (mut probe, first) = started(400, "2", &[("count 10", "done")]);
    probe.order("beat 0");
    for _ in 0..9 {
        kill(first.pid, Signal::USR1);
        assert_eq!(probe.line(), "signal 10");
    }
    probe.expect(&[("enough", "beaten"), ("getsize", "1 1"), ("restore 1", "1 9")]);
}

#[test]
fn a_signal_that_interrupts_the_supervisor_begins_the_interval_anew() {
    let (mut probe, first) = started(600, "2", &[("report 10", "done"), ("report 15", "done")]);
    // The supervisor has the handlers of before register, too.
    let began = now();
    while began.elapsed() < Duration::from_millis(1800) {
        kill(probe.pid(), Signal::USR1);
        assert_eq!(probe.line(), "signal 10");
    }
    probe.expect(&[("pid", &first.pid.to_string())]);
    // Without them silence is what it was.
    assert_eq!(probe.line(), "signal 15");
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn a_supervisor_that_goes_while_the_signal_is_set_is_library() {
    let (mut probe, first) = started(0, "2", &[]);
    kill(probe.pid(), Signal::STOP);
    probe.order("warn 10");
    // It has said all, and reads the answer; orders are read from 0.
    wait_until_in(first.pid, |call| call.starts_with("0 ") && !call.starts_with("0 0x0 "));
    kill(probe.pid(), Signal::KILL);
    assert_eq!(probe.line(), "2");
    // Now it is gone before the call.
    probe.expect(&[("warn 10", "9")]);
}
