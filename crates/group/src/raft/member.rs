//! The member's task: it owns the state, the channel and the clock, and nobody else touches them.

use super::{
    config::{Config, Durability, Timing},
    form::Forming,
    join::Joining,
    lead::Leading,
    lease::Lease,
    link::{Came, Link},
    log::Log,
    machine::Agreed,
    network::Outgoing,
    orders::{Lane, Orders},
    owner::Leave,
    packet::{Hello, PROTOCOL, Packet, Response},
    saved::{Age, Saved, Saving},
    state::{Applicant, Happened, State, What},
    types::{Consensus, LifeId, LogId, RaftId},
    voters::Expecting,
};
use crate::{
    Cluster, Delivery, GroupError, Priority, Recovery,
    feed::{Feed, Waiter},
    room::Place,
};
use ais_types::{GroupTime, MemberId, NodeId, ProcessId, Stamp};
use bytes::Bytes;
use openraft::ServerState;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// How many deliveries the owner may leave untaken before this member gives up.
const WAITING_MAX: usize = 200_000;
/// How long a stop may take.
pub(crate) const STOP: Duration = Duration::from_secs(2);

/// What the owner wants.
#[derive(Debug)]
pub(crate) enum Command {
    Order(Priority, What, Waiter, Place),
    Deadline(Option<GroupTime>),
    Keep(Stamp, Bytes, Waiter),
    /// Wait until this node votes, or does not.
    Expect(NodeId, bool, Waiter),
    Reform(oneshot::Sender<Result<(), GroupError>>),
    Leave(oneshot::Sender<()>),
}

/// What is shared with the owner's handles.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) start: Instant,
    /// When the owner was last well, in nanoseconds since the start; 0 for never.
    pub(crate) alive: Arc<AtomicU64>,
    pub(crate) me: Arc<OnceLock<MemberId>>,
    pub(crate) left: Arc<OnceLock<String>>,
}

/// What was started aside and is done.
#[derive(Debug)]
pub(crate) enum Done {
    /// A request of a peer has its answer.
    Answer(NodeId, u64, Response),
    /// A proposal was delivered or refused.
    Proposed(super::lead::Key, bool),
    /// A quorum has confirmed that this leader leads, or not.
    Round(u64, bool),
    /// A participant was taken into consensus, or not.
    Admitted(LifeId, bool),
    /// Consensus was tidied.
    Tidied,
    /// The leader took the batch, or not.
    Submitted(Lane, bool),
    /// The sponsor answered.
    Piece(Option<Response>),
    /// The owner made the state for this joiner, or will not.
    State(LifeId, Option<Bytes>),
    /// A founder answered, with what it saved of a former group if it agrees.
    Founder(u64, RaftId, Option<Option<Box<Saved>>>),
    /// What an operator configured is saved, or it is not.
    Saved(Result<(), GroupError>),
    Nothing,
}

/// Everything a member's task owns.
pub(crate) struct Member {
    pub(crate) config: Config,
    pub(crate) timing: Timing,
    pub(crate) rng: fastrand::Rng,
    pub(crate) raft: Consensus,
    pub(crate) raft_id: RaftId,
    /// Which start of its node this is.
    pub(crate) life: LifeId,
    pub(crate) log: Log,
    pub(crate) link: Link,
    pub(crate) feed: Feed,
    pub(crate) shared: Shared,
    pub(crate) jobs: JoinSet<Done>,

    pub(crate) state: State,
    /// The last log index applied, and who led then.
    pub(crate) applied: Option<LogId>,
    /// Group time at some moment of this clock; it runs on from there.
    pub(crate) clock: Option<(GroupTime, Instant)>,
    pub(crate) me: Option<MemberId>,
    /// The group it takes part in; for life.
    pub(crate) group: Option<u64>,
    pub(crate) forming: Forming,
    pub(crate) joining: Option<Joining>,
    /// States made here for joiners; `None` while the owner makes them.
    pub(crate) sponsored: BTreeMap<LifeId, Option<Bytes>>,

