//! The world: what happens when.

use crate::{
    Failure, Options, Report, availability,
    faults::{Fault, Plan},
    group::{Group, TICK, Wanted},
    invariants::{self, Ledger},
    network::Network,
    process::{Heard, Processes},
    scene::Scene,
};
use ais_node::{Core, CoreConfig, CoreLimits, Driven, Effect, Event, ProcessKey};
use ais_service::{Instant, Link, Now};
use ais_services::{CkptSettings, MsgSettings, Settings};
use ais_types::{MemberId, Name, NodeId, Stamp, Time, amf::Model};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// How long faults are injected.
const CHAOS: Duration = Duration::from_secs(30);
/// How long the calm after them lasts: within it, everything heals.
const CALM: Duration = Duration::from_secs(20);
/// How long before the end nobody sends any more.
const QUIET: Duration = Duration::from_secs(5);
/// The wall clock when the world begins (2026-01-01).
const DAWN: i64 = 1_767_225_600_000_000_000;
/// More than any run needs: beyond, somebody talks in circles.
const HAPPENINGS_MAX: u64 = 20_000_000;

/// What is going to happen.
pub(crate) enum Happening {
    /// The group and the network look after their own.
    Tick,
    /// What a member wants gets onto the log.
    Send(MemberId),
    /// A member delivers.
    Deliver(MemberId),
    /// A member's core wants to be called.
    Deadline(MemberId),
    /// A member is told of a link.
    Link { to: MemberId, peer: MemberId, link: Link, session: u64 },
    /// A frame arrives at a member.
    PeerFrame { to: MemberId, from: MemberId, session: u64, bytes: Bytes },
    /// Something reaches a daemon in one of its lives from a process of its host.
    ToDaemon(NodeId, u64, Event),
    /// Something reaches a process.
    ToProgram(ProcessKey, Heard),
    /// Something breaks, or is mended.
    Fault(Fault),
}

/// A machine, with its daemon.
pub(crate) struct Host {
    pub(crate) node: NodeId,
    pub(crate) name: Name,
    /// The daemon, if it runs.
    pub(crate) core: Option<Core>,
    /// Counts its daemons.
    pub(crate) life: u64,
    /// Which member the daemon is, once admitted.
    pub(crate) member: Option<MemberId>,
    /// Nodes of different sides cannot reach each other.
    pub(crate) side: u32,
    /// The daemon is halted.
    pub(crate) hung: bool,
    /// What a halted daemon has missed.
    frozen: Vec<Event>,
    /// How slowly it delivers.
    pub(crate) pace: Duration,
    /// When it last was in touch with a quorum.
    pub(crate) contact: Duration,
    /// When the others notice that its daemon has ended.
    pub(crate) closing: Duration,
    /// The machine is off: nobody there says that the daemon has ended.
    pub(crate) unplugged: bool,
    /// Before this it does not notice that it was ordered out.
    pub(crate) notices: Duration,
    /// When a daemon is started.
    pub(crate) boots_at: Option<Duration>,
    alarm: Option<Duration>,
    /// On its disk: what its services keep, as of then.
    pub(crate) kept: Option<(Stamp, Bytes)>,
}

impl Host {
    /// Whether a daemon runs that does something.
    pub(crate) fn runs(&self) -> bool {
        self.core.is_some() && !self.hung
    }
}

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) scene: Scene,
    pub(crate) now: Duration,
    pub(crate) rng: fastrand::Rng,
    queue: BTreeMap<(Duration, u64), Happening>,
    counter: u64,
    pub(crate) hosts: Vec<Host>,
    pub(crate) group: Group,
    pub(crate) network: Network,
    pub(crate) processes: Processes,
    pub(crate) plan: Plan,
    pub(crate) ledger: Ledger,
    /// The first invariant that did not hold, and when.
    failure: Option<(Duration, String)>,
}

