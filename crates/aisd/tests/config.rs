//! Configurations: what is right, and what is said about what is not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ais_node::NodeLimits;
use ais_types::{NodeId, Role, Time};
use aisd::config::{Config, LogFormat, Transport, Watchdog};
use proptest::prelude::*;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

const GOOD: &str = r#"
cluster = "plant"
node = "east"
failure_timeout_ms = 800
model = "amf.toml"
socket = { path = "run/it.sock", mode = "0660", group = "0" }
log = { level = "debug", format = "json" }

[[nodes]]
id = 1
name = "west"
address = "127.0.0.1:7001"

[[nodes]]
id = 2
name = "east"
role = "voter"
address = "127.0.0.1:7002"

[[nodes]]
id = 9
name = "third"
role = "witness"
address = "[::1]:7003"
"#;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("/etc/ais/node.toml"), text).map_err(|error| error.to_string())
}

/// The good one with one line replaced.
#[track_caller]
fn check(line: &str, by: &str, said: &str) {
    assert!(GOOD.contains(line), "{line}");
    let error = parse(&GOOD.replacen(line, by, 1)).unwrap_err();
    assert!(error.starts_with("/etc/ais/node.toml:"), "{error}");
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_good_one_is_taken() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.cluster, "plant");
    assert_eq!((config.this().id, config.this().role), (NodeId(2), Role::Voter));
    assert_eq!(config.peers().map(|it| it.id.0).collect::<Vec<_>>(), [1, 9]);
    assert_eq!(config.voters().count(), 3);
    assert_eq!(config.transport, Transport::Tcp);
    assert_eq!(config.listen, Some("127.0.0.1:7002".parse().unwrap()));
    assert_eq!(config.failure_timeout, Duration::from_millis(800));
    assert_eq!(config.model.as_deref(), Some(Path::new("/etc/ais/amf.toml")));
    assert_eq!(config.socket.path, Path::new("/etc/ais/run/it.sock"));
    assert_eq!((config.socket.mode, config.socket.group), (0o660, Some(0)));
    assert_eq!((config.log.level.as_str(), config.log.format), ("debug", LogFormat::Json));
}

#[test]
fn the_settings_of_services_are_taken_and_have_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!((config.ckpt.copies, config.msg.copies), (2, 2));
    assert_eq!(config.ckpt.patience, Time(800 * Time::ONE_MILLISECOND.0));
    let more = "msg = { copies = 1 }\n\
        ckpt = { copies = 3, memory = 1048576, checkpoints = 7 }\nfailure_timeout_ms = 800";
    let config = parse(&GOOD.replacen("failure_timeout_ms = 800", more, 1)).unwrap();
    assert_eq!((config.ckpt.copies, config.msg.copies), (3, 1));
    assert_eq!((config.ckpt.memory, config.ckpt.checkpoints), (1 << 20, 7));
    assert!(!config.ckpt.faults);
}

#[test]
fn limits_and_watchers_are_taken_and_have_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!((config.limits, config.metrics), (NodeLimits::default(), None));
    let more = "limits = { sessions = 9, process_bytes = 65536, process_connections = 3 }\n\
        metrics = { listen = \"127.0.0.1:9464\" }\n[[nodes]]";
    let config = parse(&GOOD.replacen("[[nodes]]", more, 1)).unwrap();
    assert_eq!((config.limits.core.sessions, config.limits.core.process_bytes), (9, 65536));
    assert_eq!(config.limits.process_connections, 3);
    assert_eq!(config.limits.core.calls, NodeLimits::default().core.calls);
    assert_eq!(config.metrics, Some("127.0.0.1:9464".parse().unwrap()));
}

#[test]
fn an_error_names_file_line_and_key_and_says_what_to_do() {
    check("id = 2", "id = 1", "/etc/ais/node.toml:15: id: two nodes have the same; give each");
}

#[test]
fn every_rule_is_kept() {
    check("cluster = \"plant\"", "", "missing field `cluster`");
    check("node = \"east\"", "node = \"south\"", "use one of west, east, third");
    check("node = \"east\"", "nod = \"east\"", "unknown field `nod`");
    check("\"plant\"", "\"../plant\"", "cluster: not fit for a name");
    check("failure_timeout_ms = 800", "failure_timeout_ms = 10", "use 100 to 60000");
    check("failure_timeout_ms = 800", "failure_timeout_ms = \"1s\"", ":4: failure_timeout_ms:");
    check("failure_timeout_ms = 800", "transport = \"sctp\"", "use \"tcp\", \"udp\" or");
    check("failure_timeout_ms = 800", "transport = \"memory\"", "\"memory\" joins no processes");
    check("failure_timeout_ms = 800", "listen = \"0.0.0.0:1\"", "or use a loopback address");
    check("failure_timeout_ms = 800", "dev = { fault = true }", "unknown field `fault`");
    check("0660", "0999", "write them in octal");
    check("group = \"0\"", "group = \"no such group\"", "there is no group");
    check("\"debug\"", "\"=loud\"", "not a log level");
    check("\"json\"", "\"xml\"", "use \"text\" or \"json\"");
    check("id = 1", "id = 0", "number nodes from 1");
    check("\"west\"", "\"east\"", "name: two nodes have the same");
    check("127.0.0.1:7002", "127.0.0.1:7001", "address: two nodes have the same");
    check("127.0.0.1:7002", "10.0.0.1:7002", "use a loopback address");
    check("127.0.0.1:7002", "here", "no address with a port");
    check("address = \"127.0.0.1:7002\"", "", "a node without an address");
    check("\"witness\"", "\"king\"", "use \"voter\", \"witness\" or \"payload\"");
    check("run/it.sock", &"x".repeat(200), "use 1 to 100 bytes");
    check("failure_timeout_ms = 800", "metrics = { listen = \"9464\" }", "with a port; write it");
    check("failure_timeout_ms = 800", "metrics = { at = \"9464\" }", "unknown field `at`");
    check("failure_timeout_ms = 800", "limits = { process_calls = 0 }", "use 1 to 1000000");
    check("failure_timeout_ms = 800", "limits = { process_bytes = 9 }", "use 65536 to");
    check("failure_timeout_ms = 800", "ckpt = { copies = 0 }", "copies: 0 is out of range");
    check("failure_timeout_ms = 800", "ckpt = { memory = 1 }", "use 1048576 to");
    check("failure_timeout_ms = 800", "msg = { copies = 300 }", "use 1 to 256");
    check("failure_timeout_ms = 800", "msg = { lost = 1 }", "unknown field");
    check("[[nodes]]", "[[nodes", ":");
}

