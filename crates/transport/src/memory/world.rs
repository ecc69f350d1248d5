//! The network as a plain value: what happens when, without waiting.
//!
//! Everything due is done when someone looks ([`World::receive`], [`World::send`]); every channel
//! waits until the next moment at which one of its own pairs wants to be looked at.

use super::{
    Conditions,
    channel::Next,
    session::{Pair, Session, Side, Way},
};
use crate::{Cause, Class, Event, Peer, SendError};
use ais_types::NodeId;
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

/// How a channel is woken. Its address is the channel's identity.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Something new to receive, or an earlier moment to look.
    pub(super) inbox: Notify,
    /// Room in a queue, or a session less.
    pub(super) room: Notify,
}

#[derive(Debug)]
struct Node {
    nonce: u64,
    hung: bool,
    ends: BTreeMap<Class, End>,
}

/// One open channel.
#[derive(Debug)]
struct End {
    signals: Arc<Signals>,
    /// By when it is due, and then by when it was put.
    inbox: BTreeMap<(Duration, u64), Item>,
    /// The session with each node that the owner was told of.
    told: BTreeMap<NodeId, u64>,
}

#[derive(Debug)]
struct Item {
    session: u64,
    event: Event,
}

/// Lower node id first.
type PairId = (Class, NodeId, NodeId);

#[derive(Debug)]
pub(super) struct World {
    conditions: Conditions,
    rng: fastrand::Rng,
    nodes: BTreeMap<NodeId, Node>,
    /// Hosts without power.
    silent: BTreeSet<NodeId>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    rates: BTreeMap<(NodeId, NodeId), u64>,
    busy_until: BTreeMap<(NodeId, NodeId), Duration>,
    pairs: BTreeMap<PairId, Pair>,
    /// Numbers sessions and items.
    counter: u64,
}

// What the owner of the network does.
impl World {
    pub(super) fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            conditions,
            rng: fastrand::Rng::with_seed(seed),
            nodes: BTreeMap::new(),
            silent: BTreeSet::new(),
            cuts: BTreeSet::new(),
            rates: BTreeMap::new(),
            busy_until: BTreeMap::new(),
            pairs: BTreeMap::new(),
            counter: 0,
        }
    }

    pub(super) fn start(&mut self, me: Peer, now: Duration) {
        self.remove(me.node);
        self.silent.remove(&me.node);
        self.nodes.insert(me.node, Node { nonce: me.nonce, hung: false, ends: BTreeMap::new() });
        self.settle_node(me.node, now);
    }

    pub(super) fn stop(&mut self, node: NodeId, now: Duration) {
        self.remove(node);
        self.settle_node(node, now);
    }

    pub(super) fn vanish(&mut self, node: NodeId, now: Duration) {
        self.remove(node);
        self.silent.insert(node);
        for (_, pair, side) in of_node(&mut self.pairs, node) {
            if let Some(session) = &mut pair.session {
                let unacknowledged = &mut session.ways[1 - side];
                if unacknowledged.frames > 0 {
                    unacknowledged.stuck_since.get_or_insert(now);
                }
            }
        }
        self.wake_peers(node);
    }

    pub(super) fn set_hung(&mut self, node: NodeId, hung: bool, now: Duration) {
        let Some(it) = self.nodes.get_mut(&node) else { return };
        it.hung = hung;
        for end in it.ends.values() {
            end.signals.inbox.notify_one();
        }
        if !hung {
            self.flush_from(node, now);
            self.settle_node(node, now);
        }
    }

    pub(super) fn set_cuts(&mut self, is_cut: &dyn Fn(NodeId, NodeId) -> bool, now: Duration) {
        let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
        self.cuts.retain(|(from, to)| nodes.contains(from) && nodes.contains(to));
        for &from in &nodes {
            for &to in nodes.iter().filter(|to| **to != from) {
                self.set_cut(from, to, is_cut(from, to), now);
            }
        }
    }

    pub(super) fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool, now: Duration) {
        if cut {
            if self.cuts.insert((from, to)) {
                self.hold_in_flight(from, to, now);
            }
        } else if self.cuts.remove(&(from, to)) {
            self.flush_from(from, now);
        }
        self.settle_node(from, now);
    }

    pub(super) fn set_rate(&mut self, from: NodeId, to: NodeId, rate: Option<u64>) {
        match rate {
            Some(rate) => self.rates.insert((from, to), rate.max(1)),
            None => self.rates.remove(&(from, to)),
        };
    }

    pub(super) fn no_rates(&mut self) {
        self.rates.clear();
    }

    pub(super) fn break_session(&mut self, a: NodeId, b: NodeId, class: Class, now: Duration) {
        let id = pair_id(class, a, b);
        self.end_session(id, Cause::Broken, now);
    }
}

