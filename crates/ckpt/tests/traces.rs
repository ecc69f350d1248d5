//! What goes through the order and over the links, in order: read before it is accepted.

mod cluster;

use ais_types::{Time, ckpt::Call};
use cluster::*;

fn trace(c: &mut Cluster) -> String {
    core::mem::take(&mut c.trace).join("\n")
}

#[test]
fn a_collocated_checkpoint_from_creation_to_take_over() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    c.trace.clear();
    let hp = handle(c.call(p, open(N, s4(), READ | WRITE | CREATE)));
    insta::assert_snapshot!("create", trace(&mut c));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    insta::assert_snapshot!("second_replica", trace(&mut c));
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    c.call(p, create(hp, "11", b"one")).unwrap();
    c.call(p, Call::Synchronize { checkpoint: hp, timeout: Time::END }).unwrap();
    insta::assert_snapshot!("activate_create_synchronize", trace(&mut c));
    c.call(q, Call::ActiveReplicaSet { checkpoint: hq }).unwrap();
    insta::assert_snapshot!("hand_over", trace(&mut c));
    c.crash(2);
    c.begin(p, overwrite(hp, "11", b"two"));
    insta::assert_snapshot!("loss_of_the_active", trace(&mut c));
}
