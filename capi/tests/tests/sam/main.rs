//! What SAM does to processes of a program in C: the tests of the Rust library on real processes,
//! once more with a program that is linked with `libsam.so.4` and is told the same. What C has no
//! function for (options, how the last instance died) is not asked. With a real node: `node`.

use ais_capi_tests::{Build, Sanitize};
use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

#[path = "../../../../crates/sam/tests/sam/common/mod.rs"]
mod common;
#[path = "../../../../crates/sam/tests/sam/corosync.rs"]
mod corosync;
#[path = "../../../../crates/sam/tests/sam/data.rs"]
mod data;
#[path = "../../../../crates/sam/tests/sam/health.rs"]
mod health;
mod node;
#[path = "../../../../crates/sam/tests/sam/split.rs"]
mod split;
#[path = "../../../../crates/sam/tests/sam/states.rs"]
mod states;
#[path = "../../../../crates/sam/tests/sam/supervision.rs"]
mod supervision;
#[path = "../../../../crates/sam/tests/sam/warning.rs"]
mod warning;

/// The program that does what it is told. It is built once for all tests.
fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let build = Build::kept(Path::new(env!("CARGO_TARGET_TMPDIR")).join("sam"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/sam_probe.c");
        // The name is what the system calls its processes: no more than 15 characters.
        build.program("ais-sam-probe-c", &[source], &["sam"], Sanitize::Nothing)
    });
    &PROGRAM
}

/// Whether it can be told this.
fn can(order: &str) -> bool {
    !["state", "last-death"].contains(&order)
}
