//! All scenarios, judged under virtual time.

use ais_conformance::Sim;
use ais_conformance_core::{Gaps, Options, parse, run_all, run_at_once, scenarios, summary, text};
use std::{num::NonZeroUsize, time::Duration};

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

#[test]
fn several_at_once_are_told_in_the_same_order() {
    let few = scenarios().iter().filter(|it| it.0.starts_with("clm/3.6.1"));
    let few: Vec<_> = few.map(|(id, text)| parse(id, text).expect("readable")).collect();
    let (gaps, options, clock) = (Gaps::default(), Options::default(), || Duration::ZERO);
    let expected = run_all(&few, &Sim, &gaps, options, &clock, &mut |_| {});
    let (mut told, jobs) = (Vec::new(), NonZeroUsize::new(5).expect("not 0"));
    let mut tell = |it: &_| told.push(text(it));
    let outcomes = run_at_once(jobs, &few, &Sim, &gaps, options, &clock, &mut tell);
    let expected: Vec<String> = expected.iter().map(text).collect();
    assert!(expected.len() > 5);
    assert_eq!(outcomes.iter().map(text).collect::<Vec<_>>(), expected);
    assert_eq!(told, expected);
}
