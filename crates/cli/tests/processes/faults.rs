//! What happens to the components of a daemon that hangs, and of one that leaves.

use crate::{
    csa103::{START, count, goes_on, last_of},
    site::{Component, SOON, Site},
};
use ais_cli::dev::{NodeProcess, PATIENCE};
use ais_types::{Incarnation, NodeId};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};
use std::{fs, os::fd::OwnedFd, time::Duration};

const ONE: &str = "PayloadNodeI0";
const TWO: &str = "PayloadNodeI1";

/// A process, also when its number is used again.
struct Watched(OwnedFd);

impl Watched {
    fn new(pid: u32) -> Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        Self(pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    /// Whether it ends within this time.
    fn ends_within(&self, patience: Duration) -> bool {
        let seconds = i64::try_from(patience.as_secs()).unwrap();
        let timeout = Timespec { tv_sec: seconds, tv_nsec: patience.subsec_nanos().into() };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout)).unwrap() == 1
    }

    fn has_ended(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }
}

/// Two nodes and a witness; the first component counts, the second stands by.
fn counting(model: String) -> (Site, Component, Component, u32) {
    let site = Site::with_model(&[ONE, TWO], model);
    let mut active = site.log(ONE, "csa103CompI0");
    let mut standby = site.log(TWO, "csa103CompI1");
    site.ais(TWO, &["amf", "unlock-instantiation", "csa103SGI0"]);
    site.ais(TWO, &["amf", "unlock", "csa103SGI0"]);
    standby.line("Standby state requested from state 0");
    let (_, pid) = count(&mut active);
    (site, active, standby, pid)
}

fn model(command: &str) -> String {
    format!(
        r#"
[[groups]]
name = "csa103SGI0"
admin = "LOCKED_INSTANTIATION"
component = {{ command = {command}, recovery = "COMPONENT_FAILOVER" }}
units = [
  {{ name = "csa103SUI0", node = "{ONE}", components = ["csa103CompI0"] }},
  {{ name = "csa103SUI1", node = "{TWO}", components = ["csa103CompI1"] }},
]
instances = [{{ name = "csa103SII0", csis = ["csa103CSII0"] }}]
"#
    )
}

fn daemon(site: &Site) -> NodeProcess {
    site.cluster.process(ONE).expect("it runs")
}

/// Which incarnation of the first node the second one sees, if any.
fn incarnation(site: &Site) -> Option<Incarnation> {
    let status = site.cluster.status(TWO)?;
    let member = status.view.members.iter().find(|it| it.id.node == NodeId(1))?;
    Some(member.id.incarnation)
}

#[test]
fn a_daemon_that_hangs_loses_its_components_and_comes_back_as_another() {
    let (site, mut one, mut two, pid) = counting(model("[\"bin/csa103\", \"-p\"]"));
    let (component, hanging) = (Watched::new(pid), daemon(&site));
    let before = incarnation(&site).expect("it is a member");

    hanging.signal(Signal::STOP).unwrap();
    // Nobody but its keeper can do that now.
    assert!(component.ends_within(SOON), "a component outlives the lease of its node");
    two.line("{me}: Active state requested from state 2");
    goes_on(&mut two, last_of(&mut one));
    assert_eq!(incarnation(&site), None, "it was ordered out");

    let (old, number) = (Watched::new(hanging.pid()), one.log.lines().len());
    hanging.signal(Signal::CONT).unwrap();
    site.cluster.wait_formed(PATIENCE).unwrap();
    // The same process, but nothing that it was goes on.
    assert!(!old.has_ended());
    let after = incarnation(&site).expect("it is a member again");
    assert!(after > before, "{after:?} follows {before:?}");
    one.log.skip_to(number);
    let again = one.lines(START);
    assert_ne!(again.pid, pid);
    one.line("Standby state requested from state 0");
    for _ in 0..2 {
        count(&mut two);
    }
}

#[test]
fn a_daemon_says_good_bye_when_its_components_have_ended() {
    // What a component leaves behind belongs to it, in whatever session it is.
    let stray = "setsid sh -c 'echo $$ > stray.new; mv stray.new stray; exec sleep 1000' & \
                 while ! test -e stray; do sleep 0.1; done";
    let command = format!("[\"sh\", \"-c\", \"{stray}; exec bin/csa103 -p\"]");
    let (site, mut one, mut two, pid) = counting(model(&command));
    let stray = fs::read_to_string(site.cluster.node_folder(ONE).join("stray")).unwrap();
    let (component, stray) = (Watched::new(pid), Watched::new(stray.trim().parse().unwrap()));
    assert!(!component.has_ended() && !stray.has_ended());

    let leaving = daemon(&site);
    leaving.signal(Signal::TERM).unwrap();
    two.line("{me}: Active state requested from state 2");
    assert!(component.has_ended() && stray.has_ended(), "the standby was told too early");
    goes_on(&mut two, last_of(&mut one));
    leaving.wait_gone(PATIENCE).unwrap();
    site.cluster.wait_formed(PATIENCE).unwrap();
    assert_eq!(incarnation(&site), None);
}
