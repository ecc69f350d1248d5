//! Stored data. Digest, section 3.

use crate::common::{Probe, kill, limit, limit_memory, wait_until_in};
use rustix::process::{Resource, Signal};

#[test]
fn what_is_stored_before_the_split_every_instance_has() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1"), ("getsize", "1 0"), ("store abc", "1")]);
    probe.register();
    for _ in 0..3 {
        probe.expect(&[("getsize", "1 3"), ("restore 5", "1 abc.."), ("start", "1")]);
        probe.order("exit 0");
        probe.instance();
    }
}

#[test]
fn what_an_instance_stores_the_next_one_has() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1"), ("store abcdef", "1")]);
    probe.register();
    probe.expect(&[("store xy", "1"), ("restore 6", "1 xy...."), ("start", "1")]);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[("getsize", "1 2"), ("restore 2", "1 xy"), ("restore 1", "7")]);
    probe.expect(&[("store-null 7", "1"), ("getsize", "1 0"), ("start", "1")]);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[("getsize", "1 0"), ("restore 4", "1 ....")]);
}

#[test]
fn nothing_is_the_same_as_empty() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1"), ("store abc", "1"), ("store-much 0", "1")]);
    probe.expect(&[("getsize", "1 0"), ("restore 2", "1 ..")]);
    probe.register();
    probe.expect(&[("store abc", "1"), ("store-much 0", "1"), ("getsize", "1 0")]);
}

#[test]
fn sizes_that_no_memory_has_are_too_big_in_every_state() {
    let mut probe = Probe::new();
    let calls =
        [("store-null 9223372036854775807", "26"), ("store-null 18446744073709551615", "26")];
    probe.expect(&calls);
    probe.expect(&[("store-null 9223372036854775806", "9"), ("initialize 0 2", "1")]);
    probe.expect(&calls);
    probe.register();
    probe.expect(&calls);
    probe.expect(&[("store-null 9223372036854775806", "1"), ("finalize", "1")]);
    probe.expect(&calls);
}

#[test]
fn much_data_goes_through() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 2", "1")]);
    probe.register();
    for bytes in ["65535", "65536", "10000000"] {
        let store = format!("store-much {bytes}");
        probe.expect(&[(&store, "1"), ("start", "1"), ("hc", "1")]);
        probe.order("exit 0");
        probe.instance();
        probe.expect(&[("getsize", &format!("1 {bytes}"))]);
    }
}

#[test]
fn data_on_its_way_at_the_end_is_not_stored() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    let first = probe.register();
    probe.expect(&[("store old", "1"), ("start", "1")]);
    // The supervisor is stopped, so that the instance is killed in the middle of what it says.
    kill(probe.pid(), Signal::STOP);
    probe.order("store-much 10000000");
    // poll or ppoll with the one descriptor: it waits for its line to take more. Orders are read.
    wait_until_in(first.pid, |call| call.starts_with("7 ") || call.starts_with("271 "));
    kill(first.pid, Signal::KILL);
    kill(probe.pid(), Signal::CONT);
    probe.instance();
    probe.expect(&[("restore 3", "1 old")]);
}

const MIB: u64 = 1 << 20;

#[test]
fn what_the_supervisor_has_no_memory_for_is_refused_and_the_old_data_stays() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    probe.register();
    probe.expect(&[("store old", "1")]);
    limit_memory(probe.pid(), 16 * MIB);
    let much = format!("store-much {}", 64 * MIB);
    probe.expect(&[(&much, "8"), ("getsize", "1 3"), ("restore 3", "1 old")]);
    // Every command after it is understood: all of it was read, and nothing of it kept.
    probe.expect(&[(&much, "8"), ("warn 10", "1"), ("store new", "1"), (&much, "8")]);
    limit(probe.pid(), Resource::As, None);
    probe.expect(&[("start", "1")]);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[("restore 3", "1 new"), (&much, "1")]);
}

#[test]
fn an_instance_without_memory_for_its_copy_is_told_though_the_supervisor_has_it() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 2", "1")]);
    let first = probe.register();
    probe.expect(&[("store old", "1"), ("start", "1")]);
    // Room for what is to be stored, and not for a copy of it.
    limit_memory(first.pid, 96 * MIB);
    probe.expect(&[(&format!("store-much {}", 64 * MIB), "8"), ("restore 3", "1 old")]);
    probe.order("exit 0");
    probe.instance();
    probe.expect(&[("getsize", &format!("1 {}", 64 * MIB))]);
}
