//! What outlives a cluster, and what an operator can do about it.

use crate::{SECOND, cluster, judge::Judge, ms, simulate, world::World};
use ais_group::{ClusterOrder, GroupError, Priority, raft::Durability};
use ais_types::NodeId;

/// A settled cluster whose nodes have disks.
async fn with_disks(seed: u64, voters: &[u32], log: Durability) -> World {
    let mut world = World::new(seed, voters);
    world.log = Some(log);
    voters.iter().for_each(|node| world.start(*node));
    world.settled(3 * SECOND).await;
    world
}

#[test]
fn what_operators_configured_is_there_after_the_whole_cluster_lost_its_memory() {
    simulate(async {
        let mut world = with_disks(20, &[1, 2, 3], Durability::Memory).await;
        world.start(11);
        world.settled(3 * SECOND).await;
        let order = ClusterOrder::AddVoter(NodeId(11));
        world.nodes[&1].handle.order_cluster(order).await.unwrap();
        world.keep("the model").await;
        // A newer word that only some heard.
        world.vanish(1);
        world.settled(2 * SECOND).await;
        world.keep("the newer model").await;
        [2, 3, 11].iter().for_each(|node| world.vanish(*node));
        world.new_era();
        // Two of four are no majority, though two of the three in the files were one.
        [1, 2].iter().for_each(|node| world.start(*node));
        world.pass(10 * SECOND).await;
        assert!(world.judge().order.is_empty(), "a minority has formed a group");
        [3, 11].iter().for_each(|node| world.start(*node));
        world.settled(10 * SECOND).await;
        for (node, life) in world.lives() {
            let kept = world.judge().lives[&life].kept.clone();
            assert!(kept.is_none_or(|it| &it[..] == b"the newer model"), "n{node}");
            let voters = world.nodes[&node].handle.cluster().voters;
            assert_eq!(voters, [1, 2, 3, 11].map(NodeId), "n{node}");
        }
        let judge = world.judge();
        let told: Vec<_> = judge.lives.values().filter(|it| it.kept.is_some()).collect();
        assert!(told.len() >= 3, "the founders were not told what was kept");
        assert!(told.iter().all(|it| it.kept_first), "after the view that it is about");
    });
}

#[test]
fn with_logs_on_disk_the_group_goes_on_when_a_majority_restarts_at_once() {
    for seed in 0..6 {
        simulate(async move {
            let mut world = with_disks(seed, &[1, 2, 3], Durability::Disk).await;
            let leader = world.leader();
            let lost = if seed % 2 == 0 {
                world.others(&[leader])
            } else {
                world.others(&[world.others(&[leader])[0]])
            };
            for number in 0..20 {
                world.multicast(number % 3 + 1, Priority::Medium);
                world.pass(ms(3)).await;
            }
            world.until("20 messages", SECOND, |judge| judge.acknowledged.len() == 20).await;
            lost.iter().for_each(|node| world.vanish(*node));
            world.pass(SECOND).await;
            lost.iter().for_each(|node| world.start(*node));
            world.settled(5 * SECOND).await;
            for node in &lost {
                assert_eq!(world.id(*node).incarnation.0, 2, "seed {seed}");
                assert!(world.judge().lives[&world.life(*node)].restored, "seed {seed}");
            }
            world.multicast(lost[0], Priority::Medium);
            world.until("another", SECOND, |judge| judge.acknowledged.len() == 21).await;
            world.settled(SECOND).await;
            world.verdict();
        });
    }
}

#[test]
fn with_logs_on_disk_the_order_goes_on_when_all_restart_at_once() {
    for seed in 0..4 {
        simulate(async move {
            let mut world = with_disks(seed, &[1, 2, 3], Durability::Disk).await;
            for number in 0..1_500 {
                world.multicast(number % 3 + 1, Priority::Medium);
                world.pass(ms(2)).await;
            }
            world.until("all messages", SECOND, |judge| judge.acknowledged.len() == 1_500).await;
            // Some are purged by now.
            world.pass(SECOND).await;
            let last = world.judge().order.len();
            (1..=3).for_each(|node| world.vanish(node));
            world.pass(SECOND).await;
            (1..=3).for_each(|node| world.start(node));
            world.settled(10 * SECOND).await;
            (1..=3).for_each(|node| assert_eq!(world.id(node).incarnation.0, 2));
            world.multicast(2, Priority::Medium);
            world.until("another", SECOND, |judge| judge.acknowledged.len() == 1_501).await;
            world.settled(SECOND).await;
            assert!(world.judge().order.len() > last);
        });
    }
}

