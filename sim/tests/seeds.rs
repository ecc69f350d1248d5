//! Clusters under faults: whatever the seed, the invariants hold. A seed decides, by threes, where
//! components run: nowhere, on two nodes, or on one.

use ais_sim::{Options, Report, run};

/// Runs these seeds; what they did is not nothing.
fn hold(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        match run(Options::of(seed)) {
            Ok(report) => {
                let Report { entries, updates, reads, messages, activations, .. } = report;
                let Report { revisits, shared, faults, .. } = report;
                let idle = entries < 20 || updates < 1000 || reads < 100 || messages < 300;
                let idle = idle || revisits < 20 || shared < 300 || faults < 5;
                let idle = idle || (activations == 0) != (seed % 3 == 0);
                assert!(!idle, "seed {seed} proves nothing: {report:?}");
            }
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[test]
fn seeds_0_to_9() {
    hold(0..10);
}

#[test]
fn seeds_10_to_19() {
    hold(10..20);
}

#[test]
fn seeds_20_to_29() {
    hold(20..30);
}

#[test]
fn seeds_30_to_39() {
    hold(30..40);
}

#[test]
fn equal_seeds_give_equal_runs() {
    assert_eq!(run(Options::of(7)), run(Options::of(7)));
    assert_ne!(run(Options::of(7)), run(Options::of(8)));
}
