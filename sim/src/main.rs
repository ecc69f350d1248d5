//! Runs simulations: one seed with `--seed`, many with `--seeds`.

use ais_sim::{Options, Report, run};
use clap::Parser;
use std::process::ExitCode;

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

fn main() -> ExitCode {
    let args = Args::parse();
    let mut all = Report::default();
    let mut failed = 0_u64;
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        match run(Options { seed, nodes: args.nodes, trace: args.trace }) {
            Ok(report) => {
                all.entries += report.entries;
                all.updates += report.updates;
                all.reads += report.reads;
                all.messages += report.messages;
                all.activations += report.activations;
                all.faults += report.faults;
            }
            Err(failure) => {
                eprintln!("{failure}");
                failed += 1;
            }
        }
    }
    println!(
        "{} held, {failed} failed; {} entries, {} updates, {} reads, {} messages, {} activations, {} faults",
        args.seeds - failed,
        all.entries,
        all.updates,
        all.reads,
        all.messages,
        all.activations,
        all.faults
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
