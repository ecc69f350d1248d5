//! Collocated checkpoints: the program says where replicas are and which is active (§3.1.7.1).

mod cluster;

use ais_types::{ErrorCode, Time, ckpt::Call};
use cluster::*;

/// The flags and sizes of csa103.
fn csa103() -> ais_types::ckpt::CreationAttributes {
    attributes(WEAK | COLLOCATED, 4, 0, 2, 4)
}

#[test]
fn nothing_can_be_reached_before_an_active_replica_is_chosen() {
    let mut c = Cluster::of(2);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    assert_eq!(code(c.call(p, create(h, "11", b"a"))), ErrorCode::NotExist);
    assert_eq!(code(c.call(p, read(h, "11"))), ErrorCode::NotExist);
    assert_eq!(code(c.call(p, Call::StatusGet { checkpoint: h })), ErrorCode::NotExist);
    let synchronize = Call::Synchronize { checkpoint: h, timeout: Time::END };
    assert_eq!(code(c.call(p, synchronize)), ErrorCode::NotExist);
    c.call(p, Call::ActiveReplicaSet { checkpoint: h }).unwrap();
    c.call(p, create(h, "11", b"a")).unwrap();
    assert_eq!(bytes(c.call(p, read(h, "11"))), b"a");
    c.assert_agreed();
}

#[test]
fn the_other_node_writes_to_the_active_replica_and_takes_it_over() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, s4(), READ | WRITE | CREATE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "11", b"one")).unwrap();
    c.call(q, overwrite(hq, "11", b"two")).unwrap();
    assert_eq!(bytes(c.call(p, read(hp, "11"))), b"two");
    c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"two");
    c.call(p, overwrite(hp, "11", b"three")).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"three");
    c.assert_agreed();
}

#[test]
fn with_its_node_the_active_replica_is_gone_until_another_is_chosen() {
    let mut c = Cluster::of(3);
    let (p, q) = (c.program(1, ais_types::Version::b(1, 1)), c.new_program(2));
    let hp = handle(c.call(p, open("csa103Ckpt", csa103(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open("csa103Ckpt", None, READ | WRITE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "1", &[0, 0, 0, 7])).unwrap();
    c.call(p, Call::Synchronize { checkpoint: hp, timeout: Time::END }).unwrap();
    c.crash(1);
    assert_eq!(code(c.call(q, read(hq, "1"))), ErrorCode::NotExist);
    c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "1"))), [0, 0, 0, 7]);
    c.assert_agreed();
}

#[test]
fn the_active_replica_survives_the_process_that_chose_it() {
    let mut c = Cluster::of(1);
    let (p, q) = (c.new_program(1), c.new_program(1));
    let hp = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, s4(), READ | WRITE | CREATE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "11", b"x")).unwrap();
    c.kill(p);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"x");
}

#[test]
fn a_call_during_the_loss_waits_and_is_done_once() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "11", b"old")).unwrap();
    c.leave(1);
    let waiting = c.begin(q, overwrite(hq, "11", b"new"));
    assert_eq!(c.answer(waiting), None);
    c.released(1);
    assert!(c.answer(waiting).unwrap().is_ok());
    c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"new");
}

#[test]
fn a_replica_is_complete_when_its_open_succeeds() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "11", b"x")).unwrap();
    c.hold = true;
    let opening = c.begin(q, open(N, None, READ | WRITE));
    assert_eq!(c.answer(opening), None, "not before the data are there");
    c.release_held();
    let hq = handle(c.answer(opening).unwrap());
    c.crash(1);
    c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"x");
}
