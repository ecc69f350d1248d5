//! A cluster in one thread: nodes, their links, one ordered log that each hears at its own pace,
//! and faults.

use crate::{
    entry::{Entry, decide, follow},
    history::History,
    journal::{Answer, Journal, Query, Update, Value},
};
use ais_replica::{
    Acknowledge, Configuration, Message, Note, Options, Output, Position, Replica, RequestId,
    Succession,
};
use ais_service::Link;
use ais_types::{Incarnation, MemberId, NodeId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug)]
enum Packet {
    Message(Message<Journal>),
    Link(Link),
}

struct Node {
    replica: Replica<Journal>,
    config: Configuration,
    /// How much of the log it has heard.
    heard: usize,
    /// Whom it has heard to have left.
    left: BTreeSet<MemberId>,
    /// Whom it has heard to be in the view.
    members: BTreeSet<MemberId>,
    /// Its orders that are not on the log yet.
    orders: VecDeque<Entry>,
    writes: u64,
    /// Whom it can reach.
    reachable: BTreeSet<MemberId>,
    /// The feed that it follows: the question under way, where it is, and what it was told.
    feed: Option<RequestId>,
    place: Position,
    told: Vec<Value>,
}

pub(crate) struct World {
    pub(crate) random: fastrand::Rng,
    pub(crate) history: History,
    options: Options,
    nodes: BTreeMap<MemberId, Node>,
    /// Left, and may still act.
    cut_off: BTreeSet<MemberId>,
    /// Left and stopped; not released yet.
    stopped: BTreeSet<MemberId>,
    log: Vec<Entry>,
    /// The configuration at the end of the log.
    pub(crate) config: Configuration,
    /// The view at the end of the log.
    members: BTreeSet<MemberId>,
    wires: BTreeMap<(MemberId, MemberId), VecDeque<Packet>>,
    broken: BTreeSet<(MemberId, MemberId)>,
    /// The node that hears the log late; 0: none.
    slow: u32,
    next_request: u64,
    lives: u64,
    /// How many transfers were begun, and how many were not needed.
    pub(crate) transfers: u64,
    pub(crate) resumed: u64,
    /// What feeds were told.
    pub(crate) fed: u64,
    /// Print everything that happens.
    trace: bool,
}

fn member(node: u32, incarnation: u64) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(incarnation) }
}

impl World {
    pub(crate) const NODES: u32 = 4;

