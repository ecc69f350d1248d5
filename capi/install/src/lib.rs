//! Lays out the C libraries as C developers expect them: headers, libraries with their links, and
//! `pkg-config` files. Needs nothing but what was built.
#![forbid(unsafe_code)]

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// What is installed where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where programs will find it.
    pub prefix: PathBuf,
    /// The folder of libraries below the prefix.
    pub libdir: PathBuf,
    /// Put before every path that is written, for packagers.
    pub destdir: Option<PathBuf>,
    /// The folder with the libraries that were built.
    pub from: PathBuf,
}

struct Library {
    file: &'static str,
    soname: &'static str,
    name: &'static str,
    description: &'static str,
}

const LIBRARIES: &[Library] = &[
    Library {
        file: "libSaClm.so",
        soname: "libSaClm.so.0",
        name: "libSaClm",
        description: "SA Forum Cluster Membership Service",
    },
    Library {
        file: "libSaCkpt.so",
        soname: "libSaCkpt.so.1",
        name: "libSaCkpt",
        description: "SA Forum Checkpoint Service",
    },
    Library {
        file: "libsam.so",
        soname: "libsam.so.4",
        name: "libsam",
        description: "Simple Availability Manager",
    },
];

const HEADERS: &[(&str, &str)] = &[
    ("saAis.h", include_str!("../../include/saAis.h")),
    ("saClm.h", include_str!("../../include/saClm.h")),
    ("saCkpt.h", include_str!("../../include/saCkpt.h")),
    ("sam.h", include_str!("../../include/sam.h")),
    ("corosync/sam.h", include_str!("../../include/corosync/sam.h")),
    ("corosync/corotypes.h", include_str!("../../include/corosync/corotypes.h")),
];

const TEMPLATE: &str = include_str!("../templates/library.pc");
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Plan {
    fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        let path = self.prefix.join(below);
        match &self.destdir {
            None => path,
            Some(before) => before.join(path.strip_prefix("/").unwrap_or(&path)),
        }
    }

    /// Does it, and says what was written.
    ///
    /// # Errors
    /// When something cannot be read or written; the error names the path.
    pub fn carry_out(&self) -> io::Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        for (name, text) in HEADERS {
            written.push(write(self.path("include").join(name), text.as_bytes(), 0o644)?);
        }
        let folder = self.path(&self.libdir);
        for library in LIBRARIES {
            let built = self.from.join(library.file);
            let bytes = fs::read(&built).map_err(|it| told(&built, &it))?;
            // The file itself carries the rest of the version, as is the custom.
            let real = format!("{}.{}", library.soname, minor_and_patch());
            written.push(write(folder.join(&real), &bytes, 0o755)?);
            written.push(link(&folder.join(library.soname), &real)?);
            written.push(link(&folder.join(library.file), library.soname)?);
            let text = self.pkg_config(library);
            let file = folder.join("pkgconfig").join(format!("{}.pc", library.name));
            written.push(write(file, text.as_bytes(), 0o644)?);
        }
        Ok(written)
    }

    fn pkg_config(&self, library: &Library) -> String {
        let link = library.file.trim_start_matches("lib").trim_end_matches(".so");
        TEMPLATE
            .replace("@PREFIX@", &self.prefix.to_string_lossy())
            .replace("@LIBDIR@", &self.prefix.join(&self.libdir).to_string_lossy())
            .replace("@NAME@", library.name)
            .replace("@DESCRIPTION@", library.description)
            .replace("@VERSION@", VERSION)
            .replace("@LINK@", link)
    }
}

fn minor_and_patch() -> &'static str {
    VERSION.split_once('.').map_or(VERSION, |it| it.1)
}

fn told(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Beside its place first, then into it: a library that is in use is not changed under its users.
fn write(path: PathBuf, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
    let beside = beside(&path);
    let done = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&beside, bytes)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(mode))?;
        fs::rename(&beside, &path)
    };
    done().map_err(|it| told(&path, &it))?;
    Ok(path)
}

fn link(path: &Path, target: &str) -> io::Result<PathBuf> {
    let beside = beside(path);
    let done = || {
        let _ = fs::remove_file(&beside);
        symlink(target, &beside)?;
        fs::rename(&beside, path)
    };
    done().map_err(|it| told(path, &it))?;
    Ok(path.to_owned())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
