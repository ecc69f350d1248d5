//! A majority is lost for good: an operator lets the survivor go on, and who comes back after all
//! does not go on as if nothing had happened.

use crate::{
    csa103::count,
    site::{Component, SOON, Site, wait_until},
};
use ais_cli::dev::{Durability, Plan};
use std::fs;

const NODES: [&str; 3] = ["n1", "n2", "n3"];

const MODEL: &str = r#"
[[groups]]
name = "SG"
component = { command = ["bin/csa103", "-p"], recovery = "COMPONENT_FAILOVER" }
units = [
  { name = "SU1", node = "n1", components = ["C1"] },
  { name = "SU3", node = "n3", components = ["C3"] },
]
instances = [{ name = "SI", csis = ["CSI"] }]
"#;

/// The names of those who vote, as a node has it.
fn voters(site: &Site, node: &str) -> Vec<String> {
    let cluster = site.ais(node, &["cluster", "show"]);
    let nodes = cluster["nodes"].as_array().unwrap();
    let votes = |it: &&serde_json::Value| cluster["voters"].as_array().unwrap().contains(&it["id"]);
    nodes.iter().filter(votes).map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

/// Two of three are lost; the third goes on alone, in the same processes.
fn lose_the_majority(durability: Durability) -> (Site, Component) {
    let plan = Plan { model: Some(MODEL.to_owned()), durability, ..Plan::new(NODES) };
    let site = Site::planned(plan);
    let mut standby = site.log("n3", "C3");
    standby.line("Standby state requested from state 0");
    let why = site.refused("n3", &["cluster", "reform", "--yes"]);
    assert!(why.contains("quorum"), "{why}");

    for lost in ["n1", "n2"] {
        site.cluster.kill(lost).unwrap();
    }
    let alone = || site.cluster.status("n3").is_some_and(|it| !it.lease);
    assert!(wait_until(alone), "the survivor acts without a quorum");
    let why = site.refused("n3", &["cluster", "reform"]);
    assert!(why.contains("--yes"), "{why}");
    for order in [&["cluster", "voters", "remove", "n1"][..], &["cluster", "token"]] {
        let why = site.refused("n3", order);
        assert!(why.contains("no quorum") && why.contains("reform"), "{why}");
    }
    let lines = standby.log.lines().len();
    site.ais("n3", &["cluster", "reform", "--yes"]);
    site.cluster.wait_formed(SOON).unwrap();
    assert_eq!(voters(&site, "n3"), ["n3"]);
    standby.log.skip_to(lines);
    count(&mut standby);
    (site, standby)
}

/// The lost ones vote again; then the survivor is not needed any more, at once.
fn give_back(site: &Site) {
    assert_eq!(voters(site, "n1"), ["n3"]);
    for back in ["n1", "n2"] {
        site.ais("n3", &["cluster", "voters", "add", back]);
    }
    site.cluster.stop("n3").unwrap();
    site.cluster.wait_formed(SOON * 2).unwrap();
    assert_eq!(voters(site, "n2"), NODES);
    let mut next = site.log("n1", "C1");
    next.log.skip();
    count(&mut next);
}

#[test]
fn the_survivor_goes_on_with_logs_in_memory() {
    let (site, _) = lose_the_majority(Durability::Memory);
    // One comes back with what it had, after all; of the other nothing is left but its file.
    fs::remove_dir_all(site.cluster.node_folder("n2").join("data")).unwrap();
    for back in ["n1", "n2"] {
        site.start(back);
        site.cluster.wait_formed(SOON * 2).unwrap();
        let told = || site.said(back).contains("does not vote");
        assert!(wait_until(told), "{back} was not told that it does not vote");
    }
    give_back(&site);
}

/// The lost ones are a majority of what their own logs say, and come back together.
#[test]
fn the_survivor_goes_on_with_logs_on_disk_and_is_not_left_by_those_who_come_back() {
    let (site, mut standby) = lose_the_majority(Durability::Disk);
    let number = site.cluster.status("n3").unwrap().view.number;
    for back in ["n1", "n2"] {
        site.start(back);
    }
    let survivor = site.cluster.node("n3").unwrap().id;
    let formed = wait_until(|| {
        let seen = ["n1", "n2"].map(|node| site.cluster.status(node));
        for status in seen.iter().flatten().filter(|it| it.lease) {
            let with = status.view.members.iter().any(|it| it.id.node == survivor);
            assert!(with, "the cluster is split: {status:?}");
        }
        seen.iter().flatten().filter(|it| it.lease).count() == 2
    });
    assert!(formed, "those who came back are no members");
    site.cluster.wait_formed(SOON).unwrap();
    assert!(site.cluster.status("n1").unwrap().view.number > number, "it is another group");
    standby.log.skip();
    count(&mut standby);
    give_back(&site);
}