    pub(crate) fn new(seed: u64, acknowledge: Acknowledge, succession: Succession) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let members: Vec<MemberId> = (1..=Self::NODES).map(|it| member(it, 1)).collect();
        let replicas = random.usize(1..=3);
        let config = Configuration::new(
            Some(members[0]).filter(|_| succession == Succession::Automatic || random.bool()),
            members[..replicas].iter().copied(),
            succession,
        );
        let options =
            Options { acknowledge, window: random.usize(100..2_000), keep: random.usize(0..6_000) };
        let slow = random.u32(0..=Self::NODES);
        let mut world = Self {
            random,
            history: History::new(acknowledge),
            options,
            nodes: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            stopped: BTreeSet::new(),
            log: Vec::new(),
            config: config.clone(),
            members: members.iter().copied().collect(),
            wires: BTreeMap::new(),
            broken: BTreeSet::new(),
            slow,
            next_request: 0,
            lives: 1,
            transfers: 0,
            resumed: 0,
            fed: 0,
            trace: std::env::var_os("AIS_TRACE").is_some(),
        };
        for &it in &members {
            world.start(it, config.clone());
        }
        world
    }

    fn start(&mut self, me: MemberId, config: Configuration) {
        let mut out = Vec::new();
        let replica = Replica::new(me, self.options, Journal::default(), &config, &mut out);
        let heard = self.log.len();
        let orders = VecDeque::new();
        let left = BTreeSet::new();
        let members = self.members.clone();
        let reachable =
            self.nodes.keys().copied().filter(|it| !self.broken.contains(&pair(me, *it)));
        let node = Node {
            replica,
            config,
            heard,
            left,
            members,
            orders,
            writes: 0,
            reachable: reachable.collect(),
            feed: None,
            place: Position::default(),
            told: Vec::new(),
        };
        for other in self.nodes.values_mut() {
            other.reachable.insert(me);
        }
        self.nodes.insert(me, node);
        self.perform(me, out);
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) {
        match self.random.u32(0..100) {
            0..43 => self.deliver_packet(),
            43..63 => self.deliver_entry(),
            63..73 => self.deliver_order(),
            73..88 => self.ask(),
            88 => self.follow_feed(),
            89..92 => self.look(),
            92..94 => self.break_link(),
            94..97 => self.mend_link(),
            97 => self.lose_node(),
            98 => self.release_or_join(),
            _ => self.administer(),
        }
        self.check();
    }

    /// Faults end; everything that is under way comes to its end.
    pub(crate) fn calm(&mut self) {
        for it in self.gone() {
            self.release(it);
        }
        for pair in core::mem::take(&mut self.broken) {
            self.link(pair, Link::Up);
        }
        // The service's part: a collocated object without a primary gets one.
        for _ in 0..20_000 {
            let busy = self.wires.values().any(|it| !it.is_empty())
                || self.nodes.values().any(|it| it.heard < self.log.len() || !it.orders.is_empty());
            if !busy {
                let wanted = self.config.complete().next();
                match (self.config.primary(), wanted) {
                    (None, Some(it)) if !self.config.is_sealing() => self.put(Entry::Choose(it)),
                    _ => break,
                }
            }
            match self.random.u32(0..3) {
                0 => self.deliver_packet(),
                1 => self.deliver_entry(),
                _ => self.deliver_order(),
            }
            self.check();
        }
        self.check_calm();
    }

    fn check_calm(&self) {
        assert!(self.wires.values().all(VecDeque::is_empty), "messages go round for ever");
        if self.config.is_lost() {
            return;
        }
        let primary = self.config.primary().expect("somebody goes on");
        assert_eq!(self.config.filling().count(), 0, "a filling replica becomes complete");
        let content = self.nodes[&primary].replica.content().expect("a primary is complete");
        for it in self.config.complete() {
            let other = self.nodes[&it].replica.content().expect("complete");
            assert_eq!(other.list, content.list, "{it} and {primary} have the same");
            assert_eq!(other.map, content.map, "{it} and {primary} have the same");
        }
        for (it, node) in &self.nodes {
            // A feed that has been told everything waits.
            let left = node.replica.outstanding().filter(|it| Some(*it) != node.feed);
            let left: Vec<RequestId> = left.collect();
            assert_eq!(left, [], "{it} is answered everything");
        }
    }

    /// What must hold after every step.
    fn check(&mut self) {
        for it in self.config.complete() {
            let Some(node) = self.nodes.get(&it) else { continue };
            let Some(content) = node.replica.content() else { continue };
            self.history.check_copy(it, &content.list);
        }
    }

    fn deliver_packet(&mut self) {
        let full: Vec<_> =
            self.wires.iter().filter(|it| !it.1.is_empty()).map(|it| *it.0).collect();
        let Some(&(from, to)) = self.random.choice(&full) else { return };
        let packet = self.wires.get_mut(&(from, to)).and_then(VecDeque::pop_front);
        let Some(node) = self.nodes.get_mut(&to) else { return };
        if self.trace {
            println!("{to} takes {from} {packet:?}");
        }
        let mut out = Vec::new();
        match packet.expect("it was not empty") {
            Packet::Message(message) if !node.left.contains(&from) => {
                node.replica.message(from, message, &mut out);
            }
            Packet::Message(_) => {}
            Packet::Link(link) => {
                match link {
                    Link::Up => node.reachable.insert(from),
                    Link::Down => node.reachable.remove(&from),
                };
                node.replica.link(from, link, &mut out);
            }
        }
        self.perform(to, out);
    }

    fn deliver_entry(&mut self) {
        let end = self.log.len();
        let behind = |(it, node): (&MemberId, &Node)| {
            (node.heard < end && !self.cut_off.contains(it)).then_some(*it)
        };
        let behind: Vec<MemberId> = self.nodes.iter().filter_map(behind).collect();
        let Some(&me) = self.random.choice(&behind) else { return };
        // One node hears of everything late.
        if me.node.0 == self.slow && self.random.u8(0..8) != 0 {
            return;
        }
        let node = self.nodes.get_mut(&me).expect("alive");
        let entry = self.log[node.heard].clone();
        node.heard += 1;
        let mut out = Vec::new();
        if let Entry::Left(member) = &entry {
            node.left.insert(*member);
            node.replica.left(*member);
        }
        follow(&mut node.members, &entry);
        decide(&mut node.config, &entry);
        if self.trace {
            println!("{me} hears {entry:?} -> {:?}", node.config);
        }
        node.replica.used_by(node.members.clone());
        node.replica.configure(&node.config, &mut out);
        self.perform(me, out);
    }

    fn deliver_order(&mut self) {
        let some = |(it, node): (&MemberId, &Node)| (!node.orders.is_empty()).then_some(*it);
        let waiting: Vec<MemberId> = self.nodes.iter().filter_map(some).collect();
        let Some(it) = self.random.choice(&waiting) else { return };
        let order = self.nodes.get_mut(it).and_then(|it| it.orders.pop_front());
        order.into_iter().for_each(|it| self.put(it));
    }

    fn put(&mut self, entry: Entry) {
        decide(&mut self.config, &entry);
        follow(&mut self.members, &entry);
        if self.trace {
            println!("LOG {entry:?} -> {:?}", self.config);
        }
        self.log.push(entry);
    }

    fn ask(&mut self) {
        let nodes: Vec<MemberId> = self.nodes.keys().copied().collect();
        let Some(&me) = self.random.choice(&nodes) else { return };
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let node = self.nodes.get_mut(&me).expect("alive");
        if node.replica.outstanding().count() > 100 {
            return;
        }
        let mut out = Vec::new();
        match self.random.u32(0..12) {
            0..7 => {
                node.writes += 1;
                let value = Value(writer(me), node.writes);
                self.history.wrote(id, value);
                let key = self.random.u8(0..Journal::KEYS);
                node.replica.update(id, Update::Write(key, value), &mut out);
            }
            7 => node.replica.update(id, Update::Refuse, &mut out),
            8..10 => {
                self.history.reads(id);
                node.replica.query(id, Query::ReadAll, &mut out);
            }
            10 => {
                self.history.synchronizes(id);
                node.replica.synchronize(id, &mut out);
            }
            _ => {
                let one = node.replica.outstanding().next();
                let one = one.filter(|it| Some(*it) != node.feed);
                one.into_iter().for_each(|it| node.replica.cancel(it, &mut out));
            }
        }
        self.perform(me, out);
    }

    fn perform(&mut self, me: MemberId, out: Vec<Output<Journal>>) {
        for it in out {
            match it {
                Output::Send(to, message) => self.send(me, to, message),
                Output::Answered(id, answer) => self.answered(me, id, answer),
                Output::Synchronized(id) => {
                    let epoch = self.nodes[&me].replica.configuration().epoch();
                    let members = self.members.iter().copied().map(writer).collect();
                    self.history.synchronized(id, epoch, &members);
                }
                Output::Completed { epoch, member } => {
                    self.order(me, Entry::Completed { epoch, member });
                }
                Output::Sealed { epoch, number } => {
                    self.order(me, Entry::Sealed { epoch, member: me, number });
                }
                Output::Drained { epoch, to } => self.order(me, Entry::Drained { epoch, to }),
                Output::Lagging { epoch, member } => {
                    self.order(me, Entry::Lagging { epoch, member });
                }
                Output::Conceded { epoch } => self.order(me, Entry::Conceded(epoch, me)),
                Output::Noted(Note::TransferBegun(_)) => self.transfers += 1,
                Output::Noted(Note::Resumed(_)) => self.resumed += 1,
                Output::Noted(Note::TransferDone(_) | Note::TransferStalled(_)) => {}
            }
        }
    }

    fn answered(&mut self, me: MemberId, id: RequestId, answer: Answer) {
        let Node { replica, heard, .. } = &self.nodes[&me];
        // Whoever is to give its copy up and has not heard of it yet may answer from it once more.
        let given_up = |it: &Entry| matches!(it, Entry::Remove(it) if *it == me);
        let trusted = !self.cut_off.contains(&me) && !self.log[*heard..].iter().any(given_up);
        match answer {
            Answer::Read(list) => self.history.read(id, &list, trusted),
            Answer::Written(..) => {
                let epoch = replica.configuration().epoch();
                if replica.configuration().primary() == Some(me) {
                    self.history.acknowledges(epoch, me);
                }
                self.history.written(id, epoch);
            }
            Answer::Refused => {}
            Answer::News(values, place) => self.fed(me, id, values, place),
            Answer::Unknown(place) => {
                // Begins anew, by a read that has everything up to there at least.
                let node = self.nodes.get_mut(&me).expect("it was answered");
                assert_eq!(node.feed.take(), Some(id));
                node.place = place;
                node.told.clear();
            }
        }
    }

    /// What a feed tells continues what it has told before, and is what others were told.
    fn fed(&mut self, me: MemberId, id: RequestId, values: Vec<Value>, place: Position) {
        let node = self.nodes.get_mut(&me).expect("it was answered");
        assert_eq!(node.feed.take(), Some(id));
        assert!(place.number > node.place.number, "a feed goes forward");
        node.place = place;
        self.fed += values.len() as u64;
        node.told.extend(values);
        let told = node.told.clone();
        self.history.fed(&told);
    }

    /// A node follows the object: asks what is new since it was told last.
    fn follow_feed(&mut self) {
        let nodes: Vec<MemberId> = self.nodes.keys().copied().collect();
        let Some(&me) = self.random.choice(&nodes) else { return };
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let node = self.nodes.get_mut(&me).expect("alive");
        let mut out = Vec::new();
        if let Some(before) = node.feed.replace(id) {
            node.replica.cancel(before, &mut out);
        }
        node.replica.query(id, Query::Since(node.place), &mut out);
        self.perform(me, out);
    }

    /// Time passes, and a node looks who has not kept up.
    fn look(&mut self) {
        let nodes: Vec<MemberId> = self.nodes.keys().copied().collect();
        let Some(&me) = self.random.choice(&nodes) else { return };
        let node = self.nodes.get_mut(&me).expect("alive");
        let mut out = Vec::new();
        node.replica.look(&node.reachable.clone(), 1, &mut out);
        self.perform(me, out);
    }

    fn order(&mut self, me: MemberId, entry: Entry) {
        self.nodes.get_mut(&me).expect("it acts").orders.push_back(entry);
    }

    fn send(&mut self, from: MemberId, to: MemberId, message: Message<Journal>) {
        assert_ne!(from, to, "nobody talks to himself");
        if let Message::Answer { epoch, .. } = &message {
            self.history.acknowledges(*epoch, from);
        }
        let open = !self.broken.contains(&pair(from, to)) && self.nodes.contains_key(&to);
        if self.trace {
            println!("{from} -> {to} {open} {message:?}");
        }
        if open {
            self.wires.entry((from, to)).or_default().push_back(Packet::Message(message));
        }
    }

    fn break_link(&mut self) {
        let nodes: Vec<MemberId> = self.nodes.keys().copied().collect();
        let two = (self.random.choice(&nodes), self.random.choice(&nodes));
        let (Some(&a), Some(&b)) = two else { return };
        if a != b && self.broken.insert(pair(a, b)) {
            for way in [(a, b), (b, a)] {
                let wire = self.wires.entry(way).or_default();
                let kept = self.random.usize(0..=wire.len());
                wire.truncate(kept);
            }
            self.link(pair(a, b), Link::Down);
        }
    }

    fn mend_link(&mut self) {
        let broken: Vec<_> = self.broken.iter().copied().collect();
        let Some(it) = self.random.choice(&broken) else { return };
        self.broken.remove(it);
        self.link(*it, Link::Up);
    }

    fn link(&mut self, (a, b): (MemberId, MemberId), link: Link) {
        for way in [(a, b), (b, a)] {
            if self.nodes.contains_key(&way.0) && self.nodes.contains_key(&way.1) {
                self.wires.entry(way).or_default().push_back(Packet::Link(link));
            }
        }
    }

    /// A node dies, or is cut off from the log and goes on for a while.
    fn lose_node(&mut self) {
        let gone = self.gone();
        let here: Vec<_> = self.nodes.keys().copied().filter(|it| !gone.contains(it)).collect();
        if here.len() < 2 || gone.len() > 1 {
            return;
        }
        let Some(&it) = self.random.choice(&here) else { return };
        self.put(Entry::Left(it));
        if self.random.bool() {
            self.cut_off.insert(it);
        } else {
            self.stop(it);
            self.stopped.insert(it);
        }
    }

    fn stop(&mut self, it: MemberId) {
        self.nodes.remove(&it);
        self.wires.retain(|way, _| way.1 != it);
        self.broken.retain(|pair| pair.0 != it && pair.1 != it);
    }

    fn gone(&self) -> Vec<MemberId> {
        self.cut_off.union(&self.stopped).copied().collect()
    }

    fn release(&mut self, it: MemberId) {
        self.stop(it);
        self.cut_off.remove(&it);
        self.stopped.remove(&it);
        self.put(Entry::Released(it));
    }

    fn release_or_join(&mut self) {
        let gone = self.gone();
        if let Some(&it) = self.random.choice(&gone) {
            return self.release(it);
        }
        let nodes: BTreeSet<u32> = self.nodes.keys().map(|it| it.node.0).collect();
        let Some(free) = (1..=Self::NODES).find(|it| !nodes.contains(it)) else { return };
        self.lives += 1;
        let member = member(free, self.lives);
        let replica = self.random.bool();
        self.put(Entry::Joined { member, replica });
        self.start(member, self.config.clone());
    }

    /// The service changes its mind about who should have the object.
    fn administer(&mut self) {
        let gone = self.gone();
        let here: Vec<_> = self.nodes.keys().copied().filter(|it| !gone.contains(it)).collect();
        let Some(&it) = self.random.choice(&here) else { return };
        match self.random.u32(0..3) {
            0 => self.put(Entry::Choose(it)),
            1 => self.put(Entry::Joined { member: it, replica: true }),
            _ if self.config.complete().count() > 2 => self.put(Entry::Remove(it)),
            _ => {}
        }
    }
}

/// A member's name as a writer.
fn writer(member: MemberId) -> u64 {
    u64::from(member.node.0) * 1000 + member.incarnation.0
}

fn pair(a: MemberId, b: MemberId) -> (MemberId, MemberId) {
    (a.min(b), a.max(b))
}
