//! A node joins by a token, and votes by a command: nobody's file is edited for it.

use crate::site::Site;
use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command},
    time::Duration,
};
use tempfile::TempDir;

/// A node that is not in the files of the others.
struct Late(Child);

impl Drop for Late {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Late {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ais"));
        command.args(["node", "--with-parent", "--config"]).arg(folder.join("node.toml"));
        Self(command.args(arguments).spawn().unwrap())
    }
}

/// Waits until a member sees this node in this life.
#[track_caller]
fn sees(site: &Site, name: &str, incarnation: u64) {
    let seen = (0..600).any(|_| {
        std::thread::park_timeout(Duration::from_millis(50));
        site.cluster.status("SCNodeI1").is_some_and(|status| {
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
    let listen: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listen, at) = (listen.to_string(), site.cluster.node("SCNodeI1").unwrap().address);
    let at = at.to_string();
    let join = |token: &str| -> Late {
        let arguments = ["--join", &at, "--token", token, "--listen", &listen, "--name", "late"];
        Late::start(folder.path(), &arguments)
    };

    let printed = site.ais("SCNodeI1", &["cluster", "token"]);
    let late = join(printed["token"].as_str().unwrap());
    sees(&site, "late", 1);
    site.ais("SCNodeI1", &["cluster", "voters", "add", "late"]);
    let cluster = site.ais("SCNodeI1", &["cluster", "show"]);
    assert!(cluster["voters"].as_array().unwrap().contains(&printed["node"]), "{cluster}");

    // From now on it is a node like the others: it comes back without the token.
    drop(late);
    let late = Late::start(folder.path(), &[]);
    sees(&site, "late", 2);
    site.ais("SCNodeI1", &["cluster", "voters", "remove", "late"]);
    let cluster = site.ais("SCNodeI1", &["cluster", "show"]);
    assert!(!cluster["voters"].as_array().unwrap().contains(&printed["node"]), "{cluster}");
    drop(late);
}
