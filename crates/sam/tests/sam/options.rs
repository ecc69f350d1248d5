//! What the original does not have. `Options`.

use crate::common::{Probe, kill, node::Node, now, pidfd, wait_for_end};
use rustix::process::Signal;
use std::{process::Command, time::Duration};

fn with(options: &str, policy: &str) -> Probe {
    let mut probe = Probe::new();
    probe.expect(&[(&format!("options {options}"), "1"), (&format!("initialize 0 {policy}"), "1")]);
    probe
}

#[test]
fn options_are_checked_and_come_before_register() {
    let mut probe = Probe::new();
    for wrong in ["back-off=0,10,10", "back-off=10,9,10", "limit=1,0,quit", "limit=10001,5,quit"] {
        probe.expect(&[(&format!("options {wrong}"), "7")]);
    }
    probe.expect(&[("options limit=1,1000,mark", "1"), ("initialize 0 2", "1")]);
    // Nobody would see the mark.
    assert!(probe.ask("register").starts_with("registered 7"));
    probe.expect(&[("options", "1")]);
    probe.register();
    probe.expect(&[("options", "9")]);
}

#[test]
fn a_back_off_lets_time_pass_before_the_next_instance() {
    let mut probe = with("back-off=200,300,60000", "2");
    probe.register();
    for at_least in [200, 300, 300] {
        probe.expect(&[("start", "1")]);
        let began = now();
        probe.order("exit 0");
        probe.instance();
        assert!(began.elapsed() >= Duration::from_millis(at_least));
    }
}

#[test]
fn a_limit_is_the_end_of_restarts() {
    let mut probe = with("limit=2,600000,quit", "2");
    probe.register();
    for number in 2..4 {
        probe.expect(&[("start", "1")]);
        probe.order("exit 5");
        assert_eq!(probe.instance().number, number);
    }
    probe.expect(&[("start", "1")]);
    probe.order("exit 5");
    probe.ends_with(5);
}

#[test]
fn a_limit_is_published_as_a_failure() {
    for (then, recovery) in [("quit", Some("publish recovery quit")), ("mark", None)] {
        let node = Node::new(true);
        let mut probe = Probe::with(&[("FAKE_NODE", &node.path())]);
        probe.expect(&[(&format!("options limit=0,60000,{then}"), "1"), ("initialize 0 18", "1")]);
        probe.register();
        probe.expect(&[("start", "1")]);
        node.expect(&["link", "publish recovery restart", "publish poll_period 0"]);
        node.expect(&["publish state stopped", "publish state running"]);
        probe.order("exit 0");
        node.expect(recovery.as_slice());
        node.expect(&["publish state failed"]);
        probe.ends_with(0);
    }
}

#[test]
fn the_next_instance_is_told_how_the_last_one_died() {
    let mut probe = with("", "2");
    probe.register();
    probe.expect(&[("last-death", "none"), ("start", "1")]);
    for (how, death) in
        [("exit 3", "exited with 3"), ("crash", "killed by signal 11"), ("exit 0", "exited with 0")]
    {
        probe.order(how);
        probe.instance();
        probe.expect(&[("last-death", death), ("start", "1")]);
    }
}

#[test]
fn the_status_of_a_killed_instance_can_be_passed_on() {
    for (signal, status) in [(Signal::KILL, 137), (Signal::TERM, 143)] {
        let mut probe = with("shell-status", "1");
        let first = probe.register();
        probe.expect(&[("start", "1")]);
        kill(first.pid, signal);
        probe.ends_with(status);
    }
}

#[test]
fn a_bound_instance_dies_with_its_supervisor() {
    let mut probe = with("bound", "2");
    let first = probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("exit 0");
    let second = probe.instance();
    kill(probe.pid(), Signal::KILL);
    wait_for_end(first.pid);
    wait_for_end(second.pid);
    assert_eq!(probe.signal_of_end(), Some(9));
    probe.says_no_more();
}

#[test]
fn a_supervisor_can_be_bound_to_who_started_it() {
    // The shell starts the probe and is killed; with it go the probe and its instance.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0; \"$0\" <&3 3<&- & wait", env!("CARGO_BIN_EXE_ais-sam-probe")]);
    let mut probe = Probe::start(shell);
    probe.expect(&[("options bound with-parent", "1"), ("initialize 0 2", "1")]);
    let first = probe.register();
    assert_ne!(first.parent, probe.pid());
    let ends = [first.pid, first.parent].map(pidfd);
    kill(probe.pid(), Signal::KILL);
    for (pid, end) in [first.pid, first.parent].into_iter().zip(ends) {
        assert!(end.is_some(), "it lived");
        wait_for_end(pid);
    }
    probe.says_no_more();
}

#[test]
fn signals_to_the_supervisor_can_go_to_the_instance() {
    let mut probe = with("pass-signals", "2");
    probe.register();
    probe.expect(&[("report 10", "done"), ("report 1", "done"), ("start", "1")]);
    kill(probe.pid(), Signal::USR1);
    assert_eq!(probe.line(), "signal 10");
    kill(probe.pid(), Signal::HUP);
    assert_eq!(probe.line(), "signal 01");
    // These end the instance, and another follows.
    probe.expect(&[("default 10", "done")]);
    kill(probe.pid(), Signal::USR1);
    assert_eq!(probe.instance().number, 2);
    // The instance has nothing blocked.
    probe.expect(&[("blocked", "SigBlk:\t0000000000000000"), ("start", "1")]);
    // After this nobody follows.
    kill(probe.pid(), Signal::TERM);
    probe.ends_with(0);
}

#[test]
fn told_to_end_it_waits_for_an_instance_that_takes_its_time() {
    let mut probe = with("pass-signals shell-status", "2");
    probe.register();
    probe.expect(&[("report 15", "done"), ("start", "1")]);
    kill(probe.pid(), Signal::TERM);
    assert_eq!(probe.line(), "signal 15");
    probe.expect(&[("store last", "1")]);
    probe.order("exit 7");
    probe.ends_with(7);
}

#[test]
fn told_to_end_it_does_not_wait_for_a_back_off() {
    let mut probe = with("pass-signals back-off=600000,600000,1", "2");
    let first = probe.register();
    probe.expect(&[("start", "1")]);
    probe.order("exit 7");
    wait_for_end(first.pid);
    kill(probe.pid(), Signal::TERM);
    probe.ends_with(7);
}

#[test]
fn memory_can_be_kept_and_freed_after_the_end() {
    let mut probe = with("keep-memory", "2");
    probe.register();
    for number in 2..5 {
        // The sharing process is no child that a program would hear of.
        probe.expect(&[("touch 64", "done"), ("wait-any", "-1"), ("start", "1")]);
        probe.order("raise 9");
        assert_eq!(probe.instance().number, number);
    }
    let open = probe.ask("open-files");
    probe.expect(&[("store abc", "1"), ("open-files", &open), ("finalize", "1")]);
    probe.order("exit 4");
    // All of them have ended: nothing holds the output open any more.
    probe.ends_with(4);
}

#[test]
fn after_the_greatest_number_comes_zero() {
    for options in ["count-from=4294967293", "count-from=4294967293 spare"] {
        let mut probe = with(options, "2");
        assert_eq!(probe.register().number, 4_294_967_294);
        for number in [u32::MAX, 0, 1] {
            probe.expect(&[("start", "1")]);
            probe.order("exit 0");
            assert_eq!(probe.instance().number, number);
        }
    }
}
