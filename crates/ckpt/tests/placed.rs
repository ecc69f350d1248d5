//! Checkpoints that the service places (§3.1.7.2), and what synchronous and asynchronous
//! updates promise (§3.1.5, §3.1.6), on several nodes.

mod cluster;

use ais_types::{
    ErrorCode, Time,
    ckpt::{Call, Listed, Reply},
};
use cluster::*;
use std::time::Duration;

fn list(c: &mut Cluster, node: u32) -> Vec<Listed> {
    let operator = c.stranger(node);
    match c.call(operator, Call::List { after: 0 }) {
        Ok(Reply::List(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn replicas(c: &mut Cluster, node: u32) -> Vec<(u32, bool)> {
    let listed = list(c, node).remove(0);
    assert!(listed.replicas.iter().all(|it| it.complete), "{listed:?}");
    listed.replicas.iter().map(|it| (it.member.node.0, it.active)).collect()
}

#[test]
fn the_creators_replica_is_active_and_another_is_kept() {
    let mut c = Cluster::of(3);
    let p = c.new_program(2);
    c.call(p, open(N, s2(), CREATE | READ | WRITE)).unwrap();
    let there = replicas(&mut c, 1);
    assert_eq!(there.len(), 2);
    assert!(there.contains(&(2, true)));
    let listed = list(&mut c, 3).remove(0);
    assert_eq!((listed.users, listed.readers, listed.writers), (1, 1, 1));
}

#[test]
fn a_lost_active_replica_is_replaced_and_a_lost_copy_too() {
    let mut c = Cluster::of(3);
    let (p, q) = (c.new_program(1), c.new_program(3));
    for all in [false, true] {
        let name = if all { "safCkpt=all" } else { N };
        let h = handle(c.call(p, open(name, if all { s1() } else { s2() }, CREATE | WRITE)));
        c.call(p, create(h, "11", b"kept")).unwrap();
        if !all {
            c.call(p, Call::Synchronize { checkpoint: h, timeout: Time::END }).unwrap();
        }
    }
    let h = handle(c.call(q, open(N, None, READ | WRITE)));
    let h_all = handle(c.call(q, open("safCkpt=all", None, READ | WRITE)));
    c.crash(1);
    for h in [h, h_all] {
        assert_eq!(bytes(c.call(q, read(h, "11"))), b"kept"); // 158
        c.call(q, overwrite(h, "11", b"more")).unwrap();
    }
    c.call(q, Call::Synchronize { checkpoint: h, timeout: Time::END }).unwrap();
    assert_eq!(replicas(&mut c, 3).len(), 2, "made up for");
    c.crash(2);
    for h in [h, h_all] {
        assert_eq!(bytes(c.call(q, read(h, "11"))), b"more");
    }
    c.assert_agreed();
}

#[test]
fn a_synchronous_update_returns_when_every_replica_has_it() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let all = attributes(ALL | COLLOCATED, 169, 0, 2, 85);
    let hp = handle(c.call(p, open(N, all, CREATE | READ | WRITE)));
    let hq = handle(c.call(q, open(N, all, CREATE | READ | WRITE)));
    c.call(p, create(hp, "11", b"old")).unwrap();
    c.hold = true;
    let writing = c.begin(p, overwrite(hp, "11", b"new"));
    assert_eq!(c.answer(writing), None);
    c.release_held();
    assert!(c.answer(writing).unwrap().is_ok());
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"new"); // 154
    c.crash(1);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"new");
}

#[test]
fn an_asynchronous_update_returns_when_the_active_replica_has_it() {
    let mut c = Cluster::of(2);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, s2(), CREATE | READ | WRITE)));
    c.hold = true;
    c.call(p, create(h, "11", b"x")).unwrap();
    let timeout = Time::ONE_SECOND;
    let synchronize = c.begin(p, Call::Synchronize { checkpoint: h, timeout });
    assert_eq!(c.answer(synchronize), None);
    c.pass(Duration::from_secs(1));
    assert_eq!(code(c.answer(synchronize).unwrap()), ErrorCode::Timeout);
    c.release_held();
    c.call(p, Call::Synchronize { checkpoint: h, timeout }).unwrap();
}

