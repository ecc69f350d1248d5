//! A node joins by a token, and votes by a command: nobody's file is edited for it.

use crate::site::{Site, wait_until};
use ais_cli::dev::{Plan, Wire};
use aisd::join::Token;
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command},
};
use tempfile::TempDir;

/// A node that is not in the files of the others.
pub(crate) struct Late(Child);

impl Drop for Late {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Late {
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self(node(folder, arguments).spawn().unwrap())
    }
}

fn node(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ais"));
    command.args(["node", "--with-parent", "--config"]).arg(folder.join("node.toml"));
    command.args(arguments);
    command
}

/// The node must end by itself. What it says at its end.
#[track_caller]
fn ends(folder: &Path, arguments: &[&str]) -> String {
    let output = node(folder, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    said
}

/// An address where nobody listens: this cluster's own, and a port that no node of it has.
pub(crate) fn free(site: &Site) -> String {
    SocketAddr::from((site.cluster.nodes[0].address.ip(), 7099)).to_string()
}

/// Waits until a member sees this node in this life.
#[track_caller]
pub(crate) fn sees(site: &Site, by: &str, name: &str, incarnation: u64) {
    let seen = wait_until(|| {
        site.cluster.status(by).is_some_and(|status| {
            let mut members = status.view.members.iter();
            members.any(|it| it.name.to_string() == name && it.id.incarnation.0 == incarnation)
        })
    });
    assert!(seen, "{name} is not seen in its life {incarnation}");
}

#[test]
fn a_node_joins_by_a_token_and_votes_by_command() {
    let hosts = ["SCNodeI0", "SCNodeI1", "PayloadNodeI0", "PayloadNodeI1"];
    let site = Site::new(&hosts, "csa103-4.toml");
    let folder = TempDir::new().unwrap();
    let (listen, at) = (free(&site), site.cluster.node("SCNodeI1").unwrap().address.to_string());
    let join = |token: &str| -> Late {
        let arguments = ["--join", &at, "--token", token, "--listen", &listen, "--name", "late"];
        Late::start(folder.path(), &arguments)
    };

    let printed = site.ais("SCNodeI1", &["cluster", "token"]);
    let late = join(printed["token"].as_str().unwrap());
    sees(&site, "SCNodeI1", "late", 1);
    site.ais("SCNodeI1", &["cluster", "voters", "add", "late"]);
    let cluster = site.ais("SCNodeI1", &["cluster", "show"]);
    assert!(cluster["voters"].as_array().unwrap().contains(&printed["node"]), "{cluster}");

    // From now on it is a node like the others: it comes back without the token.
    drop(late);
    let late = Late::start(folder.path(), &[]);
    sees(&site, "SCNodeI1", "late", 2);
    site.ais("SCNodeI1", &["cluster", "voters", "remove", "late"]);
    let cluster = site.ais("SCNodeI1", &["cluster", "show"]);
    assert!(!cluster["voters"].as_array().unwrap().contains(&printed["node"]), "{cluster}");
    drop(late);
}

#[test]
fn a_token_that_is_none_or_was_used_or_has_run_out_lets_nobody_in() {
    let site = Site::planned(Plan { transport: Wire::Udp, ..Plan::new(["n1", "n2", "n3"]) });
    let at = site.cluster.node("n2").unwrap().address.to_string();
    let listen = free(&site);
    let asked = |arguments: &[&str]| -> String {
        let printed = site.ais("n1", &[&["cluster", "token"], arguments].concat());
        printed["token"].as_str().unwrap().to_owned()
    };
    let with = |token: &str| -> Vec<String> {
        let words = ["--join", &at, "--token", token, "--listen", &listen, "--name", "late"];
        words.map(str::to_owned).to_vec()
    };
    let refused = |token: &str, why: &str| {
        let folder = TempDir::new().unwrap();
        let arguments = with(token);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = ends(folder.path(), &arguments);
        assert!(said.contains(why), "{why}: {said}");
        folder
    };

    let good = asked(&[]);
    for garbage in
        ["", "ais1-", "xyz", &good[..good.len() - 1], &good[..good.len() / 2], &good[1..]]
    {
        let folder = refused(garbage, "this is no token");
        assert!(!folder.path().join("node.toml").exists(), "{garbage}");
    }
    let mut forged = Token::decode(&good).unwrap();
    forged.0.secret ^= 1;
    refused(&forged.encode(), "does not know its token");
    // A later one for the same node counts.
    let later = asked(&[]);
    refused(&good, "does not know its token");
    let over = asked(&["--valid", "0"]);
    refused(&over, "has run out");
    refused(&later, "does not know its token");
    // What would have to be mended by hand is not written.
    let folder = TempDir::new().unwrap();
    let good = asked(&[]);
    let wrong = ["--join", &at, "--token", &good, "--listen", "198.51.100.7:7001"];
    let said = ends(folder.path(), &wrong);
    assert!(said.contains("loopback") && !folder.path().join("node.toml").exists(), "{said}");

    let arguments = with(&good);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let late = Late::start(folder.path(), &arguments);
    sees(&site, "n3", "late", 1);
    drop(late);
    // Another node with the same token is not taken for the first.
    refused(&good, "used already");
    // The first comes back, whether its command line still has the token or not.
    let late = Late::start(folder.path(), &arguments);
    sees(&site, "n3", "late", 2);
    drop(late);
    let late = Late::start(folder.path(), &[]);
    sees(&site, "n3", "late", 3);
    drop(late);
    let known = site.ais("n2", &["cluster", "show"]);
    assert_eq!(known["nodes"].as_array().unwrap().len(), 4, "{known}");
}