#[test]
fn certificates_open_other_addresses_and_errors_name_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = ais_transport::new_authority(1).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("ca.pem", &authority.certificate);
    for node in ["east", "west"] {
        let made = authority.issue(node, 1).unwrap();
        write(&format!("{node}.pem"), &made.certificate);
        write(&format!("{node}.key"), &made.key);
    }
    let tls = |cert: &str, key: &str| {
        format!("[tls]\nca = \"ca.pem\"\ncert = \"{cert}\"\nkey = \"{key}\"\n\n[[nodes]]")
    };
    let parse = |tls: &str| {
        let text = GOOD.replacen("[[nodes]]", tls, 1).replace("127.0.0.1:7002", "10.1.2.3:7002");
        Config::parse(&folder.path().join("node.toml"), &text).map_err(|it| it.to_string())
    };
    let config = parse(&tls("east.pem", "east.key")).unwrap();
    assert_eq!(config.tls.unwrap().cert, folder.path().join("east.pem"));
    assert_eq!(config.listen, Some("10.1.2.3:7002".parse().unwrap()));
    assert!(!config.faults);

    let said = |line: usize, key: &str, text: &str, tls: &str| {
        let error = parse(tls).unwrap_err();
        let at = format!("{}:{line}: {key}: ", folder.path().join("node.toml").display());
        assert!(error.starts_with(&at) && error.contains(text), "{error}");
    };
    said(11, "cert", "the certificate is for west, and this is node", &tls("west.pem", "west.key"));
    said(12, "key", "it is not the key of", &tls("east.pem", "west.key"));
    said(12, "key", "No such file", &tls("east.pem", "no.key"));
    write("empty.pem", "");
    said(11, "cert", "there is no certificate in it", &tls("empty.pem", "east.key"));
    said(18, "address", "without certificates nodes talk on loopback only", "[[nodes]]");
}

#[test]
fn udp_and_a_fault_switch_are_one_line_each() {
    let more = "transport = \"udp\"\ndev = { faults = true }";
    let config = parse(&GOOD.replacen("failure_timeout_ms = 800", more, 1)).unwrap();
    assert_eq!((config.transport, config.faults), (Transport::Udp, true));
}

#[test]
fn somebody_must_vote_and_host() {
    let text = GOOD.replace("role = \"voter\"", "role = \"payload\"");
    let text = text.replace("id = 1\n", "id = 1\nrole = \"payload\"\n");
    assert!(parse(&text).unwrap_err().contains("give at least one node the role \"voter\""));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/no/such/node.toml")).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/node.toml: cannot be read"), "{error}");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_damage_panics(at in 0..GOOD.len(), length in 0..40_usize, by in "\\PC{0,12}") {
        let mut text = GOOD.to_owned();
        text.replace_range(at..(at + length).min(GOOD.len()), &by);
        if let Err(error) = parse(&text) {
            prop_assert!(error.starts_with("/etc/ais/node.toml:"), "{}", error);
        }
    }
}

#[test]
fn the_watchdog_does_one_of_four_things() {
    let with = |line: &str| parse(&GOOD.replacen("failure_timeout_ms = 800", line, 1));
    assert_eq!(parse(GOOD).unwrap().watchdog, Watchdog::Log);
    let command = vec!["reboot".to_owned(), "-f".to_owned()];
    for (line, is) in [
        ("watchdog = { action = \"off\" }", Watchdog::Off),
        ("watchdog = { action = \"log\" }", Watchdog::Log),
        ("watchdog = { action = \"stop\" }", Watchdog::Stop),
        (
            "watchdog = { action = \"command\", command = [\"reboot\", \"-f\"] }",
            Watchdog::Command(command),
        ),
    ] {
        assert_eq!(with(line).unwrap().watchdog, is);
    }
    for (line, said) in [
        ("watchdog = { action = \"bark\" }", "is no action"),
        ("watchdog = { action = \"command\" }", "there is no command"),
        ("watchdog = { action = \"command\", command = [] }", "there is no command"),
        ("watchdog = { action = \"stop\", command = [\"x\"] }", "a command that is never run"),
    ] {
        let error = with(line).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
