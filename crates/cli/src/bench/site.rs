//! Who runs where.

use crate::{
    Failure,
    dev::{Cluster, Lifetime, PATIENCE, Plan, Wire},
};
use ais_client::Endpoint;
use ais_types::Role;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::{
    env,
    path::PathBuf,
    process::{Child, Command},
};
use tempfile::TempDir;

/// Where processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Placement {
    /// Where the system likes.
    Free,
    /// All on one processor: what the software itself costs.
    Same,
    /// The measuring program on one processor, all others on the next.
    Apart,
}

/// Who else is this program, and where it runs.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    /// The processors of the measuring program and of all others; `None`: where the system likes.
    processors: Option<(usize, usize)>,
    program: PathBuf,
}

impl Seats {
    pub(crate) fn new(placement: Placement) -> Result<Self, Failure> {
        let allowed = sched_getaffinity(None).map_err(|it| Failure::at(WHAT)(it.into()))?;
        let mut processors = (0..CpuSet::MAX_CPU).filter(|it| allowed.is_set(*it));
        let (first, second) = (processors.next(), processors.next());
        let program = env::current_exe().map_err(Failure::at("the path of this program"))?;
        let seated = |processors| Ok(Self { processors, program });
        match (placement, first, second) {
            (Placement::Free, _, _) => seated(None),
            (Placement::Same, Some(first), _) => seated(Some((first, first))),
            (Placement::Apart, Some(first), Some(second)) => seated(Some((first, second))),
            (Placement::Same | Placement::Apart, _, _) => {
                let text = "there are too few processors for this placement; choose another";
                Err(Failure::Usage(text.to_owned()))
            }
        }
    }

    /// Runs `start`: processes that it starts come to their seats.
    pub(crate) fn start<T>(
        &self,
        start: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some((ours, theirs)) = self.processors else { return start() };
        pin(theirs)?;
        let started = start();
        pin(ours)?;
        started
    }

    /// Starts this program once more, to do something else.
    pub(crate) fn spawn(&self, what: impl FnOnce(&mut Command)) -> Result<Child, Failure> {
        let mut command = Command::new(&self.program);
        what(&mut command);
        self.start(|| command.spawn().map_err(Failure::at(&self.program)))
    }
}

const WHAT: &str = "the processors of this machine";

fn pin(to: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(to);
    sched_setaffinity(None, &set).map_err(|it| Failure::at(WHAT)(it.into()))
}

/// A cluster of real daemons in a temporary folder.
pub(crate) struct Site {
    pub(crate) seats: Seats,
    pub(crate) cluster: Cluster,
    _folder: TempDir,
}

impl Site {
    pub(crate) fn new(nodes: u8, transport: Wire, seats: &Seats) -> Result<Self, Failure> {
        let names: Vec<String> = (1..=nodes).map(|it| format!("n{it}")).collect();
        let mut plan = Plan::new(names.iter().map(String::as_str));
        plan.name = "bench".to_owned();
        plan.transport = transport;
        plan.log = "warn".to_owned();
        let folder = TempDir::new().map_err(Failure::at("a temporary folder"))?;
        let cluster = Cluster::create(folder.path(), &plan)?;
        let site = Self { seats: seats.clone(), cluster, _folder: folder };
        seats.start(|| {
            let all = &site.cluster.nodes;
            all.iter()
                .try_for_each(|node| site.cluster.start(&node.name, Lifetime::Parent).map(drop))
        })?;
        site.cluster.wait_formed(PATIENCE)?;
        Ok(site)
    }

    /// Where programs reach the first node.
    pub(crate) fn here(&self) -> Endpoint {
        self.cluster.endpoint("n1")
    }

    /// How many nodes host services.
    pub(crate) fn hosts(&self) -> usize {
        self.cluster.nodes.iter().filter(|it| it.role != Role::Witness).count()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What does not end now ends with this process.
        let _ = self.cluster.down();
    }
}
