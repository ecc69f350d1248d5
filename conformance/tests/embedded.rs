//! Real nodes in real time: a few scenarios with faults, over memory and over TCP. The program
//! runs all of them.

use ais_conformance::{Embedded, Medium};
use ais_conformance_core::{Options, Verdict, parse, run, scenarios};

#[track_caller]
fn check(medium: Medium, ids: &[&str]) {
    for wanted in ids {
        let (id, text) = scenarios().iter().find(|(id, _)| id == wanted).expect("it exists");
        let scenario = parse(id, text).expect("readable");
        let program = env!("CARGO_BIN_EXE_ais-conformance").into();
        let verdict = run(&scenario, &Embedded { medium, program }, Options::default());
        assert_eq!(verdict, Verdict::Pass, "{id}: {}", verdict.reason());
    }
}

#[test]
fn nodes_over_memory_conform() {
    check(
        Medium::Memory,
        &["clm/3.1-cut-off-node-leaves", "clm/3.6.2-node-joins", "clm/3.6.5-unknown-node"],
    );
}

#[test]
fn nodes_over_tcp_conform() {
    check(Medium::Tcp, &["clm/3.6.2-node-stops", "clm/3.6.3-pending-callbacks-removed"]);
}
