//! Deterministic simulation of a whole cluster: network, faults, invariants.
//!
//! Real node cores ([`ais_node::Core`]) with the real services run in one thread under virtual
//! time. Around them, everything is simulated and as unkind as its contract allows, out of one
//! seed:
//!
//! - the *group* (`group`, `views`): one order, delivered at another speed on each node; views,
//!   leases, `Left` and `Released`; restarts as new incarnations with a snapshot;
//! - the *network* (`network`): sessions between members, in order, with delays and breaks;
//! - the *processes* (`process`, `programs`): programs that call services and note what they were
//!   promised; components of a model (`availability`), which the services start and end;
//! - the *faults* (`faults`): processes and nodes killed, cut off, hung, slowed;
//! - the *scene* (`scene`): what differs from seed to seed before anything happens.
//!
//! First chaos, then calm. All the time the [`invariants`] hold, or the run fails and says how to
//! run it again.
#![forbid(unsafe_code)]

mod availability;
mod faults;
mod group;
pub mod invariants;
mod network;
mod process;
mod programs;
mod scene;
mod views;
mod world;

use std::{fmt, ops, time::Duration};
use world::World;

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Everything by chance comes out of it.
    pub seed: u64,
    /// How many nodes; `None` for 3 to 5, by the seed.
    pub nodes: Option<u32>,
    /// Prints what happens.
    pub trace: bool,
}

impl Options {
    /// Of this seed, silent.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self { seed, nodes: None, trace: false }
    }
}

/// What a run that held was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes.
    pub nodes: u32,
    /// Entries ordered.
    pub entries: u64,
    /// Updates of checkpoints that were acknowledged.
    pub updates: u64,
    /// Reads of checkpoints, each compared with what was acknowledged before.
    pub reads: u64,
    /// Messages whose send was acknowledged, each received.
    pub messages: u64,
    /// How often a component became active.
    pub activations: u64,
    /// Orders of operators that were answered.
    pub orders: u64,
    /// How often somebody came back to a checkpoint or a queue that he had left.
    pub revisits: u64,
    /// Writes and reads of sections that several share, each set of them checked to be a register.
    pub shared: u64,
    /// Faults injected.
    pub faults: u64,
}

impl ops::Add for Report {
    type Output = Self;

    /// The largest cluster, and the sum of all else.
    fn add(self, other: Self) -> Self {
        Self {
            nodes: self.nodes.max(other.nodes),
            entries: self.entries + other.entries,
            updates: self.updates + other.updates,
            reads: self.reads + other.reads,
            messages: self.messages + other.messages,
            activations: self.activations + other.activations,
            orders: self.orders + other.orders,
            revisits: self.revisits + other.revisits,
            shared: self.shared + other.shared,
            faults: self.faults + other.faults,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes: _, entries, updates, reads, messages, activations, .. } = self;
        let Self { orders, revisits, shared, faults, .. } = self;
        write!(f, "{entries} entries, {updates} updates, {reads} reads, {messages} messages, ")?;
        write!(f, "{activations} activations, {orders} orders, {revisits} revisits, ")?;
        write!(f, "{shared} shared operations, {faults} faults")
    }
}

/// A run that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// How many nodes it had.
    pub nodes: u32,
    /// When, in virtual time.
    pub at: Duration,
    /// What.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, nodes, at, what } = self;
        writeln!(f, "seed {seed} failed at {at:?}: {what}")?;
        write!(f, "again: cargo run -p ais-sim -- --seed {seed} --nodes {nodes} --trace")
    }
}

impl std::error::Error for Failure {}

/// Simulates one cluster: chaos, then calm.
///
/// # Errors
/// When an invariant does not hold.
pub fn run(options: Options) -> Result<Report, Failure> {
    let mut world = World::new(options);
    world.run();
    world.verdict()
}
