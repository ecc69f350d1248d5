//! Runs simulations: one seed with `--seed`, many with `--seeds`, on all processors.

use ais_sim::{Failure, Options, Report, run};
use clap::Parser;
use std::{
    num::NonZero,
    process::ExitCode,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{available_parallelism, scope},
    time::{Duration, Instant},
};

/// Simulates clusters under seeds.
#[derive(Parser)]
#[command(name = "ais-sim")]
struct Args {
    /// The seed, or the first of many.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many of them at the same time; by the processors if not given.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// How many nodes; by the seed if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
    nodes: Option<u32>,
    /// Prints what happens, one seed after the other.
    #[arg(long)]
    trace: bool,
}

impl Args {
    fn jobs(&self) -> usize {
        let jobs = self.jobs.or_else(|| available_parallelism().ok());
        jobs.filter(|_| !self.trace).map_or(1, NonZero::get)
    }

    /// Runs seeds as long as there are some.
    fn work(&self, next: &AtomicU64, tell: &Sender<(u64, Result<Report, Failure>)>) {
        let end = self.seed.saturating_add(self.seeds);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = run(Options { seed, nodes: self.nodes, trace: self.trace });
            if tell.send((seed, outcome)).is_err() {
                return;
            }
        }
    }
}

/// How often a run of many seeds says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is told to whoever waits; no run sees it"
)]
fn main() -> ExitCode {
    let args = Args::parse();
    let mut all = Report::default();
    let (mut held, mut failed) = (0_u64, 0_u64);
    let start = Instant::now();
    let mut said = start;
    let next = AtomicU64::new(args.seed);
    let (tell, told) = channel();
    scope(|scope| {
        for _ in 0..args.jobs() {
            let (args, next, tell) = (&args, &next, tell.clone());
            scope.spawn(move || args.work(next, &tell));
        }
        drop(tell);
        for (seed, outcome) in told {
            match outcome {
                Ok(report) => {
                    all = all + report;
                    held += 1;
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    failed += 1;
                }
            }
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                let speed = (held + failed) as f64 / start.elapsed().as_secs_f64();
                eprintln!("seed {seed}: {held} held, {failed} failed, {speed:.1} a second");
            }
        }
    });
    println!("{held} held, {failed} failed; {all}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
