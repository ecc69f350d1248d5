//! Some scenarios of the conformance suite through the C libraries, and through libraries in the
//! shape of another vendor's. The program `ais-conformance` runs all of them.

use ais_capi_tests::{Build, libraries};
use ais_conformance::Capi;
use ais_conformance_core::{Options, Verdict, parse, run, scenarios};
use ais_types::ServiceId;
use std::path::{Path, PathBuf};

#[track_caller]
fn judge(service: ServiceId, library: PathBuf, id: &str) -> Verdict {
    let program = env!("CARGO_BIN_EXE_capi-node").into();
    let implementation = Capi { program, library, service };
    let (_, text) = scenarios().iter().find(|it| it.0 == id).expect("it exists");
    run(&parse(id, text).expect("readable"), &implementation, Options::default())
}

#[track_caller]
fn check(service: ServiceId, library: &str, ids: &[&str]) {
    for id in ids {
        let verdict = judge(service, libraries().join(library), id);
        assert_eq!(verdict, Verdict::Pass, "{id}: {}", verdict.reason());
    }
}

#[test]
fn clm_conforms() {
    let ids = [
        "clm/3.6.2-node-joins",
        "clm/3.6.3-pending-callbacks-removed",
        "clm/3.6.5-non-member",
        "clm/3.6.6-async-b01",
        "clm/3.6.8-lock-and-an-error",
    ];
    check(ServiceId::CLM, "libSaClm.so", &ids);
}

#[test]
fn ckpt_conforms() {
    let ids = [
        "ckpt/3.1.6-corrupted",
        "ckpt/3.2-non-member-b01",
        "ckpt/3.6.1-racing-creators",
        "ckpt/3.6.3-death-is-a-close",
        "ckpt/3.7.6-iteration",
        "ckpt/3.8.1-overflows",
        "ckpt/5-notifications",
    ];
    check(ServiceId::CKPT, "libSaCkpt.so", &ids);
}

fn vendor(build: &Build, name: &str, below: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c").join(name).with_extension("c");
    build.library(&format!("{name}.so"), source, &libraries().join(below))
}

#[track_caller]
fn lacks(verdict: &Verdict, function: &str) {
    match verdict {
        Verdict::NotSupported(reason) => assert!(reason.contains(function), "{reason}"),
        other => panic!("{function} is not there, and it says {other:?}"),
    }
}

/// A library is judged by the functions of its header that it has; nothing else is needed of it.
#[test]
fn libraries_of_others_are_judged_by_what_they_have() {
    let build = Build::new();
    let clm = vendor(&build, "vendor_clm", "libSaClm.so");
    for id in ["clm/3.6.5-unknown-node-b01", "clm/3.6.6-async-b01"] {
        let verdict = judge(ServiceId::CLM, clm.clone(), id);
        assert_eq!(verdict, Verdict::Pass, "{id}: {}", verdict.reason());
    }
    lacks(&judge(ServiceId::CLM, clm.clone(), "clm/3.6.5-node-get"), "saClmInitialize_4");
    let ckpt = vendor(&build, "vendor_ckpt", "libSaCkpt.so");
    let verdict = judge(ServiceId::CKPT, ckpt.clone(), "ckpt/3.7.6-iteration");
    assert_eq!(verdict, Verdict::Pass, "{}", verdict.reason());
    lacks(&judge(ServiceId::CKPT, ckpt, "ckpt/10-track"), "saCkptInitialize_2");
    // One of another service is none.
    let wrong = judge(ServiceId::CKPT, clm, "ckpt/3.7.6-iteration");
    assert!(wrong.reason().contains("no saCkptInitialize"), "{wrong:?}");
}
