//! Nodes' cores in one thread, under virtual time, with an order that is trivially right: what one
//! orders is handed to all members at once, and nothing overtakes anything.

use crate::services;
use ais_conformance_core::{Setup, Trouble};
use ais_node::{
    ConnectionId, Core, CoreConfig, CoreLimits, Done, Effect, Event, Peer, ProcessKey, SessionId,
    Task,
};
use ais_service::{Exit, Instant, Lease, Link, Now, Spawn};
use ais_types::{
    Error, GroupTime, Incarnation, Member, MemberId, Name, NodeId, ProcessId, Role, ServiceId,
    Stamp, Time, Version, View, amf::Model,
};
use ais_wire::Frame;
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// More events than this without a pause means that cores talk in circles.
const EVENTS_MAX: usize = 1_000_000;

/// The wall clock when the world begins (2026-01-01); daemons boot with it.
const DAWN: i64 = 1_767_225_600_000_000_000;

/// What sessions hear.
#[derive(Debug)]
pub(super) enum Heard {
    Reply(SessionId, Frame),
    Callback(SessionId, Frame),
    /// Refused at its hello, or ended later.
    Closed(SessionId, Option<Error>),
}

pub(super) struct Node {
    pub(super) name: String,
    pub(super) id: NodeId,
    pub(super) witness: bool,
    pub(super) lives: u64,
    pub(super) core: Option<Core>,
    /// In the view, in this life.
    pub(super) admitted: bool,
    pub(super) cut: bool,
    /// Ordered while there was no quorum.
    held: Vec<Ordered>,
    /// On its disk: what operators had configured, as of then.
    kept: Option<(Stamp, Bytes)>,
    /// Processes that AMF started here, and what they are.
    pub(super) spawned: Vec<(ProcessKey, Spawn)>,
}

#[derive(Clone)]
enum Ordered {
    Entry(Bytes),
    ProcessEnded(ProcessId),
    Barrier(u64),
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) nodes: Vec<Node>,
    pub(super) view: View,
    pub(super) quorum: bool,
    pub(super) heard: VecDeque<(usize, Heard)>,
    /// Cores that gave up.
    pub(super) fatal: Option<String>,
    links: BTreeSet<(MemberId, MemberId)>,
    queue: VecDeque<(MemberId, Event)>,
    index: u64,
    keys: u64,
    group_deadline: Option<GroupTime>,
    model: Option<Model>,
}

/// What the services call a node of the scenario.
fn service_name(node: &str) -> Name {
    Name::new(format!("safNode={node},safCluster=sim")).expect("scenario names are short")
}

fn variable(spawn: &Spawn) -> Option<&str> {
    let is = |it: &&(String, String)| it.0 == "SA_AMF_COMPONENT_NAME";
    spawn.environment.iter().find(is).map(|it| it.1.as_str())
}

impl Node {
    pub(super) fn member_id(&self) -> MemberId {
        MemberId { node: self.id, incarnation: Incarnation(self.lives) }
    }

    pub(super) fn service_name(&self) -> Name {
        service_name(&self.name)
    }

    fn member(&self, boot_time: Time, joined_view: u64) -> Member {
        Member {
            id: self.member_id(),
            name: self.service_name(),
            role: if self.witness { Role::Witness } else { Role::Voter },
            addresses: vec![format!("10.0.0.{}:4000", self.id.0)],
            boot_time,
            joined_view,
        }
    }
}

impl World {
    pub(super) fn new(setup: &Setup) -> Result<Self, Trouble> {
        let nodes = (1..).zip(&setup.nodes).map(|(number, spec)| Node {
            name: spec.name.clone(),
            id: NodeId(number),
            witness: spec.witness,
            lives: 0,
            core: None,
            admitted: false,
            cut: false,
            held: Vec::new(),
            kept: None,
            spawned: Vec::new(),
        });
        Ok(Self {
            now: Duration::from_secs(1),
            nodes: nodes.collect(),
            view: View::default(),
            quorum: true,
            heard: VecDeque::new(),
            fatal: None,
            links: BTreeSet::new(),
            queue: VecDeque::new(),
            index: 0,
            keys: 0,
            group_deadline: None,
            model: services::model(setup, service_name)?,
        })
    }

