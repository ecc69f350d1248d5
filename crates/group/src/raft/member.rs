//! The member's task: it owns the state, the channel and the clock, and nobody else touches them.

use super::{
    config::{Config, Timing},
    form::Forming,
    join::Joining,
    lead::Leading,
    lease::Lease,
    link::{Came, Link},
    log::Log,
    machine::Agreed,
    network::Outgoing,
    orders::{Lane, Orders},
    packet::{Hello, PROTOCOL, Packet, Request, Response},
    state::{Applicant, Happened, Op, State, What},
    types::{Consensus, LogId, RaftId},
};
use crate::{
    Delivery, GroupError, PLUGS_MAX, PlugOrder, Priority, Recovery,
    feed::{Feed, Waiter},
    room::Place,
};
use ais_types::{GroupTime, MemberId, NodeId, ProcessId, Role};
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
const STOP: Duration = Duration::from_secs(2);

/// What the owner wants.
#[derive(Debug)]
pub(crate) enum Command {
    Order(Priority, What, Waiter, Place),
    Deadline(Option<GroupTime>),
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
    Admitted(RaftId, bool),
    /// Consensus was tidied.
    Tidied,
    /// The leader took the batch, or not.
    Submitted(Lane, bool),
    /// The sponsor answered.
    Piece(Option<Response>),
    /// The owner made the state for this joiner, or will not.
    State(RaftId, Option<Bytes>),
    /// A founder answered.
    Founder(u64, RaftId, bool),
    Nothing,
}

/// Everything a member's task owns.
pub(crate) struct Member {
    pub(crate) config: Config,
    pub(crate) timing: Timing,
    pub(crate) rng: fastrand::Rng,
    pub(crate) raft: Consensus,
    pub(crate) raft_id: RaftId,
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
    pub(crate) sponsored: BTreeMap<RaftId, Option<Bytes>>,

