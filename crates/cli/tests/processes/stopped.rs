//! The daemon of the leader stops: its sockets stay open, it says nothing more. What runs on the
//! other nodes goes on in the same processes.

use crate::{
    csa103,
    site::{kill, wait_until},
};
use ais_cli::dev::PATIENCE;
use rustix::process::Signal;

#[test]
fn what_runs_on_the_other_nodes_goes_on_when_the_leaders_daemon_is_stopped() {
    let (site, mut standby, _) = csa103::four_nodes();
    let before = standby.log.lines().last().unwrap().pid;
    let status = site.cluster.status("SCNodeI1").unwrap();
    let leader = status.leader.unwrap().node;
    let leader = site.cluster.nodes.iter().find(|it| it.id == leader).unwrap().name.clone();
    if leader == "SCNodeI1" {
        // The one that is looked at must go on: another one leads then.
        return the_active_goes_on(&site, &leader);
    }
    let daemon = site.cluster.process(&leader).unwrap().pid();
    kill(daemon, Signal::STOP);
    let gone = wait_until(|| {
        let status = site.cluster.status("SCNodeI1");
        status.is_some_and(|it| {
            it.lease && it.view.members.iter().all(|it| it.name.to_string() != leader)
        })
    });
    assert!(gone, "{leader} is still in the view");
    if leader == "SCNodeI0" {
        standby.line("{me}: Active state requested from state 2");
    }
    let lines = standby.log.lines();
    assert!(lines.iter().all(|it| it.pid == before), "the component was started again");
    kill(daemon, Signal::KILL);
    site.cluster.process(&leader).map(|it| it.wait_gone(PATIENCE));
}

/// The leader hosts the standby: the active counts on, in the same process.
fn the_active_goes_on(site: &crate::site::Site, leader: &str) {
    let mut active = site.log("SCNodeI0", "csa103CompI2");
    let before = active.log.lines().last().unwrap().pid;
    let daemon = site.cluster.process(leader).unwrap().pid();
    kill(daemon, Signal::STOP);
    let gone = wait_until(|| {
        let status = site.cluster.status("SCNodeI0");
        status.is_some_and(|it| {
            it.lease && it.view.members.iter().all(|it| it.name.to_string() != leader)
        })
    });
    assert!(gone, "{leader} is still in the view");
    active.log.skip();
    for _ in 0..2 {
        assert_eq!(csa103::count(&mut active).1, before, "the component was started again");
    }
    kill(daemon, Signal::KILL);
}
