//! A few scenarios of the conformance suite through the C libraries. The program `ais-conformance`
//! runs all of them.

use ais_capi_tests::libraries;
use ais_conformance::Capi;
use ais_conformance_core::{Options, Verdict, parse, run, scenarios};
use ais_types::ServiceId;

#[track_caller]
fn check(service: ServiceId, library: &str, ids: &[&str]) {
    let program = env!("CARGO_BIN_EXE_capi-node").into();
    let implementation = Capi { program, library: libraries().join(library), service };
    for wanted in ids {
        let (id, text) = scenarios().iter().find(|(id, _)| id == wanted).expect("it exists");
        let scenario = parse(id, text).expect("readable");
        let verdict = run(&scenario, &implementation, Options::default());
        assert_eq!(verdict, Verdict::Pass, "{id}: {}", verdict.reason());
    }
}

#[test]
fn clm_conforms() {
    let ids =
        ["clm/3.6.2-node-joins", "clm/3.6.3-pending-callbacks-removed", "clm/3.6.6-async-b01"];
    check(ServiceId::CLM, "libSaClm.so", &ids);
}

#[test]
fn ckpt_conforms() {
    let ids = [
        "ckpt/3.1.6-corrupted",
        "ckpt/3.6.1-racing-creators",
        "ckpt/3.6.3-death-is-a-close",
        "ckpt/3.7.6-iteration",
    ];
    check(ServiceId::CKPT, "libSaCkpt.so", &ids);
}
