//! A replica that does not keep up.

use crate::cluster::*;
use ais_types::{
    Time,
    ckpt::{Call, Reply},
};
use std::time::Duration;

/// With a third replica who writes waits for a silent one no longer than the failure timeout.
#[test]
fn nobody_waits_for_a_silent_replica_longer_than_the_failure_timeout() {
    let mut c = Cluster::of(3);
    let programs = [1, 2, 3].map(|node| c.new_program(node));
    let kind = attributes(ALL | COLLOCATED, 500, 0, 5, 100);
    let h = handle(c.call(programs[0], open(N, kind, READ | WRITE | CREATE)));
    for program in &programs[1..] {
        handle(c.call(*program, open(N, None, READ)));
    }
    c.call(programs[0], create(h, "11", b"old")).unwrap();
    c.slow.insert(3);
    let caller = c.begin(programs[0], overwrite(h, "11", b"new"));
    c.pass(Duration::from_millis(900));
    assert!(c.answer(caller).is_none(), "it may answer in time");
    c.pass(Duration::from_millis(200));
    c.answer(caller).expect("nobody waits any longer").unwrap();
    assert_eq!(c.node(1).counters().lagging, 1);
}

/// Who writes waits for the only other replica for three failure timeouts: until then the group may
/// have ordered out the primary, and only the silent one would be left. When it speaks again it
/// goes on from where it was, and counts again.
#[test]
fn the_only_other_replica_is_waited_for_until_the_group_has_decided() {
    for flags in [ALL, ALL | COLLOCATED, ACTIVE] {
        let mut c = Cluster::of(2);
        let (p, q) = (c.new_program(1), c.new_program(2));
        let hp =
            handle(c.call(p, open(N, attributes(flags, 500, 0, 5, 100), READ | WRITE | CREATE)));
        let hq = handle(c.call(q, open(N, None, READ)));
        c.call(p, create(hp, "11", b"old")).unwrap();
        c.slow.insert(2);
        c.trace.clear();
        let caller = c.begin(p, overwrite(hp, "11", b"new"));
        let waits = flags & ALL != 0;
        assert_eq!(c.answer(caller).is_none(), waits);
        let synchronized =
            (!waits).then(|| c.begin(p, Call::Synchronize { checkpoint: hp, timeout: Time::END }));
        c.pass(Duration::from_millis(2_900));
        assert_eq!(c.node(1).counters().lagging, 0, "flags {flags}: given up too early");
        c.pass(Duration::from_millis(200));
        if waits {
            c.answer(caller).expect("nobody waits any longer").unwrap();
        }
        synchronized.into_iter().for_each(|it| drop(c.answer(it).expect("likewise").unwrap()));
        assert_eq!(c.node(1).counters().lagging, 1);
        c.call(p, overwrite(hp, "11", b"newer")).unwrap();
        // It speaks again.
        c.release_held();
        let begun = c.trace.iter().any(|it| it.contains("Begin"));
        assert!(!begun, "flags {flags}: the whole content was sent again");
        assert_eq!(c.node(1).counters().resumed, 1);
        let Ok(Reply::List(all)) = c.call(p, Call::List { after: 0 }) else { panic!("no list") };
        assert!(all[0].replicas.iter().all(|it| it.complete), "{:?}", all[0].replicas);
        c.crash(1);
        assert_eq!(bytes(c.call(q, read(hq, "11"))), b"newer");
    }
}

/// A replica that is filled and falls silent is not waited for either, and is filled in the end.
#[test]
fn a_silent_replica_that_is_being_filled_holds_nobody_up() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let kind = attributes(ALL | COLLOCATED, 40 << 20, 0, 5, 8 << 20);
    let hp = handle(c.call(p, open(N, kind, READ | WRITE | CREATE)));
    let data: Vec<u8> = vec![3; 4 << 20];
    c.call(p, create(hp, "11", b"")).unwrap();
    c.call(p, Call::Overwrite { checkpoint: hp, section: id("11"), data: data.clone().into() })
        .unwrap();
    c.slow.insert(2);
    let opened = c.begin(q, open(N, None, READ));
    // More than what may be on its way without an answer.
    let writes: Vec<_> = (0..3)
        .map(|_| {
            c.begin(
                p,
                Call::Overwrite { checkpoint: hp, section: id("11"), data: data.clone().into() },
            )
        })
        .collect();
    c.pass(Duration::from_millis(2_500));
    for it in writes {
        c.answer(it).expect("nobody waits for it").unwrap();
    }
    assert!(c.node(1).counters().transfers_stalled >= 1);
    assert!(c.answer(opened).is_none(), "its replica is not there yet");
    c.release_held();
    c.pass(Duration::from_millis(100));
    let hq = handle(c.answer(opened).expect("it is now"));
    c.crash(1);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), data);
}
