//! The contract as a test, for authors of other engines.
//!
//! Give [`check`] a way to start, end and cut off nodes of your engine, and it says which promise
//! of [`Group`] is broken, if any. It runs on any tokio runtime; on a paused clock in no time.
//!
//! ```
//! # use ais_group::{Group, Identity, Solo, check::{Engine, check}};
//! # use ais_types::{NodeId, Role, Time};
//! struct Mine;
//! impl Engine for Mine {
//!     fn nodes(&self) -> Vec<NodeId> {
//!         vec![NodeId(1)]
//!     }
//!     fn start(&mut self, node: NodeId) -> Box<dyn Group> {
//!         let name = "one".try_into().unwrap();
//!         let (role, addresses, boot_time) = (Role::Voter, Vec::new(), Time(0));
//!         Box::new(Solo::new(Identity { node, name, role, addresses, boot_time }))
//!     }
//!     fn kill(&mut self, _: NodeId) {}
//!     fn cut_off(&mut self, _: NodeId) {}
//!     fn heal(&mut self) {}
//! }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! check(|| Mine).await.unwrap();
//! # }
//! ```

mod outlives;
mod owner;
mod plugs;
mod rules;

use crate::Group;
use ais_types::NodeId;
use owner::Owner;
use std::{collections::BTreeMap, fmt, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How to handle the nodes of an engine. Dropping it ends them all.
pub trait Engine {
    /// The nodes of the group: one, or at least three that all vote.
    fn nodes(&self) -> Vec<NodeId>;
    /// Starts the next life of a node.
    fn start(&mut self, node: NodeId) -> Box<dyn Group>;
    /// Ends a node as `kill -9` does. Its group is dropped just before.
    fn kill(&mut self, node: NodeId);
    /// Cuts a node off from all others.
    fn cut_off(&mut self, node: NodeId);
    /// Takes back every cut.
    fn heal(&mut self);
    /// What outlives its nodes.
    fn outlives(&self) -> Outlives {
        Outlives::Nothing
    }
    /// Whether operators can say who votes, and let a survivor go on alone.
    fn has_voters(&self) -> bool {
        false
    }
    /// How long to wait for what must happen.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// What outlives all nodes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlives {
    /// Nothing.
    Nothing,
    /// What its owners kept.
    Kept,
    /// That, and the order itself.
    Log,
}

/// A promise that an engine does not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{promise}: {what}")]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// What happened instead.
    pub what: String,
}

/// Checks every promise, each with fresh nodes. Those about several nodes are left out if the
/// engine has but one.
///
/// # Errors
/// The first promise that is not kept.
pub async fn check<E: Engine>(mut engine: impl FnMut() -> E) -> Result<(), Broken> {
    rules::first_comes_the_view(&mut Bench::start(engine()).await?).await?;
    rules::own_entries_once_and_in_order(&mut Bench::start(engine()).await?).await?;
    rules::ends_of_processes_are_ordered(&mut Bench::start(engine()).await?).await?;
    rules::time_comes_when_due(&mut Bench::start(engine()).await?).await?;
    rules::too_large_is_refused(&mut Bench::start(engine()).await?).await?;
    plugs::a_plug_holds_back_the_ordinary(&mut Bench::start(engine()).await?).await?;
    rules::nothing_after_good_bye(&mut Bench::start(engine()).await?).await?;
    outlives::check(&mut engine).await?;
    if engine().nodes().len() < 3 {
        return Ok(());
    }
    rules::one_order_for_all(&mut Bench::start(engine()).await?).await?;
    rules::a_barrier_sees_what_was_before(&mut Bench::start(engine()).await?).await?;
    plugs::each_view_puts_plugs_in(&mut Bench::start(engine()).await?).await?;
    rules::the_killed_is_out_and_comes_back_blank(&mut Bench::start(engine()).await?).await?;
    rules::nothing_without_quorum(&mut Bench::start(engine()).await?).await?;
    rules::no_lease_without_an_owner(&mut Bench::start(engine()).await?).await
}

/// The nodes of one check.
struct Bench<E> {
    engine: E,
    owners: BTreeMap<NodeId, Owner>,
    promise: &'static str,
}

impl<E: Engine> Bench<E> {
    /// All nodes, started and settled.
    async fn start(engine: E) -> Result<Self, Broken> {
        let mut bench = Self { engine, owners: BTreeMap::new(), promise: "the nodes form a group" };
        for node in bench.engine.nodes() {
            bench.begin(node);
        }
        bench.settled().await?;
        Ok(bench)
    }

    fn begin(&mut self, node: NodeId) {
        self.owners.insert(node, Owner::new(self.engine.start(node)));
    }

    fn kill(&mut self, node: NodeId) {
        self.owners.remove(&node);
        self.engine.kill(node);
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.owners.keys().copied().collect()
    }

    fn owner(&self, node: NodeId) -> &Owner {
        &self.owners[&node]
    }

    /// Waits until the view of everyone here is everyone here, with leases.
    async fn settled(&self) -> Result<(), Broken> {
        self.until("all are in the view of all, with leases", || self.is_settled()).await
    }

    fn is_settled(&self) -> bool {
        let nodes = self.nodes();
        self.owners.values().all(|owner| {
            let record = owner.record();
            let view: Vec<NodeId> = record.view.members.iter().map(|it| it.id.node).collect();
            view == nodes && record.leased()
        })
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> Result<(), Broken> {
        let end = Instant::now() + self.engine.patience();
        while !holds() {
            self.require(Instant::now() < end, || format!("did not happen: {what}"))?;
            self.pass(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn pass(&self, time: Duration) {
        sleep_until(Instant::now() + time).await;
    }

    fn require(&self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(self.broken(what())) }
    }

    fn broken(&self, what: String) -> Broken {
        Broken { promise: self.promise, what }
    }

    fn promise(&mut self, promise: &'static str) {
        self.promise = promise;
    }
}

impl<E> fmt::Debug for Bench<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("promise", &self.promise).finish_non_exhaustive()
    }
}
