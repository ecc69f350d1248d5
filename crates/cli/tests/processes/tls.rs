//! A cluster with certificates, with real processes: who has none does not get in.

use crate::{
    membership::{Late, free, sees},
    site::{Site, wait_until},
};
use ais_cli::dev::{Plan, Wire};
use std::{fs, process::Command};
use tempfile::TempDir;

#[test]
fn a_cluster_with_certificates_forms_and_lets_in_only_who_has_one() {
    for transport in [Wire::Tcp, Wire::Udp] {
        let site = Site::planned(Plan { certs: true, transport, ..Plan::new(["n1", "n2", "n3"]) });
        let certs = site.cluster.certs().display().to_string();
        let token = site.ais("n1", &["cluster", "token"]);
        let token = token["token"].as_str().unwrap();
        let (at, listen) = (site.cluster.node("n1").unwrap().address.to_string(), free(&site));
        let join = ["--join", &at, "--token", token, "--listen", &listen, "--name", "late"];
        let with = |certs: &str| [&join[..], &["--certs", certs]].concat().join(" ");

        // Without one, the others hang up.
        let folder = TempDir::new().unwrap();
        let stranger = Late::start(folder.path(), &join);
        let turned_away = wait_until(|| site.said("n1").contains("did not come about"));
        assert!(turned_away, "{}", site.said("n1"));
        assert_eq!(site.cluster.status("n1").unwrap().view.members.len(), 3);
        drop(stranger);

        let made = Command::new(env!("CARGO_BIN_EXE_ais"))
            .args(["cert", "node", "late", "--certs", &certs])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::remove_file(folder.path().join("node.toml")).unwrap();
        let arguments = with(&certs);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let late = Late::start(folder.path(), &arguments);
        sees(&site, "n2", "late", 1);
        drop(late);
    }
}
