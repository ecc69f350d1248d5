//! The whole cluster loses its power: what operators configured is there when it is back.

use crate::{
    csa103::count,
    site::{SOON, Site, wait_until},
};
use ais_cli::dev::{Durability, Plan};
use ais_types::{
    amf::{self, AdminState},
    clm,
};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// Two components on the first two nodes; an operator lets them run.
const MODEL: &str = r#"
[[groups]]
name = "SG"
admin = "LOCKED_INSTANTIATION"
component = { command = ["bin/csa103", "-p"], recovery = "COMPONENT_FAILOVER" }
units = [
  { name = "SU1", node = "n1", components = ["C1"] },
  { name = "SU2", node = "n2", components = ["C2"] },
]
instances = [{ name = "SI", csis = ["CSI"] }]
"#;

/// The administrative states of the group and its units.
fn states(site: &Site, node: &str) -> Vec<AdminState> {
    let amf::State { groups } = site.availability(node);
    let of = |group: &amf::GroupReport| {
        let units: Vec<AdminState> = group.units.iter().map(|it| it.admin).collect();
        [vec![group.admin], units].concat()
    };
    groups.first().map(of).unwrap_or_default()
}

/// Who is configured: whether it is locked, and whether it is a member.
fn nodes(site: &Site, node: &str) -> Vec<(String, bool, bool)> {
    let of = |it: &clm::ConfiguredNode| {
        (it.node.name.to_string(), it.admin == clm::AdminState::Locked, it.node.member)
    };
    let nodes = site.membership(node).nodes;
    nodes.iter().map(of).map(|(name, locked, member)| (first(&name), locked, member)).collect()
}

/// The value of a DN's first RDN.
fn first(dn: &str) -> String {
    let rdn = dn.split(',').next().unwrap_or(dn);
    rdn.split_once('=').map_or(rdn, |it| it.1).to_owned()
}

fn what_operators_configured_survives(durability: Durability) {
    let plan = Plan { durability, model: Some(MODEL.to_owned()), ..Plan::new(NODES) };
    let site = Site::planned(plan);
    let mut active = site.log("n1", "C1");
    site.ais("n2", &["amf", "unlock-instantiation", "SG"]);
    site.ais("n2", &["amf", "unlock", "SG"]);
    count(&mut active);
    site.ais("n1", &["clm", "create", "spare"]);
    site.ais("n1", &["clm", "lock", "n3"]);
    // The last word before the power fails.
    site.ais("n1", &["amf", "lock", "SU2"]);
    for node in NODES {
        site.cluster.kill(node).unwrap();
    }
    let lines = active.log.lines().len();

    NODES.iter().for_each(|node| site.start(node));
    site.cluster.wait_formed(SOON * 2).unwrap();
    let here = |name: &str, locked, member| (name.to_owned(), locked, member);
    let configured = [
        here("n1", false, true),
        here("n2", false, true),
        here("n3", true, false),
        here("spare", false, false),
    ];
    for node in NODES {
        assert_eq!(nodes(&site, node), configured, "as {node} has it");
    }
    let ordered = [AdminState::Unlocked, AdminState::Unlocked, AdminState::Locked];
    assert!(wait_until(|| states(&site, "n1") == ordered), "{:?}", states(&site, "n1"));
    // What was unlocked runs without another word.
    active.log.skip_to(lines);
    count(&mut active);
    site.ais("n2", &["clm", "unlock", "n3"]);
    assert_eq!(nodes(&site, "n2")[2], here("n3", false, true));
}

#[test]
fn what_operators_configured_survives_with_logs_in_memory() {
    what_operators_configured_survives(Durability::Memory);
}

#[test]
fn what_operators_configured_survives_with_logs_on_disk() {
    what_operators_configured_survives(Durability::Disk);
}
