//! What outlives a node, and what an operator can do about the voters.

use super::{Bench, Engine, Outlives, owner::Owner};
use crate::{ClusterOrder, GroupError, Priority};
use ais_types::{NodeId, Stamp};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

type Kept = Result<(), super::Broken>;

async fn keep<E: Engine>(bench: &Bench<E>, kept: &'static str) -> Kept {
    for owner in bench.owners.values() {
        let at = owner.record().order.last().map_or_else(Stamp::default, |it| it.0);
        let saved = owner.handle.keep(at, kept.into()).await;
        bench.require(saved.is_ok(), || format!("{saved:?}"))?;
    }
    Ok(())
}

async fn sends<E: Engine>(bench: &Bench<E>, owner: &Owner, text: &'static str) -> Kept {
    let sent = owner.handle.multicast(Priority::Medium, Bytes::from_static(text.as_bytes())).await;
    bench.require(sent.is_ok(), || format!("{text}: {sent:?}"))
}

/// Every node ends at once, and starts again.
async fn lose_power<E: Engine>(bench: &mut Bench<E>) -> Kept {
    let nodes = bench.nodes();
    nodes.iter().for_each(|node| bench.kill(*node));
    bench.pass(Duration::from_secs(1)).await;
    nodes.iter().for_each(|node| bench.begin(*node));
    bench.settled().await
}

pub(super) async fn what_was_kept_is_found_again<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("what owners kept is there after all nodes have ended, before the first view");
    keep(bench, "older").await?;
    sends(bench, bench.owner(bench.nodes()[0]), "an entry").await?;
    keep(bench, "newer").await?;
    for _ in 0..2 {
        lose_power(bench).await?;
        for (node, owner) in &bench.owners {
            let record = owner.record();
            let first = record.order.first().map(|it| it.1.as_str());
            // Whoever came later got the state of another.
            let told = record.restored.is_some() || first == Some("kept b\"newer\"");
            bench.require(told, || format!("{node} begins with {first:?}"))?;
        }
        let begun = bench.owners.values().filter(|it| it.record().restored.is_none()).count();
        bench.require(begun > 0, || "everybody got the state of another".into())?;
    }
    Ok(())
}

pub(super) async fn the_order_goes_on_from_storage<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("with logs on disk the order goes on when all nodes have ended");
    sends(bench, bench.owner(bench.nodes()[0]), "before").await?;
    let last = bench.owners.values().map(|it| it.record().last()).max().unwrap_or(0);
    lose_power(bench).await?;
    for (node, owner) in &bench.owners {
        let record = owner.record();
        let lives = record.me.map(|it| it.incarnation.0);
        bench.require(lives == Some(2), || format!("{node} is in its life {lives:?}"))?;
        let from = record.order.first().map(|it| it.0.index);
        bench.require(from.is_some_and(|it| it > last), || {
            format!("{node} delivers from {from:?} on, and {last} was delivered before")
        })?;
    }
    sends(bench, bench.owner(bench.nodes()[1]), "after").await
}

pub(super) async fn voters_change_by_command<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("who votes changes by command, everywhere and also for who comes later");
    let nodes = bench.nodes();
    let (stays, goes) = (nodes[0], nodes[2]);
    let handle = bench.owner(stays).handle.clone();
    let stranger = ClusterOrder::AddVoter(NodeId(u32::MAX - 1));
    let refused = handle.order_cluster(stranger).await;
    bench.require(matches!(refused, Err(GroupError::Refused(_))), || format!("{refused:?}"))?;
    let done = handle.order_cluster(ClusterOrder::RemoveVoter(goes)).await;
    bench.require(done.is_ok(), || format!("{done:?}"))?;
    let left: Vec<NodeId> = nodes.iter().copied().filter(|it| *it != goes).collect();
    let told = |owner: &Owner| owner.handle.cluster().voters == left;
    bench.until("all know who votes", || bench.owners.values().all(told)).await?;
    bench.kill(goes);
    bench.settled().await?;
    sends(bench, bench.owner(stays), "without it").await?;
    bench.begin(goes);
    bench.settled().await?;
    bench.until("it knows who votes", || told(bench.owner(goes))).await?;
    let done = handle.order_cluster(ClusterOrder::AddVoter(goes)).await;
    bench.require(done.is_ok(), || format!("{done:?}"))?;
    let told = |owner: &Owner| owner.handle.cluster().voters == nodes;
    bench.until("all know that it votes", || bench.owners.values().all(told)).await
}

pub(super) async fn a_survivor_goes_on_by_command<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("by an operator's word a survivor goes on alone, and others join it");
    let nodes = bench.nodes();
    let survivor = nodes[1];
    let handle = bench.owner(survivor).handle.clone();
    let refused = handle.reform().await;
    bench.require(matches!(refused, Err(GroupError::Refused(_))), || {
        format!("with a quorum: {refused:?}")
    })?;
    let lost: Vec<NodeId> = nodes.iter().copied().filter(|it| *it != survivor).collect();
    lost.iter().for_each(|node| bench.kill(*node));
    bench.until("its lease runs out", || !bench.owner(survivor).record().leased()).await?;
    let (me, last) = {
        let record = bench.owner(survivor).record();
        (record.me, record.last())
    };
    let done = handle.reform().await;
    bench.require(done.is_ok(), || format!("{done:?}"))?;
    bench.settled().await?;
    let record = bench.owner(survivor).record().me;
    bench.require(record == me, || format!("{me:?} is another life, {record:?}"))?;
    bench.require(bench.owner(survivor).record().last() > last, || "nothing is ordered".into())?;
    bench.require(handle.cluster().voters == [survivor], || {
        format!("voters: {:?}", handle.cluster().voters)
    })?;
    sends(bench, bench.owner(survivor), "alone").await?;
    lost.iter().for_each(|node| bench.begin(*node));
    // Whoever finds the log of a group that is no more starts over.
    let end = Instant::now() + bench.engine.patience();
    while !bench.is_settled() && Instant::now() < end {
        for node in &lost {
            if bench.owner(*node).record().ended {
                bench.kill(*node);
                bench.begin(*node);
            }
        }
        bench.pass(Duration::from_millis(2)).await;
    }
    bench.settled().await?;
    sends(bench, bench.owner(lost[0]), "together").await
}

/// Those rules that the engine says it keeps.
pub(super) async fn check<E: Engine>(engine: &mut impl FnMut() -> E) -> Kept {
    let (outlives, nodes) = (engine().outlives(), engine().nodes().len());
    match outlives {
        Outlives::Nothing => {}
        Outlives::Kept => {
            what_was_kept_is_found_again(&mut Bench::start(engine()).await?).await?;
        }
        Outlives::Log => {
            what_was_kept_is_found_again(&mut Bench::start(engine()).await?).await?;
            the_order_goes_on_from_storage(&mut Bench::start(engine()).await?).await?;
        }
    }
    if nodes >= 3 && engine().has_voters() {
        voters_change_by_command(&mut Bench::start(engine()).await?).await?;
        a_survivor_goes_on_by_command(&mut Bench::start(engine()).await?).await?;
    }
    Ok(())
}
