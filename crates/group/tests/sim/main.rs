//! The promises of a group, in simulation: a paused clock, a network in memory, many seeds.
//!
//! `AIS_SEED=17 cargo test -p ais-group --test sim` runs the storm of that seed alone;
//! `AIS_SEEDS=1000` runs that many.
#![expect(clippy::unwrap_used, reason = "tests")]

mod behind;
mod disk;
mod judge;
mod lines;
mod operator;
mod storm;
mod world;

use ais_group::{Priority, Recovery};
use ais_types::{GroupTime, NodeId, Role};
use std::time::Duration;
use tokio::time::Instant;
use world::World;

const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs one simulation on a paused clock.
fn simulate<F: Future<Output = ()>>(run: F) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run);
}

/// A settled cluster.
async fn cluster(seed: u64, voters: &[u32]) -> World {
    let mut world = World::new(seed, voters);
    voters.iter().for_each(|node| world.start(*node));
    world.settled(2 * SECOND).await;
    world
}

#[test]
fn three_members_form_and_agree() {
    simulate(async {
        let mut world = cluster(1, &[1, 2, 3]).await;
        for node in 1..=3 {
            world.multicast(node, Priority::Medium);
        }
        world.until("three messages", SECOND, |judge| judge.acknowledged.len() == 3).await;
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn one_voter_is_a_group() {
    simulate(async {
        let mut world = cluster(1, &[4]).await;
        world.multicast(4, Priority::Low);
        world.until("its message", SECOND, |judge| judge.acknowledged.len() == 1).await;
    });
}

#[test]
fn a_killed_member_is_out_within_100_ms_and_released_at_once() {
    simulate(async {
        let mut world = cluster(2, &[1, 2, 3]).await;
        let leader = world.leader();
        let victim = world.others(&[leader])[0];
        let (id, started) = (world.id(victim), Instant::now());
        world.kill(victim);
        let survivors = world.lives();
        world
            .until("a view without it", ms(100), |judge| {
                survivors.iter().all(|(_, life)| !judge.lives[life].view.contains(id))
            })
            .await;
        world.until("its release", ms(200), |judge| judge.released.contains_key(&id)).await;
        assert!(started.elapsed() < ms(150), "{:?}", started.elapsed());
    });
}

#[test]
fn a_vanished_member_is_out_after_the_failure_timeout_and_released_after_its_lease() {
    simulate(async {
        let mut world = cluster(3, &[1, 2, 3]).await;
        let victim = world.others(&[world.leader()])[0];
        let (id, started) = (world.id(victim), Instant::now());
        world.vanish(victim);
        world.settled(SECOND).await;
        assert!(started.elapsed() > ms(400), "{:?}", started.elapsed());
        world.until("its release", ms(300), |judge| judge.released.contains_key(&id)).await;
    });
}

#[test]
fn without_its_leader_the_group_orders_again_within_700_ms() {
    for seed in 0..20 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let leader = world.leader();
            if seed % 2 == 0 {
                world.kill(leader)
            } else {
                world.vanish(leader)
            }
            for node in world.others(&[leader]) {
                world.multicast(node, Priority::High);
            }
            world.until("both messages", ms(700), |judge| judge.acknowledged.len() == 2).await;
        });
    }
}

/// Also when the next order is the answer to the delivery of the last.
#[test]
fn orders_follow_each_other_without_a_pause() {
    for seed in 0..5 {
        simulate(async move {
            let world = cluster(seed, &[1, 2, 3]).await;
            for node in [1, 2, 3] {
                let life = world.life(node);
                let started = Instant::now();
                for _ in 0..20 {
                    let payload = world.judge().compose(life, Priority::Medium);
                    let handle = world.nodes[&node].handle.clone();
                    handle.multicast(Priority::Medium, payload).await.unwrap();
                }
                assert!(started.elapsed() < ms(200), "n{node}: {:?}", started.elapsed());
            }
        });
    }
}