    pub(super) fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|it| it.name == name)
    }

    pub(super) fn key(&mut self) -> ProcessKey {
        self.keys += 1;
        ProcessKey(self.keys)
    }

    pub(super) fn open_session(
        &mut self,
        node: usize,
        service: ServiceId,
        version: Version,
        key: ProcessKey,
    ) -> SessionId {
        self.keys += 1;
        let session = SessionId(self.keys);
        let peer = Peer { key, pid: u32::try_from(key.0).unwrap_or(u32::MAX), uid: 0 };
        let program = "conformance".to_owned();
        self.happen(node, Event::SessionOpened { session, peer, service, version, program });
        session
    }

    pub(super) fn send(&mut self, node: usize, session: SessionId, frame: Frame) {
        self.happen(node, Event::Frame(session, ConnectionId(session.0), frame));
    }

    /// Something happens to a node next, if it lives.
    pub(super) fn happen(&mut self, node: usize, event: Event) {
        if self.nodes[node].core.is_some() {
            self.queue.push_back((self.nodes[node].member_id(), event));
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        let time = u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX);
        Stamp { index: self.index, time: GroupTime(time), wall: self.wall().0 }
    }

    pub(super) fn wall(&self) -> Time {
        Time(DAWN).plus(Time::from(self.now))
    }

    /// Everything that is under way happens; no time passes.
    pub(super) fn settle(&mut self) {
        for _ in 0..EVENTS_MAX {
            let Some((to, event)) = self.queue.pop_front() else { return };
            let Some(at) = self.nodes.iter().position(|it| it.member_id() == to) else { continue };
            self.step(at, event);
        }
        self.fatal = Some(format!("{EVENTS_MAX} events without a pause"));
        self.queue.clear();
    }

    fn step(&mut self, at: usize, event: Event) {
        let now = Now { at: Instant::START + self.now, wall: self.wall() };
        let Some(core) = &mut self.nodes[at].core else { return };
        let mut effects = Vec::new();
        core.step(now, event, &mut effects);
        effects.into_iter().for_each(|effect| self.effect(at, effect));
    }

    fn effect(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Welcome(_) => {}
            Effect::Reply(session, _, frame) => {
                self.heard.push_back((at, Heard::Reply(session, frame)));
            }
            Effect::Callback(session, frame) => {
                self.heard.push_back((at, Heard::Callback(session, frame)));
            }
            Effect::CloseSession(session, error) => {
                self.heard.push_back((at, Heard::Closed(session, error)));
            }
            Effect::Order(entry) => self.order(at, Ordered::Entry(entry)),
            Effect::OrderProcessEnded(process) => self.order(at, Ordered::ProcessEnded(process)),
            Effect::Barrier(number) => self.order(at, Ordered::Barrier(number)),
            Effect::ToPeer(to, bytes) => {
                let from = self.nodes[at].member_id();
                if self.links.contains(&(from, to)) {
                    self.queue.push_back((to, Event::PeerFrame(from, bytes)));
                }
            }
            Effect::BreakLink(peer) => self.begin_anew(at, peer),
            Effect::Perform(service, action, task) => {
                let done = self.perform(at, task);
                self.happen(at, Event::ActionDone(service, action, done));
            }
            Effect::GroupDeadline(deadline) => self.group_deadline = deadline,
            Effect::Keep(number, stamp, kept) => {
                self.nodes[at].kept = Some((stamp, kept));
                self.happen(at, Event::Saved(number));
            }
            // Faults are the scenario's own affair.
            Effect::SetFault { .. } => {}
            Effect::Fatal(why) => self.fatal = Some(why),
        }
    }

    /// A data path that one end breaks comes up again at once, without what was on its way.
    fn begin_anew(&mut self, at: usize, peer: MemberId) {
        let me = self.nodes[at].member_id();
        let lost = |to: &MemberId, event: &Event| {
            matches!(event, Event::PeerFrame(from, _)
                if (*to, *from) == (me, peer) || (*to, *from) == (peer, me))
        };
        self.queue.retain(|(to, event)| !lost(to, event));
        if self.links.contains(&(me, peer)) {
            for (to, of) in [(peer, me), (me, peer)] {
                self.queue.push_back((to, Event::Link(of, Link::Down)));
                self.queue.push_back((to, Event::Link(of, Link::Up)));
            }
        }
    }

    fn perform(&mut self, at: usize, task: Task) -> Done {
        match task {
            Task::Spawn(spawn) => {
                let key = self.key();
                self.nodes[at].spawned.push((key, spawn));
                Done::Started(key, u32::try_from(key.0).unwrap_or(u32::MAX))
            }
            // There is nothing here on which a clean-up command could work.
            Task::Run(_) => Done::Ended(Exit::Code(0)),
            Task::Kill(key, _) => {
                self.process_ended(at, key);
                Done::Ended(Exit::Code(0))
            }
        }
    }

    pub(super) fn process_ended(&mut self, at: usize, key: ProcessKey) {
        self.nodes[at].spawned.retain(|it| it.0 != key);
        self.happen(at, Event::ProcessExited(key));
    }

    fn order(&mut self, at: usize, what: Ordered) {
        let node = &self.nodes[at];
        if !self.quorum || node.cut || !node.admitted {
            return self.nodes[at].held.push(what);
        }
        let from = node.member_id();
        match what {
            Ordered::Entry(entry) => {
                let stamp = self.stamp();
                self.deliver(&Event::Ordered(stamp, from, entry));
            }
            Ordered::ProcessEnded(process) => {
                let stamp = self.stamp();
                self.deliver(&Event::ProcessEnded(stamp, process));
            }
            Ordered::Barrier(number) => self.happen(at, Event::BarrierPassed(number)),
        }
    }

    pub(super) fn say_farewell(&mut self, at: usize) {
        let said = self.nodes[at].core.as_ref().map(Core::farewell).unwrap_or_default();
        said.into_iter().for_each(|it| self.order(at, Ordered::Entry(it)));
    }

    /// To every member of the view that can be reached.
    fn deliver(&mut self, event: &Event) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].admitted && !self.nodes[at].cut {
                self.happen(at, event.clone());
            }
        }
    }

    pub(super) fn flush_held(&mut self) {
        for at in 0..self.nodes.len() {
            for what in std::mem::take(&mut self.nodes[at].held) {
                self.order(at, what);
            }
        }
    }

    /// The next moment at which anything is due.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let cores = self.nodes.iter().filter_map(|it| it.core.as_ref()?.deadline());
        let cores = cores.map(Instant::since_start);
        let group = self.group_deadline.filter(|_| self.quorum);
        cores.chain(group.map(|it| Duration::from_nanos(it.0))).min()
    }

    /// Time passes; what becomes due on the way happens.
    pub(super) fn advance(&mut self, until: Duration) {
        self.settle();
        for _ in 0..EVENTS_MAX {
            let Some(due) = self.next_deadline().filter(|it| *it <= until) else {
                self.now = self.now.max(until);
                return;
            };
            self.now = self.now.max(due);
            self.fire();
            self.settle();
        }
        self.fatal = Some("a deadline stays due for ever".to_owned());
    }

    fn fire(&mut self) {
        let now = u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX);
        if self.quorum && self.group_deadline.is_some_and(|it| it.0 <= now) {
            let stamp = self.stamp();
            self.deliver(&Event::Time(stamp));
        }
        for at in 0..self.nodes.len() {
            let deadline = self.nodes[at].core.as_ref().and_then(Core::deadline);
            if deadline.is_some_and(|it| it.since_start() <= self.now) {
                self.happen(at, Event::Deadline);
            }
        }
    }

    /// The component whose process this is, as its environment says.
    pub(super) fn component_of(&self, at: usize, key: ProcessKey) -> Option<Name> {
        let (_, spawn) = self.nodes[at].spawned.iter().find(|it| it.0 == key)?;
        Name::new(variable(spawn)?).ok()
    }

    /// The latest process that was started for a component and still runs.
    pub(super) fn started(&self, component: &str) -> Option<(usize, ProcessKey)> {
        let on = |(at, node): (usize, &Node)| {
            let of = |it: &&(ProcessKey, Spawn)| variable(&it.1) == Some(component);
            node.spawned.iter().rev().find(of).map(|it| (at, it.0))
        };
        let alive = self.nodes.iter().enumerate().filter(|(_, it)| it.core.is_some());
        { alive }.find_map(on)
    }

    /// A blank life of a node.
    pub(super) fn boot(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.lives += 1;
        node.admitted = false;
        node.held.clear();
        node.spawned.clear();
        let limits = CoreLimits::default();
        let config = CoreConfig { cluster: "sim".to_owned(), name: node.service_name(), limits };
        node.core = Some(Core::new(config, services::all(node.id, self.model.as_ref())));
    }

    /// Hands out a view of these nodes, in which blank ones are admitted.
    pub(super) fn install(&mut self, members: &[usize]) {
        self.settle();
        let old = members.iter().find(|at| self.nodes[**at].admitted);
        let snapshot = old.and_then(|at| self.nodes[*at].core.as_ref()).map(Core::snapshot);
        let stamp = self.stamp();
        // Nobody remembers: the newest of what is on the disks of those who begin anew.
        let kept = members.iter().filter_map(|at| self.nodes[*at].kept.clone());
        let kept = kept.max_by_key(|(at, _)| at.index).filter(|_| snapshot.is_none());
        let (number, wall) = (self.view.number + 1, self.wall());
        let known: BTreeMap<MemberId, Member> =
            self.view.members.iter().map(|it| (it.id, it.clone())).collect();
        let describe = |at: &usize| {
            let node = &self.nodes[*at];
            let known = known.get(&node.member_id()).cloned();
            known.unwrap_or_else(|| node.member(wall, number))
        };
        let view = View { number, members: members.iter().map(describe).collect() };
        for at in members {
            if !self.nodes[*at].admitted {
                let me = self.nodes[*at].member_id();
                self.happen(*at, Event::Admitted(me));
                if let Some(snapshot) = &snapshot {
                    self.happen(*at, Event::Restore(stamp, snapshot.clone()));
                }
                if let Some((_, kept)) = &kept {
                    self.happen(*at, Event::Kept(stamp, kept.clone()));
                }
            }
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            node.admitted = members.contains(&at);
        }
        self.view = view.clone();
        let stamp = self.stamp();
        for at in members {
            self.happen(*at, Event::View(stamp, view.clone()));
            self.happen(*at, Event::Lease(Lease::Held));
        }
        self.settle();
    }

    /// The group is no more.
    pub(super) fn forget(&mut self) {
        self.view = View::default();
        self.group_deadline = None;
    }

    /// What the members of the view are told of one that has surely stopped acting.
    pub(super) fn release(&mut self, gone: MemberId) {
        let stamp = self.stamp();
        self.deliver(&Event::Released(stamp, gone));
        self.settle();
    }

    /// Links follow who lives and who is cut off.
    pub(super) fn relink(&mut self) {
        let reachable: Vec<MemberId> = self
            .nodes
            .iter()
            .filter(|it| it.core.is_some() && !it.cut)
            .map(Node::member_id)
            .collect();
        let pairs = reachable.iter().flat_map(|a| reachable.iter().map(move |b| (*a, *b)));
        let links: BTreeSet<(MemberId, MemberId)> = pairs.filter(|(a, b)| a != b).collect();
        for (a, b) in self.links.difference(&links) {
            self.queue.push_back((*a, Event::Link(*b, Link::Down)));
        }
        for (a, b) in links.difference(&self.links) {
            self.queue.push_back((*a, Event::Link(*b, Link::Up)));
        }
        self.links = links;
        self.settle();
    }
}
