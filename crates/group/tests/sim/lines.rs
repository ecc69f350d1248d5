//! Cables of the leader that carry little, or one way only: what remains is a clean view, which
//! orders.

use crate::{SECOND, cluster, judge::Judge, ms, simulate, world::World};
use ais_group::Priority;
use ais_transport::Class;
use ais_types::NodeId;
use tokio::time::Instant;

/// Whoever may act sees exactly those who may act, and they are a majority of three.
fn is_clean(judge: &Judge) -> bool {
    let now = Instant::now().into_std();
    let acts = |life: &&crate::judge::Seen| life.lease.is_some_and(|until| until > now);
    let acting: Vec<_> = judge.lives.values().filter(acts).collect();
    let all_see = acting.iter().all(|it| {
        it.view.members.len() == acting.len()
            && acting.iter().all(|other| other.me.is_some_and(|me| it.view.contains(me)))
    });
    acting.len() >= 2 && all_see
}

/// Waits until the view is clean and one of these orders something.
async fn goes_on(world: &mut World, any: &[u32], what: &str) {
    let start = Instant::now();
    let had = world.judge().acknowledged.len();
    loop {
        for node in any {
            world.multicast(*node, Priority::Medium);
        }
        world.pass(ms(100)).await;
        let gone_on = {
            let judge = world.judge();
            is_clean(&judge) && judge.acknowledged.len() > had
        };
        if gone_on {
            return;
        }
        assert!(start.elapsed() < 10 * SECOND, "{what}: nobody goes on");
    }
}

#[test]
fn a_leader_at_the_end_of_a_slow_line_leads_on_or_makes_way() {
    for seed in 0..24 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let leader = world.leader();
            let others = world.others(&[leader]);
            let rate = [500, 2_000, 5_000, 20_000][seed as usize % 4];
            let (out, into) = [(true, true), (true, false), (false, true)][seed as usize / 4 % 3];
            for other in &others {
                if out {
                    world.network.slow(NodeId(leader), NodeId(*other), Some(rate));
                }
                if into {
                    world.network.slow(NodeId(*other), NodeId(leader), Some(rate));
                }
            }
            world.pass(3 * SECOND).await;
            let what = format!("seed {seed}: {rate} bytes a second, out {out}, in {into}");
            goes_on(&mut world, &others, &what).await;
            // Another cable: what was on its way by the old one, which may be a minute's worth, is
            // lost with it.
            world.network.heal_all();
            for other in &others {
                world.network.break_session(NodeId(leader), NodeId(*other), Class::Control);
            }
            world.restart_the_left();
            world.settled(15 * SECOND).await;
            world.verdict();
        });
    }
}

#[test]
fn a_leader_that_is_cut_off_one_way_leads_on_or_makes_way() {
    for seed in 0..12 {
        simulate(async move {
            let mut world = cluster(seed, &[1, 2, 3]).await;
            let leader = world.leader();
            let others = world.others(&[leader]);
            let out = seed % 2 == 0;
            // From all others, or from one of them.
            let from = if seed % 4 < 2 { &others[..] } else { &others[..1] };
            for other in from {
                let (from, to) = if out { (leader, *other) } else { (*other, leader) };
                world.network.cut_one_way(NodeId(from), NodeId(to));
            }
            world.pass(3 * SECOND).await;
            let what = format!("seed {seed}: cut from {from:?}, out {out}");
            goes_on(&mut world, &[1, 2, 3], &what).await;
            world.network.heal_all();
            world.restart_the_left();
            world.settled(15 * SECOND).await;
            world.verdict();
        });
    }
}
