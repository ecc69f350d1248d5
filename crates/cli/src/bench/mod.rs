//! `ais bench`: how fast this machine is, beside the raw limits that it is compared with, measured
//! in the same run.
//!
//! Everything is real: daemons are processes, and so is who answers an echo. Where they run decides
//! more than what they do (waking another processor costs several times an echo), so all of a run
//! share one [`Placement`].

mod ckpt;
mod clm;
mod echo;
mod failover;
mod field;
mod group;
mod measure;
mod member;
mod site;

pub(crate) use echo::answer as answer_echoes;
pub(crate) use member::{Place as MemberPlace, answer as be_member};

use crate::{Failure, dev::Wire, show::Show};
use group::Members;
use measure::Sample;
use site::{Placement, Seats, Site};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Subject {
    /// Frames between two processes.
    Transport,
    /// The order of a group: from a multicast to its own delivery.
    Group,
    /// The Cluster Membership Service.
    Clm,
    /// The Checkpoint Service.
    Ckpt,
    /// Large checkpoints, written and followed at full speed; two nodes at least.
    Field,
    /// Nodes that end, or are cut off; three at least.
    Failover,
}

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Bench {
    /// What; several are measured one after the other. Default: all but field and failover.
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// How many nodes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    nodes: u8,
    /// What carries frames between them.
    #[arg(long, value_enum, default_value = "tcp")]
    transport: Wire,
    /// Where processes run.
    #[arg(long, value_enum, default_value = "free")]
    placement: Placement,
    /// How often each thing is done.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    count: u32,
}

/// Measures and tells each figure as soon as it is there.
///
/// # Errors
/// When processes cannot be started, or a call fails.
pub(crate) fn main(bench: &Bench, mut tell: impl FnMut(Sample)) -> Result<(), Failure> {
    let seats = Seats::new(bench.placement)?;
    let count = bench.count;
    let wanted = |it| bench.subjects.is_empty() || bench.subjects.contains(&it);
    // The raw limits come with whatever is compared with them.
    for size in [64, 1024, 65536] {
        tell(echo::unix(&seats, size, count)?);
    }
    for size in [64, 1024] {
        tell(echo::tcp(&seats, size, count)?);
    }
    if wanted(Subject::Transport) {
        let mut members = Members::start(&seats, bench.nodes.max(2), bench.transport)?;
        members.transport(count, &mut tell)?;
    }
    if wanted(Subject::Group) {
        Members::start(&seats, bench.nodes, bench.transport)?.order(count, &mut tell)?;
    }
    // Nobody else is there while what is below the services is measured.
    if !bench.subjects.is_empty() && bench.subjects.iter().all(Subject::is_below_services) {
        return Ok(());
    }
    let site = Site::new(bench.nodes, bench.transport, &seats)?;
    if wanted(Subject::Clm) {
        clm::measure(&site, count, &mut tell)?;
    }
    if wanted(Subject::Ckpt) {
        ckpt::measure(&site, count, &mut tell)?;
    }
    // Only by name: it takes long and much memory.
    if bench.subjects.contains(&Subject::Field) {
        field::measure(&site, &mut tell)?;
    }
    // Only by name: it ends nodes.
    if bench.subjects.contains(&Subject::Failover) {
        failover::measure(&site, &mut tell)?;
    }
    Ok(())
}

impl Subject {
    fn is_below_services(&self) -> bool {
        match self {
            Self::Transport | Self::Group => true,
            Self::Clm | Self::Ckpt | Self::Field | Self::Failover => false,
        }
    }
}

impl Show for Sample {
    fn lines(&self) -> String {
        format!(
            "{:<44} {:>9} {:>9.0}/s   p50 {:>9.1} µs   p99 {:>9.1} µs   max {:>9.1} µs\n",
            self.name, self.n, self.ops_per_s, self.p50_us, self.p99_us, self.max_us
        )
    }
}
