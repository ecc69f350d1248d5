//! A node that goes away under a C program, comes back, has lost its group, or was never there.

use ais_capi_tests::{Build, Sanitize, Talk};
use ais_conformance::Site;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn site(nodes: &[&str]) -> Site {
    Site::start(Path::new(env!("CARGO_BIN_EXE_capi-node")), nodes).expect("nodes come up")
}

fn program(build: &Build, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
    let sources = [name, "ckpt_common"].map(|it| folder.join(it).with_extension("c"));
    build.program(name, &sources, &["SaCkpt", "SaClm"], Sanitize::Address)
}

#[test]
fn a_node_that_goes_and_comes_back() {
    let (mut site, build) = (site(&["n1"]), Build::new());
    let mut program = Talk::start(&program(&build, "node_gone"), &[], site.socket("n1"));
    program.wait_for("open");
    site.kill("n1").expect("it is killed");
    program.go_on();
    program.wait_for("gone");
    site.restart("n1").expect("it comes back");
    program.go_on();
    program.wait_for("done");
    program.end();
}

#[test]
fn finalize_ends_the_waits_of_a_node_without_its_group() {
    let (mut site, build) = (site(&["n1", "n2", "n3"]), Build::new());
    let mut program = Talk::start(&program(&build, "no_quorum"), &[], site.socket("n1"));
    program.wait_for("open");
    site.kill("n2").expect("it is killed");
    site.kill("n3").expect("it is killed");
    program.go_on();
    program.wait_for("done");
    program.end();
}

#[test]
fn nothing_is_said_unless_it_is_asked_for() {
    let build = Build::new();
    let program = program(&build, "quiet");
    let said = |trace: Option<&str>| {
        let mut command = Command::new(&program);
        command.env("AIS_SOCKET", build.folder().join("no-node")).env_remove("AIS_C_TRACE");
        let output = command.envs(trace.map(|it| ("AIS_C_TRACE", it))).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    assert_eq!(said(None), "");
    assert_eq!(said(Some("0")), "");
    let said = said(Some("1"));
    assert_eq!(said.lines().count(), 7, "{said}");
    assert!(said.contains("saClmClusterNodeGet_4"), "{said}");
}
