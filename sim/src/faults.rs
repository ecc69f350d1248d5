//! What breaks, out of the seed.
//!
//! Processes may end and links break at any time. As many nodes fail together as the scene says
//! that its copies survive, and the next ones not before the cluster has had time to make its
//! copies again: more than that may lose what has too few, and nothing could be said about it.

use crate::world::{Happening, World};
use ais_node::Core;
use ais_service::Lease;
use ais_types::NodeId;
use std::time::Duration;

/// How long a cluster that is whole again is left alone by failures of nodes.
const RECOVERY: Duration = Duration::from_secs(4);

#[derive(Default)]
pub(crate) struct Plan {
    /// Whether anything breaks at all.
    pub(crate) chaos: bool,
    pub(crate) injected: u64,
    /// Since when the cluster is whole.
    whole_since: Option<Duration>,
    /// How many nodes have failed since it was whole for long enough.
    failures: usize,
    /// Two nodes that do not hear each other, and since when.
    pub(crate) split: Option<(NodeId, NodeId, Duration)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Something breaks now: what, is drawn then.
    Draw,
    /// The cluster is looked after.
    Watch,
    /// Cuts end.
    Heal,
    Resume(NodeId),
    Pace(NodeId),
    /// Everything is without power for a moment.
    Blackout,
}

