//! `sam_register` splits the process. Digest, sections 1 and 3.

use crate::common::{Probe, alone, kill, limit, status_of, wait_for_end};
use rustix::process::{Resource, Signal};

#[test]
fn the_original_process_is_the_supervisor_and_its_child_returns() {
    let mut probe = Probe::new();
    let before: u32 = probe.ask("pid").parse().unwrap();
    probe.expect(&[("initialize 0 2", "1")]);
    let first = probe.register();
    assert_eq!((before, first.parent, first.number), (probe.pid(), probe.pid(), 1));
    assert_ne!(first.pid, before);
    probe.expect(&[("start", "1")]);
    kill(first.pid, Signal::KILL);
    let second = probe.instance();
    assert_eq!((second.parent, second.number), (probe.pid(), 2));
    assert_ne!(second.pid, first.pid);
}

#[test]
fn an_instance_sees_the_program_as_it_was_at_register() {
    let mut probe = Probe::new();
    probe.expect(&[("count 10", "done"), ("initialize 0 2", "1")]);
    probe.order("raise 10");
    assert_eq!((probe.line(), probe.line()), ("signal 10".into(), "survived".into()));
    probe.register();
    // What the first instance does is not seen by the second.
    probe.order("raise 10");
    assert_eq!((probe.line(), probe.line()), ("signal 10".into(), "survived".into()));
    probe.expect(&[("handled", "2"), ("ignore 12", "done"), ("start", "1")]);
    probe.order("exit 0");
    assert_eq!(probe.instance().number, 2);
    probe.expect(&[("handled", "1")]);
}

#[test]
fn instances_have_no_more_open_than_the_first_however_many_came_before() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    probe.register();
    let open = probe.ask("open-files");
    for number in 2..6 {
        probe.expect(&[("start", "1")]);
        probe.order("exit 1");
        assert_eq!(probe.instance().number, number);
        assert_eq!(probe.ask("open-files"), open);
    }
}

#[test]
fn the_supervisor_exits_with_what_was_registered_for_its_exit() {
    let mut probe = Probe::new();
    probe.expect(&[("at-exit", "done"), ("initialize 0 1", "1")]);
    let first = probe.register();
    probe.order("exit 3");
    // The instance first, then the supervisor.
    assert_eq!(probe.line(), format!("at exit of {}", first.pid));
    assert_eq!(probe.line(), format!("at exit of {}", probe.pid()));
    probe.ends_with(3);
}

#[test]
fn without_a_first_pipe_register_is_library_and_without_a_second_bad_handle() {
    for (spare, code) in [(0, "2"), (1, "2"), (2, "9"), (3, "9")] {
        let mut probe = Probe::new();
        let files = format!("files-to-spare {spare}");
        probe.expect(&[("initialize 0 1", "1"), (&files, "0")]);
        let registered = format!("registered {code} instance 0 pid {}", probe.pid());
        let heard = probe.ask("register");
        assert!(heard.starts_with(&registered), "with {spare} files to spare: {heard}");
        // The process goes on as ordinary code.
        probe.expect(&[("state", "initialized"), ("store abc", "1")]);
    }
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 1", "1"), ("files-to-spare 4", "0")]);
    assert_eq!(probe.register().number, 1);
}

#[test]
fn without_a_fork_register_is_bad_handle() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 1", "1")]);
    probe.expect(&alone());
    let registered = format!("registered 9 instance 0 pid {}", probe.pid());
    assert!(probe.ask("register").starts_with(&registered));
    probe.expect(&[("state", "initialized")]);
}

#[test]
fn a_supervisor_that_is_killed_leaves_its_instance_to_find_out() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 2", "1")]);
    let first = probe.register();
    probe.expect(&[("start", "1"), ("hc", "1")]);
    kill(probe.pid(), Signal::KILL);
    wait_for_supervisor(&mut probe);
    // A program in Rust ignores SIGPIPE, and is told.
    probe.expect(&[("hc", "2"), ("store abc", "2"), ("warn 10", "9"), ("stop", "2")]);
    probe.expect(&[("state", "started"), ("finalize", "2")]);
    // One in C does not, and ends.
    probe.expect(&[("default 13", "done")]);
    probe.order("hc");
    wait_for_end(first.pid);
}

fn wait_for_supervisor(probe: &mut Probe) {
    assert_eq!(probe.signal_of_end(), Some(9));
}

#[test]
fn while_it_waits_the_supervisor_sleeps() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    probe.register();
    probe.expect(&[("start", "1"), ("store abc", "1")]);
    // It has answered; when it sleeps again nothing wakes it.
    let pid = probe.pid();
    let switches = || status_of(pid, "voluntary_ctxt_switches").expect("it lives");
    while !status_of(pid, "State").expect("it lives").starts_with('S') {
        std::thread::yield_now();
    }
    let settled = switches();
    for _ in 0..100 {
        probe.expect(&[("getsize", "1 3")]);
    }
    assert_eq!(switches(), settled);
}

#[test]
fn nobody_needs_to_know_the_number() {
    let mut probe = Probe::new();
    probe.expect(&[("register-null", "9"), ("initialize 0 1", "1"), ("register-null", "1")]);
    assert_ne!(probe.ask("pid"), probe.pid().to_string());
    probe.expect(&[("start", "1")]);
    probe.order("exit 4");
    probe.ends_with(4);
}

#[test]
fn only_the_calling_thread_lives_on_in_an_instance() {
    let mut probe = Probe::new();
    probe.expect(&[("thread", "done"), ("initialize 0 2", "1")]);
    let mut instance = probe.register();
    for _ in 0..2 {
        assert_eq!(status_of(probe.pid(), "Threads").as_deref(), Some("2"));
        assert_eq!(status_of(instance.pid, "Threads").as_deref(), Some("1"));
        probe.expect(&[("start", "1")]);
        probe.order("exit 0");
        instance = probe.instance();
    }
}

#[test]
fn a_supervisor_that_cannot_wait_returns_library_and_goes_on_as_ordinary_code() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 2", "1")]);
    let first = probe.register();
    probe.expect(&[("start", "1"), ("store abc", "1")]);
    // No process may wait for more descriptors than it may have.
    limit(probe.pid(), Resource::Nofile, Some(1));
    // That wakes it; from here on the instance takes no orders.
    probe.order("hc-and-stay");
    let heard = probe.line();
    assert!(heard.starts_with(&format!("registered 2 instance 0 pid {} ", probe.pid())), "{heard}");
    limit(probe.pid(), Resource::Nofile, None);
    probe.expect(&[("state", "initialized"), ("hc", "9"), ("restore 3", "1 abc")]);
    kill(first.pid, Signal::KILL);
    probe.order("exit 3");
    probe.ends_with(3);
}
