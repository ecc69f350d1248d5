//! The tutorial csa103 with real processes: the count survives its component and its node.

use crate::site::{Component, Site, kill};
use ais_cli::{dev::PATIENCE, logs::hello};
use rustix::process::Signal;
use std::collections::BTreeSet;

pub(crate) const START: &[&str] = &[
    "Component [{me}] : PID [",
    "IOC Address : 0x1",
    "IOC Port : 0x",
    "csa103: Instantiated as component instance {me}.",
    "{me}: Waiting for CSI assignment...",
    "{me}: Waiting for CSI assignment...",
    "{me}: checkpoint_initialize",
    "{me}: Checkpoint service initialized (handle=0x",
    "{me}: Checkpoint opened (handle=0x",
];

const ALL: &[&str] = &["SCNodeI0", "SCNodeI1", "PayloadNodeI0", "PayloadNodeI1"];

/// The number that the component prints next.
#[track_caller]
pub(crate) fn count(it: &mut Component) -> (u64, u32) {
    let (number, line) = it.next("a number", hello);
    (number, line.pid)
}

/// It takes over, and goes on where the other stopped.
#[track_caller]
fn take_over(it: &mut Component, last: u64) {
    it.line("{me}: Active state requested from state 2");
    goes_on(it, last);
}

/// It is active, and goes on where the other stopped.
#[track_caller]
pub(crate) fn goes_on(it: &mut Component, last: u64) {
    it.line("{me} reading checkpoint");
    let (read, _) = it.next("the number read", |text| {
        text.split_once(" read checkpoint: seq = ")?.1.parse::<u64>().ok()
    });
    // Killed after it saved the next number, or between printing and saving.
    assert!(read == last || read == last + 1, "read {read} after {last}");
    for number in read..read + 3 {
        assert_eq!(count(it).0, number);
    }
}

/// C24 to C28, wherever the two components are.
fn fail_over_and_back(site: &Site, asked: &str, [one, two]: [&mut Component; 2]) {
    // C24: started, locked.
    site.ais(asked, &["amf", "unlock-instantiation", "csa103SGI0"]);
    one.lines(START);
    two.lines(START);
    assert_eq!(one.count("HA state") + two.count("HA state"), 0);

    // C25: one active, one standby.
    site.ais(asked, &["amf", "unlock", "csa103SGI0"]);
    one.line("{me}: Active state requested from state 0");
    two.line("Standby state requested from state 0");
    assert_eq!(one.count("Section created") + two.count("Section created"), 1);
    for number in 0..3 {
        assert_eq!(count(one).0, number);
    }
    let shown = site.ais(asked, &["ckpt", "show", "csa103Ckpt"]);
    assert_eq!(shown[0]["listed"]["attributes"]["max_sections"], 2);
    assert_eq!(shown[0]["listed"]["users"], 2);
    assert!(site.ais(asked, &["ckpt", "counters"])["memory_max"].as_u64() > Some(0));

    // C26: the standby takes over.
    let (last, first_pid) = count(one);
    kill(first_pid, Signal::KILL);
    take_over(two, last);

    // C27: the killed one comes back as standby, in a new process.
    let again = one.lines(START);
    assert_ne!(again.pid, first_pid);
    one.line("Standby state requested from state 0");
    assert_eq!(one.count("Section created") + two.count("Section created"), 1);

    // C28: and takes over in its turn.
    two.log.skip();
    let (last, second_pid) = count(two);
    kill(second_pid, Signal::KILL);
    take_over(one, last);
}

#[test]
fn c24_to_c28_on_one_node() {
    let site = Site::new(&["SCNodeI0"], "csa103-1.toml");
    let one = &mut site.log("SCNodeI0", "csa103CompI0");
    let two = &mut site.log("SCNodeI0", "csa103CompI1");
    fail_over_and_back(&site, "SCNodeI0", [one, two]);
}

#[test]
fn c30_on_two_nodes_with_a_witness() {
    let site = Site::new(&["PayloadNodeI0", "PayloadNodeI1"], "csa103-2.toml");
    let one = &mut site.log("PayloadNodeI0", "csa103CompI0");
    let two = &mut site.log("PayloadNodeI1", "csa103CompI1");
    fail_over_and_back(&site, "PayloadNodeI1", [one, two]);
}

/// Four nodes, on which the pair of the SC nodes counts; the last number of the active.
pub(crate) fn four_nodes() -> (Site, Component, u64) {
    let site = Site::new(ALL, "csa103-4.toml");
    let mut active = site.log("SCNodeI0", "csa103CompI2");
    let mut standby = site.log("SCNodeI1", "csa103CompI3");
    site.ais("SCNodeI1", &["amf", "unlock-instantiation", "csa103SGI1"]);
    site.ais("SCNodeI1", &["amf", "unlock", "csa103SGI1"]);
    standby.line("Standby state requested from state 0");
    for number in 0..3 {
        assert_eq!(count(&mut active).0, number);
    }
    let (last, _) = count(&mut active);
    (site, standby, last)
}

/// The rest of the cluster sees exactly these.
#[track_caller]
fn members(site: &Site, expected: &[&str]) {
    site.cluster.wait_formed(PATIENCE).unwrap();
    let members = site.ais("SCNodeI1", &["clm", "nodes"]);
    let nodes = members["nodes"].as_array().unwrap().iter().map(|it| &it["node"]);
    let nodes = nodes.filter(|it| it["member"].as_bool().unwrap());
    let names: BTreeSet<&str> = nodes.map(|it| it["name"].as_str().unwrap()).collect();
    let dn = |it: &&str| format!("safNode={it},safCluster={}", site.cluster.name);
    let expected: Vec<String> = expected.iter().map(dn).collect();
    assert_eq!(names, expected.iter().map(String::as_str).collect());
}

#[test]
fn c32_the_node_of_the_active_is_stopped() {
    let (site, mut standby, _) = four_nodes();
    site.cluster.stop("SCNodeI0").unwrap();
    // Its last number may have come after the one that was seen.
    let last = last_number(&site);
    take_over(&mut standby, last);
    members(&site, &["SCNodeI1", "PayloadNodeI0", "PayloadNodeI1"]);
}

#[test]
fn c35_the_node_of_the_active_is_yanked() {
    let (site, mut standby, _) = four_nodes();
    site.cluster.kill("SCNodeI0").unwrap();
    let last = last_number(&site);
    take_over(&mut standby, last);
    members(&site, &["SCNodeI1", "PayloadNodeI0", "PayloadNodeI1"]);
}

fn last_number(site: &Site) -> u64 {
    last_of(&mut site.log("SCNodeI0", "csa103CompI2"))
}

/// The last number that a dead component has printed.
pub(crate) fn last_of(dead: &mut Component) -> u64 {
    dead.log.lines().iter().filter_map(|line| hello(&line.text)).next_back().unwrap()
}
