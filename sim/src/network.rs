//! The data path: sessions between members, in order, with delays and breaks.

use crate::world::{Happening, World};
use ais_node::Event;
use ais_service::Link;
use ais_types::MemberId;
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// Sessions between members, by pair; the lower member first.
#[derive(Default)]
pub(crate) struct Network {
    pairs: BTreeMap<(MemberId, MemberId), Pair>,
}

#[derive(Default)]
struct Pair {
    /// Counts sessions.
    session: u64,
    /// Whether frames pass.
    alive: bool,
    /// The session each side was told of.
    told: [Option<u64>; 2],
    /// News of links on their way.
    pending: u32,
    /// When the last thing for each side is due.
    last_due: [Duration; 2],
}

fn pair_of(a: MemberId, b: MemberId) -> (MemberId, MemberId) {
    (a.min(b), a.max(b))
}

impl World {
    /// Keeps up the sessions of all who can reach each other; breaks those of who cannot.
    pub(crate) fn tend_links(&mut self) {
        let members: Vec<MemberId> = self.hosts.iter().filter_map(|it| it.member).collect();
        for (at, a) in members.iter().enumerate() {
            for b in &members[at + 1..] {
                let reach = self.reach(a.node, b.node);
                let id = pair_of(*a, *b);
                let pair = self.network.pairs.entry(id).or_default();
                let idle = pair.told == [None, None] && pair.pending == 0;
                match (reach, pair.alive) {
                    (true, false) if idle => self.connect(id),
                    (false, true) => self.break_link(*a, *b, Duration::from_secs(2)),
                    (true | false, _) => {}
                }
            }
        }
        let gone = self.network.pairs.iter().filter(|(_, it)| it.alive).map(|(id, _)| *id);
        for (a, b) in gone.collect::<Vec<_>>() {
            if !members.contains(&a) || !members.contains(&b) {
                self.break_link(a, b, Duration::from_millis(50));
            }
        }
    }

    fn connect(&mut self, id: (MemberId, MemberId)) {
        let Some(pair) = self.network.pairs.get_mut(&id) else { return };
        pair.session += 1;
        pair.alive = true;
        self.tell_link(id, Link::Up, Duration::from_millis(30));
    }

    /// What is in flight is lost; each side is told within `notice`.
    pub(crate) fn break_link(&mut self, a: MemberId, b: MemberId, notice: Duration) {
        let id = pair_of(a, b);
        let Some(pair) = self.network.pairs.get_mut(&id).filter(|it| it.alive) else { return };
        pair.alive = false;
        self.note(|| format!("link {a} - {b} breaks"));
        self.tell_link(id, Link::Down, notice);
    }

    fn tell_link(&mut self, id: (MemberId, MemberId), link: Link, within: Duration) {
        for (side, to, peer) in [(0, id.0, id.1), (1, id.1, id.0)] {
            let due = self.now + self.up_to(within);
            let Some(pair) = self.network.pairs.get_mut(&id) else { return };
            let due = due.max(pair.last_due[side]);
            pair.last_due[side] = due;
            pair.pending += 1;
            let session = pair.session;
            self.at(due, Happening::Link { to, peer, link, session });
        }
    }

    pub(crate) fn link_told(&mut self, to: MemberId, peer: MemberId, link: Link, session: u64) {
        let id = pair_of(to, peer);
        let Some(pair) = self.network.pairs.get_mut(&id) else { return };
        pair.pending -= 1;
        pair.told[usize::from(to != id.0)] = (link == Link::Up).then_some(session);
        self.step_member(to, Event::Link(peer, link));
    }

    pub(crate) fn send_to_peer(&mut self, from: MemberId, to: MemberId, bytes: Bytes) {
        let delay = self.travel();
        let id = pair_of(from, to);
        let Some(pair) = self.network.pairs.get_mut(&id) else { return };
        let (near, far) = if from == id.0 { (0, 1) } else { (1, 0) };
        if !pair.alive || pair.told[near] != Some(pair.session) {
            return;
        }
        let due = (self.now + delay).max(pair.last_due[far]);
        pair.last_due[far] = due;
        let session = pair.session;
        self.at(due, Happening::PeerFrame { to, from, session, bytes });
    }

    pub(crate) fn peer_frame(&mut self, to: MemberId, from: MemberId, session: u64, bytes: Bytes) {
        let pair = self.network.pairs.get(&pair_of(from, to));
        if pair.is_some_and(|it| it.alive && it.session == session) {
            self.step_member(to, Event::PeerFrame(from, bytes));
        }
    }
}
