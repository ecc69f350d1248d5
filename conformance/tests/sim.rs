//! All scenarios, judged under virtual time.

use ais_conformance::Sim;
use ais_conformance_core::{Gaps, Options, parse, run_all, scenarios, summary, text};
use std::time::Duration;

#[test]
fn the_simulated_cluster_conforms() {
    let all: Vec<_> =
        scenarios().iter().map(|(id, text)| parse(id, text).expect("readable")).collect();
    let gaps = Gaps::read(include_str!("../known-gaps.toml")).expect("readable");
    let clock = || Duration::ZERO;
    let outcomes = run_all(&all, &Sim, &gaps, Options::default(), &clock, &mut |_| {});
    let bad = outcomes.iter().filter(|it| it.verdict.is_failure());
    let bad: Vec<String> = bad.map(text).collect();
    assert!(bad.is_empty(), "{}\n{}", bad.join("\n"), summary(&outcomes).0);
}
