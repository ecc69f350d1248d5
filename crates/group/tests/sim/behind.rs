//! Members that fall behind: away for long, or at the end of a slow line. And such as do not fit.

use crate::{SECOND, cluster, judge::Judge, ms, simulate, world::World};
use ais_group::{Priority, raft::Durability};
use ais_types::NodeId;
use bytes::Bytes;
use std::time::Duration;

/// Orders so many messages of this size from a node, one after the other.
async fn orders(world: &World, node: u32, count: usize, size: usize) {
    for _ in 0..count {
        let payload = world.judge().compose(world.life(node), Priority::Medium);
        let payload = Bytes::from([&payload[..], b"/", &vec![b'x'; size]].concat());
        world.nodes[&node].handle.multicast(Priority::Medium, payload).await.unwrap();
    }
}

fn is_in(judge: &Judge, life: u64, node: u32) -> bool {
    judge.lives[&life].view.member(NodeId(node)).is_some()
}

/// The others have purged what it lacks: consensus hands it a snapshot.
#[test]
fn who_was_away_for_long_gets_a_snapshot_also_with_a_log_of_its_own() {
    for (seed, log) in [(30, Durability::Disk), (31, Durability::Memory), (32, Durability::Disk)] {
        simulate(async move {
            let mut world = World::new(seed, &[1, 2, 3]);
            world.log = Some(log);
            (1..=3).for_each(|node| world.start(node));
            world.settled(3 * SECOND).await;
            let away = if seed == 32 { world.leader() } else { world.others(&[world.leader()])[0] };
            world.vanish(away);
            world.settled(2 * SECOND).await;
            let orderer = world.numbers()[0];
            orders(&world, orderer, 4_000, 64).await;
            // What all members have is purged by now.
            world.pass(2 * SECOND).await;
            world.start(away);
            world.settled(5 * SECOND).await;
            let life = world.life(away);
            assert!(world.judge().lives[&life].restored);
            assert_eq!(world.id(away).incarnation.0, 2);
            // It can be relied on again.
            let other = world.others(&[away])[0];
            world.kill(other);
            orders(&world, away, 1, 64).await;
            world.settled(3 * SECOND).await;
            world.verdict();
        });
    }
}

/// Nobody waits for it: it is ordered out or keeps up, and is whole when its line is.
#[test]
fn who_is_at_the_end_of_a_slow_line_holds_nobody_up() {
    for seed in 0..12 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let leader = world.leader();
            let slow = world.others(&[leader])[seed as usize % 2];
            let orderer = world.others(&[slow])[0];
            // Bytes a second, in and out.
            let rate = [2_000, 20_000, 200_000][seed as usize % 3];
            for other in world.others(&[slow]) {
                world.network.slow(NodeId(other), NodeId(slow), Some(rate));
                world.network.slow(NodeId(slow), NodeId(other), Some(rate));
            }
            let most = Duration::from_secs(20);
            let ordering = orders(&world, orderer, 200, 20_000);
            let ordered = tokio::time::timeout(most, ordering).await;
            assert!(ordered.is_ok(), "seed {seed}: the others wait for it");
            world.network.heal_all();
            world.restart_the_left();
            world.settled(15 * SECOND).await;
            orders(&world, slow, 1, 64).await;
            world.settled(5 * SECOND).await;
            world.verdict();
        });
    }
}

/// A second of silence of its own process, or none at all from the system: not its fault as long as
/// the others hear it in time.
#[test]
fn who_is_slow_but_alive_is_not_thrown_out() {
    for seed in 0..20 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let life = world.life(1);
            let view = world.judge().lives[&life].view.number;
            // A busy processor: nobody runs for up to a third of the failure timeout, at any time.
            for _ in 0..100 {
                let node = NodeId(world.rng.u32(1..=3));
                let (stall, pause) = (ms(world.rng.u64(..170)), ms(world.rng.u64(..60)));
                world.network.hang(node);
                world.pass(stall).await;
                world.network.resume(node);
                world.pass(pause).await;
            }
            let now = world.judge().lives[&life].view.number;
            assert_eq!(now, view, "seed {seed}: somebody was thrown out");
            world.settled(SECOND).await;
            world.verdict();
        });
    }
}

#[test]
fn who_has_other_times_than_the_others_is_refused_and_both_are_named() {
    simulate(async {
        let mut world = World::new(33, &[1, 2, 3]);
        world.strange.insert(3, ms(700));
        (1..=3).for_each(|node| world.start(node));
        let life = world.life(3);
        let refused = |judge: &Judge| judge.lives[&life].refused.is_some();
        world.until("it is refused", 5 * SECOND, refused).await;
        let why = world.judge().lives[&life].refused.clone().unwrap();
        assert!(why.contains("700ms") && why.contains("500ms"), "{why}");
        world.kill(3);
        world.settled(3 * SECOND).await;
        // Neither is one that comes later, nor one that was a member before.
        world.strange.insert(11, ms(100));
        world.start(11);
        let life = world.life(11);
        world.until("it is refused", 5 * SECOND, |it| it.lives[&life].refused.is_some()).await;
        let first = world.life(1);
        assert!(!is_in(&world.judge(), first, 11));
        world.kill(11);
        world.strange.clear();
        [3, 11].iter().for_each(|node| world.start(*node));
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn who_has_another_durability_is_refused_though_it_has_its_log() {
    simulate(async {
        let mut world = World::new(34, &[1, 2, 3]);
        world.log = Some(Durability::Disk);
        (1..=3).for_each(|node| world.start(node));
        world.settled(3 * SECOND).await;
        world.kill(3);
        world.log = Some(Durability::Memory);
        world.start(3);
        let life = world.life(3);
        world.until("it is refused", 5 * SECOND, |it| it.lives[&life].refused.is_some()).await;
        let why = world.judge().lives[&life].refused.clone().unwrap();
        assert!(why.contains("memory") && why.contains("disk"), "{why}");
        world.kill(3);
        world.log = Some(Durability::Disk);
        world.start(3);
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}
