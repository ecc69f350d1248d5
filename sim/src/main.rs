//! Runs simulations: one seed with `--seed`, many with `--seeds`.

use ais_sim::{Options, Report, run};
use clap::Parser;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Simulates clusters under seeds.
#[derive(Parser)]
#[command(name = "ais-sim")]
struct Args {
    /// The seed, or the first of many.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many nodes; by the seed if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
    nodes: Option<u32>,
    /// Prints what happens.
    #[arg(long)]
    trace: bool,
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
    let mut told = start;
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        match run(Options { seed, nodes: args.nodes, trace: args.trace }) {
            Ok(report) => {
                all = all + report;
                held += 1;
            }
            Err(failure) => {
                eprintln!("{failure}");
                failed += 1;
            }
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            let speed = (held + failed) as f64 / start.elapsed().as_secs_f64();
            eprintln!("seed {seed}: {held} held, {failed} failed, {speed:.1} a second");
        }
    }
    println!("{held} held, {failed} failed; {all}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
