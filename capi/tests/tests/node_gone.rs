//! A node that goes away under a C program, and comes back.

use ais_capi_tests::{Build, Sanitize, Talk};
use ais_conformance::Site;
use std::path::Path;

#[test]
fn a_node_that_goes_and_comes_back() {
    let node = Path::new(env!("CARGO_BIN_EXE_capi-node"));
    let mut site = Site::start(node, &["n1"]).expect("a node comes up");
    let build = Build::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
    let sources = ["node_gone.c", "ckpt_common.c"].map(|it| folder.join(it));
    let libraries = ["SaCkpt", "SaClm"];
    let program = build.program("node_gone", &sources, &libraries, Sanitize::Address);
    let mut program = Talk::start(&program, &[], site.socket("n1"));
    program.wait_for("open");
    site.kill("n1").expect("it is killed");
    program.go_on();
    program.wait_for("gone");
    site.restart("n1").expect("it comes back");
    program.go_on();
    program.wait_for("done");
    program.end();
}
