//! Lists the scenario files, so that they travel inside the library.

use std::{env, fmt::Write, fs, path::Path};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo"))
        .join("../scenarios")
        .canonicalize()
        .expect("conformance/scenarios is part of the project");
    println!("cargo:rerun-if-changed={}", root.display());
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
    list.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR").expect("set by cargo")).join("scenarios.rs");
    fs::write(out, list).expect("cargo's own folder can be written");
}

fn sorted(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