// What the owner of a channel does.
impl World {
    pub(super) fn open(&mut self, me: Peer, class: Class, signals: Arc<Signals>, now: Duration) {
        let Some(node) = self.nodes.get_mut(&me.node).filter(|node| node.nonce == me.nonce) else {
            return;
        };
        let end = End { signals, inbox: BTreeMap::new(), told: BTreeMap::new() };
        if let Some(former) = node.ends.insert(class, end) {
            former.signals.notify();
        }
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|it| *it != me.node).collect();
        for other in others {
            self.pairs.entry(pair_id(class, me.node, other)).or_default().retry_at = Some(now);
        }
        self.settle_node(me.node, now);
    }

    pub(super) fn close(&mut self, me: Peer, signals: &Arc<Signals>, class: Class, now: Duration) {
        if self.end(me, signals, class).is_some() {
            if let Some(node) = self.nodes.get_mut(&me.node) {
                node.ends.remove(&class);
            }
            self.settle_node(me.node, now);
        }
    }

    pub(super) fn send(
        &mut self,
        me: Peer,
        signals: &Arc<Signals>,
        class: Class,
        to: Peer,
        frame: Bytes,
        now: Duration,
    ) -> Result<(), SendError> {
        let limits = *self.conditions.limits(class);
        if frame.len() > limits.frame_max {
            return Err(SendError::TooLarge(frame.len()));
        }
        let id = pair_id(class, me.node, to.node);
        self.settle(id, now);
        let passes = self.passes(me.node, to.node);
        let way = self.way(me, signals, class, to).ok_or(SendError::NotConnected(to))?;
        if !limits.room(way.frames, way.bytes, frame.len()) {
            way.stuck_since.get_or_insert(now);
            return Err(SendError::Full(to));
        }
        way.took(frame.len());
        if passes && way.held.is_empty() {
            self.transmit(id, side_of(me.node, to.node), frame, now);
        } else {
            way.held.push_back((now, frame));
        }
        Ok(())
    }

    pub(super) fn receive(
        &mut self,
        me: Peer,
        signals: &Arc<Signals>,
        class: Class,
        now: Duration,
    ) -> Next {
        if self.end(me, signals, class).is_none() {
            return Next::Closed;
        }
        if self.nodes.get(&me.node).is_some_and(|node| node.hung) {
            return Next::Wait(None);
        }
        self.settle_node(me.node, now);
        match self.pop(me, signals, class, now) {
            Some(event) => Next::Event(event),
            None => Next::Wait(self.next_look(me, signals, class)),
        }
    }

    /// Until when at most to wait for room; `None` if there is room or no session.
    pub(super) fn blocked(
        &mut self,
        me: Peer,
        signals: &Arc<Signals>,
        class: Class,
        to: Peer,
        now: Duration,
    ) -> Option<Option<Duration>> {
        let id = pair_id(class, me.node, to.node);
        self.settle(id, now);
        let limits = *self.conditions.limits(class);
        let way = self.way(me, signals, class, to)?;
        if limits.room(way.frames, way.bytes, 1) {
            return None;
        }
        way.stuck_since.get_or_insert(now);
        Some(self.pairs.get(&id).and_then(|pair| pair.timer(self.conditions.patience)))
    }
}

