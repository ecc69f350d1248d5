//! A spare instance: what a program may not see of it. `Options::spare`.

use crate::common::{Probe, kill, status_of, wait_for_end};
use rustix::process::Signal;
use std::fs;

fn with(options: &str, interval: u64) -> Probe {
    let mut probe = Probe::new();
    probe.expect(&[(&format!("options spare {options}"), "1")]);
    probe.expect(&[(&format!("initialize {interval} 2"), "1")]);
    probe
}

/// The children of the supervisor.
fn children(pid: u32) -> Vec<u32> {
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(|it| it.parse().expect("a number")).collect()
}

/// Waits until there is one, besides the instance.
fn spare(probe: &Probe, instance: u32) -> u32 {
    loop {
        if let Some(spare) = children(probe.pid()).into_iter().find(|pid| *pid != instance) {
            return spare;
        }
        std::thread::yield_now();
    }
}

#[test]
fn the_spare_is_the_next_instance_with_everything_it_needs() {
    let mut probe = with("", 0);
    probe.expect(&[("store before", "1"), ("warn 12", "1")]);
    let mut instance = probe.register();
    let open = probe.ask("open-files");
    for number in 2..20 {
        let next = spare(&probe, instance.pid);
        let text = format!("number-{number}");
        probe.expect(&[(&format!("store {text}"), "1"), ("start", "1")]);
        probe.order("exit 3");
        instance = probe.instance();
        assert_eq!((instance.number, instance.pid, instance.parent), (number, next, probe.pid()));
        probe.expect(&[
            ("restore 9", &format!("1 {text:.<9}")),
            ("last-death", "exited with 3"),
            ("blocked", "SigBlk:\t0000000000000000"),
            ("open-files", &open),
            ("wait-any", "-1"),
        ]);
    }
}

#[test]
fn much_data_reaches_a_spare() {
    let mut probe = with("", 0);
    let instance = probe.register();
    probe.expect(&[("store-much 10000000", "1"), ("start", "1")]);
    spare(&probe, instance.pid);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[("getsize", "1 10000000")]);
}

#[test]
fn it_is_warned_with_the_signal_that_was_set_last() {
    let mut probe = with("", 200);
    probe.expect(&[("report 12", "done")]);
    probe.register();
    probe.expect(&[("warn 12", "1"), ("start", "1")]);
    assert_eq!(probe.line(), "signal 12");
    probe.instance();
    probe.expect(&[("start", "1")]);
    assert_eq!(probe.line(), "signal 12");
    assert_eq!(probe.instance().number, 3);
}

#[test]
fn a_spare_that_is_killed_is_replaced() {
    let mut probe = with("", 0);
    let instance = probe.register();
    probe.expect(&[("start", "1")]);
    for _ in 0..2 {
        let lost = spare(&probe, instance.pid);
        kill(lost, Signal::KILL);
        wait_for_end(lost);
    }
    probe.order("exit 0");
    assert_eq!(probe.instance().number, 2);
}

#[test]
fn signals_that_come_while_it_waits_are_not_its_own() {
    let mut probe = with("", 0);
    probe.expect(&[("report 10", "done")]);
    let instance = probe.register();
    probe.expect(&[("start", "1")]);
    let next = spare(&probe, instance.pid);
    kill(next, Signal::USR1);
    kill(next, Signal::TERM);
    probe.order("exit 0");
    assert_eq!(probe.instance().pid, next);
    probe.expect(&[("handled", "0"), ("pid", &next.to_string())]);
}

#[test]
fn it_dies_with_its_supervisor_and_says_nothing() {
    let mut probe = with("", 0);
    probe.expect(&[("at-exit", "done")]);
    let instance = probe.register();
    let next = spare(&probe, instance.pid);
    probe.expect(&[("start", "1"), ("stop", "1")]);
    probe.order("exit 0");
    assert_eq!(probe.line(), format!("at exit of {}", instance.pid));
    assert_eq!(probe.line(), format!("at exit of {}", probe.pid()));
    probe.ends_with(0);
    wait_for_end(next);

    let mut probe = with("", 0);
    let instance = probe.register();
    let next = spare(&probe, instance.pid);
    kill(probe.pid(), Signal::KILL);
    wait_for_end(next);
    // The instance itself is not bound.
    probe.expect(&[("pid", &instance.pid.to_string())]);
}

#[test]
fn with_kept_memory_it_is_the_same() {
    let mut probe = with("keep-memory bound", 0);
    let mut instance = probe.register();
    for number in 2..8 {
        let next = spare(&probe, instance.pid);
        probe.expect(&[("touch 32", "done"), ("start", "1")]);
        probe.order("raise 9");
        instance = probe.instance();
        assert_eq!((instance.number, instance.pid), (number, next));
        probe.expect(&[("wait-any", "-1"), ("last-death", "killed by signal 9")]);
    }
}

#[test]
fn under_quit_there_is_none() {
    let mut probe = Probe::new();
    probe.expect(&[("options spare", "1"), ("initialize 0 1", "1")]);
    let instance = probe.register();
    probe.expect(&[("start", "1"), ("store abc", "1")]);
    assert_eq!(children(probe.pid()), [instance.pid]);
    assert_eq!(status_of(instance.pid, "Threads").as_deref(), Some("1"));
}
