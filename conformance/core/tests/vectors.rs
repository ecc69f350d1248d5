//! Every vector of the CLM list is a scenario, or stands here with the reason why it cannot be one.
//!
//! A scenario names the vectors that it covers in a comment: `# vectors: C036 C039`.

use ais_conformance_core::scenarios;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of the list, by section.
const CLM: &[std::ops::RangeInclusive<u32>] =
    &[1..=4, 10..=29, 30..=51, 55..=75, 80..=91, 95..=116];

/// What no transcript of calls and callbacks can show.
const NOT_EXPRESSIBLE: &[(&str, &str)] = &[
    ("C001", "the size of C structures: the C headers and libraries have it"),
    ("C002", "the layout of C structures"),
    ("C003", "the layout of C structures"),
    ("C004", "the values of C enumerations"),
    ("C015", "a NULL pointer is no value of the vocabulary"),
    ("C016", "a NULL pointer is no value of the vocabulary"),
    ("C020", "a NULL pointer is no value of the vocabulary"),
    ("C021", "selection objects are the client library's: no call reaches a node"),
    ("C022", "selection objects are the client library's: no call reaches a node"),
    ("C023", "other numbers are no dispatch flags of the vocabulary; ais-types tests them"),
    ("C026", "a program under test has no second thread that waits in Dispatch"),
    ("C051", "memory of a C library"),
    ("C061", "no event here changes the number and nothing else"),
    ("C075", "partitions do not merge: who was cut off comes back as another life"),
    ("C082", "a NULL pointer is no value of the vocabulary"),
    ("C116", "there is no notification service"),
];

/// The vectors that scenarios name, each with one of them.
fn covered() -> BTreeMap<String, &'static str> {
    let mut covered = BTreeMap::new();
    for (id, text) in scenarios().iter().filter(|(id, _)| id.starts_with("clm/")) {
        let named = text.lines().filter_map(|it| it.strip_prefix("# vectors:"));
        for vector in named.flat_map(str::split_whitespace) {
            covered.insert(vector.to_owned(), *id);
        }
    }
    covered
}

#[test]
fn every_vector_of_clm_is_a_scenario_or_has_a_reason() {
    let all: BTreeSet<String> =
        CLM.iter().cloned().flatten().map(|it| format!("C{it:03}")).collect();
    let covered = covered();
    let excused: BTreeMap<&str, &str> = NOT_EXPRESSIBLE.iter().copied().collect();
    let known = |it: &String| covered.contains_key(it) || excused.contains_key(it.as_str());
    let missing: Vec<&String> = all.iter().filter(|it| !known(it)).collect();
    assert!(missing.is_empty(), "neither a scenario nor a reason: {missing:?}");
    let unknown: Vec<&String> = covered.keys().filter(|it| !all.contains(*it)).collect();
    assert!(unknown.is_empty(), "no vectors of the list: {unknown:?}");
    let both: Vec<&&str> = excused.keys().filter(|it| covered.contains_key(**it)).collect();
    assert!(both.is_empty(), "covered, and said to be impossible: {both:?}");
}
