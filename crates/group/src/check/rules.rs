//! The promises, one by one.

use super::{Bench, Broken, Engine, owner::Owner};
use crate::{GroupError, PAYLOAD_MAX, Priority};
use ais_types::{GroupTime, NodeId, ProcessId};
use bytes::Bytes;
use std::time::Duration;

type Kept = Result<(), Broken>;

pub(super) async fn first_comes_the_view<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("a member has a name before its first delivery; views grow and have it in");
    for owner in bench.owners.values() {
        let record = owner.record();
        bench.require(!record.nameless, || "a delivery came before `me` was known".into())?;
        let me = record.me.filter(|me| record.view.contains(*me));
        bench.require(me.is_some(), || format!("{:?} is not in {:?}", record.me, record.view))?;
        let grow = record.views.windows(2).all(|pair| pair[0] < pair[1]);
        bench.require(grow, || format!("views {:?}", record.views))?;
    }
    Ok(())
}

pub(super) async fn own_entries_once_and_in_order<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("own entries are delivered once, in the order of the calls");
    let owner = bench.owner(bench.nodes()[0]);
    let texts: Vec<String> = (0..50).map(|it| it.to_string()).collect();
    let orders: Vec<_> = texts.iter().map(|it| owner.order(it)).collect();
    for order in orders {
        let done = order.await.unwrap_or_else(|error| Err(GroupError::Left(error.to_string())));
        bench.require(done.is_ok(), || format!("{done:?}"))?;
    }
    let record = owner.record();
    let same = record.messages.iter().map(|it| &it[..]).eq(texts.iter().map(String::as_bytes));
    bench.require(same, || format!("ordered {texts:?}, delivered {:?}", record.messages))?;
    let forward = |pair: &[(ais_types::Stamp, String)]| {
        pair[0].0.index < pair[1].0.index && pair[0].0.time <= pair[1].0.time
    };
    bench.require(record.order.windows(2).all(forward), || "stamps run backwards".into())
}

pub(super) async fn ends_of_processes_are_ordered<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("the end of a process is told to all, in order");
    let owner = bench.owner(bench.nodes()[0]);
    let Some(member) = owner.record().me else { return Ok(()) };
    let process = ProcessId { member, number: 7 };
    let done = owner.handle.process_ended(process).await;
    bench.require(done.is_ok(), || format!("{done:?}"))?;
    let text = format!("end of {process}");
    let told = |owner: &Owner| owner.record().order.iter().any(|(_, it)| *it == text);
    bench.until("everyone is told", || bench.owners.values().all(told)).await
}

pub(super) async fn time_comes_when_due<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("group time is told when a deadline is due, once");
    let now = bench.owners.values().flat_map(|owner| owner.record().order.last().map(|it| it.0));
    let now = now.map(|it| it.time).max().unwrap_or_default();
    let due = GroupTime(now.0 + 300_000_000);
    bench.owners.values().for_each(|owner| owner.handle.group_deadline(Some(due)));
    let told = |owner: &Owner| owner.record().times.iter().any(|it| it.time >= due);
    bench.until("everyone is told", || bench.owners.values().all(told)).await?;
    bench.pass(Duration::from_millis(200)).await;
    let counts: Vec<usize> = bench.owners.values().map(|it| it.record().times.len()).collect();
    bench.require(counts.iter().all(|it| *it == 1), || format!("times told: {counts:?}"))
}

pub(super) async fn too_large_is_refused<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("an entry has a limit, and what is within it passes");
    let handle = bench.owner(bench.nodes()[0]).handle.clone();
    let just = handle.multicast(Priority::Low, Bytes::from(vec![1; PAYLOAD_MAX])).await;
    bench.require(just.is_ok(), || format!("{just:?}"))?;
    let over = handle.multicast(Priority::Low, Bytes::from(vec![1; PAYLOAD_MAX + 1])).await;
    bench.require(matches!(over, Err(GroupError::TooLarge { .. })), || format!("{over:?}"))
}

pub(super) async fn nothing_after_good_bye<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("after a good-bye nothing follows, and nothing is taken");
    let leaver = bench.nodes()[0];
    let owner = bench.owner(leaver);
    owner.handle.leave().await;
    bench.until("`Left`, and then the end", || owner.record().left && owner.record().ended).await?;
    bench.require(!owner.record().leased(), || "it still holds a lease".into())?;
    let late = owner.handle.barrier().await;
    bench.require(matches!(late, Err(GroupError::Left(_))), || format!("{late:?}"))?;
    let me = owner.record().me;
    let mut others = bench.owners.iter().filter(|(node, _)| **node != leaver).map(|it| it.1);
    let told = |owner: &Owner| me.is_some_and(|me| owner.record().released.contains(&me));
    bench.until("the others see it released", || others.clone().all(told)).await?;
    let gone = |owner: &Owner| owner.record().view.member(leaver).is_none();
    bench.require(others.all(gone), || "released, and still in the view".into())
}

