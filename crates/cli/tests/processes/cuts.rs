//! Cables pulled by the nodes' own fault switches, with real processes, over TCP and UDP.

use crate::site::{SOON, Site, wait_until};
use ais_cli::dev::{Plan, Wire};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// Whether this node may act and sees exactly these.
fn sees(site: &Site, node: &str, members: &[&str]) -> bool {
    site.cluster.status(node).is_some_and(|status| {
        let seen: Vec<String> = status.view.members.iter().map(|it| it.name.to_string()).collect();
        status.lease && seen == members
    })
}

fn goes_out_and_comes_back(site: &Site, node: &str, how: &str) {
    let others: Vec<&str> = NODES.into_iter().filter(|it| *it != node).collect();
    site.ais("n1", &["dev", how, node]);
    for other in &others {
        assert!(wait_until(|| sees(site, other, &others)), "{how}: {node} is still there");
    }
    let lost = || site.cluster.status(node).is_none_or(|it| !it.lease);
    assert!(wait_until(lost), "{how}: {node} acts still");
    site.ais("n1", &["dev", "heal", node]);
    site.cluster.wait_formed(SOON * 2).unwrap();
}

#[test]
fn a_node_whose_cable_is_pulled_goes_out_and_comes_back() {
    for transport in [Wire::Tcp, Wire::Udp] {
        let site = Site::planned(Plan { transport, ..Plan::new(NODES) });
        goes_out_and_comes_back(&site, "n3", "cut");
        goes_out_and_comes_back(&site, "n2", "cut-one-way");
        let leader = site.cluster.status("n1").unwrap().leader.unwrap().node;
        let leader = site.cluster.nodes.iter().find(|it| it.id == leader).unwrap().name.clone();
        goes_out_and_comes_back(&site, &leader, "cut");
        site.ais("n1", &["dev", "slow", "n3", "--ms", "5"]);
        site.ais("n1", &["dev", "cut", "n3", "--from", "n2"]);
        site.ais("n1", &["dev", "heal", "n3", "--from", "n2"]);
        site.ais("n1", &["dev", "heal", "n3"]);
        site.cluster.wait_formed(SOON * 2).unwrap();
    }
}
