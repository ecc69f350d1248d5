//! What is installed, and what is exported.

use ais_capi_install::Plan;
use ais_capi_tests::{example, headers, libraries, run};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

fn output(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success())
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(headers().join(header)).expect("a header");
    // Not what follows `extern "C" {`.
    let declarations = text.split("extern ").skip(1).filter(|it| !it.starts_with('"'));
    let before = declarations.filter_map(|it| it.split_once('(')).map(|it| it.0);
    before.filter_map(|it| it.split_whitespace().last()).map(str::to_owned).collect()
}

#[test]
fn libraries_export_what_their_headers_declare_and_nothing_else() {
    let common = declared("saAis.h");
    assert_eq!(common.len(), 2, "{common:?}");
    for (library, header, count, soname) in [
        ("libSaClm.so", "saClm.h", 14, "libSaClm.so.0"),
        ("libSaCkpt.so", "saCkpt.h", 29, "libSaCkpt.so.1"),
        ("libsam.so", "sam.h", 12, "libsam.so.4"),
    ] {
        let mut expected = declared(header);
        assert_eq!(expected.len(), count, "{expected:#?}");
        if library != "libsam.so" {
            expected.extend(common.clone());
        }
        let file = libraries().join(library);
        let symbols = output(Command::new("nm").args(["-D", "--defined-only"]).arg(&file));
        let exported: BTreeSet<String> = symbols
            .lines()
            .filter_map(|it| it.split_whitespace().last())
            .map(str::to_owned)
            .collect();
        assert_eq!(exported, expected, "{library}");
        let dynamic = output(Command::new("readelf").arg("-d").arg(&file));
        assert!(dynamic.contains(&format!("soname: [{soname}]")), "{dynamic}");
    }
}

#[test]
fn a_program_is_built_and_run_against_what_was_installed() {
    let folder = TempDir::with_prefix("ais-install-").expect("a temporary folder");
    let prefix = folder.path().join("usr");
    let plan = |destdir: Option<PathBuf>| Plan {
        prefix: prefix.clone(),
        libdir: "lib".into(),
        destdir,
        from: libraries(),
    };
    plan(None).carry_out().expect("it is installed");
    // Again, over what is there.
    let written = plan(None).carry_out().expect("it is installed again");
    assert!(written.iter().all(|it| it.exists()), "{written:#?}");
    let lib = prefix.join("lib");
    let link = fs::read_link(lib.join("libSaCkpt.so")).expect("a link");
    assert_eq!(link, Path::new("libSaCkpt.so.1"));

    let flags = |library: &str| -> Vec<String> {
        match has("pkg-config") {
            true => {
                let mut pkg_config = Command::new("pkg-config");
                pkg_config.args(["--cflags", "--libs", &format!("lib{library}")]);
                let flags = output(pkg_config.env("PKG_CONFIG_PATH", lib.join("pkgconfig")));
                flags.split_whitespace().map(str::to_owned).collect()
            }
            false => vec![
                format!("-I{}", prefix.join("include").display()),
                format!("-L{}", lib.display()),
                format!("-l{library}"),
            ],
        }
    };
    for (source, library, soname) in [
        ("supervised", "sam", "libsam.so.4"),
        ("membership", "SaClm", "libSaClm.so.0"),
        ("server_based_checkpoint", "SaCkpt", "libSaCkpt.so.1"),
    ] {
        let (file, program) = (example(&format!("{source}.c")), folder.path().join(source));
        run(Command::new("cc").arg(file).args(flags(library)).arg("-o").arg(&program));
        let needs = output(Command::new("readelf").arg("-d").arg(&program));
        assert!(needs.contains(&format!("Shared library: [{soname}]")), "{needs}");
    }
    let program = folder.path().join("supervised");
    let said = output(Command::new(&program).env("LD_LIBRARY_PATH", &lib));
    assert!(said.ends_with("all done\n"), "{said}");

    // For packagers: below another root, with the paths of the place where it will be.
    let root = folder.path().join("root");
    let written = plan(Some(root.clone())).carry_out().expect("it is installed below another root");
    assert!(written.iter().all(|it| it.starts_with(&root)), "{written:#?}");
    let pc = written.iter().find(|it| it.ends_with("libSaClm.pc")).expect("a pkg-config file");
    let text = fs::read_to_string(pc).expect("text");
    assert!(text.contains(&format!("prefix={}", prefix.display())), "{text}");
}
