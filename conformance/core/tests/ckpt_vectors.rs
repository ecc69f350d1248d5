//! Every conformance vector of the Checkpoint Service (`SAI-AIS-CKPT-B.02.02`, chapter 12 of the
//! digest) is a scenario, or it is said where else it is tested.
//!
//! A scenario names the vectors that it covers below its rule: `# vectors 1 2 3`.

use ais_conformance_core::scenarios;
use std::collections::BTreeMap;

const VECTORS: u32 = 170;

/// A null pointer cannot be said in a scenario.
const POINTER: &str = "a pointer of C: the tests of the C library";

const ELSEWHERE: &[(u32, &str)] = &[
    (8, POINTER),
    (9, POINTER),
    (57, POINTER),
    (77, POINTER),
    (84, POINTER),
    (86, POINTER),
    (87, POINTER),
    (93, POINTER),
    (95, POINTER),
    (110, POINTER),
    (112, POINTER),
    (128, POINTER),
    (129, POINTER),
    (130, POINTER),
    (134, POINTER),
    (141, POINTER),
    (169, "a thousand writes of each of two writers: ais-ckpt, concurrency"),
];

#[test]
fn every_vector_is_a_scenario_or_is_tested_elsewhere() {
    let mut covered: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (id, text) in scenarios().iter().filter(|(id, _)| id.starts_with("ckpt/")) {
        let vectors = text.lines().filter_map(|it| it.strip_prefix("# vectors "));
        for number in vectors.flat_map(str::split_whitespace) {
            let number = number.parse().unwrap_or_else(|_| panic!("{id}: vector {number:?}"));
            assert!((1..=VECTORS).contains(&number), "{id}: there is no vector {number}");
            covered.entry(number).or_default().push(id);
        }
    }
    let elsewhere: BTreeMap<u32, &str> = ELSEWHERE.iter().copied().collect();
    let missing: Vec<u32> = (1..=VECTORS)
        .filter(|it| !covered.contains_key(it) && !elsewhere.contains_key(it))
        .collect();
    assert_eq!(missing, [], "vectors that nobody covers");
    let twice: Vec<_> = elsewhere.keys().filter_map(|it| covered.get_key_value(it)).collect();
    assert!(twice.is_empty(), "vectors that are scenarios after all: {twice:?}");
}