// Sessions.
impl World {
    /// Does what is due between two nodes.
    fn settle(&mut self, id: PairId, now: Duration) {
        let Some(pair) = self.pairs.get(&id) else { return };
        let Some(session) = &pair.session else {
            if pair.retry_at.is_some_and(|at| at <= now) {
                self.try_session(id, now);
            }
            return;
        };
        let dead = [0, 1].map(|side| !self.lives(id.0, session, side));
        let seen = |side: Side| {
            dead[side] && self.passes(session.peers[side].node, session.peers[1 - side].node)
        };
        let given_up = session.gives_up(self.conditions.patience).is_some_and(|at| at <= now);
        if dead == [true, true] || seen(0) || seen(1) {
            let reopened = [0, 1].map(|side| dead[side] && self.is_open(id.0, session.peers[side]));
            let cause = if reopened.contains(&true) { Cause::Broken } else { Cause::Closed };
            self.end_session(id, cause, now);
            self.settle(id, now);
        } else if given_up {
            self.end_session(id, Cause::Broken, now);
        }
    }

    fn settle_node(&mut self, node: NodeId, now: Duration) {
        let ids: Vec<PairId> = of_node(&mut self.pairs, node).map(|(id, ..)| id).collect();
        for id in ids {
            if let Some(pair) = self.pairs.get_mut(&id)
                && pair.session.is_none()
            {
                pair.retry_at.get_or_insert(now);
            }
            self.settle(id, now);
        }
    }

    fn try_session(&mut self, id: PairId, now: Duration) {
        let (class, a, b) = id;
        let end = |node: NodeId| {
            let node_ = self.nodes.get(&node).filter(|it| !it.hung)?;
            Some((Peer { node, nonce: node_.nonce }, node_.ends.get(&class)?.signals.clone()))
        };
        let ends = (self.passes(a, b) && self.passes(b, a)).then(|| end(a).zip(end(b))).flatten();
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        pair.retry_at = None;
        let Some(((peer_a, channel_a), (peer_b, channel_b))) = ends else { return };
        self.counter += 1;
        let number = self.counter;
        let life = self.conditions.session_life;
        let breaks_at = life.map(|life| now + life.mul_f64(2.0 * self.rng.f64()));
        pair.session = Some(Session {
            number,
            peers: [peer_a, peer_b],
            channels: [channel_a, channel_b],
            breaks_at,
            ways: [Way::default(), Way::default()],
        });
        for (side, peer) in [(0, peer_b), (1, peer_a)] {
            let due = now + self.travel();
            self.put(id, side, number, Event::Up(peer), due);
        }
    }

    /// Ends the session of a pair. What is in flight arrives before [`Cause::Closed`], and is lost
    /// with [`Cause::Broken`].
    fn end_session(&mut self, id: PairId, cause: Cause, now: Duration) {
        let travel = self.travel();
        let Some(session) = self.pairs.get_mut(&id).and_then(|pair| pair.session.take()) else {
            return;
        };
        for side in [0, 1] {
            session.channels[side].notify();
            if !self.lives(id.0, &session, side) {
                continue;
            }
            let event = Event::Down(session.peers[1 - side], cause);
            match cause {
                Cause::Closed => self.put(id, side, session.number, event, now + travel),
                Cause::Broken => self.break_end(id, side, session.number, event, now),
            }
        }
        let reconnect = self.conditions.reconnect;
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.retry_at = Some(now + reconnect);
        }
    }

    fn break_end(&mut self, id: PairId, side: Side, number: u64, down: Event, now: Duration) {
        let other = if side == 0 { id.2 } else { id.1 };
        let Some(end) = self.end_at(id, side) else { return };
        end.inbox.retain(|(due, _), item| item.session != number || *due <= now);
        let was_up = end.told.values().any(|told| *told == number)
            || end.inbox.values().any(|item| item.session == number);
        let left = end.inbox.iter().filter(|(_, item)| item.event.peer().node == other);
        let last_due = left.map(|((due, _), _)| *due).max().unwrap_or(now);
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.last_due[side] = last_due;
        }
        if was_up {
            self.put(id, side, number, down, now);
        }
    }

    /// Whether a session's channel on this side is still open.
    fn lives(&self, class: Class, session: &Session, side: Side) -> bool {
        let node = self.nodes.get(&session.peers[side].node);
        node.and_then(|node| node.ends.get(&class))
            .is_some_and(|end| Arc::ptr_eq(&end.signals, &session.channels[side]))
    }

    /// Whether this life of the peer has a channel of the class.
    fn is_open(&self, class: Class, peer: Peer) -> bool {
        let node = self.nodes.get(&peer.node).filter(|node| node.nonce == peer.nonce);
        node.is_some_and(|node| node.ends.contains_key(&class))
    }

    /// The way to a peer, if the owner was told of the session and it still is.
    fn way(
        &mut self,
        me: Peer,
        signals: &Arc<Signals>,
        class: Class,
        to: Peer,
    ) -> Option<&mut Way> {
        let told = self.end(me, signals, class)?.told.get(&to.node).copied()?;
        let side = side_of(me.node, to.node);
        let session = self.pairs.get_mut(&pair_id(class, me.node, to.node))?.session.as_mut()?;
        (session.number == told && session.peers[1 - side] == to).then(|| &mut session.ways[side])
    }
}

