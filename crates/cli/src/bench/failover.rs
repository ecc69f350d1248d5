//! How long the survivors take to agree that a node is gone, or is back.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use super::{measure::Sample, site::Site};
use crate::{
    Failure,
    dev::{Lifetime, PATIENCE},
    wait::until,
};
use ais_client::{Clm, Session, Wait};
use ais_types::{
    NodeId, Role, TrackFlags,
    clm::{Api, Callback, Callbacks, Change},
    node::Fault,
};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Each round costs a node its life, and some seconds.
const ROUNDS: u32 = 20;

/// What befalls the victim.
#[derive(Clone, Copy)]
enum Blow {
    Kill,
    Cut,
}

pub(super) fn measure(site: &Site, tell: &mut impl FnMut(Sample)) -> Result<(), Failure> {
    if site.hosts() < 3 {
        return Err(Failure::Usage("failover needs three nodes: say --nodes 3".to_owned()));
    }
    for (what, leads, blow) in [
        ("kill -9 of a member", false, Blow::Kill),
        ("kill -9 of the leader", true, Blow::Kill),
        ("cut of a member", false, Blow::Cut),
        ("cut of the leader", true, Blow::Cut),
    ] {
        let (mut gone, mut back) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (left, joined) = round(site, leads, blow)?;
            gone.push(left);
            back.push(joined);
        }
        let whole = |all: &[Duration]| all.iter().sum();
        let sum = whole(&gone);
        tell(Sample::of(format!("{what}: out of the view"), gone, sum));
        let returned = match blow {
            Blow::Kill => "start of it: in the view",
            Blow::Cut => "heal of it: in the view again",
        };
        let sum = whole(&back);
        tell(Sample::of(format!("{what}, {returned}"), back, sum));
    }
    Ok(())
}

/// How long it took until the victim was out, and in again.
fn round(site: &Site, leads: bool, blow: Blow) -> Result<(Duration, Duration), Failure> {
    let cluster = &site.cluster;
    cluster.wait_formed(PATIENCE)?;
    let leader = until("the election of a leader", PATIENCE, || {
        cluster.status("n1").and_then(|it| it.leader)
    })?;
    // A witness has no members' programs, and is none itself.
    let hosts = || cluster.nodes.iter().filter(|it| it.role != Role::Witness);
    let victim = hosts().find(|it| (it.id == leader.node) == leads);
    let victim = victim.ok_or_else(|| Failure::Usage("the witness leads".to_owned()))?;
    let survivor = hosts().find(|it| it.id != victim.id).expect("one of three");
    let observer = Observer::new(site, &survivor.name)?;
    let process = cluster.process(&victim.name);
    let process = process.ok_or_else(|| Failure::Usage("it does not run".to_owned()))?;
    let begun = Instant::now();
    match blow {
        Blow::Kill => process.signal(Signal::KILL)?,
        Blow::Cut => cluster.set_fault(&victim.name, None, Some(Fault::Cut))?,
    }
    observer.wait(victim.id, Change::Left)?;
    let left = begun.elapsed();
    if let Blow::Kill = blow {
        process.wait_gone(PATIENCE)?;
    }
    let begun = Instant::now();
    match blow {
        Blow::Kill => {
            site.seats.start(|| cluster.start(&victim.name, Lifetime::Parent))?;
        }
        Blow::Cut => cluster.set_fault(&victim.name, None, None)?,
    }
    observer.wait(victim.id, Change::Joined)?;
    Ok((left, begun.elapsed()))
}

/// A program on a node that survives.
struct Observer(Clm<Session>);

impl Observer {
    fn new(site: &Site, node: &str) -> Result<Self, Failure> {
        let callbacks = Callbacks { node_get: false, track: true };
        let at = site.cluster.endpoint(node);
        let clm = Clm::<Session>::initialize(&at, "ais bench", Api::B04, callbacks)?;
        clm.track(TrackFlags::CHANGES_ONLY)?;
        Ok(Self(clm))
    }

    fn wait(&self, node: NodeId, change: Change) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.0.next_callback(Wait::Until(until))? {
                Some(Callback::Track(told)) => {
                    let it = told.notification.items.iter();
                    if it.clone().any(|it| it.node.id == node && it.change == change) {
                        return Ok(());
                    }
                }
                Some(Callback::NodeGet { .. }) => {}
                None => {
                    let text = format!("node {node} has not {change:?} within {PATIENCE:?}");
                    return Err(Failure::Usage(text));
                }
            }
        }
    }
}
