//! The promises about recovery plugs.

use super::{Bench, Broken, Engine, owner::Owner};
use crate::{GroupError, Plug, Priority, Recovery, RecoveryPlug};
use std::time::Duration;

type Kept = Result<(), Broken>;

/// A plug of this member.
async fn create<E>(bench: &Bench<E>, owner: &Owner, name: &str) -> Result<RecoveryPlug, Broken>
where
    E: Engine,
{
    let created = owner.handle.recovery_plug(name).await;
    created.map_err(|error| bench.broken(format!("{name:?} was not created: {error}")))
}

async fn done<E: Engine>(bench: &Bench<E>, what: Result<(), GroupError>) -> Kept {
    bench.require(what.is_ok(), || format!("{what:?}"))
}

pub(super) async fn a_plug_holds_back_the_ordinary<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("a recovery plug holds back all but recovery messages until it is out, or gone");
    let nodes = bench.nodes();
    let (owner, other) = (bench.owner(nodes[0]), bench.owner(nodes[nodes.len() - 1]));
    let before = owner.handle.multicast(Priority::Low, "before".into()).await;
    done(bench, before).await?;
    let quiet = owner.record().recovery.is_empty();
    bench.require(quiet, || "something was told though there are no plugs".into())?;
    for rest in ["unplugged", "destroyed"] {
        let plug = create(bench, owner, rest).await?;
        let view = other.record().view.number;
        let (order, count) = (other.order(rest), owner.record().messages.len());
        done(bench, owner.handle.multicast(Priority::Recovery, "state".into()).await).await?;
        done(bench, other.handle.barrier().await).await?;
        bench.pass(Duration::from_millis(200)).await;
        bench.require(!order.is_finished(), || "an ordinary message was answered".into())?;
        let only = owner.record().messages.len() == count + 1;
        bench.require(only, || format!("held back, and told: {:?}", owner.record().messages))?;
        done(bench, plug.unplug(view + 1).await).await?;
        bench.pass(Duration::from_millis(200)).await;
        bench.require(!order.is_finished(), || "unplugged for another view".into())?;
        match rest {
            "destroyed" => done(bench, plug.destroy().await).await?,
            _unplugged => done(bench, plug.unplug(view).await).await?,
        }
        let answer = order.await.unwrap_or_else(|error| Err(GroupError::Left(error.to_string())));
        done(bench, answer).await?;
        let flows =
            |owner: &Owner| owner.record().recovery.last() == Some(&Recovery::Flows { view });
        bench.until("all are told", || bench.owners.values().all(flows)).await?;
    }
    let long = owner.handle.recovery_plug(&"x".repeat(crate::PLUG_NAME_MAX + 1)).await;
    let refused = matches!(long, Err(GroupError::Plug { .. }));
    bench.require(refused, || "a name that is too long was taken".into())
}

pub(super) async fn each_view_puts_plugs_in<E: Engine>(bench: &mut Bench<E>) -> Kept {
    bench.promise("each view puts the plugs in again; who is gone holds nothing back");
    let (keeper, leaver) = (bench.nodes()[0], bench.nodes()[1]);
    let plug = create(bench, bench.owner(keeper), "kept").await?;
    create(bench, bench.owner(leaver), "lost").await?;
    let view = bench.owner(keeper).record().view.number;
    done(bench, plug.unplug(view).await).await?;
    bench.kill(leaver);
    bench.settled().await?;
    let Some(member) = bench.owner(keeper).record().me else { return Ok(()) };
    let view = bench.owner(keeper).record().view.number;
    let plugs = vec![Plug { member, name: plug.name().into() }];
    let held = Recovery::Held { view, plugs };
    let told = |owner: &Owner| owner.record().recovery.last() == Some(&held);
    bench.until("the new view holds back again", || bench.owners.values().all(told)).await?;
    let order = bench.owner(bench.nodes()[1]).order("waits");
    bench.pass(Duration::from_millis(200)).await;
    bench.require(!order.is_finished(), || "it did not wait".into())?;
    done(bench, plug.unplug(view).await).await?;
    let answer = order.await.unwrap_or_else(|error| Err(GroupError::Left(error.to_string())));
    done(bench, answer).await
}
