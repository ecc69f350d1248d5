//! Thousands of seeded lives of one object: writes, reads, broken links, lost nodes, nodes that
//! are cut off and go on for a while, members that come back, hand-overs.
//!
//! One seed alone: `AIS_SEED=7 cargo test -p ais-replica --test simulation`; with `AIS_TRACE=1` it
//! tells everything that happens. More seeds: `AIS_SEEDS=100000`.

#[path = "simulation/entry.rs"]
mod entry;
#[path = "simulation/history.rs"]
mod history;
#[path = "simulation/journal.rs"]
mod journal;
#[path = "simulation/world.rs"]
mod world;

use ais_replica::{Acknowledge, Succession};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use world::World;

const STEPS: u32 = 600;

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    match number("AIS_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("AIS_SEEDS").unwrap_or(1_000),
    }
}

fn live(acknowledge: Acknowledge, succession: Succession) {
    let (mut answered, mut checked) = (0, 0);
    let (mut transfers, mut resumed, mut fed) = (0, 0, 0);
    for seed in seeds() {
        let life = || {
            let mut world = World::new(seed, acknowledge, succession);
            (0..STEPS).for_each(|_| world.step());
            world.calm();
            let history = &world.history;
            [history.answered, history.checked, world.transfers, world.resumed, world.fed]
        };
        match catch_unwind(AssertUnwindSafe(life)) {
            Ok(life) => {
                answered += life[0];
                checked += life[1];
                transfers += life[2];
                resumed += life[3];
                fed += life[4];
            }
            Err(broken) => {
                eprintln!("AIS_SEED={seed} cargo test -p ais-replica --test simulation");
                resume_unwind(broken);
            }
        }
    }
    // A simulation in which nothing happens proves nothing.
    let lives = seeds().count() as u64;
    assert!(lives < 10 || answered / lives > 20, "{answered} answers in {lives} lives");
    assert!(lives < 10 || checked / lives > 100, "{checked} checks in {lives} lives");
    let moved = "copies were filled, copies went on from where they were, and feeds were told";
    assert!(
        lives < 10 || transfers.min(resumed).min(fed) > 0,
        "{transfers} {resumed} {fed}: {moved}"
    );
}

#[test]
fn what_all_replicas_acknowledged_is_never_lost() {
    live(Acknowledge::All, Succession::Automatic);
}

#[test]
fn a_handed_over_object_loses_nothing() {
    live(Acknowledge::All, Succession::Chosen);
}

#[test]
fn what_was_synchronised_is_never_lost() {
    live(Acknowledge::Active, Succession::Automatic);
}

#[test]
fn a_collocated_object_waits_for_the_choice_and_keeps_what_was_synchronised() {
    live(Acknowledge::Active, Succession::Chosen);
}