pub(super) async fn one_order_for_all<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("all members deliver the same entries and views in the same order");
    let mut orders = Vec::new();
    for number in 0..20 {
        for (node, owner) in &bench.owners {
            orders.push(owner.order(&format!("{node}: {number}")));
        }
    }
    let count = orders.len();
    for order in orders {
        let done = order.await.unwrap_or_else(|error| Err(GroupError::Left(error.to_string())));
        bench.require(done.is_ok(), || format!("{done:?}"))?;
    }
    let all = |owner: &Owner| owner.record().messages.len() == count;
    bench.until("all have all", || bench.owners.values().all(all)).await?;
    // Who joined later has the end of it.
    let records: Vec<Vec<_>> =
        bench.owners.values().map(|owner| owner.record().order.clone()).collect();
    let shortest = records.iter().map(Vec::len).min().unwrap_or(0);
    let ends: Vec<_> = records.iter().map(|it| &it[it.len() - shortest..]).collect();
    bench.require(ends.windows(2).all(|pair| pair[0] == pair[1]), || format!("{records:?}"))
}

pub(super) async fn a_barrier_sees_what_was_before<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("after a barrier all that was acknowledged before it has been delivered here");
    let nodes = bench.nodes();
    for number in 0..20_usize {
        let (from, to) = (bench.owner(nodes[number % 3]), bench.owner(nodes[(number + 1) % 3]));
        let text = format!("before {number}");
        let payload = Bytes::copy_from_slice(text.as_bytes());
        let sent = from.handle.multicast(Priority::Low, payload.clone()).await;
        bench.require(sent.is_ok(), || format!("{sent:?}"))?;
        let passed = to.handle.barrier().await;
        bench.require(passed.is_ok(), || format!("{passed:?}"))?;
        let here = to.record().messages.contains(&payload);
        bench.require(here, || format!("{text:?} is missing"))?;
    }
    Ok(())
}

pub(super) async fn the_killed_is_out_and_comes_back_blank<E: Engine>(
    bench: &mut Bench<E>,
) -> Kept {
    bench.promise("who is killed leaves, is released, and comes back as the next incarnation");
    let victim = bench.nodes()[1];
    let Some(former) = bench.owner(victim).record().me else { return Ok(()) };
    bench.kill(victim);
    bench.settled().await?;
    let told = |owner: &Owner| owner.record().released.contains(&former);
    bench.until("its release", || bench.owners.values().all(told)).await?;
    bench.begin(victim);
    bench.settled().await?;
    let record = bench.owner(victim).record();
    let next = record.me.is_some_and(|it| it.incarnation.0 == former.incarnation.0 + 1);
    bench.require(next, || format!("{former} came back as {:?}", record.me))?;
    let Some((stamp, state)) = &record.restored else {
        return bench.require(false, || "it got no state".into());
    };
    let at_its_place = state == stamp.index.to_string().as_bytes();
    bench.require(at_its_place, || format!("the state {state:?} is not that of {stamp:?}"))?;
    let follows = record.order.first().is_some_and(|(it, _)| it.index > stamp.index);
    bench.require(follows, || "its first delivery is part of its state".into())
}

pub(super) async fn nothing_without_quorum<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("without quorum nothing is ordered, and leases run out; with it all goes on");
    let alone = bench.nodes()[0];
    bench.engine.cut_off(alone);
    let owner = bench.owner(alone);
    bench.until("its lease runs out", || !owner.record().leased()).await?;
    let (before, order) = (owner.record().messages.len(), owner.order("alone"));
    bench.pass(Duration::from_secs(2)).await;
    bench.require(!order.is_finished(), || "its order was answered".into())?;
    bench.require(owner.record().messages.len() == before, || "something was ordered".into())?;
    let rest: Vec<NodeId> = bench.nodes().into_iter().filter(|it| *it != alone).collect();
    let sent = bench.owner(rest[0]).handle.multicast(Priority::High, "others".into()).await;
    bench.require(sent.is_ok(), || format!("the others: {sent:?}"))?;
    bench.engine.heal();
    bench
        .until("it is out, or back", || {
            let record = bench.owner(alone).record();
            record.left || record.leased()
        })
        .await
}

pub(super) async fn no_lease_without_an_owner<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("a member whose owner does not say that it is alive loses its lease");
    let owner = bench.owner(bench.nodes()[2]);
    owner.falls_ill();
    bench.until("its lease runs out", || !owner.record().leased()).await
}
