//! Files of certificates, whatever is in them.

use ais_transport::{TlsError, TlsFiles, new_authority};
use ais_wire::damaged;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn damaged_files_are_refused_by_name_or_fit() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let files = TlsFiles { ca: at("ca.pem"), cert: at("n1.pem"), key: at("n1.key") };
    let authority = new_authority(9).unwrap();
    let node = authority.issue("n1", 9).unwrap();
    let sound = [
        (&files.ca, &authority.certificate),
        (&files.cert, &node.certificate),
        (&files.key, &node.key),
    ];
    let write_all = || {
        for (path, text) in &sound {
            fs::write(path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    };
    write_all();
    files.load().unwrap().is_for("n1").unwrap();
    let mut rng = fastrand::Rng::with_seed(4);
    let mut refused = 0;
    for (path, text) in &sound {
        for _ in 0..300 {
            write_all();
            fs::write(path, damaged(text.as_bytes(), &mut |below| rng.usize(..below))).unwrap();
            match files.load().and_then(|tls| tls.is_for("n1")) {
                Ok(()) => {}
                Err(
                    error
                    @ (TlsError::Read { .. } | TlsError::Wrong { .. } | TlsError::Name { .. }),
                ) => {
                    let text = error.to_string();
                    assert!(
                        sound.iter().any(|(path, _)| text.contains(&path.display().to_string())),
                        "{text}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 300, "{refused} refused");
}