fn services(node: NodeId, copies: u32, model: Option<Model>) -> Vec<Box<dyn Driven>> {
    let ckpt = CkptSettings { copies, ..CkptSettings::default() };
    let msg = MsgSettings { copies };
    ais_services::all(node, Settings { ckpt, msg, model, ..Settings::default() })
}

// A run.
impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut rng = fastrand::Rng::with_seed(options.seed);
        let drawn = rng.u32(3..=5);
        let count = options.nodes.unwrap_or(drawn);
        Self {
            options: Options { nodes: Some(count), ..options },
            scene: Scene::of(options.seed, count),
            now: Duration::from_secs(1),
            rng,
            queue: BTreeMap::new(),
            counter: 0,
            hosts: (1..=count).map(|id| Host::new(NodeId(id))).collect(),
            group: Group::default(),
            network: Network::default(),
            processes: Processes::default(),
            plan: Plan::default(),
            ledger: Ledger::default(),
            failure: None,
        }
    }

    pub(crate) fn run(&mut self) {
        self.note(|| format!("{:?}", self.scene));
        for node in self.nodes() {
            self.boot(node);
        }
        self.form();
        self.cast_roles();
        self.after(Duration::ZERO, Happening::Tick);
        self.run_until(self.now + CHAOS, true);
        self.mend_all();
        self.run_until(self.now + CALM - QUIET, false);
        self.ledger.quiet = true;
        self.run_until(self.now + QUIET, false);
        self.empty_queue();
        invariants::messages::none_lost(self);
        invariants::actives::assigned(self);
        invariants::healing::healed(self);
        invariants::agreement::at_the_end(self);
        invariants::registers::were_registers(self);
    }

    /// Goes on as long as there are messages left and some are received.
    fn empty_queue(&mut self) {
        let mut before = None;
        while let Some(received) = self.ledger.messages.unfinished() {
            if before == Some(received) || self.failure.is_some() {
                return;
            }
            before = Some(received);
            self.run_until(self.now + QUIET, false);
        }
    }

    fn run_until(&mut self, end: Duration, chaos: bool) {
        if chaos {
            self.plan_faults();
        }
        self.plan.chaos = chaos;
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end || self.failure.is_some() {
                break;
            }
            let ((at, _), happening) = entry.remove_entry();
            self.now = at;
            self.happen(happening);
            if self.counter > HAPPENINGS_MAX {
                self.fail("somebody talks in circles".to_owned());
            }
        }
        self.now = self.now.max(end);
    }

    pub(crate) fn verdict(self) -> Result<Report, Failure> {
        let nodes = self.hosts.len() as u32;
        match self.failure {
            Some((at, what)) => Err(Failure { seed: self.options.seed, nodes, at, what }),
            None => Ok(Report {
                nodes,
                entries: self.group.log.len() as u64,
                updates: self.ledger.updates,
                reads: self.ledger.reads,
                messages: self.ledger.messages.acknowledged,
                activations: self.ledger.actives.activations,
                orders: self.ledger.orders.answered,
                revisits: self.ledger.revisits,
                shared: self.ledger.registers.answered(),
                faults: self.plan.injected,
            }),
        }
    }

    /// An invariant does not hold.
    pub(crate) fn fail(&mut self, what: String) {
        self.note(|| format!("FAILED: {what}"));
        let now = self.now;
        self.failure.get_or_insert((now, what));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick => self.tick(),
            Happening::Send(member) => self.send(member),
            Happening::Deliver(member) => self.deliver(member),
            Happening::Deadline(member) => self.deadline(member),
            Happening::Link { to, peer, link, session } => self.link_told(to, peer, link, session),
            Happening::PeerFrame { to, from, session, bytes } => {
                self.peer_frame(to, from, session, bytes);
            }
            Happening::ToDaemon(node, life, event) => self.tell_daemon(node, life, event),
            Happening::ToProgram(process, heard) => self.tell_program(process, heard),
            Happening::Fault(fault) => self.inject(fault),
        }
    }

    fn tick(&mut self) {
        for node in self.nodes() {
            if self.host(node).boots_at.is_some_and(|at| at <= self.now) {
                self.boot(node);
            }
        }
        self.tend_group();
        self.tend_links();
        self.tend_roles();
        self.after(TICK, Happening::Tick);
    }
}

