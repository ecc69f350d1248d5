//! Lists the scenario files and the lists of clauses, so that they travel inside the library.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let root = folder("scenarios");
    let mut list = String::from("const SCENARIOS: &[(&str, &str)] = &[\n");
    for service in sorted(&root) {
        println!("cargo:rerun-if-changed={}", root.join(&service).display());
        for file in sorted(&root.join(&service)) {
            let Some(name) = file.strip_suffix(".txt") else { continue };
            let path = root.join(&service).join(&file);
            println!("cargo:rerun-if-changed={}", path.display());
            writeln!(list, "({:?}, include_str!({path:?})),", format!("{service}/{name}"))
                .expect("into memory");
        }
    }
    list.push_str("];\nconst CLAUSES: &[(&str, &str)] = &[\n");
    let root = folder("clauses");
    for file in sorted(&root) {
        let Some(service) = file.strip_suffix(".txt") else { continue };
        let path = root.join(&file);
        println!("cargo:rerun-if-changed={}", path.display());
        writeln!(list, "({service:?}, include_str!({path:?})),").expect("into memory");
    }
    list.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR").expect("set by cargo")).join("scenarios.rs");
    fs::write(out, list).expect("cargo's own folder can be written");
}

/// A folder beside the library.
fn folder(name: &str) -> PathBuf {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let folder = Path::new(&here).join("..").join(name).canonicalize();
    let folder = folder.expect("it is part of the project");
    println!("cargo:rerun-if-changed={}", folder.display());
    folder
}

fn sorted(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