/// What runs on the other nodes goes on: a lost lease would end it.
#[test]
fn a_leader_that_ends_takes_nobodys_lease_with_it() {
    for seed in 0..20 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let leader = world.leader();
            if seed % 2 == 0 {
                world.nodes[&leader].handle.leave().await;
            }
            let id = world.id(leader);
            world.kill(leader);
            world.until("its release", ms(400), |judge| judge.released.contains_key(&id)).await;
            world.pass(SECOND).await;
            for node in world.others(&[leader]) {
                let life = world.life(node);
                assert_eq!(world.judge().lives[&life].interrupted, 0, "seed {seed}, n{node}");
            }
            world.verdict();
        });
    }
}

/// Neither does one that is cut off, stopped or without power: the next one renews the leases of
/// those it reaches before they run out. The lost one is out and released in time.
#[test]
fn a_leader_that_vanishes_takes_nobodys_lease_with_it() {
    for seed in 0..40 {
        simulate(async move {
            let failure = [ms(500), ms(200), SECOND][seed as usize % 3];
            let voters: &[u32] = if seed % 4 < 2 { &[1, 2, 3] } else { &[1, 2, 3, 4, 5] };
            let mut world = World::new(seed, voters);
            world.failure = failure;
            voters.iter().chain(&[11]).for_each(|node| world.start(*node));
            world.settled(5 * SECOND).await;
            let pause = ms(world.rng.u64(..300));
            world.pass(pause).await;
            let leader = world.leader();
            let (id, started, others) = (world.id(leader), Instant::now(), world.others(&[leader]));
            if seed % 2 == 0 {
                world.vanish(leader);
            } else {
                let rest: Vec<NodeId> = others.iter().map(|it| NodeId(*it)).collect();
                world.network.partition(&[&[NodeId(leader)], &rest]);
            }
            let seen = world.life(others[0]);
            let gone = |judge: &judge::Judge| !judge.lives[&seen].view.contains(id);
            world.until("a view without it", failure + ms(200), gone).await;
            assert!(!world.judge().leased(id), "seed {seed}: out, and may still act");
            let released = |judge: &judge::Judge| judge.released.contains_key(&id);
            let most = (failure + failure / 2).saturating_sub(started.elapsed());
            world.until("its release", most, released).await;
            world.pass(2 * SECOND).await;
            for node in others {
                let life = world.life(node);
                assert_eq!(world.judge().lives[&life].interrupted, 0, "seed {seed}, n{node}");
            }
        });
    }
}