// Daemons.
impl World {
    pub(crate) fn boot(&mut self, node: NodeId) {
        let (model, copies) = (self.scene.model(), self.scene.copies);
        let host = self.host_mut(node);
        host.boots_at = None;
        (host.unplugged, host.hung) = (false, false);
        host.life += 1;
        let (name, limits) = (host.name.clone(), CoreLimits::default());
        let config = CoreConfig { cluster: "sim".to_owned(), name, limits };
        host.core = Some(Core::new(config, services(node, copies, model)));
        self.note(|| format!("{node} boots"));
    }

    /// A daemon ends. Its programs see their sessions closed; its components do not survive it.
    pub(crate) fn end_daemon(&mut self, node: NodeId) {
        let closing = self.now + self.up_to(Duration::from_millis(50));
        let host = self.host_mut(node);
        host.core = None;
        host.hung = false;
        host.frozen.clear();
        host.alarm = None;
        host.closing = closing;
        if let Some(member) = host.member.take() {
            self.leave_seat(member);
        }
        self.kill_components(node);
        self.close_sessions(node);
        self.count_votes();
    }

    pub(crate) fn resume(&mut self, node: NodeId) {
        let host = self.host_mut(node);
        if !std::mem::take(&mut host.hung) {
            return;
        }
        // The alarm may have gone off meanwhile, unheard.
        host.alarm = None;
        let frozen = std::mem::take(&mut host.frozen);
        // A daemon looks at its lease before it does anything.
        if let Some(member) = host.member {
            self.expire(member);
        }
        for event in frozen {
            self.step(node, event);
        }
        self.set_alarm(node);
    }

    pub(crate) fn step_member(&mut self, member: MemberId, event: Event) {
        if self.host(member.node).member == Some(member) {
            self.step(member.node, event);
        }
    }

    fn step(&mut self, node: NodeId, event: Event) {
        let now = Now { at: Instant::START + self.now, wall: self.wall() };
        let host = self.host_mut(node);
        if host.hung {
            return host.frozen.push(event);
        }
        let Some(core) = &mut host.core else { return };
        let mut effects = Vec::new();
        core.step(now, event, &mut effects);
        for effect in effects {
            self.effect(node, effect);
        }
        self.set_alarm(node);
    }

    fn tell_daemon(&mut self, node: NodeId, life: u64, event: Event) {
        if self.host(node).life == life {
            self.step(node, event);
        }
    }

    fn set_alarm(&mut self, node: NodeId) {
        let host = self.host_mut(node);
        let deadline = host.core.as_ref().and_then(Core::deadline).map(Instant::since_start);
        let (Some(at), Some(member)) = (deadline, host.member) else { return };
        if host.alarm.is_none_or(|set| at < set) {
            host.alarm = Some(at);
            let at = at.max(self.now);
            self.at(at, Happening::Deadline(member));
        }
    }

    fn deadline(&mut self, member: MemberId) {
        if self.host(member.node).member != Some(member) || self.host(member.node).hung {
            return;
        }
        self.host_mut(member.node).alarm = None;
        let now = Instant::START + self.now;
        let due = |it: &Host| it.core.as_ref().and_then(Core::deadline).is_some_and(|at| at <= now);
        if due(self.host(member.node)) {
            self.step_member(member, Event::Deadline);
            if due(self.host(member.node)) {
                self.fail(format!("a deadline of {member} stays due for ever"));
            }
        }
        self.set_alarm(member.node);
    }

