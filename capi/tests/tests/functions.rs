//! Every function of the libraries, called from C, against a real daemon: plainly, under
//! AddressSanitizer, and under valgrind if it is installed.

use ais_capi_tests::{Build, Sanitize, headers, run, valgrind};
use ais_conformance::Site;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const CKPT: &[&str] = &[
    "ckpt_tests",
    "ckpt_life",
    "ckpt_checkpoints",
    "ckpt_sections",
    "ckpt_data",
    "ckpt_track",
    "ckpt_common",
    "main",
];
const CLM: &[&str] = &["clm_tests", "main"];
const SEMANTICS: &[&str] = &["semantics_tests", "ckpt_common", "main"];
const HAMMER: &[&str] = &["hammer", "ckpt_common"];

fn sources(names: &[&str]) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
    names.iter().map(|it| folder.join(it).with_extension("c")).collect()
}

fn node() -> Site {
    Site::start(Path::new(env!("CARGO_BIN_EXE_capi-node")), &["n1"]).expect("a node comes up")
}

/// What watches over the program while it runs.
enum Under {
    Nothing,
    Address,
    Valgrind,
    ValgrindForking,
}

#[track_caller]
fn check(under: &Under, names: &[&str], libraries: &[&str], arguments: &[&str]) {
    let (site, build) = (node(), Build::new());
    let sanitize = match under {
        Under::Address => Sanitize::Address,
        Under::Nothing | Under::Valgrind | Under::ValgrindForking => Sanitize::Nothing,
    };
    let program = build.program("tests", &sources(names), libraries, sanitize);
    let mut command = match under {
        Under::Nothing | Under::Address => Command::new(&program),
        Under::Valgrind => under_valgrind(&program),
        Under::ValgrindForking => forks_under_valgrind(&program),
    };
    run(command.args(arguments).env("AIS_SOCKET", site.socket("n1")));
}

fn under_valgrind(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
        .args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"])
        .args(["--child-silent-after-fork=yes", "--fair-sched=yes"])
        .arg(program);
    valgrind
}

/// What threads had in hand at a fork is lost in the child, which is no leak of anybody's.
fn forks_under_valgrind(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=no", "--fair-sched=yes"]);
    valgrind.arg(program);
    valgrind
}

/// Each by itself, as strictly as compilers can be, also as C++ where there is a compiler for it.
#[test]
fn headers_can_be_included_alone() {
    let build = Build::new();
    let cpp = Command::new("c++").arg("--version").output().is_ok_and(|it| it.status.success());
    for header in ["saAis.h", "saClm.h", "saCkpt.h", "sam.h", "corosync/sam.h"] {
        for (compiler, standard) in [("cc", "c99"), ("cc", "c11"), ("c++", "c++11")] {
            if compiler == "c++" && !cpp {
                continue;
            }
            let source = build.folder().join(if compiler == "cc" { "it.c" } else { "it.cc" });
            let text = format!("#include <{header}>\n#include <{header}>\n");
            std::fs::write(&source, text).expect("room for a file");
            let mut cc = Command::new(compiler);
            cc.args(["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
                .arg(format!("-std={standard}"))
                .arg(format!("-I{}", headers().display()))
                .arg(source);
            run(&mut cc);
        }
    }
}

#[test]
fn headers_have_the_layout_of_the_specification() {
    let build = Build::new();
    let names = ["layout_ais", "layout_clm", "layout_ckpt", "layout_sam"];
    for (name, library) in names.iter().zip(["SaClm", "SaClm", "SaCkpt", "sam"]) {
        // Without `main` they are objects; what they refer to is in the library.
        let main = build.folder().join("main.c");
        std::fs::write(&main, "int main(void) { return 0; }\n").expect("room for a file");
        let mut files = sources(&[name]);
        files.push(main);
        let program = build.program(name, &files, &[library], Sanitize::Nothing);
        run(&mut Command::new(program));
    }
}

#[test]
fn clm_functions() {
    check(&Under::Nothing, CLM, &["SaClm"], &[]);
}

#[test]
fn clm_functions_under_address_sanitizer() {
    check(&Under::Address, CLM, &["SaClm"], &[]);
}

#[test]
fn ckpt_functions() {
    check(&Under::Nothing, CKPT, &["SaCkpt"], &[]);
}

#[test]
fn ckpt_functions_under_address_sanitizer() {
    check(&Under::Address, CKPT, &["SaCkpt"], &[]);
}

/// SAM needs no node.
#[track_caller]
fn check_sam(sanitize: Sanitize) {
    let build = Build::new();
    run(&mut Command::new(build.program("tests", &sources(&["sam_tests"]), &["sam"], sanitize)));
}

#[test]
fn sam_functions() {
    check_sam(Sanitize::Nothing);
}

#[test]
fn sam_functions_under_address_sanitizer() {
    check_sam(Sanitize::Address);
}

#[test]
fn threads_signals_and_forks() {
    check(&Under::Nothing, SEMANTICS, &["SaCkpt"], &[]);
}

#[test]
fn threads_signals_and_forks_under_address_sanitizer() {
    check(&Under::Address, SEMANTICS, &["SaCkpt"], &[]);
}

#[test]
fn hammer() {
    check(&Under::Nothing, HAMMER, &["SaCkpt", "SaClm"], &["2000"]);
}

#[test]
fn hammer_under_address_sanitizer() {
    check(&Under::Address, HAMMER, &["SaCkpt", "SaClm"], &["1000"]);
}

#[test]
fn functions_under_valgrind() {
    if !valgrind() {
        eprintln!("valgrind is not installed: nothing was tested");
        return;
    }
    check(&Under::Valgrind, CKPT, &["SaCkpt"], &[]);
    check(&Under::Valgrind, CLM, &["SaClm"], &[]);
    check(&Under::ValgrindForking, SEMANTICS, &["SaCkpt"], &[]);
    check(&Under::Valgrind, HAMMER, &["SaCkpt", "SaClm"], &["60"]);
    let build = Build::new();
    let sam = build.program("tests", &sources(&["sam_tests"]), &["sam"], Sanitize::Nothing);
    run(&mut under_valgrind(&sam));
}