// Frames.
impl World {
    /// Puts a frame of `side` on its way.
    fn transmit(&mut self, id: PairId, side: Side, frame: Bytes, now: Duration) {
        let travel = self.travel();
        let Some(session) = self.pairs.get(&id).and_then(|pair| pair.session.as_ref()) else {
            return;
        };
        let (from, to) = (session.peers[side], session.peers[1 - side]);
        let number = session.number;
        let leaves = self.leaves((from.node, to.node), frame.len(), now);
        self.put(id, 1 - side, number, Event::Frame(from, frame), leaves + travel);
    }

    /// When the last byte leaves, on a link that may be slow.
    fn leaves(&mut self, link: (NodeId, NodeId), bytes: usize, now: Duration) -> Duration {
        let Some(rate) = self.rates.get(&link) else { return now };
        let free = self.busy_until.get(&link).copied().unwrap_or_default().max(now);
        let done = free + Duration::from_secs_f64(bytes as f64 / *rate as f64);
        self.busy_until.insert(link, done);
        done
    }

    /// Puts an event into the inbox of a side, not before what was put earlier.
    fn put(&mut self, id: PairId, side: Side, session: u64, event: Event, due: Duration) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        let due = due.max(pair.last_due[side]);
        pair.last_due[side] = due;
        let number = self.count();
        if let Some(end) = self.end_at(id, side) {
            end.inbox.insert((due, number), Item { session, event });
            end.signals.inbox.notify_one();
        }
    }

    fn pop(
        &mut self,
        me: Peer,
        signals: &Arc<Signals>,
        class: Class,
        now: Duration,
    ) -> Option<Event> {
        let end = self.end(me, signals, class)?;
        let entry = end.inbox.first_entry().filter(|it| it.key().0 <= now)?;
        let Item { session, event } = entry.remove();
        match &event {
            Event::Up(peer) => {
                end.told.insert(peer.node, session);
            }
            Event::Down(peer, _) => {
                end.told.remove(&peer.node);
            }
            Event::Frame(peer, frame) => {
                self.taken(pair_id(class, me.node, peer.node), session, peer.node, frame.len());
            }
        }
        Some(event)
    }

    /// A frame has been taken at the other side: its sender has room again.
    fn taken(&mut self, id: PairId, number: u64, from: NodeId, bytes: usize) {
        let session = self.pairs.get_mut(&id).and_then(|pair| pair.session.as_mut());
        if let Some(session) = session.filter(|session| session.number == number) {
            let side = usize::from(from != id.1);
            session.ways[side].gave(bytes);
            session.channels[side].room.notify_waiters();
        }
    }

    /// What is on its way when a cut begins does not arrive; it is sent again later.
    fn hold_in_flight(&mut self, from: NodeId, to: NodeId, now: Duration) {
        for class in Class::ALL {
            let id = pair_id(class, from, to);
            let (side, mut frames) = (side_of(from, to), Vec::new());
            let Some(number) = self.pairs.get(&id).and_then(|it| Some(it.session.as_ref()?.number))
            else {
                continue;
            };
            let Some(end) = self.end_at(id, 1 - side) else { continue };
            end.inbox.retain(|(due, _), item| match &item.event {
                Event::Frame(peer, frame) if peer.node == from && *due > now => {
                    if item.session == number {
                        frames.push((now, frame.clone()));
                    }
                    false
                }
                Event::Frame(..) | Event::Up(_) | Event::Down(..) => true,
            });
            if let Some(session) = self.pairs.get_mut(&id).and_then(|pair| pair.session.as_mut()) {
                session.ways[side].held.extend(frames);
            }
        }
        self.wake_peers(from);
    }

    /// Sends what was held at a node, as far as it passes now.
    fn flush_from(&mut self, from: NodeId, now: Duration) {
        let ids: Vec<_> = of_node(&mut self.pairs, from).map(|(id, _, side)| (id, side)).collect();
        for (id, side) in ids {
            let to = if side == 0 { id.2 } else { id.1 };
            if !self.passes(from, to) {
                continue;
            }
            let session = self.pairs.get_mut(&id).and_then(|pair| pair.session.as_mut());
            let held = session.map(|it| std::mem::take(&mut it.ways[side].held));
            for (_, frame) in held.into_iter().flatten() {
                self.transmit(id, side, frame, now);
            }
        }
    }

    /// Whether what `from` sends reaches `to`.
    fn passes(&self, from: NodeId, to: NodeId) -> bool {
        let hung = self.nodes.get(&from).is_some_and(|node| node.hung);
        !hung
            && !self.cuts.contains(&(from, to))
            && !self.silent.contains(&from)
            && !self.silent.contains(&to)
    }

    fn travel(&mut self) -> Duration {
        self.conditions.latency + self.conditions.jitter.mul_f64(self.rng.f64())
    }
}

