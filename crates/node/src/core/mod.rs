//! One node's worth of services: a plain value without I/O, clock, chance, async or threads.

mod event;
mod figures;
mod gate;
mod isolation;
mod itself;
mod keeping;
mod links;
mod processes;
mod routes;
mod sessions;
mod usage;

pub use event::{ConnectionId, Done, Effect, Event, Peer, ProcessKey, SessionId, Task};

use crate::driven::{Driven, RawInput, RawOutput};
use ais_service::{Instant, Lease, Now};
use ais_types::{GroupTime, MemberId, Name, ServiceId, Stamp, View};
use ais_wire::{Frame, Limits, decode_bytes, encode_bytes};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What a node is called, and its limits.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: Name,
    /// The limits.
    pub limits: CoreLimits,
}

/// What others may cost this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreLimits {
    /// Sessions at a time; one more is refused with NO_RESOURCES.
    pub sessions: usize,
    /// Calls of one session not yet answered; one more is answered TRY_AGAIN.
    pub calls: usize,
    /// Sessions of one process at a time; one more is refused with NO_RESOURCES.
    pub process_sessions: usize,
    /// Calls of one process not yet answered; one more is answered TRY_AGAIN.
    pub process_calls: usize,
    /// Bytes of the calls of one process not yet answered; a call beyond them is answered
    /// TRY_AGAIN, unless it is the only one.
    pub process_bytes: usize,
    /// Bytes for one session held back while the lease is lost; more end the session.
    pub held_bytes: usize,
    /// Bytes held from one member that our log has not shown yet; more break the link.
    pub early_bytes: usize,
    /// How long a session that broke off waits for the end of its process, before it counts as
    /// closed by a living one.
    pub farewell: Duration,
    /// How large a frame may be.
    pub frame: Limits,
    /// How large an entry of the group's log may be. A call that would order a larger one is
    /// answered NO_RESOURCES instead; a service that does it on its own stops the node.
    pub order_bytes: usize,
}

impl Default for CoreLimits {
    fn default() -> Self {
        Self {
            sessions: 4096,
            calls: 1024,
            process_sessions: 1024,
            process_calls: 4096,
            process_bytes: 256 << 20,
            held_bytes: 16 << 20,
            early_bytes: 16 << 20,
            farewell: Duration::from_secs(1),
            frame: Limits::default(),
            order_bytes: ais_group::PAYLOAD_MAX,
        }
    }
}

/// One node's worth of services, driven by [`Event`]s.
///
/// Services hear what all of them hear in the order in which their owner gave them: CKPT, MSG,
/// CLM, then AMF, so that what the dead held is closed before AMF decides about a successor. The
/// one that decides who is a member ([`Service::members`](ais_service::Service::members)) hears of
/// views first; the others see members only.
pub struct Core {
    config: CoreConfig,
    services: Vec<Box<dyn Driven>>,
    me: Option<MemberId>,
    lease: Lease,
    leader: Option<MemberId>,
    /// The group's.
    view: View,
    /// As the services know it.
    members: View,
    /// The service that decides who is a member.
    gatekeeper: Option<usize>,
    gate: gate::Gate,
    isolation: isolation::Isolation,
    sessions: sessions::Sessions,
    resources: itself::Resources,
    keeping: keeping::Keeping,
    processes: processes::Processes,
    links: links::Links,
    /// Which service, by which number, waits for which of our barriers.
    barriers: BTreeMap<u64, (usize, u64)>,
    barriers_asked: u64,
    /// What a step does to a service in consequence of another input.
    work: VecDeque<(usize, RawInput)>,
    /// Reused by every step.
    outputs: Vec<RawOutput>,
    group_deadline_told: Option<GroupTime>,
    counts: figures::Counts,
}

/// The replicated state of a node, as it travels to a blank one.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    view: View,
    members: View,
    gate: gate::Gate,
    services: Vec<(ServiceId, Bytes)>,
}

impl Core {
    /// A node that is not yet a member, with these services.
    #[must_use]
    pub fn new(config: CoreConfig, services: Vec<Box<dyn Driven>>) -> Self {
        Self {
            sessions: sessions::Sessions::default(),
            resources: itself::Resources::default(),
            processes: processes::Processes::default(),
            links: links::Links::new(config.limits.early_bytes),
            keeping: keeping::Keeping::new(services.len()),
            config,
            gatekeeper: services.iter().position(|it| it.members().is_some()),
            services,
            me: None,
            lease: Lease::Lost,
            leader: None,
            view: View::default(),
            members: View::default(),
            gate: gate::Gate::default(),
            isolation: isolation::Isolation::default(),
            barriers: BTreeMap::new(),
            barriers_asked: 0,
            work: VecDeque::new(),
            outputs: Vec::new(),
            group_deadline_told: None,
            counts: figures::Counts::default(),
        }
    }