#[test]
fn the_voters_are_changed_by_command() {
    simulate(async {
        let mut world = cluster(21, &[1, 2, 3]).await;
        world.start(11);
        world.settled(3 * SECOND).await;
        let handle = world.nodes[&2].handle.clone();
        let refused = handle.order_cluster(ClusterOrder::AddVoter(NodeId(12))).await;
        assert!(matches!(refused, Err(GroupError::Refused(_))), "{refused:?}");
        handle.order_cluster(ClusterOrder::AddVoter(NodeId(11))).await.unwrap();
        handle.order_cluster(ClusterOrder::RemoveVoter(NodeId(1))).await.unwrap();
        assert_eq!(handle.cluster().voters, [2, 3, 11].map(NodeId));
        world.settled(SECOND).await;
        // Who votes no more is not needed; two of the three that do are.
        world.vanish(1);
        world.settled(3 * SECOND).await;
        world.vanish(2);
        world.multicast(11, Priority::Medium);
        world.until("a message", 3 * SECOND, |judge| judge.acknowledged.len() == 1).await;
        world.settled(3 * SECOND).await;
        [1, 2].iter().for_each(|node| world.start(*node));
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

/// Whoever is told that the voters have changed can rely on it: with logs on disk nobody comes back
/// in another's place, so a vote that counts still would be missed.
#[test]
fn an_order_about_voters_is_answered_when_consensus_has_changed() {
    for seed in 0..20 {
        simulate(async move {
            let mut world = with_disks(40 + seed, &[1, 2, 3], Durability::Disk).await;
            let asked = u32::try_from(seed % 3).unwrap() + 1;
            let lost = world.others(&[asked]);
            let handle = world.nodes[&asked].handle.clone();
            for node in &lost {
                handle.order_cluster(ClusterOrder::RemoveVoter(NodeId(*node))).await.unwrap();
            }
            lost.iter().for_each(|node| world.vanish(*node));
            world.settled(3 * SECOND).await;
            lost.iter().for_each(|node| world.start(*node));
            world.settled(5 * SECOND).await;
            for node in &lost {
                handle.order_cluster(ClusterOrder::AddVoter(NodeId(*node))).await.unwrap();
            }
            world.vanish(asked);
            world.settled(3 * SECOND).await;
            world.multicast(lost[0], Priority::Medium);
            world.until("a message", SECOND, |judge| judge.acknowledged.len() == 1).await;
            world.settled(SECOND).await;
            world.verdict();
        });
    }
}

#[test]
fn an_operator_lets_the_group_go_on_after_the_majority_is_lost() {
    for log in [None, Some(Durability::Disk)] {
        simulate(async move {
            let mut world = World::new(22, &[1, 2, 3]);
            world.log = log;
            (1..=3).for_each(|node| world.start(node));
            world.settled(3 * SECOND).await;
            let handle = world.nodes[&3].handle.clone();
            assert!(
                matches!(handle.reform().await, Err(GroupError::Refused(_))),
                "it has a quorum"
            );
            world.multicast(3, Priority::Medium);
            world.until("a message", SECOND, |judge| judge.acknowledged.len() == 1).await;
            let incarnation = world.id(3).incarnation;
            [1, 2].iter().for_each(|node| world.vanish(*node));
            world.pass(3 * SECOND).await;
            handle.reform().await.unwrap();
            world.settled(5 * SECOND).await;
            assert_eq!(world.id(3).incarnation, incarnation, "it has gone on");
            world.multicast(3, Priority::Medium);
            world.until("another", SECOND, |judge| judge.acknowledged.len() == 2).await;
            // The others join, and vote when the operator says so.
            [1, 2].iter().for_each(|node| world.start(*node));
            world.settled(15 * SECOND).await;
            for node in [1, 2] {
                handle.order_cluster(ClusterOrder::AddVoter(NodeId(node))).await.unwrap();
            }
            world.kill(3);
            world.multicast(1, Priority::Medium);
            world.until("a third", 3 * SECOND, |judge| judge.acknowledged.len() == 3).await;
            world.settled(3 * SECOND).await;
            world.verdict();
        });
    }
}

#[test]
fn an_operator_lets_a_blank_node_form_the_group_alone() {
    simulate(async {
        let mut world = World::new(23, &[1, 2, 3]);
        world.start(2);
        world.pass(3 * SECOND).await;
        assert!(world.judge().order.is_empty());
        world.nodes[&2].handle.reform().await.unwrap();
        world.settled(3 * SECOND).await;
        [1, 3].iter().for_each(|node| world.start(*node));
        world.settled(5 * SECOND).await;
        world.verdict();
    });
}

/// Waits until node 11 is told why it may not come in, and ends it.
async fn refused(world: &mut World, why: &str) {
    let life = world.life(11);
    world.until("it is refused", 5 * SECOND, |it| it.lives[&life].refused.is_some()).await;
    let said = world.judge().lives[&life].refused.clone().unwrap();
    assert!(said.contains(why), "{said}");
    world.kill(11);
}

#[test]
fn who_is_not_known_needs_an_invitation_once() {
    simulate(async {
        let mut world = World::new(24, &[1, 2, 3]);
        world.open = false;
        (1..=3).for_each(|node| world.start(node));
        world.settled(3 * SECOND).await;
        let is_in = |judge: &Judge, node: u32| {
            judge.lives.values().any(|it| it.view.member(NodeId(node)).is_some())
        };
        // Whoever is not let in is told so, and does not wait for ever.
        let invite = |secret, valid_s| ClusterOrder::Invite { node: NodeId(11), secret, valid_s };
        for (shown, invited, why) in [
            (None, None, "does not know this node"),
            (Some(7), None, "does not know its token"),
            (Some(7), Some(invite(8, 60)), "does not know its token"),
            (Some(7), Some(invite(7, 0)), "has run out"),
        ] {
            if let Some(order) = invited {
                world.nodes[&1].handle.order_cluster(order).await.unwrap();
            }
            world.secrets = shown.map(|it| (11, it)).into_iter().collect();
            world.start(11);
            refused(&mut world, why).await;
            assert!(!is_in(&world.judge(), 11), "it was not invited");
        }
        world.nodes[&1].handle.order_cluster(invite(7, 60)).await.unwrap();
        world.start(11);
        world.settled(3 * SECOND).await;
        // A token is good once: another node with it does not take the place of the first.
        world.kill(11);
        world.start(11);
        refused(&mut world, "used already").await;
        // From then on it is known.
        world.secrets.clear();
        world.start(11);
        world.settled(3 * SECOND).await;
        world.verdict();
    });
}

/// Its log is on disk, theirs were in memory: they do not wait for what they have forgotten.
#[test]
fn a_witness_with_a_log_does_not_keep_a_blank_majority_waiting() {
    simulate(async {
        let mut world = World::new(25, &[1, 2, 9]).with_witness(9);
        world.log = Some(Durability::Memory);
        world.durable.insert(9);
        [1, 2, 9].iter().for_each(|node| world.start(*node));
        world.settled(3 * SECOND).await;
        // One of them may go, and the witness may restart at the same time.
        let other = if world.leader() == 1 { 2 } else { 1 };
        world.vanish(9);
        world.pass(SECOND).await;
        world.start(9);
        world.settled(5 * SECOND).await;
        world.vanish(other);
        world.settled(5 * SECOND).await;
        world.start(other);
        world.settled(5 * SECOND).await;
        [1, 2, 9].iter().for_each(|node| world.vanish(*node));
        world.new_era();
        [1, 2, 9].iter().for_each(|node| world.start(*node));
        world.settled(15 * SECOND).await;
        world.verdict();
    });
}
