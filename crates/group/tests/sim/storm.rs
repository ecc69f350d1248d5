//! Storms: chance does its worst for a while, then all must heal within a bound.

use crate::{SECOND, ms, simulate, world::World};
use ais_group::{Priority, raft::Durability};
use ais_types::NodeId;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// After this, everything has healed.
const HEAL: std::time::Duration = std::time::Duration::from_secs(12);

fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    match number("AIS_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("AIS_SEEDS").unwrap_or(60)).collect(),
    }
}

#[test]
fn storms_break_no_promise_and_heal() {
    for seed in seeds() {
        let run = || simulate(async { drop(storm(seed).await) });
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            eprintln!("again: AIS_SEED={seed} cargo test -p ais-group --test sim storms");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn equal_seeds_give_equal_runs() {
    let transcript = |seed| {
        let mut lines = Vec::new();
        simulate(async { lines = storm(seed).await });
        lines
    };
    for seed in [3, 8] {
        assert_eq!(transcript(seed), transcript(seed));
    }
    assert_ne!(transcript(3), transcript(8));
}

async fn storm(seed: u64) -> Vec<String> {
    let voters: &[u32] = if seed.is_multiple_of(3) { &[1, 2, 3, 4, 5] } else { &[1, 2, 3] };
    let mut world = World::new(seed, voters);
    if seed % 4 == 1 {
        world = world.with_witness(3);
    }
    if seed % 5 == 4 {
        world.failure = ms(200);
    }
    match seed % 7 {
        3 => world.log = Some(Durability::Memory),
        5 => world.log = Some(Durability::Disk),
        _ => {}
    }
    voters.iter().chain(&[11, 12]).for_each(|node| world.start(*node));
    world.settled(5 * SECOND).await;
    for _ in 0..world.rng.usize(5..20) {
        gust(&mut world, voters).await;
    }
    world.network.heal_all();
    world.start_the_missing(&[voters, &[11, 12]].concat());
    world.settled(HEAL).await;
    for node in world.numbers() {
        world.multicast(node, Priority::Medium);
    }
    let before = world.judge().acknowledged.len();
    let expected = before + world.nodes.len();
    // A plug may have been forgotten.
    let most = world.plug_timeout * 2 + SECOND;
    world.until("the last messages", most, |judge| judge.acknowledged.len() >= expected).await;
    world.settled(SECOND).await;
    world.verdict();
    world.judge().transcript()
}

/// One stroke of bad luck, and a while of normal work.
async fn gust(world: &mut World, voters: &[u32]) {
    let all: Vec<u32> = [voters, &[11, 12]].concat();
    let node = all[world.rng.usize(..all.len())];
    let other = all[world.rng.usize(..all.len())];
    let stroke = world.rng.u8(..12);
    world.judge().note(format!("stroke {stroke} on n{node}, n{other}"));
    match stroke {
        0 if world.may_lose(voters, node) => world.kill(node),
        1 if world.may_lose(voters, node) => world.vanish(node),
        2 | 3 => world.start_the_missing(&all),
        4 => {
            world.cut = true;
            isolate(world, &all, node);
        }
        5 if node != other => {
            world.cut = true;
            world.network.cut_one_way(NodeId(node), NodeId(other));
        }
        6 => {
            world.network.heal_all();
            if world.cut {
                world.start_the_missing(&all);
                world.settled(HEAL).await;
                world.cut = false;
            }
        }
        7 if node != other => {
            world.network.break_session(NodeId(node), NodeId(other), ais_transport::Class::Control);
        }
        8 => world.plug(node, false),
        9 => world.plug(node, true),
        _ => {}
    }
    for _ in 0..world.rng.usize(..30) {
        let node = all[world.rng.usize(..all.len())];
        let priority = Priority::ALL[world.rng.usize(..4)];
        world.multicast(node, priority);
        let pause = ms(world.rng.u64(..40));
        world.pass(pause).await;
        world.restart_the_left();
    }
    world.restart_the_left();
}

/// Cuts one node off.
fn isolate(world: &World, all: &[u32], node: u32) {
    let rest: Vec<NodeId> = all.iter().filter(|it| **it != node).map(|it| NodeId(*it)).collect();
    world.network.partition(&[&[NodeId(node)], &rest]);
}