    /// Takes one event and appends what the shell is to do, in order. `now` never runs backwards.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        self.take(now, event, out);
        self.drain_work(now, out);
        self.keep(out);
        let deadline = self.group_deadline();
        if deadline != self.group_deadline_told {
            self.group_deadline_told = deadline;
            out.push(Effect::GroupDeadline(deadline));
        }
    }

    fn take(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        if let Some(stamp) = event.stamp() {
            self.keeping.came_to(stamp);
        }
        match event {
            Event::Admitted(me) => self.me = Some(me),
            Event::Restore(stamp, bytes) => self.restore(stamp, &bytes, out),
            Event::Kept(stamp, bytes) => self.recall(now, stamp, &bytes, out),
            Event::Saved(number) => self.saved(number, out),
            Event::View(stamp, view) => self.change_view(now, stamp, view, out),
            Event::Ordered(stamp, from, bytes) => self.ordered(now, stamp, from, bytes, out),
            Event::ProcessEnded(stamp, process) => self.process_ended(now, stamp, process, out),
            Event::Released(stamp, member) => self.released(now, stamp, member, out),
            Event::Time(stamp) => {
                self.feed_all(now, &RawInput::Time(stamp), out);
                self.pass_gate(now, stamp, false, out);
            }
            Event::BarrierPassed(number) => self.barrier_passed(number),
            Event::Lease(lease) => self.change_lease(now, lease, out),
            Event::Leader(leader) => self.leader = leader,
            Event::SessionOpened { session, peer, service, version, program } => {
                self.open_session(session, peer, service, version, program, out);
            }
            Event::Frame(session, connection, frame) => {
                self.frame(now, session, connection, frame, out);
            }
            Event::ConnectionClosed(session, connection) => {
                self.cancel_calls(session, Some(connection));
            }
            Event::SessionClosed(session) => self.session_broke_off(now, session),
            Event::ProcessExited(key) => self.process_exited(now, key, out),
            Event::PeerFrame(from, bytes) => self.peer_frame(now, from, bytes, out),
            Event::Link(member, link) => self.change_link(now, member, link, out),
            Event::ActionDone(service, action, done) => {
                self.action_done(service, action, done, out);
            }
            Event::Deadline => self.deadline_reached(now, out),
        }
    }

    /// When this node next wants an [`Event::Deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let services = self.services.iter().filter_map(|it| it.deadline());
        services.chain(self.sessions.farewells.next()).min()
    }

    /// When the replicated state next wants an [`Event::Time`]. The same on every node.
    #[must_use]
    pub fn group_deadline(&self) -> Option<GroupTime> {
        self.services.iter().filter_map(|it| it.group_deadline()).min()
    }

    /// The replicated state as of all events so far: what [`Event::Restore`] takes.
    #[must_use]
    pub fn snapshot(&self) -> Bytes {
        let services = self.services.iter().map(|it| (it.id(), it.snapshot())).collect();
        let (view, members) = (self.view.clone(), self.members.clone());
        encode_bytes(&Snapshot { view, members, gate: self.gate.clone(), services })
    }

    /// What is put on the log before this node leaves, as its operator wishes.
    #[must_use]
    pub fn farewell(&self) -> Vec<Bytes> {
        self.services.iter().filter_map(|it| it.farewell()).collect()
    }

    /// Which member this node is, once admitted.
    #[must_use]
    pub fn me(&self) -> Option<MemberId> {
        self.me
    }

    /// The last view of the group delivered here.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether this node may answer.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.lease
    }

    /// A service driven here, for tests and simulations that look inside.
    #[must_use]
    pub fn service<S: 'static>(&self) -> Option<&S> {
        self.services.iter().find_map(|it| it.as_any().downcast_ref())
    }

    fn restore(&mut self, _: Stamp, bytes: &[u8], out: &mut Vec<Effect>) {
        if let Err(reason) = self.try_restore(bytes) {
            out.push(Effect::Fatal(format!("cannot take over the state of the group: {reason}")));
        }
    }

    fn try_restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let me = self.me.ok_or("it came before this node was admitted")?;
        let snapshot: Snapshot = decode_bytes(bytes).map_err(|error| error.to_string())?;
        let theirs = snapshot.services.iter().map(|(id, _)| *id);
        if !theirs.eq(self.services.iter().map(|it| it.id())) {
            return Err("its members drive other services than this node".to_owned());
        }
        let inside = MemberId { incarnation: snapshot.gate.next(me), ..me };
        let all = self.services.iter_mut().zip(&snapshot.services).enumerate();
        for (index, (service, (_, bytes))) in all {
            let name = service.name();
            let me = if Some(index) == self.gatekeeper { me } else { inside };
            service.restore(me, bytes).map_err(|error| format!("{name}: {error}"))?;
        }
        self.links.see(&snapshot.view);
        (self.view, self.members) = (snapshot.view, snapshot.members);
        self.gate = snapshot.gate;
        Ok(())
    }

    fn change_lease(&mut self, now: Now, lease: Lease, out: &mut Vec<Effect>) {
        if self.lease == lease {
            return;
        }
        self.lease = lease;
        self.tell_quorum(out);
        if lease == Lease::Held {
            out.extend(self.sessions.take_held());
        }
        self.feed_all(now, &RawInput::Lease(lease), out);
        if lease == Lease::Held {
            self.call_waiting(now, out);
        }
    }

    fn deadline_reached(&mut self, now: Now, out: &mut Vec<Effect>) {
        while let Some(session) = self.sessions.farewells.pop_due(now.at) {
            self.end(session, None, out);
        }
        for (index, service) in self.services.iter().enumerate() {
            if service.deadline().is_some_and(|at| at <= now.at) {
                self.work.push_back((index, RawInput::Deadline));
            }
        }
    }

    fn barrier_passed(&mut self, number: u64) {
        if let Some((index, number)) = self.barriers.remove(&number) {
            self.work.push_back((index, RawInput::Barrier(number)));
        }
    }

    fn index_of(&self, service: ServiceId) -> Option<usize> {
        self.services.iter().position(|it| it.id() == service)
    }

    fn parse(&self, bytes: Bytes) -> Result<Frame, String> {
        Frame::from_bytes(bytes, &self.config.limits.frame).map_err(|error| error.to_string())
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("me", &self.me).field("lease", &self.lease).finish()
    }
}