    /// What was saved last, and what the owner wants to be in it.
    pub(crate) saved: Option<Saved>,
    pub(crate) kept: (Age, Bytes),
    pub(crate) saving: Saving,
    /// The newest that was saved of the group that this member forms anew.
    pub(crate) found: Option<Saved>,
    /// Who waits for consensus to follow the list of voters.
    pub(crate) expecting: Vec<Expecting>,
    /// An operator wants the group to be formed anew.
    pub(crate) reforming: Option<oneshot::Sender<Result<(), GroupError>>>,
    /// Who waits until it is.
    pub(crate) reform_done: Option<oneshot::Sender<Result<(), GroupError>>>,
    /// It is, and its members are still to be told.
    pub(crate) reformed: bool,
    /// What is on disk belongs to a group that is no more.
    pub(crate) forget: bool,
    /// It is to vote by its file, and does not.
    pub(crate) silenced: bool,
    /// It can be no member as it is configured.
    pub(crate) unfit: bool,

    pub(crate) leader: Option<RaftId>,
    pub(crate) leading: Option<Leading>,
    /// The last leader that was known.
    pub(crate) followed: Option<LifeId>,
    /// When the leader was last heard in consensus.
    pub(crate) contact: Instant,
    /// Whether it ever followed a leader, or was one.
    pub(crate) led: bool,
    /// Whether a vote for this candidate came before its voter had refused for its time.
    pub(crate) rushed: bool,
    pub(crate) campaign_at: Instant,
    pub(crate) lease: Lease,
    /// Since when its leader leaves it without a lease, and whether that was said.
    pub(crate) unserved: Option<Instant>,
    pub(crate) said_unserved: bool,
    pub(crate) orders: Orders,
    pub(crate) deadline: Option<GroupTime>,
    pub(crate) leaving: Option<Leave>,
    /// Everyone has the log up to here.
    pub(crate) purge: u64,
    pub(crate) end: Option<String>,

    pub(crate) ticked: Instant,
    pub(crate) hello_at: Instant,
    pub(crate) ping_at: Instant,
    pub(crate) tidy_at: Instant,
}

/// Where things come from.
pub(crate) struct Sources {
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) agreed: mpsc::UnboundedReceiver<Agreed>,
    pub(crate) outgoing: mpsc::UnboundedReceiver<Outgoing>,
    pub(crate) leader: watch::Sender<Option<MemberId>>,
    pub(crate) cluster: watch::Sender<Cluster>,
}

impl Member {
    /// Lives until this incarnation ends.
    pub(crate) async fn run(mut self, mut sources: Sources) {
        let mut metrics = self.raft.metrics();
        while self.end.is_none() {
            let wake = self.wake();
            tokio::select! {
                biased;
                () = sleep_until(wake) => self.tick(Instant::now()),
                Some(agreed) = sources.agreed.recv() => self.agreed(agreed),
                Some(outgoing) = sources.outgoing.recv() => {
                    let Outgoing { to, request, answer } = outgoing;
                    self.link.ask_raft(to, self.group, request, answer);
                }
                Some(done) = self.jobs.join_next() => self.done(done.unwrap_or(Done::Nothing)),
                Ok(()) = metrics.changed() => {
                    let metrics = metrics.borrow_and_update().clone();
                    self.consensus(&metrics);
                }
                Some(command) = sources.commands.recv() => self.command(command),
                event = self.link.event() => self.came(event),
            }
            if let Some(done) = self.reforming.take() {
                let begun = self.rebuild(&mut sources).await;
                metrics = self.raft.metrics();
                match begun {
                    // Answered when it is delivered.
                    Ok(()) if self.reformed => self.reform_done = Some(done),
                    // Whoever asked may have given up.
                    begun => drop(done.send(begun)),
                }
            }
            let knows = self.me.is_some() && self.joining.is_none();
            if knows && std::mem::take(&mut self.state.changed) {
                self.save_what_changed();
                let failure_timeout = self.config.failure_timeout;
                let durable = self.config.log == Durability::Disk;
                let cluster = Cluster { failure_timeout, durable, ..self.state.cluster() };
                sources.cluster.send_replace(cluster);
            }
            let now = Instant::now();
            self.tick_voters(now);
            Lane::ALL.iter().for_each(|lane| self.send_orders(*lane, now));
            self.link.flush();
            let leader = self.leader.and_then(|raft| self.state.member_of(raft));
            sources.leader.send_if_modified(|it| std::mem::replace(it, leader) != leader);
        }
        let reason = self.end.take().unwrap_or_default();
        self.stop(reason).await;
    }