    pub(crate) leader: Option<RaftId>,
    pub(crate) leading: Option<Leading>,
    /// The last leader that was known.
    pub(crate) followed: Option<RaftId>,
    /// When the leader was last heard in consensus.
    pub(crate) contact: Instant,
    /// Whether it ever followed a leader, or was one.
    pub(crate) led: bool,
    /// Whether a vote for this candidate came before its voter had refused for its time.
    pub(crate) rushed: bool,
    pub(crate) campaign_at: Instant,
    pub(crate) lease: Lease,
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

/// A good-bye.
#[derive(Debug)]
pub(crate) struct Leave {
    pub(crate) done: Vec<oneshot::Sender<()>>,
    pub(crate) until: Instant,
    pub(crate) asked: Option<Instant>,
}

/// Where things come from.
pub(crate) struct Sources {
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) agreed: mpsc::UnboundedReceiver<Agreed>,
    pub(crate) outgoing: mpsc::UnboundedReceiver<Outgoing>,
    pub(crate) leader: watch::Sender<Option<MemberId>>,
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
                    self.link.ask(to, self.group, request, answer);
                }
                Some(done) = self.jobs.join_next() => self.done(done.unwrap_or(Done::Nothing)),
                Ok(()) = metrics.changed() => {
                    let metrics = metrics.borrow_and_update().clone();
                    self.consensus(&metrics);
                }
                Some(command) = sources.commands.recv() => self.command(command),
                event = self.link.event() => self.came(event),
            }
            let now = Instant::now();
            Lane::ALL.iter().for_each(|lane| self.send_orders(*lane, now));
            self.link.flush();
            let leader = self.leader.and_then(|raft| self.state.member(raft));
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
        let _ = self.shared.left.set(reason.clone());
        self.feed.tell(Delivery::Left(reason));
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
            applicant: self.applicant(),
            group: self.group,
            member: self.me,
        };
        self.link.put(node, &Packet::Hello(hello));
    }

    pub(crate) fn applicant(&self) -> Applicant {
        Applicant { raft: self.raft_id, identity: self.config.identity.clone() }
    }

    /// Whether the owner has called `alive` lately.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        let at = self.shared.alive.load(Ordering::Relaxed);
        at > 0 && now <= self.shared.start + Duration::from_nanos(at) + self.timing.alive
    }

    pub(crate) fn is_voter(&self) -> bool {
        self.config.identity.role != Role::Payload
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Order(priority, what, waiter, place) => {
                if let Some(error) = self.objection(&what) {
                    // Whoever asked may have given up.
                    let _ = waiter.send(Err(error));
                } else {
                    self.orders.put(priority, what, waiter, place);
                }
            }
            Command::Deadline(deadline) => self.deadline = deadline,
            Command::Leave(done) => self.leave(done),
        }
    }

    /// Why this is not ordered at all.
    fn objection(&self, what: &What) -> Option<GroupError> {
        match what {
            What::Plug(name, PlugOrder::Create) => {
                let own = self.me.map_or(0, |me| self.state.plugs.count(me));
                (own >= PLUGS_MAX).then(|| GroupError::Plug {
                    name: name.clone(),
                    rule: format!("a member has at most {PLUGS_MAX} plugs"),
                })
            }
            What::Plug(_, PlugOrder::Unplug(_) | PlugOrder::Destroy)
            | What::Message(_)
            | What::ProcessEnded(_)
            | What::Barrier => None,
        }
    }

    fn leave(&mut self, done: oneshot::Sender<()>) {
        let until = Instant::now() + STOP;
        self.lose_lease();
        let leaving =
            self.leaving.get_or_insert_with(|| Leave { done: Vec::new(), until, asked: None });
        leaving.done.push(done);
        self.tick_leaving(Instant::now());
    }

    fn tick_leaving(&mut self, now: Instant) {
        let again = self.timing.beat;
        let Some(leave) = &mut self.leaving else { return };
        let Some(me) = self.me else { return self.end("it said good-bye") };
        if now >= leave.until {
            return self.end("it said good-bye, and nobody heard");
        }
        if leave.asked.is_some_and(|asked| now < asked + again) {
            return;
        }
        leave.asked = Some(now);
        if self.is_ready() {
            self.propose(super::lead::Key::Left(me), vec![Op::Left(me), Op::Released(me)]);
        } else if let Some(leader) = self.leader {
            // It is asked again until the leave is delivered.
            let (answer, _) = oneshot::channel();
            self.link.ask(leader, self.group, Request::Leave(me), answer);
        }
    }

    /// Sends the next batch of own orders, or the same again.
    fn send_orders(&mut self, lane: Lane, now: Instant) {
        let Some(me) = self.me else { return };
        if lane == Lane::Ordinary && self.state.plugs.hold() {
            return;
        }
        let ready = self.is_ready();
        if !ready && self.leader.is_none_or(|it| it == self.raft_id) {
            return;
        }
        // A batch is through before the answer to its proposal is here; the next one waits for that.
        if self.leading.as_ref().is_some_and(|it| it.is_proposing(super::lead::Key::Own(lane))) {
            return;
        }
        let Some(items) = self.orders.next_batch(lane, now) else { return };
        if ready {
            self.propose(super::lead::Key::Own(lane), vec![Op::Batch { from: me, items }]);
        } else if let Some(leader) = self.leader {
            let (answer, answered) = oneshot::channel();
            self.link.ask(leader, self.group, Request::Submit(me, items), answer);
            self.jobs.spawn(async move {
                Done::Submitted(lane, matches!(answered.await, Ok(Response::Yes)))
            });
        }
    }

    /// The consensus library tells how it is.
    fn consensus(&mut self, metrics: &openraft::RaftMetrics<RaftId, ()>) {
        if let Err(error) = &metrics.running_state {
            return self.end(&format!("consensus has failed: {error}"));
        }
        let now = Instant::now();
        self.followed = metrics.current_leader.or(self.followed);
        if self.leader != metrics.current_leader {
            self.leader = metrics.current_leader;
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
            Ok(state) if state.member(self.raft_id).is_none() => {
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
            Happened::Joining { member, raft, sponsor, state } => {
                self.someone_joins(member, raft, sponsor, state);
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
                if lost.is_some() && lost == self.leader {
                    self.orders.again();
                }
                self.tick_leader(now);
            }
            Came::Nothing => {}
            Came::Closed => self.end("the transport is closed"),
        }
    }

    fn packet(&mut self, node: NodeId, from: RaftId, packet: Packet, now: Instant) {
        match packet {
            // Kept by the link.
            Packet::Hello(_) => {}
            Packet::Ping(ping) => self.ping(from, ping, now),
            Packet::Pong(pong) => self.pong(from, &pong, now),
            Packet::Ask(tag, group, request) => self.asked(node, from, tag, group, request),
            Packet::Answer(tag, response) => {
                self.rushed |= matches!(response, Response::Vote(_, false));
                self.link.answered(node, tag, response);
            }
        }
    }

    fn asked(
        &mut self,
        node: NodeId,
        from: RaftId,
        tag: u64,
        group: Option<u64>,
        request: Request,
    ) {
        let raft = self.raft.clone();
        let refused = match request {
            Request::Append(_) | Request::Vote(_) | Request::Install(..) if !self.takes(group) => {
                true
            }
            Request::Vote(_) if self.refuses_votes(Instant::now()) => true,
            Request::Append(request) => {
                (self.contact, self.led) = (Instant::now(), true);
                self.jobs.spawn(async move {
                    let response = raft.append_entries(request).await;
                    Done::Answer(node, tag, response.map_or(Response::No, Response::Append))
                });
                false
            }
            Request::Vote(request) => {
                let waited = self.has_waited(Instant::now());
                self.forget_round();
                self.jobs.spawn(async move {
                    let response = raft.vote(request).await;
                    let response = response.map(|it| Response::Vote(it, waited));
                    Done::Answer(node, tag, response.unwrap_or(Response::No))
                });
                // Someone else is at it: this one's turn comes later.
                self.campaign_at = self.campaign_at.max(Instant::now() + self.timing.step * 2);
                false
            }
            Request::Install(vote, meta, state) => {
                (self.contact, self.led) = (Instant::now(), true);
                let snapshot = super::types::Snapshot { meta, snapshot: Box::new(state) };
                self.jobs.spawn(async move {
                    let response = raft.install_full_snapshot(vote, snapshot).await;
                    let vote = response.map(|it| it.vote);
                    Done::Answer(node, tag, vote.map_or(Response::No, Response::Install))
                });
                false
            }
            Request::Submit(member, items) => {
                let key = super::lead::Key::Answer(node, tag);
                let held = self.state.plugs.hold()
                    && items.iter().any(|item| !item.priority.flows_always());
                held || !self.propose_for(from, member, key, Op::Batch { from: member, items })
            }
            Request::Leave(member) => {
                let own = self.is_ready() && self.state.member(from) == Some(member);
                if own {
                    let ops = vec![Op::Left(member), Op::Released(member)];
                    self.propose(super::lead::Key::Answer(node, tag), ops);
                }
                !own
            }
            Request::State(joiner, offset) => {
                let response = self.piece(joiner, offset);
                self.link.put(node, &Packet::Answer(tag, response));
                false
            }
            Request::Form(group) => {
                let response = if self.promise(group, from) { Response::Yes } else { Response::No };
                self.link.put(node, &Packet::Answer(tag, response));
                false
            }
        };
        if refused {
            self.link.put(node, &Packet::Answer(tag, Response::No));
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
            Done::Founder(group, founder, agreed) => self.founder(group, founder, agreed),
            Done::Nothing => {}
        }
    }
}
