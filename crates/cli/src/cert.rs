//! A cluster's certificates, in files.

use crate::Failure;
use ais_transport::{AuthorityError, Certified, new_authority};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Makes the authority; where its certificate and its key are.
pub(crate) fn init(folder: &Path, days: u32) -> Result<[PathBuf; 2], Failure> {
    let folder_made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    folder_made.map_err(Failure::at(folder))?;
    write(folder, "ca", &new_authority(days).map_err(failed)?)
}

/// Makes the certificate of a node; where it is, and its key.
pub(crate) fn node(folder: &Path, name: &str, days: u32) -> Result<[PathBuf; 2], Failure> {
    if name == "ca" {
        let text =
            "\"ca\" is the authority's own: no node of a cluster with certificates has this name";
        return Err(Failure::Usage(text.to_owned()));
    }
    let [certificate, key] = paths(folder, "ca");
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Failure::Usage(format!("{path}: {error}; make the authority with `ais cert init`"))
        })
    };
    let authority = Certified { certificate: read(&certificate)?, key: read(&key)? };
    write(folder, name, &authority.issue(name, days).map_err(failed)?)
}

fn failed(error: AuthorityError) -> Failure {
    Failure::Usage(error.to_string())
}

fn paths(folder: &Path, name: &str) -> [PathBuf; 2] {
    ["pem", "key"].map(|ending| folder.join(format!("{name}.{ending}")))
}

/// Never writes over what is there.
fn write(folder: &Path, name: &str, made: &Certified) -> Result<[PathBuf; 2], Failure> {
    let [certificate, key] = paths(folder, name);
    create(&key, 0o600, &made.key)?;
    create(&certificate, 0o644, &made.certificate)?;
    Ok([certificate, key])
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    let text = "is there already; remove it if nothing needs it any more";
                    Failure::Usage(format!("{} {text}", path.display()))
                }
                _ => Failure::at(path)(error),
            }
        })?;
    file.write_all(text.as_bytes()).map_err(Failure::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_transport::TlsFiles;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_node_can_use_what_is_made_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let certs = folder.path().join("certs");
        let early = node(&certs, "n1", 9).unwrap_err().to_string();
        assert!(early.ends_with("make the authority with `ais cert init`"), "{early}");
        let [ca, ca_key] = init(&certs, 9).unwrap();
        let [cert, key] = node(&certs, "n1", 9).unwrap();
        for (path, mode) in [(&ca_key, 0o600), (&key, 0o600), (&cert, 0o644), (&certs, 0o700)] {
            let found = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(found & !mode, 0, "{}: {found:o}", path.display());
        }
        let tls = TlsFiles { ca, cert, key }.load().unwrap();
        assert!(tls.is_for("n1").is_ok() && tls.is_for("n2").is_err());
        assert!(init(&certs, 9).unwrap_err().to_string().contains("is there already"));
        assert!(node(&certs, "n1", 9).unwrap_err().to_string().contains("is there already"));
        assert!(node(&certs, "../n1", 9).unwrap_err().to_string().contains("is no name"));
    }
}
