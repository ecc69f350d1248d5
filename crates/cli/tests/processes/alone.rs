//! One daemon, by its own file: who may reach it, what it says of them, and what they may take.

use crate::site::{kill, wait_until};
use ais_client::{Endpoint, Node, Session};
use ais_types::ErrorCode;
use rustix::process::{Signal, getegid, geteuid};
use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    process::{Child, Command, Stdio},
};

/// Ends with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_socket_has_its_group_programs_are_logged_as_json_and_none_takes_what_others_need() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Only the superuser can give a file to a group that is not his own.
    let group = if geteuid().is_root() { 1 } else { getegid().as_raw() };
    let config = format!(
        "cluster = \"alone\"\nnode = \"n1\"\ntransport = \"memory\"\n\
         socket = {{ path = \"ais.sock\", mode = \"0640\", group = \"{group}\" }}\n\
         log = {{ level = \"info\", format = \"json\" }}\n\
         limits = {{ process_sessions = 2 }}\n\n[[nodes]]\nid = 1\nname = \"n1\"\n"
    );
    fs::write(at("node.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ais"));
    command.args(["node", "--with-parent", "--config"]).arg(at("node.toml"));
    let log = File::create(at("log")).unwrap();
    let daemon = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
    let mut daemon = Daemon(daemon.unwrap());

    let endpoint = Endpoint::Path(at("ais.sock"));
    let open = || Node::<Session>::open(&endpoint, "probe");
    assert!(wait_until(|| open().is_ok_and(|node| node.status().is_ok())), "it does not answer");
    let socket = fs::metadata(at("ais.sock")).unwrap();
    assert_eq!((socket.mode() & 0o777, socket.gid()), (0o640, group));

    // The sessions of before end with their connections, in their time.
    let two = || Some((open().ok()?, open().ok()?));
    let refused = wait_until(|| {
        let Some((one, other)) = two() else { return false };
        let all = [one.status().is_ok(), other.status().is_ok()];
        let third = open().and_then(|node| node.status());
        all == [true, true] && third.is_err_and(|it| it.code == ErrorCode::NoResources)
    });
    assert!(refused, "a third session of one process");

    kill(daemon.0.id(), Signal::TERM);
    assert!(daemon.0.wait().unwrap().success());
    let text = fs::read_to_string(at("log")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let me = i64::from(std::process::id());
    let connected = lines.iter().find(|it| it["fields"]["pid"].as_i64() == Some(me));
    let connected = connected.unwrap_or_else(|| panic!("nobody connected: {text}"));
    assert_eq!(connected["level"], "INFO");
    let ids = (&connected["fields"]["uid"], &connected["fields"]["gid"]);
    assert_eq!(ids, (&geteuid().as_raw().into(), &getegid().as_raw().into()));
    assert!(lines.iter().all(|it| it["timestamp"].is_string()), "{text}");
}
