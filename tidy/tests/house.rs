//! Who may know whom, how long a file may be, and what must not be written down.
#![expect(clippy::unwrap_used, reason = "a checkout that cannot be read fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The table of `docs/architecture.md`: which of our packages each package's code may use. Tests,
/// examples and benches may use more.
const MAY_USE: &[(&str, &[&str])] = &[
    ("ais-types", &[]),
    ("ais-service", &["ais-types"]),
    ("ais-wire", &["ais-types"]),
    ("ais-replica", &["ais-types", "ais-service"]),
    ("ais-clm", &["ais-types", "ais-service"]),
    ("ais-ckpt", &["ais-types", "ais-service", "ais-replica"]),
    ("ais-msg", &["ais-types", "ais-service", "ais-replica"]),
    ("ais-amf", &["ais-types", "ais-service"]),
    ("ais-transport", &["ais-types", "ais-wire"]),
    ("ais-storage", &["ais-types"]),
    ("ais-group", &["ais-types", "ais-wire", "ais-transport", "ais-storage"]),
    (
        "ais-node",
        &["ais-types", "ais-service", "ais-wire", "ais-transport", "ais-storage", "ais-group"],
    ),
    ("ais-client", &["ais-types", "ais-wire"]),
    ("ais-sam", &["ais-types", "ais-wire", "ais-client"]),
    ("ais-conformance-core", &["ais-types"]),
    ("ais-capi", &["ais-types", "ais-client"]),
    ("ais-capi-clm", &["ais-types", "ais-client", "ais-capi"]),
    ("ais-capi-ckpt", &["ais-types", "ais-client", "ais-capi"]),
    ("ais-capi-sam", &["ais-sam"]),
    ("ais-capi-loader", &["ais-types", "ais-capi"]),
];

/// Packages that put the others together; they may use what they like.
const ASSEMBLERS: &[&str] = &[
    "aisd",
    "ais-services",
    "ais-cli",
    "ais-sim",
    "ais-conformance",
    "ais-examples",
    "ais-tidy",
    "ais-capi-install",
    "ais-capi-tests",
    "ais-capi-bench",
];

/// The cores keep what the compiler promises: no clock, no socket, no thread.
const CORES: &[&str] = &["ais-types", "service", "replica", "clm", "ckpt", "msg", "amf"];

const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tidy lies in the workspace").into()
}

fn files(under: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![under.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let all = files(&root(), "Cargo.toml").into_iter();
    let tables = all.map(|path| fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap());
    let packages = tables.filter(|table| table.contains_key("package"));
    packages.map(|table| (table["package"]["name"].as_str().unwrap().to_owned(), table)).collect()
}

fn uses(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let used = manifest.get(section).and_then(toml::Value::as_table);
    used.into_iter().flat_map(toml::Table::keys).cloned().collect()
}

#[test]
fn nobody_knows_whom_they_must_not() {
    let manifests = manifests();
    let mut broken = Vec::new();
    for (package, manifest) in &manifests {
        if ASSEMBLERS.contains(&package.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| name == package) else {
            broken.push(format!("{package} is in neither list: say whom it may know"));
            continue;
        };
        for used in uses(manifest, "dependencies") {
            if manifests.contains_key(&used) && !allowed.contains(&used.as_str()) {
                broken.push(format!("{package} must not know {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_cores_depend_on_no_runtime_and_are_no_std() {
    let mut broken = Vec::new();
    for core in CORES {
        let folder = root().join("crates").join(core);
        let lib = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        for promise in ["#![no_std]", "#![forbid(unsafe_code)]"] {
            if !lib.contains(promise) {
                broken.push(format!("crates/{core} does not say {promise}"));
            }
        }
        let manifest: toml::Table =
            fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        for used in uses(&manifest, "dependencies") {
            let known = ["serde", "bytes", "thiserror"].contains(&used.as_str());
            if !known && !used.starts_with("ais-") {
                broken.push(format!("crates/{core} must not use {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn only_the_named_few_may_be_unsafe() {
    let exceptions = ["crates/sam/", "capi/", "crates/aisd/src/keeper/", "tidy/"];
    let here = root();
    let mut broken = Vec::new();
    for path in files(&here, ".rs") {
        let name = path.strip_prefix(&here).unwrap().to_string_lossy().into_owned();
        if exceptions.iter().any(|it| name.starts_with(it)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let is_unsafe = |line: &str| {
            let code = line.trim();
            !code.starts_with("//") && (code.contains("unsafe {") || code.contains("unsafe fn"))
        };
        if text.lines().any(is_unsafe) {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "unsafe code outside sam, capi and the keeper: {broken:#?}");
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let here = root();
    let long = files(&here, ".rs").into_iter().filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines}", path.display()))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "past {LINES_MAX} lines: {long:#?}");
}

#[test]
fn no_unfinished_business_and_no_machine_paths() {
    // Written in two halves so that this file does not find itself.
    let banned = [concat!("FIX", "ME"), concat!("/wo", "rk/"), concat!("TO", "DO")];
    let here = root();
    let mut broken = Vec::new();
    for ending in [".rs", ".md", ".toml", ".txt"] {
        for path in files(&here, ending) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for (number, line) in text.lines().enumerate() {
                if let Some(word) = banned.iter().find(|word| line.contains(*word)) {
                    broken.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