    fn effect(&mut self, node: NodeId, effect: Effect) {
        let member = self.host(node).member;
        match effect {
            Effect::Welcome(session) => self.tell_session(session, Heard::Welcome(session)),
            Effect::Reply(session, _, frame) => self.answer(session, frame),
            Effect::Callback(session, frame) => {
                self.tell_session(session, Heard::Callback(session, frame));
            }
            Effect::CloseSession(session, _) => {
                self.tell_session(session, Heard::Closed(session));
            }
            Effect::Order(bytes) => self.want_as(member, Wanted::Entry(bytes)),
            Effect::OrderProcessEnded(it) => self.want_as(member, Wanted::ProcessEnded(it)),
            Effect::Barrier(number) => self.want_as(member, Wanted::Barrier(number)),
            Effect::ToPeer(to, bytes) => {
                if let Some(from) = member {
                    self.send_to_peer(from, to, bytes);
                }
            }
            Effect::BreakLink(peer) => self.fail(format!("{peer} says what {node} cannot read")),
            Effect::Perform(service, action, task) => self.perform(node, service, action, task),
            Effect::Keep(number, stamp, kept) => {
                self.host_mut(node).kept = Some((stamp, kept));
                self.step(node, Event::Saved(number));
            }
            // The leader asks its own core; faults are the simulation's own affair.
            Effect::GroupDeadline(_) | Effect::SetFault { .. } => {}
            Effect::Fatal(why) => self.fail(format!("{node} cannot go on: {why}")),
        }
    }

    fn want_as(&mut self, member: Option<MemberId>, wanted: Wanted) {
        if let Some(member) = member {
            self.want(member, wanted);
        }
    }
}

// Time and chance.
impl World {
    pub(crate) fn at(&mut self, at: Duration, happening: Happening) {
        self.counter += 1;
        self.queue.insert((at, self.counter), happening);
    }

    pub(crate) fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.rng.f64())
    }

    /// How long something is on its way: mostly short.
    pub(crate) fn travel(&mut self) -> Duration {
        let most = if self.rng.u8(..) < 8 { 60_000 } else { 1_500 };
        Duration::from_micros(50 + self.rng.u64(0..most))
    }

    /// How long a node takes to its next delivery.
    pub(crate) fn pace(&mut self, node: NodeId) -> Duration {
        let pace = self.host(node).pace;
        self.up_to(pace)
    }

    pub(crate) fn choose<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        self.rng.choice(of).cloned()
    }

    pub(crate) fn wall(&self) -> Time {
        Time(DAWN).plus(Time::from(self.now))
    }

    pub(crate) fn note(&self, text: impl FnOnce() -> String) {
        if self.options.trace {
            println!("{:>12.6} {}", self.now.as_secs_f64(), text());
        }
    }
}

// Hosts.
impl World {
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.hosts.iter().map(|it| it.node).collect()
    }

    pub(crate) fn host(&self, node: NodeId) -> &Host {
        &self.hosts[node.0 as usize - 1]
    }

    pub(crate) fn host_mut(&mut self, node: NodeId) -> &mut Host {
        &mut self.hosts[node.0 as usize - 1]
    }

    /// Whether what one sends reaches the other.
    pub(crate) fn reach(&self, a: NodeId, b: NodeId) -> bool {
        let (a, b) = (self.host(a), self.host(b));
        let split = |it: (NodeId, NodeId, Duration)| {
            (it.0, it.1) == (a.node, b.node) || (it.1, it.0) == (a.node, b.node)
        };
        let reach = a.side == b.side && a.core.is_some() && b.core.is_some();
        reach && !self.plan.split.is_some_and(split)
    }
}

impl Host {
    fn new(node: NodeId) -> Self {
        Self {
            node,
            name: availability::node_name(node),
            core: None,
            life: 0,
            member: None,
            side: 0,
            hung: false,
            frozen: Vec::new(),
            pace: Duration::from_millis(2),
            contact: Duration::ZERO,
            closing: Duration::ZERO,
            unplugged: false,
            notices: Duration::ZERO,
            boots_at: None,
            alarm: None,
            kept: None,
        }
    }
}