    /// When to look at what is due, if nothing else happens before.
    fn wake(&self) -> Instant {
        let tick = self.ticked + self.timing.tick;
        [self.lease.until, self.due()].into_iter().flatten().fold(tick, Instant::min)
    }

    async fn stop(mut self, reason: String) {
        tracing::info!(%reason, "this incarnation ends");
        if let Some(leave) = self.leaving.take() {
            self.linger().await;
            for done in leave.done {
                // Who said good-bye may not wait.
                let _ = done.send(());
            }
        }
        self.lose_lease();
        if self.forget {
            // Before its owner begins the next life on what is there.
            let _ = timeout(STOP, self.raft.shutdown()).await;
            if let Err(error) = self.log.cleared().await {
                tracing::error!(%error, "the log of a group that is no more is still there");
            }
        }
        let _ = self.shared.left.set(reason.clone());
        self.feed.tell(match self.unfit {
            true => Delivery::Refused(reason),
            false => Delivery::Left(reason),
        });
        let _ = timeout(STOP, self.raft.shutdown()).await;
    }

    /// A leader that leaves lets the others hear that its leave is agreed.
    async fn linger(&mut self) {
        let until = Instant::now() + self.timing.beat;
        while self.leading.is_some() {
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                Some(done) = self.jobs.join_next() => self.done(done.unwrap_or(Done::Nothing)),
                event = self.link.event() => self.came(event),
            }
            self.link.flush();
        }
    }

    /// Looks at everything that has a time.
    fn tick(&mut self, now: Instant) {
        self.excuse_own_stall(now);
        self.ticked = now;
        self.link.sweep();
        self.tick_unserved(now);
        if now >= self.hello_at {
            self.hello_at = now + self.timing.beat;
            for node in self.link.nodes() {
                self.greet(node);
            }
        }
        self.tick_lease(now);
        self.tick_formation(now);
        self.tick_election(now);
        self.tick_leader(now);
        self.tick_leaving(now);
        self.tick_tidy(now);
        self.orders.again_if_older(now.checked_sub(self.timing.failure).unwrap_or(now));
        if self.feed.is_closed() {
            self.end("its owner is gone");
        } else if self.feed.waiting() > WAITING_MAX {
            self.end("its owner does not keep up with the deliveries");
        }
    }

    /// When this task itself was held up, nobody else is to blame for the silence meanwhile.
    fn excuse_own_stall(&mut self, now: Instant) {
        let stall = now.saturating_duration_since(self.ticked + self.timing.tick);
        if stall > self.timing.failure / 4 {
            tracing::warn!(?stall, "this process was held up");
            self.contact += stall;
            if let Some(leading) = &mut self.leading {
                leading.excuse(stall);
            }
        }
    }

    /// Ends this incarnation after the current step.
    pub(crate) fn end(&mut self, reason: &str) {
        self.end.get_or_insert_with(|| reason.into());
    }

    /// Ends this incarnation, and forgets the group that it was in.
    pub(crate) fn end_for_good(&mut self, reason: &str) {
        self.forget = true;
        self.end(reason);
    }

    /// The life that takes part in consensus as this.
    pub(crate) fn life_of(&self, raft: RaftId) -> Option<LifeId> {
        if raft == self.raft_id { Some(self.life) } else { self.link.life_of(raft) }
    }

    /// How often an operator has formed this group anew.
    pub(crate) fn reforms(&self) -> u64 {
        self.state.reforms
    }

    /// Tells the owner; what comes before the state of a joiner is there waits for it.
    pub(crate) fn tell(&mut self, delivery: Delivery) {
        match &mut self.joining {
            Some(joining) => joining.hold(delivery),
            None => self.feed.tell(delivery),
        }
    }

    /// Says to a node who we are.
    pub(crate) fn greet(&mut self, node: NodeId) {
        let hello = Hello {
            protocol: PROTOCOL,
            cluster: self.config.cluster.clone(),
            rules: self.rules(),
            applicant: self.applicant(),
            group: self.group,
            member: self.me,
            reforms: self.reforms(),
            saved: self.saved.as_ref().map(|it| (Saved::age(Some(it)), it.voters.clone())),
            unserved: self.is_unserved(Instant::now()),
            // Who was a member before needs no invitation.
            secret: self.config.secret.filter(|_| self.saved.is_none()),
        };
        self.link.put(node, &Packet::Hello(hello));
    }

    pub(crate) fn applicant(&self) -> Applicant {
        let identity = self.config.identity.clone();
        Applicant { raft: self.raft_id, life: self.life, identity }
    }

    /// Whether the owner has called `alive` lately.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        let at = self.shared.alive.load(Ordering::Relaxed);
        at > 0 && now <= self.shared.start + Duration::from_nanos(at) + self.timing.alive
    }

    pub(crate) fn is_voter(&self) -> bool {
        self.config.voters.contains(&self.config.identity.node)
    }

    /// The consensus library tells how it is.
    fn consensus(&mut self, metrics: &openraft::RaftMetrics<RaftId, ()>) {
        if let Err(error) = &metrics.running_state {
            return self.end(&format!("consensus has failed: {error}"));
        }
        let now = Instant::now();
        let leader = metrics.current_leader.and_then(|it| self.life_of(it));
        self.followed = leader.or(self.followed);
        if self.leader != metrics.current_leader {
            self.leader = metrics.current_leader;
            self.unserved = None;
            self.orders.again();
            self.ping_at = now;
        }
        let leads = metrics.state == ServerState::Leader && self.leader == Some(self.raft_id);
        let term = leads.then_some(metrics.current_term);
        if self.leading.as_ref().map(|it| it.term) != term {
            let waited = !self.rushed && self.leading.is_none();
            if self.leading.is_some() {
                (self.contact, self.led) = (now, true);
            }
            let former = self.timing.former(waited);
            self.leading = term.map(|term| Leading::new(term, now, former));
        }
    }

    /// Consensus has agreed on something.
    fn agreed(&mut self, agreed: Agreed) {
        match agreed {
            Agreed::Entry(log_id, proposal) => {
                self.applied = Some(log_id);
                if let Some(proposal) = proposal {
                    self.set_clock(GroupTime(proposal.time), Instant::now());
                    let mut done = Vec::new();
                    self.state.apply(proposal, &mut done);
                    done.into_iter().for_each(|it| self.happened(it));
                }
            }
            Agreed::Snapshot(answer) => {
                // A library that is shutting down needs none.
                let _ = answer.send(ais_wire::encode_bytes(&self.state));
            }
            Agreed::Install(log_id, state) => self.install(log_id, &state),
        }
    }

    /// Consensus skips entries: only a blank member may.
    fn install(&mut self, log_id: LogId, state: &[u8]) {
        if self.me.is_some() {
            return self.end("it fell so far behind that entries are gone");
        }
        match ais_wire::decode_bytes::<State>(state) {
            Ok(mut state) if state.member(self.life).is_none() => {
                state.changed = true;
                self.applied = Some(log_id);
                self.set_clock(state.stamp.time, Instant::now());
                self.state = state;
            }
            Ok(_) => self.end("it missed its own admission"),
            Err(error) => self.end(&format!("the group's state is not understood: {error}")),
        }
    }

    /// Group time runs by this clock, and forward only.
    fn set_clock(&mut self, time: GroupTime, now: Instant) {
        if self.group_time(now).is_none_or(|it| it < time) {
            self.clock = Some((time, now));
        }
    }

    /// The group time now, as far as this clock knows.
    pub(crate) fn group_time(&self, now: Instant) -> Option<GroupTime> {
        let (time, at) = self.clock?;
        let nanos = now.saturating_duration_since(at).as_nanos();
        Some(GroupTime(time.0.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX))))
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Joining { member, life, sponsor, state } => {
                self.someone_joins(member, life, sponsor, state);
            }
            Happened::Left(member) => self.someone_left(member),
            Happened::Through(from, priority, number) => {
                if Some(from) == self.me
                    && let Some(waiter) = self.orders.through(priority, number)
                {
                    match &mut self.joining {
                        Some(joining) => joining.hold_done(waiter),
                        None => self.feed.done(waiter),
                    }
                }
            }
            // Before this incarnation is admitted nothing is its business, nor after it is out.
            _ if self.me.is_none() || self.end.is_some() => {}
            Happened::View(stamp, view) => self.tell(Delivery::View(stamp, view)),
            Happened::Kept(stamp, kept) => {
                self.kept = ((self.state.generation, stamp.index), kept.clone());
                self.state.changed = true;
                self.tell(Delivery::Kept(stamp, kept));
            }
            Happened::Reformed(_) => {
                self.reformed = false;
                if let Some(done) = self.reform_done.take() {
                    // Whoever asked may have given up.
                    let _ = done.send(Ok(()));
                }
            }
            Happened::Message(stamp, message) => self.tell(Delivery::Message(stamp, message)),
            Happened::ProcessEnded(stamp, process) => self.tell_ended(stamp, process),
            Happened::Released(stamp, member) => self.tell(Delivery::Released(stamp, member)),
            Happened::Time(stamp) => self.tell(Delivery::Time(stamp)),
            Happened::Recovery(stamp, news) => self.recovery(stamp, news),
            Happened::Held(from) => {
                if Some(from) == self.me {
                    self.orders.again_in(Lane::Ordinary);
                }
            }
        }
    }

    fn tell_ended(&mut self, stamp: ais_types::Stamp, process: ProcessId) {
        self.tell(Delivery::ProcessEnded(stamp, process));
    }

    fn recovery(&mut self, stamp: ais_types::Stamp, news: Recovery) {
        if let Recovery::Overdue { view, plugs } = &news {
            for plug in plugs {
                tracing::error!(%plug, view, "goes on without a recovery plug that never came out");
            }
        }
        self.tell(Delivery::Recovery(stamp, news));
    }

    fn someone_left(&mut self, member: MemberId) {
        if let Some(leading) = &mut self.leading {
            leading.forget(member);
        }
        if Some(member) == self.me {
            self.end(match self.leaving {
                Some(_) => "it said good-bye",
                None => "it was ordered out",
            });
        }
        let lost = self.joining.as_ref().is_some_and(|it| it.sponsor == Some(member));
        if lost {
            self.end("its sponsor was lost before it had handed over the state");
        }
    }

    fn came(&mut self, event: Option<ais_transport::Event>) {
        let now = Instant::now();
        match self.link.came(event, &self.config.cluster, now) {
            Came::Up(node) => self.greet(node),
            Came::Packet(node, from, packet) => self.packet(node, from, *packet, now),
            Came::Down(lost) => {
                if lost.is_some() && lost == self.followed {
                    self.orders.again();
                }
                self.tick_leader(now);
            }
            Came::Nothing => {}
            Came::Closed => self.end("the transport is closed"),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Answer(node, tag, response) => {
                self.link.put(node, &Packet::Answer(tag, response));
            }
            Done::Proposed(key, taken) => self.proposed(key, taken),
            Done::Round(round, confirmed) => self.round(round, confirmed),
            Done::Admitted(raft, done) => self.admitted(raft, done),
            Done::Tidied => {
                if let Some(leading) = &mut self.leading {
                    leading.changing = false;
                }
            }
            Done::Submitted(lane, taken) => {
                if !taken {
                    self.orders.refused(lane, Instant::now() + self.timing.tick);
                }
            }
            Done::Piece(response) => self.piece_came(response),
            Done::State(joiner, state) => self.state_made(joiner, state),
            Done::Saved(result) => self.saved(&result),
            Done::Founder(group, founder, agreed) => self.founder(group, founder, agreed),
            Done::Nothing => {}
        }
    }
}