#[test]
fn a_restarted_voter_is_another_incarnation_with_the_state_of_the_others() {
    simulate(async {
        let mut world = cluster(4, &[1, 2, 3]).await;
        let victim = world.others(&[world.leader()])[0];
        let former = world.id(victim);
        world.multicast(victim, Priority::Medium);
        world.until("a message", SECOND, |judge| judge.acknowledged.len() == 1).await;
        world.kill(victim);
        world.start(victim);
        world.settled(2 * SECOND).await;
        assert_eq!(world.id(victim).incarnation.0, former.incarnation.0 + 1);
        assert!(world.judge().lives[&world.life(victim)].restored);
        // It votes again: another can be lost.
        let other = world.others(&[victim])[0];
        world.kill(other);
        world.multicast(victim, Priority::Medium);
        world.until("another message", SECOND, |judge| judge.acknowledged.len() == 2).await;
        world.settled(SECOND).await;
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn every_voter_can_be_replaced_in_turn() {
    simulate(async {
        let mut world = cluster(5, &[1, 2, 3]).await;
        for round in 0..6 {
            let victim = round % 3 + 1;
            world.kill(victim);
            world.pass(ms(300)).await;
            world.start(victim);
            world.settled(3 * SECOND).await;
        }
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn nothing_is_ordered_without_quorum_and_leases_run_out() {
    simulate(async {
        let mut world = cluster(6, &[1, 2, 3]).await;
        let alone = world.leader();
        let others = world.others(&[alone]);
        world.network.partition(&[&[NodeId(alone)], &[NodeId(others[0]), NodeId(others[1])]]);
        world.multicast(alone, Priority::High);
        let life = world.life(alone);
        world.until("its lease runs out", ms(600), |it| it.lives[&life].lease.is_none()).await;
        world.pass(SECOND).await;
        assert!(world.judge().acknowledged.is_empty());
        world.network.heal_all();
        world.settled(5 * SECOND).await;
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn a_minority_of_blank_voters_does_not_form() {
    simulate(async {
        let mut world = World::new(7, &[1, 2, 3, 4, 5]);
        (1..=2).for_each(|node| world.start(node));
        world.pass(10 * SECOND).await;
        assert!(world.judge().order.is_empty());
        world.start(3);
        world.settled(5 * SECOND).await;
        (4..=5).for_each(|node| world.start(node));
        world.settled(5 * SECOND).await;
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn a_witness_votes_and_is_in_the_view_as_such() {
    simulate(async {
        let mut world = World::new(8, &[1, 2, 9]).with_witness(9);
        [1, 2, 9].iter().for_each(|node| world.start(*node));
        world.settled(2 * SECOND).await;
        world.kill(world.leader());
        world.settled(2 * SECOND).await;
        let life = world.lives()[0].1;
        let judge = world.judge();
        let roles: Vec<Role> = judge.lives[&life].view.members.iter().map(|it| it.role).collect();
        assert_eq!(roles, [Role::Voter, Role::Witness]);
    });
}

#[test]
fn payload_members_come_and_go() {
    simulate(async {
        let mut world = cluster(9, &[1, 2, 3]).await;
        (11..=14).for_each(|node| world.start(node));
        world.settled(3 * SECOND).await;
        world.multicast(12, Priority::Medium);
        world.until("its message", SECOND, |judge| judge.acknowledged.len() == 1).await;
        world.kill(11);
        world.vanish(12);
        world.settled(2 * SECOND).await;
        world.start(11);
        world.settled(2 * SECOND).await;
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn who_says_good_bye_is_out_and_released_at_once() {
    simulate(async {
        let mut world = cluster(10, &[1, 2, 3]).await;
        for node in [world.others(&[world.leader()])[0], world.leader()] {
            let id = world.id(node);
            let started = Instant::now();
            world.nodes[&node].handle.leave().await;
            assert!(started.elapsed() < ms(200), "{:?}", started.elapsed());
            world.kill(node);
            world.until("released", SECOND, |judge| judge.released.contains_key(&id)).await;
            world.start(node);
            world.settled(3 * SECOND).await;
        }
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

#[test]
fn a_member_whose_owner_hangs_is_ordered_out() {
    for leader_too in [false, true] {
        simulate(async move {
            let mut world = cluster(11, &[1, 2, 3]).await;
            let leader = world.leader();
            let victim = if leader_too { leader } else { world.others(&[leader])[0] };
            let id = world.id(victim);
            world.freeze_owner(victim);
            let seen = world.life(world.others(&[victim])[0]);
            world
                .until("a view without it", 3 * SECOND, |judge| {
                    !judge.lives[&seen].view.contains(id)
                })
                .await;
        });
    }
}

/// Also when the leader changes meanwhile.
#[test]
fn a_plug_that_never_comes_out_is_named_and_the_view_goes_on_without_it() {
    simulate(async {
        let mut world = World::new(15, &[1, 2, 3]);
        world.plug_timeout = 5 * SECOND;
        (1..=3).for_each(|node| world.start(node));
        world.settled(2 * SECOND).await;
        let leader = world.leader();
        let owner = world.others(&[leader])[0];
        let (id, life) = (world.id(owner), world.life(owner));
        world.nodes[&owner].handle.recovery_plug("forgotten").await.unwrap();
        world.multicast(owner, Priority::Medium);
        world.multicast(owner, Priority::Recovery);
        world.until("recovery flows", SECOND, |judge| judge.acknowledged.len() == 1).await;
        world.kill(leader);
        world.pass(4 * SECOND).await;
        assert_eq!(world.judge().acknowledged.len(), 1);
        let overdue = |judge: &judge::Judge| match judge.lives[&life].recovery.last() {
            Some(Recovery::Overdue { plugs, .. }) => {
                plugs.len() == 1 && plugs[0].member == id && plugs[0].name == "forgotten"
            }
            _other => false,
        };
        world.until("it is named", 3 * SECOND, overdue).await;
        world.until("messages flow", SECOND, |judge| judge.acknowledged.len() == 2).await;
    });
}

#[test]
fn time_is_ordered_when_it_is_due_also_under_the_next_leader() {
    simulate(async {
        let mut world = cluster(12, &[1, 2, 3]).await;
        let due = GroupTime(10_000_000_000);
        world.nodes.values().for_each(|it| it.handle.group_deadline(Some(due)));
        world.pass(4 * SECOND).await;
        world.kill(world.leader());
        let life = world.lives()[0].1;
        world.until("time", 8 * SECOND, |judge| !judge.lives[&life].times.is_empty()).await;
        world.pass(2 * SECOND).await;
        let judge = world.judge();
        let times = &judge.lives[&life].times;
        assert!(times.len() == 1 && times[0].time >= due && times[0].time.0 < due.0 + 50_000_000);
    });
}

#[test]
fn two_members_that_do_not_hear_each_other_are_not_both_in() {
    simulate(async {
        let mut world = cluster(13, &[1, 2, 3]).await;
        let leader = world.leader();
        let cut = world.others(&[leader]);
        world.network.cut_one_way(NodeId(cut[0]), NodeId(cut[1]));
        let life = world.life(leader);
        world.until("one is out", 5 * SECOND, |it| it.lives[&life].view.members.len() == 2).await;
    });
}

/// Also when it was cut off so soon after its admission that what the others last heard of it is
/// from before that.
#[test]
fn who_is_cut_off_is_not_taken_in_again_before_it_is_back() {
    for seed in 0..60 {
        simulate(async move {
            let mut world = World::new(seed, &[1, 2, 3]);
            [1, 2, 3].iter().for_each(|node| world.start(*node));
            let joiner = if seed % 2 == 0 { 3 } else { 11 };
            if joiner == 11 {
                world.settled(2 * SECOND).await;
                world.start(11);
            }
            let life = world.life(joiner);
            let seen = |judge: &judge::Judge| judge.lives[&life].me.is_some();
            world.until("it is admitted", 5 * SECOND, seen).await;
            let pause = Duration::from_micros(world.rng.u64(..20_000));
            world.pass(pause).await;
            let id = world.id(joiner);
            let rest: Vec<NodeId> = world.others(&[joiner]).into_iter().map(NodeId).collect();
            world.network.partition(&[&[NodeId(joiner)], &rest]);
            world.until("it is out", 3 * SECOND, |it| it.released.contains_key(&id)).await;
            // Longer than sessions stay open that nothing passes.
            let others = world.others(&[joiner]);
            for _ in 0..5_000 {
                world.pass(ms(1)).await;
                for node in &others {
                    let view = &world.judge().lives[&world.life(*node)].view;
                    assert!(view.member(NodeId(joiner)).is_none(), "seed {seed}: {view:?}");
                }
            }
            world.network.heal_all();
            world.settled(10 * SECOND).await;
            assert!(world.id(joiner).incarnation > id.incarnation, "seed {seed}");
            world.verdict();
        });
    }
}

#[test]
fn who_joins_after_a_long_history_gets_the_state_and_not_the_history() {
    simulate(async {
        let mut world = cluster(14, &[1, 2, 3]).await;
        for number in 1..=3_000 {
            world.multicast(number % 3 + 1, Priority::Medium);
            world.pass(ms(3)).await;
        }
        world.start(11);
        world.settled(5 * SECOND).await;
        assert!(world.judge().lives[&world.life(11)].restored);
        // A voter that begins blank, too, and can be relied on.
        world.kill(1);
        world.settled(2 * SECOND).await;
        world.start(1);
        world.settled(5 * SECOND).await;
        world.kill(2);
        world.multicast(1, Priority::Medium);
        let all = |judge: &judge::Judge| judge.acknowledged.len() == 3_001;
        world.until("all messages", 2 * SECOND, all).await;
        world.settled(2 * SECOND).await;
        world.verdict();
    });
}