// Small things.
impl World {
    fn remove(&mut self, node: NodeId) {
        for end in self.nodes.remove(&node).into_iter().flat_map(|node| node.ends.into_values()) {
            end.signals.notify();
        }
    }

    fn end(&mut self, me: Peer, signals: &Arc<Signals>, class: Class) -> Option<&mut End> {
        let node = self.nodes.get_mut(&me.node).filter(|node| node.nonce == me.nonce)?;
        node.ends.get_mut(&class).filter(|end| Arc::ptr_eq(&end.signals, signals))
    }

    fn end_at(&mut self, (class, a, b): PairId, side: Side) -> Option<&mut End> {
        let node = if side == 0 { a } else { b };
        self.nodes.get_mut(&node)?.ends.get_mut(&class)
    }

    fn next_look(&mut self, me: Peer, signals: &Arc<Signals>, class: Class) -> Option<Duration> {
        let due = self.end(me, signals, class)?.inbox.keys().next().map(|(due, _)| *due);
        let patience = self.conditions.patience;
        let timers = of_node(&mut self.pairs, me.node).filter_map(|(_, it, _)| it.timer(patience));
        timers.chain(due).min()
    }

    fn wake_peers(&mut self, node: NodeId) {
        for (_, pair, _) in of_node(&mut self.pairs, node) {
            for channel in pair.session.iter().flat_map(|session| &session.channels) {
                channel.notify();
            }
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

impl Signals {
    fn notify(&self) {
        self.inbox.notify_one();
        self.room.notify_waiters();
    }
}

fn pair_id(class: Class, a: NodeId, b: NodeId) -> PairId {
    (class, a.min(b), a.max(b))
}

/// The side of `me` in the pair with `other`.
fn side_of(me: NodeId, other: NodeId) -> Side {
    usize::from(me > other)
}

/// The pairs of a node, with its side.
fn of_node(
    pairs: &mut BTreeMap<PairId, Pair>,
    node: NodeId,
) -> impl Iterator<Item = (PairId, &mut Pair, Side)> {
    pairs.iter_mut().filter_map(move |(id, pair)| {
        (id.1 == node || id.2 == node).then(|| (*id, pair, usize::from(id.1 != node)))
    })
}
