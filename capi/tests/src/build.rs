//! From C to programs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// What watches over a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitize {
    /// Nothing.
    Nothing,
    /// AddressSanitizer and UndefinedBehaviorSanitizer in the C side; allocations of the libraries
    /// are watched, too.
    Address,
}

/// The folder of the C interface.
fn capi() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests lie beside the libraries").to_owned()
}

/// The folder of the headers.
#[must_use]
pub fn headers() -> PathBuf {
    capi().join("include")
}

/// An example in C.
///
/// # Panics
/// When this is not in the workspace.
#[must_use]
pub fn example(file: &str) -> PathBuf {
    capi().parent().expect("the workspace").join("examples/c").join(file)
}

/// The folder of the libraries: a test program lies beside those that it was built with.
///
/// # Panics
/// When they are not there.
#[must_use]
pub fn libraries() -> PathBuf {
    let program = env::current_exe().expect("a program has a path");
    let folder = program.parent().expect("in a folder").to_owned();
    let library = folder.join("libSaCkpt.so");
    assert!(library.exists(), "{} was not built", library.display());
    folder
}

/// Whether valgrind is installed.
#[must_use]
pub fn valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|it| it.status.success())
}

/// Programs of one test, in a folder that goes with it.
pub struct Build {
    folder: TempDir,
}

impl Build {
    /// A new folder. The libraries lie in it under the names by which programs ask for them.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("ais-capi-").expect("a temporary folder");
        for (library, soname) in [
            ("libSaClm.so", "libSaClm.so.0"),
            ("libSaCkpt.so", "libSaCkpt.so.1"),
            ("libsam.so", "libsam.so.4"),
        ] {
            let built = libraries().join(library);
            for name in [library, soname] {
                std::os::unix::fs::symlink(&built, folder.path().join(name)).expect("a link");
            }
        }
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Compiles and links, with every warning an error.
    ///
    /// # Panics
    /// When the compiler refuses.
    #[must_use]
    pub fn program(
        &self,
        name: &str,
        sources: &[PathBuf],
        libraries: &[&str],
        sanitize: Sanitize,
    ) -> PathBuf {
        let program = self.folder.path().join(name);
        let folder = self.folder.path().display();
        let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
        cc.args(["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"])
            .arg(format!("-I{}", headers().display()))
            .args(sources)
            .arg("-o")
            .arg(&program)
            .arg(format!("-L{folder}"))
            .arg(format!("-Wl,-rpath,{folder}"))
            .args(libraries.iter().map(|it| format!("-l{it}")));
        if sanitize == Sanitize::Address {
            cc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        let output = cc.output().expect("a C compiler named cc");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} does not compile:\n{words}");
        program
    }
}

impl Default for Build {
    fn default() -> Self {
        Self::new()
    }
}
