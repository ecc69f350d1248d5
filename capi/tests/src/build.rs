//! From C to programs.

use std::{
    env, fs,
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

/// Programs of one test, or of several.
pub struct Build {
    folder: PathBuf,
    /// A folder that goes with it.
    _temporary: Option<TempDir>,
}

impl Build {
    /// In a new folder that goes with it.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        let temporary = TempDir::with_prefix("ais-capi-").expect("a temporary folder");
        let Self { folder, .. } = Self::kept(temporary.path().to_owned());
        Self { folder, _temporary: Some(temporary) }
    }

    /// In a folder that stays, for what a whole test program shares. The libraries lie in it under
    /// the names by which programs ask for them.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn kept(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("a folder");
        for (library, soname) in [
            ("libSaClm.so", "libSaClm.so.0"),
            ("libSaCkpt.so", "libSaCkpt.so.1"),
            ("libsam.so", "libsam.so.4"),
        ] {
            let built = libraries().join(library);
            for name in [library, soname] {
                let link = folder.join(name);
                // From the last run.
                let _ = fs::remove_file(&link);
                std::os::unix::fs::symlink(&built, link).expect("a link");
            }
        }
        Self { folder, _temporary: None }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
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
        let folder = self.folder.display();
        let mut options = vec![format!("-L{folder}"), format!("-Wl,-rpath,{folder}")];
        options.extend(libraries.iter().map(|it| format!("-l{it}")));
        if sanitize == Sanitize::Address {
            options.push("-fsanitize=address,undefined".to_owned());
            options.push("-fno-sanitize-recover=all".to_owned());
        }
        self.compile(name, sources, &options)
    }

    /// Makes a library that does its work by another one, whose path it finds in `BELOW`.
    ///
    /// # Panics
    /// When the compiler refuses.
    #[must_use]
    pub fn library(&self, name: &str, source: PathBuf, below: &Path) -> PathBuf {
        let below = format!("-DBELOW=\"{}\"", below.display());
        self.compile(name, &[source], &["-shared".to_owned(), "-fPIC".to_owned(), below])
    }

    fn compile(&self, name: &str, sources: &[PathBuf], options: &[String]) -> PathBuf {
        let made = self.folder.join(name);
        let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
        cc.args(["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"])
            .arg(format!("-I{}", headers().display()))
            .args(sources)
            .arg("-o")
            .arg(&made)
            .args(options);
        let output = cc.output().expect("a C compiler named cc");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} does not compile:\n{words}");
        made
    }
}

impl Default for Build {
    fn default() -> Self {
        Self::new()
    }
}
