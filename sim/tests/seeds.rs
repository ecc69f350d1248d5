//! Clusters under faults: whatever the seed, the invariants hold.

use ais_sim::{Options, Report, run};

/// Runs these seeds; what they did is not nothing.
fn hold(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        match run(Options::of(seed)) {
            Ok(report) => {
                let Report { entries, updates, reads, faults, .. } = report;
                let idle = entries < 20 || updates < 1000 || reads < 100 || faults < 5;
                assert!(!idle, "seed {seed} proves nothing: {report:?}");
            }
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[test]
fn seeds_0_to_49() {
    hold(0..50);
}

#[test]
fn seeds_50_to_99() {
    hold(50..100);
}

#[test]
fn seeds_100_to_149() {
    hold(100..150);
}

#[test]
fn seeds_150_to_199() {
    hold(150..200);
}

#[test]
fn equal_seeds_give_equal_runs() {
    assert_eq!(run(Options::of(7)), run(Options::of(7)));
    assert_ne!(run(Options::of(7)), run(Options::of(8)));
}