impl World {
    pub(crate) fn plan_faults(&mut self) {
        self.plan.failures = self.scene.faults();
        self.after(Duration::from_secs(2), Happening::Fault(Fault::Draw));
        self.after(Duration::from_millis(100), Happening::Fault(Fault::Watch));
        if self.scene.blackout {
            let at = Duration::from_secs(5) + self.up_to(Duration::from_secs(20));
            self.after(at, Happening::Fault(Fault::Blackout));
        }
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Draw => self.draw(),
            Fault::Watch => self.watch(),
            Fault::Heal => self.heal(),
            Fault::Resume(node) => {
                self.note(|| format!("FAULT over: {node} goes on"));
                self.resume(node);
            }
            Fault::Pace(node) => self.host_mut(node).pace = Duration::from_millis(2),
            Fault::Blackout => self.black_out(),
        }
        self.count_votes();
    }

    /// Ends all faults.
    pub(crate) fn mend_all(&mut self) {
        self.note(|| "CALM".to_owned());
        self.ledger.calm = Some(self.now);
        self.heal();
        for node in self.nodes() {
            self.resume(node);
            self.host_mut(node).pace = Duration::from_millis(2);
            if self.host(node).core.is_none() {
                self.host_mut(node).boots_at = Some(self.now);
            }
        }
    }

    fn heal(&mut self) {
        self.note(|| "FAULT over: cuts heal".to_owned());
        self.plan.split = None;
        for host in &mut self.hosts {
            host.side = 0;
        }
    }

    /// All machines lose their power at once, and with it all that was in memory.
    fn black_out(&mut self) {
        self.note(|| "FAULT: all machines are without power".to_owned());
        self.plan.injected += 1;
        self.plan.whole_since = None;
        for node in self.nodes() {
            self.unplug(node);
            self.host_mut(node).boots_at = Some(self.now + self.up_to(Duration::from_secs(2)));
        }
        self.ledger.forget_all();
    }

    /// A machine stops, with all that runs there.
    fn unplug(&mut self, node: NodeId) {
        self.end_daemon(node);
        self.kill_processes(node);
        self.host_mut(node).unplugged = true;
    }

    /// Notes whether the cluster is whole.
    fn watch(&mut self) {
        let is_whole = |it: &crate::world::Host| {
            let lease = it.core.as_ref().map(Core::lease);
            it.runs()
                && it.side == 0
                && self.plan.split.is_none()
                && it.member.is_some()
                && lease == Some(Lease::Held)
        };
        if self.hosts.iter().all(is_whole) {
            self.plan.whole_since.get_or_insert(self.now);
        } else {
            self.plan.whole_since = None;
        }
        self.after(Duration::from_millis(100), Happening::Fault(Fault::Watch));
    }

    fn draw(&mut self) {
        if !self.plan.chaos {
            return;
        }
        self.plan.injected += 1;
        let rested = self.plan.whole_since.is_some_and(|since| since + RECOVERY <= self.now);
        if rested {
            self.plan.failures = 0;
        }
        if self.plan.failures < self.scene.faults() && self.rng.u8(0..10) < 6 {
            self.plan.whole_since = None;
            self.plan.failures += 1;
            self.fail_node();
        } else {
            self.fail_little();
        }
        let pause = self.up_to(Duration::from_millis(1500));
        self.after(pause, Happening::Fault(Fault::Draw));
    }

    fn fail_little(&mut self) {
        let nodes = self.nodes();
        let Some(node) = self.choose(&nodes) else { return };
        match self.rng.u8(0..10) {
            0..4 => {
                let victims = self.victims();
                if let Some(victim) = self.choose(&victims) {
                    self.note(|| format!("FAULT: process {} is killed", victim.0));
                    self.kill_process(victim);
                }
            }
            4..8 => {
                let members: Vec<_> = self.hosts.iter().filter_map(|it| it.member).collect();
                if let (Some(a), Some(b)) = (self.choose(&members), self.choose(&members)) {
                    self.note(|| format!("FAULT: the link {a} - {b} breaks"));
                    self.break_link(a, b, Duration::from_millis(100));
                }
            }
            _ => {
                let most = if self.rng.bool() { 50 } else { 300 };
                self.note(|| format!("FAULT: {node} takes up to {most} ms to deliver"));
                self.host_mut(node).pace = Duration::from_millis(most);
                let until = self.up_to(Duration::from_secs(3));
                self.after(until, Happening::Fault(Fault::Pace(node)));
            }
        }
    }

    fn fail_node(&mut self) {
        let nodes = self.nodes();
        let hosts = self.scene.setting.nodes(nodes.len() as u32);
        // What happens to those that host components is of more interest.
        let preferred = if self.rng.bool() && !hosts.is_empty() { &hosts } else { &nodes };
        let Some(node) = self.choose(preferred) else { return };
        let most = if self.rng.bool() { 1_000 } else { 6_000 };
        let until = self.up_to(Duration::from_millis(most));
        let several = nodes.len() > 2;
        match self.rng.u8(0..14) {
            0..4 if several => {
                let machine = self.rng.bool();
                self.note(|| format!("FAULT: {node} is killed, its machine too: {machine}"));
                if machine {
                    self.unplug(node);
                } else {
                    self.end_daemon(node);
                }
                self.host_mut(node).boots_at = Some(self.now + until);
            }
            4..7 => {
                self.note(|| format!("FAULT: {node} is cut off for {until:?}"));
                self.host_mut(node).side = 1;
                self.after(until, Happening::Fault(Fault::Heal));
            }
            7 => {
                self.note(|| format!("FAULT: all are cut off from each other for {until:?}"));
                for (side, host) in self.hosts.iter_mut().enumerate() {
                    host.side = side as u32;
                }
                self.after(until, Happening::Fault(Fault::Heal));
            }
            8..10 if several => {
                self.note(|| format!("FAULT: {node} says good-bye for {until:?}"));
                self.say_good_bye(node);
                self.host_mut(node).boots_at = Some(self.now + until);
            }
            10..12 if several => {
                let others: Vec<NodeId> = nodes.into_iter().filter(|it| *it != node).collect();
                let Some(other) = self.choose(&others) else { return };
                self.note(|| format!("FAULT: {node} and {other} lose each other for {until:?}"));
                self.plan.split = Some((node, other, self.now));
                // It may cost two copies: of the one that was given up, and of the one that goes.
                self.plan.failures += 1;
                self.after(until, Happening::Fault(Fault::Heal));
            }
            _ => {
                self.note(|| format!("FAULT: {node} hangs for {until:?}"));
                self.host_mut(node).hung = true;
                self.after(until, Happening::Fault(Fault::Resume(node)));
            }
        }
    }
}