#[test]
fn a_write_goes_on_when_the_node_of_a_plain_replica_is_lost() {
    let mut c = Cluster::of(3);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, s1(), CREATE | READ | WRITE)));
    let other = replicas(&mut c, 1).into_iter().find(|it| it.0 != 1).unwrap().0;
    c.hold = true;
    let writing = c.begin(p, create(h, "11", b"x"));
    c.crash(other);
    assert!(c.answer(writing).unwrap().is_ok()); // 159
    c.release_held();
    assert_eq!(bytes(c.call(p, read(h, "11"))), b"x");
}

#[test]
fn with_its_last_replica_a_checkpoint_is_gone() {
    let mut c = Cluster::of(3);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hq = {
        let h = handle(c.call(p, open(N, s2(), CREATE | READ | WRITE)));
        c.call(p, create(h, "11", b"x")).unwrap();
        handle(c.call(q, open(N, None, READ | WRITE)))
    };
    assert_eq!(replicas(&mut c, 1), [(1, true), (3, false)]);
    c.hold = true; // Nothing can be copied any more.
    c.crash(1);
    c.crash(3);
    assert_eq!(code(c.call(q, read(hq, "11"))), ErrorCode::BadHandle);
    assert_eq!(code(c.call(q, open(N, None, READ))), ErrorCode::NotExist); // 164
}

#[test]
fn the_opens_of_a_lost_node_are_closed() {
    let mut c = Cluster::of(3);
    let (p, q) = (c.new_program(1), c.new_program(2));
    c.call(p, open(N, attributes(ALL, 85, 0, 1, 85), CREATE)).unwrap();
    c.crash(1);
    assert_eq!(code(c.call(q, open(N, None, READ))), ErrorCode::NotExist); // 165
}

#[test]
fn a_new_node_knows_what_there_is_and_gets_replicas() {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, s2(), CREATE | READ | WRITE)));
    c.call(p, create(h, "11", b"x")).unwrap();
    c.join(2);
    c.assert_agreed();
    assert_eq!(replicas(&mut c, 2).len(), 2);
    let q = c.new_program(2);
    let hq = handle(c.call(q, open(N, None, READ)));
    c.crash(1);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"x");
}

#[test]
fn a_replica_filled_during_writes_is_like_the_others() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let all = attributes(ALL | COLLOCATED, 10_000, 0, 100, 1000);
    let hp = handle(c.call(p, open(N, all, CREATE | READ | WRITE)));
    for section in ["1", "2", "3"] {
        c.call(p, create(hp, section, &[1; 1000])).unwrap();
    }
    c.hold = true;
    let opening = c.begin(q, open(N, None, READ));
    let calls = [
        create(hp, "", b"made up"),
        overwrite(hp, "2", b"shorter"),
        Call::SectionDelete { checkpoint: hp, section: id("1") },
        create(hp, "222", b"late"),
    ];
    let writing: Vec<_> = calls.into_iter().map(|call| c.begin(p, call)).collect();
    c.release_held();
    assert!(writing.into_iter().all(|it| c.answer(it).unwrap().is_ok()));
    let hq = handle(c.answer(opening).unwrap()); // 170
    let ours = list(&mut c, 1).remove(0).content;
    assert_eq!(ours, list(&mut c, 2).remove(0).content);
    assert_eq!(ours.unwrap().number_of_sections, 4);
    c.crash(1);
    assert_eq!(bytes(c.call(q, read(hq, "2"))), b"shorter");
    assert_eq!(code(c.call(q, read(hq, "1"))), ErrorCode::NotExist);
}

#[test]
fn calls_end_when_nobody_can_do_them() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let h = handle(c.call(p, open(N, s4(), CREATE | READ | WRITE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: h }).unwrap();
    c.leave(1);
    let reading = c.begin(q, read(hq, "11"));
    c.pass(Duration::from_secs(10));
    assert_eq!(code(c.answer(reading).unwrap()), ErrorCode::Timeout);
}
