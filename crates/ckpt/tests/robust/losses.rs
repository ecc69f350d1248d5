//! The node of the active replica is lost at every step of an update.

use crate::cluster::*;
use ais_types::{
    Outcome, Time,
    ckpt::{Call, Reply},
};

const KINDS: [u32; 4] = [ALL, ACTIVE, ALL | COLLOCATED, ACTIVE | COLLOCATED];

/// Loses node 1 after so many steps of a call of node 2. `false`: the call was over before.
fn lose_after(
    steps: usize,
    flags: u32,
    call: fn(u64) -> Call,
) -> Option<(Outcome<Reply>, Cluster, Client, u64)> {
    let mut c = Cluster::of(3);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let attributes = attributes(flags, 500, SECOND, 5, 100);
    let hp = handle(c.call(p, open(N, attributes, READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    let chosen = flags == ACTIVE | COLLOCATED;
    if chosen {
        c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    }
    c.call(p, create(hp, "11", b"old")).unwrap();
    c.call(p, create(hp, "12", b"old")).unwrap();
    if flags & ACTIVE != 0 {
        c.call(p, Call::Synchronize { checkpoint: hp, timeout: Time::END }).unwrap();
    }
    let caller = c.put(q, call(hq));
    let before_the_end = c.run_some(steps);
    c.crash(1);
    if chosen {
        c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    }
    c.pass(std::time::Duration::from_secs(11));
    let outcome = c.answer(caller).expect("every call ends");
    before_the_end.then_some((outcome, c, q, hq))
}

/// At every step, and with every update option, both sections are old or both are new; new, if the
/// writer was told that they are.
#[test]
fn a_vector_is_written_whole_or_not_at_all_whenever_the_active_is_lost() {
    let call = |h| write(h, &[("11", 0, b"new"), ("12", 0, b"new")]);
    for flags in KINDS {
        let mut steps = 0;
        while let Some((outcome, mut c, q, h)) = lose_after(steps, flags, call) {
            let found = (bytes(c.call(q, read(h, "11"))), bytes(c.call(q, read(h, "12"))));
            assert_eq!(found.0, found.1, "flags {flags}, step {steps}");
            if outcome.is_ok() {
                assert_eq!(found.0, b"new", "flags {flags}, step {steps}");
            }
            c.assert_agreed();
            steps += 1;
        }
        assert!(steps > 2, "flags {flags}: the call was over after {steps} steps");
    }
}

#[test]
fn a_section_is_created_or_not_whenever_the_active_is_lost() {
    for flags in KINDS {
        let mut steps = 0;
        while let Some((outcome, mut c, q, h)) = lose_after(steps, flags, |h| create(h, "13", b"x"))
        {
            let there = c.call(q, read(h, "13"));
            if outcome.is_ok() {
                assert_eq!(bytes(there), b"x", "flags {flags}, step {steps}");
            }
            // Never done twice: the answer to a repeated request is the first one.
            assert!(!matches!(&outcome, Err(it) if it.code == ais_types::ErrorCode::Exist));
            steps += 1;
        }
        assert!(steps > 2);
    }
}

#[test]
fn a_section_is_deleted_or_not_whenever_the_active_is_lost() {
    let call = |h| Call::SectionDelete { checkpoint: h, section: id("11") };
    for flags in KINDS {
        let mut steps = 0;
        while let Some((outcome, mut c, q, h)) = lose_after(steps, flags, call) {
            if outcome.is_ok() {
                assert!(c.call(q, read(h, "11")).is_err(), "flags {flags}, step {steps}");
            }
            steps += 1;
        }
        assert!(steps > 2);
    }
}

/// Two of three nodes are lost, one after the other: with copies made up for in between nothing
/// that was acknowledged is lost.
#[test]
fn two_of_three_nodes_are_lost_one_after_the_other() {
    let mut c = Cluster::of(3);
    let (p, q) = (c.new_program(1), c.new_program(3));
    let hp = handle(c.call(p, open(N, s1(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    c.call(p, create(hp, "11", b"kept")).unwrap();
    c.crash(1);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"kept");
    c.crash(2);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"kept");
    c.call(q, overwrite(hq, "11", b"more")).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"more");
}

/// A client that is killed between its open and its first write, during a write, and while it
/// walks over sections: nothing of it stays behind.
#[test]
fn a_killed_client_leaves_nothing_behind() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let attributes = attributes(ALL, 500, 0, 5, 100);
    let hp = handle(c.call(p, open(N, attributes, READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    c.call(p, create(hp, "11", b"old")).unwrap();
    let any = ais_types::ckpt::SectionsChosen::ANY;
    let call =
        Call::SectionIterationInitialize { checkpoint: hp, chosen: any, expiration: Time::BEGIN };
    handle(c.call(p, call));
    c.put(p, write(hp, &[("11", 0, b"new"), ("11", 3, b"!")]));
    c.kill(p);
    let found = bytes(c.call(q, read(hq, "11")));
    assert!(found == b"old" || found == b"new!", "{found:?}");
    assert_eq!(c.node(1).counters().sessions, 0);
    assert_eq!(c.node(1).counters().waiting, 0);
    c.call(q, Call::Close { checkpoint: hq }).unwrap();
    assert!(c.call(q, open(N, None, READ)).is_err());
    assert_eq!(c.node(1).counters().memory, 0);
    assert_eq!(c.node(2).counters().memory, 0);
}
