//! Seeds that have found something, by what they found.

use ais_sim::{Options, run};

#[track_caller]
fn holds(seed: u64, nodes: u32) {
    if let Err(failure) = run(Options { nodes: Some(nodes), ..Options::of(seed) }) {
        panic!("{failure}");
    }
}

/// A node was cut off; its replica was not counted any more after half the failure timeout, while
/// its lease still allowed it to answer reads from what it had.
#[test]
fn a_replica_is_counted_as_long_as_its_node_may_answer() {
    holds(12, 4);
    holds(28, 4);
}

/// A node had its lease back before it heard that its replica was not counted any more, and
/// answered a read from what it had.
#[test]
fn a_replica_is_counted_until_it_has_conceded() {
    holds(1078, 4);
}

/// A primary did without the only other replica, and was then ordered out itself.
#[test]
fn the_only_other_replica_is_waited_for_until_the_group_has_decided() {
    holds(64, 5);
    holds(96, 4);
}

/// The clean-up of the active component had failed; a lock was answered, and the standby kept its
/// work.
#[test]
fn a_lock_is_answered_when_nothing_of_it_has_work() {
    holds(520, 4);
}
