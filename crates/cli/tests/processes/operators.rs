//! What operators see and order of the membership, with real processes.

use crate::site::{SOON, Site, wait_until};
use ais_cli::dev::{Lifetime, Plan};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// `ais clm watch`, line by line.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn begin(site: &Site, node: &str) -> Self {
        let mut child = site.asks(node, &["clm", "watch"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
        });
        Self { child, lines }
    }

    /// The next thing that is seen: what changed, with its cause, and how many members there are.
    #[track_caller]
    fn next(&self) -> (Vec<(String, String)>, Option<String>, usize) {
        let line = self.lines.recv_timeout(SOON).expect("a line");
        let seen: serde_json::Value = serde_json::from_str(&line).unwrap();
        let change = |it: &serde_json::Value| {
            let name = it["node"]["name"].as_str().unwrap().to_owned();
            (name, it["change"].as_str().unwrap().to_lowercase())
        };
        let changes = seen["changes"].as_array().unwrap().iter().map(change).collect();
        let cause = seen["cause"].as_str().map(str::to_owned);
        (changes, cause, seen["members"].as_array().unwrap().len())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dn(node: &str) -> String {
    format!("safNode={node},safCluster=dev")
}

#[test]
fn the_membership_is_watched_while_operators_change_it() {
    let site = Site::planned(Plan::new(NODES));
    let watching = Watching::begin(&site, "n1");
    assert_eq!(watching.next(), (vec![], None, 3), "the membership as it is");
    let change = |what: &str| vec![(dn("n3"), what.to_owned())];

    site.ais("n2", &["clm", "lock", "n3"]);
    assert_eq!(watching.next(), (change("left"), Some(dn("n3")), 2));
    let again = site.ais("n2", &["clm", "lock", "n3"]);
    assert!(again["done"].as_str().unwrap().contains("already"), "{again}");
    site.ais("n2", &["clm", "unlock", "n3"]);
    assert_eq!(watching.next(), (change("joined"), Some(dn("n3")), 3));
    site.ais("n2", &["clm", "shutdown", "n3"]);
    assert_eq!(watching.next(), (change("shutdown"), Some(dn("n3")), 2));
    site.ais("n2", &["clm", "unlock", &dn("n3")]);
    assert_eq!(watching.next(), (change("joined"), Some(dn("n3")), 3));
    site.ais("n2", &["clm", "set", "n3", "--execution-environment", "safEE=blade"]);
    assert_eq!(watching.next(), (change("reconfigured"), Some(dn("n3")), 3));
    site.ais("n2", &["clm", "set", "n3", "--lock-callback-timeout-ms", "1500"]);
    site.ais("n2", &["clm", "remove", "n3", "--cause", "safHE=blade"]);
    assert_eq!(watching.next(), (change("left"), Some("safHE=blade".to_owned()), 2));

    // Out for the rest of this life; the next one is a member again.
    site.cluster.kill("n3").unwrap();
    site.start("n3");
    assert_eq!(watching.next(), (change("joined"), None, 3));
    site.cluster.stop("n3").unwrap();
    assert_eq!(watching.next(), (change("left"), Some(dn("n3")), 2));
    site.start("n3");
    assert_eq!(watching.next(), (change("joined"), None, 3));
    site.cluster.kill("n3").unwrap();
    assert_eq!(watching.next(), (change("left"), None, 2));
    let node =
        site.membership("n2").nodes.into_iter().find(|it| it.node.name.to_string() == dn("n3"));
    let node = node.unwrap();
    assert_eq!((node.up, node.lock_callback_timeout.0), (false, 1_500_000_000));
}

#[test]
fn the_configuration_is_changed_by_command_and_wrong_orders_are_refused() {
    let site = Site::planned(Plan::new(NODES));
    site.ais("n1", &["clm", "create", "spare"]);
    let names = || -> Vec<String> {
        site.membership("n2").nodes.iter().map(|it| it.node.name.to_string()).collect()
    };
    assert!(wait_until(|| names().contains(&dn("spare"))), "{:?}", names());
    let why = site.refused("n1", &["clm", "create", "spare"]);
    assert!(why.contains("spare"), "{why}");
    let why = site.refused("n1", &["clm", "delete", "spare"]);
    assert!(why.contains("lock"), "{why}");
    site.ais("n1", &["clm", "lock", "spare"]);
    site.ais("n1", &["clm", "delete", "spare"]);
    assert!(wait_until(|| !names().contains(&dn("spare"))), "{:?}", names());
    for arguments in
        [&["clm", "lock", "nobody"][..], &["clm", "delete", "nobody"], &["clm", "remove", "nobody"]]
    {
        let why = site.refused("n1", arguments);
        assert!(why.contains("nobody"), "{why}");
    }
}

#[test]
fn a_node_that_ends_at_once_does_not_run() {
    let site = Site::planned(Plan::new(NODES));
    site.cluster.kill("n2").unwrap();
    let file = site.cluster.node_folder("n2").join("node.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("failure_timeout_ms = 2000", "failure_timeout_ms = 7")).unwrap();
    let why = site.refused("n1", &["dev", "start", "n2"]);
    assert!(why.contains("node n2 has ended") && why.contains("node.log"), "{why}");
    assert!(why.contains("failure_timeout_ms: 7") && why.contains("100 to 60000"), "{why}");
    assert!(site.said("n2").contains("failure_timeout_ms"), "{}", site.said("n2"));
    fs::write(&file, text).unwrap();
    site.cluster.start("n2", Lifetime::Parent).unwrap();
    site.cluster.wait_formed(SOON).unwrap();
}
