//! Sees every delivery of every life, and says at once if a promise is broken.

use crate::world::{Life, bytes};
use ais_group::{Delivery, Priority, Recovery};
use ais_types::{MemberId, Stamp, View};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// What one life has seen.
#[derive(Default)]
pub(crate) struct Seen {
    node: u32,
    pub(crate) me: Option<MemberId>,
    /// The last stamp delivered, and a digest of everything up to it: the replicated state.
    last: Option<Stamp>,
    digest: u64,
    pub(crate) view: View,
    pub(crate) view_at: Option<Instant>,
    pub(crate) lease: Option<std::time::Instant>,
    /// How often it had lost its lease.
    pub(crate) interrupted: u32,
    pub(crate) restored: bool,
    dead: bool,
    left: Option<String>,
    composed: BTreeMap<Priority, u64>,
    /// Own messages delivered here, by priority: the last number.
    own: BTreeMap<Priority, u64>,
    pub(crate) times: Vec<Stamp>,
    /// Whether recovery plugs are in.
    held: bool,
    pub(crate) recovery: Vec<Recovery>,
    pub(crate) kept: Option<Bytes>,
    /// Whether it was kept before its first view.
    pub(crate) kept_first: bool,
    pub(crate) refused: Option<String>,
}

/// What everyone has seen.
#[derive(Default)]
pub(crate) struct Judge {
    pub(crate) lives: BTreeMap<Life, Seen>,
    /// What was delivered at each place of the order.
    pub(crate) order: BTreeMap<u64, (Stamp, String)>,
    messages: BTreeMap<Bytes, u64>,
    pub(crate) acknowledged: BTreeSet<Bytes>,
    pub(crate) released: BTreeMap<MemberId, Instant>,
    names: BTreeMap<MemberId, Life>,
    /// What happened, for who has to find out why.
    notes: Vec<(Instant, String)>,
}

impl Judge {
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push((Instant::now(), text));
    }

    pub(crate) fn begin(&mut self, life: Life, node: u32) {
        self.note(format!("life {life} of n{node} begins"));
        self.lives.insert(life, Seen { node, ..Seen::default() });
    }

    pub(crate) fn dead(&mut self, life: Life) {
        self.seen(life).dead = true;
    }

    pub(crate) fn has_left(&self, life: Life) -> bool {
        self.lives[&life].left.is_some()
    }

    /// A message that nobody else sends.
    pub(crate) fn compose(&mut self, life: Life, priority: Priority) -> Bytes {
        let number = self.seen(life).composed.entry(priority).or_default();
        *number += 1;
        bytes(&format!("{life}/{priority:?}/{number}"))
    }

    /// A multicast has returned: its message has been delivered to its sender.
    pub(crate) fn acknowledged(&mut self, life: Life, payload: &Bytes) {
        let index = self.messages.get(payload).copied();
        let here = self.lives[&life].last.map(|it| it.index);
        assert!(index.is_some() && index <= here, "acknowledged before delivered: {payload:?}");
        self.acknowledged.insert(payload.clone());
    }

    /// The replicated state of a life, for a joiner.
    pub(crate) fn state(&self, life: Life) -> Bytes {
        let seen = &self.lives[&life];
        let index = seen.last.map_or(0, |it| it.index);
        bytes(&format!("{} {index}", seen.digest))
    }

    pub(crate) fn delivered(&mut self, life: Life, me: Option<MemberId>, delivery: Delivery) {
        let seen = self.seen(life);
        assert!(!seen.dead && seen.left.is_none(), "delivered to one that is out: {delivery:?}");
        let last = matches!(delivery, Delivery::Left(_) | Delivery::Refused(_));
        assert!(me.is_some() || last, "before it was admitted");
        if let Some(me) = me {
            seen.me = Some(me);
            self.names.insert(me, life);
        }
        match delivery {
            Delivery::Restore(stamp, state) => self.restore(life, stamp, &state),
            Delivery::View(stamp, view) => self.view(life, stamp, view),
            Delivery::Message(stamp, message) => {
                self.message(life, &message.payload, stamp);
                let text = format!("{:?} of {}", message.payload, message.from);
                self.ordered(life, stamp, text);
            }
            Delivery::ProcessEnded(stamp, it) => self.ordered(life, stamp, format!("end of {it}")),
            Delivery::Released(stamp, member) => self.release(life, stamp, member),
            Delivery::Time(stamp) => {
                self.seen(life).times.push(stamp);
                self.ordered(life, stamp, "time".into());
            }
            Delivery::Kept(stamp, kept) => {
                self.ordered(life, stamp, format!("kept {kept:?}"));
                let seen = self.seen(life);
                (seen.kept, seen.kept_first) = (Some(kept), seen.view.number == 0);
            }
            Delivery::Recovery(stamp, news) => {
                self.ordered(life, stamp, format!("{news:?}"));
                let seen = self.seen(life);
                seen.held = matches!(news, Recovery::Held { .. });
                seen.recovery.push(news);
            }
            Delivery::Lease(until) => {
                let seen = self.seen(life);
                seen.interrupted += u32::from(until.is_none());
                seen.lease = until;
            }
            Delivery::Refused(reason) => {
                self.note(format!("life {life} is refused: {reason}"));
                let seen = self.seen(life);
                (seen.refused, seen.lease) = (Some(reason), None);
            }
            Delivery::Left(reason) => {
                self.note(format!("life {life} is over: {reason}"));
                let seen = self.seen(life);
                (seen.left, seen.lease) = (Some(reason), None);
            }
            Delivery::Snapshot(_) => unreachable!("answered by the owner"),
        }
    }

    /// Same order everywhere, no gap, time forward.
    fn ordered(&mut self, life: Life, stamp: Stamp, what: String) {
        let first = self.order.entry(stamp.index).or_insert_with(|| (stamp, what.clone()));
        assert_eq!(*first, (stamp, what.clone()), "another order at {}", stamp.index);
        let seen = self.seen(life);
        if let Some(last) = seen.last {
            assert_eq!(stamp.index, last.index + 1, "a gap in the deliveries");
            assert!(stamp.time > last.time, "group time must grow");
        }
        seen.last = Some(stamp);
        seen.digest = digest(seen.digest, &what);
    }

    fn view(&mut self, life: Life, stamp: Stamp, view: View) {
        let ids: Vec<String> = view.members.iter().map(|it| it.id.to_string()).collect();
        self.note(format!("life {life} sees view {} {ids:?}", view.number));
        self.ordered(life, stamp, format!("{view:?}"));
        let seen = self.seen(life);
        assert!(view.number > seen.view.number, "view numbers grow");
        assert!(seen.me.is_some_and(|me| view.contains(me)), "a view without its member");
        (seen.view, seen.view_at) = (view, Some(Instant::now()));
    }

    fn restore(&mut self, life: Life, stamp: Stamp, state: &[u8]) {
        let seen = self.seen(life);
        assert!(seen.last.is_none(), "restored, though not blank");
        let state = std::str::from_utf8(state).unwrap();
        let (digest, index) = state.split_once(' ').unwrap();
        assert_eq!(index.parse(), Ok(stamp.index), "a state of another place in the order");
        (seen.last, seen.digest) = (Some(stamp), digest.parse().unwrap());
        seen.restored = true;
    }

    /// Exactly once, and in its sender's order within a priority.
    fn message(&mut self, life: Life, payload: &Bytes, stamp: Stamp) {
        let index = *self.messages.entry(payload.clone()).or_insert(stamp.index);
        assert_eq!(index, stamp.index, "delivered twice: {payload:?}");
        let text = std::str::from_utf8(payload).unwrap();
        let flows = !self.lives[&life].held || text.contains("/Recovery/");
        assert!(flows, "delivered though recovery plugs are in: {text}");
        let mut parts = text.split('/');
        let sender: Life = parts.next().unwrap().parse().unwrap();
        if sender != life {
            return;
        }
        let priority = match parts.next().unwrap() {
            "Recovery" => Priority::Recovery,
            "High" => Priority::High,
            "Medium" => Priority::Medium,
            _ => Priority::Low,
        };
        let number: u64 = parts.next().unwrap().parse().unwrap();
        let last = self.seen(life).own.insert(priority, number).unwrap_or(0);
        assert_eq!(number, last + 1, "out of its sender's order: {text}");
    }

    /// Who is released holds no lease.
    fn release(&mut self, life: Life, stamp: Stamp, member: MemberId) {
        self.ordered(life, stamp, format!("release of {member}"));
        let now = Instant::now();
        self.released.entry(member).or_insert(now);
        assert!(!self.leased(member), "{member} is released and holds a lease");
    }

    /// Whether this member lives and holds a lease now.
    pub(crate) fn leased(&self, member: MemberId) -> bool {
        let seen = self.names.get(&member).map(|life| &self.lives[life]);
        let now = Instant::now().into_std();
        seen.is_some_and(|it| !it.dead && it.lease.is_some_and(|until| until > now))
    }

    /// Whether these lives, and no others, are in the last view of each, with a lease.
    pub(crate) fn settled(&self, lives: &[(u32, Life)]) -> bool {
        let now = Instant::now().into_std();
        let last = lives.iter().filter_map(|(_, it)| self.lives[it].last).max_by_key(|it| it.index);
        lives.iter().all(|(_, life)| {
            let seen = &self.lives[life];
            seen.view.members.len() == lives.len()
                && lives
                    .iter()
                    .all(|(_, it)| self.lives[it].me.is_some_and(|me| seen.view.contains(me)))
                && seen.lease.is_some_and(|until| until > now)
                && seen.last == last
        })
    }

    /// At the end: all who are in have the same state, and it has all that was acknowledged.
    pub(crate) fn verdict(&self, lives: &[(u32, Life)]) {
        let ends: Vec<_> = lives
            .iter()
            .map(|(_, it)| (self.lives[it].last.map(|it| it.index), self.lives[it].digest))
            .collect();
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "different ends: {ends:?}");
        for payload in &self.acknowledged {
            assert!(self.messages.contains_key(payload), "acknowledged and lost: {payload:?}");
        }
    }

    /// The whole run, for comparison with another.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let start = self.notes.first().map(|(at, _)| *at);
        let note = |(at, text): &(Instant, String)| format!("{:?} {text}", *at - start.unwrap());
        let order = self.order.values().map(|(stamp, text)| format!("{stamp:?} {text}"));
        self.notes.iter().map(note).chain(order).collect()
    }

    pub(crate) fn describe(&self) -> String {
        let live = self.lives.iter().filter(|(_, it)| !it.dead);
        let line = |(life, it): (&Life, &Seen)| {
            let ids: Vec<String> = it.view.members.iter().map(|it| it.id.to_string()).collect();
            format!(
                "  life {life} of n{}: me {:?} last {:?} view {} {ids:?} lease {} left {:?}\n",
                it.node,
                it.me.map(|it| it.to_string()),
                it.last.map(|it| it.index),
                it.view.number,
                it.lease.is_some(),
                it.left,
            )
        };
        let start = self.notes.first().map(|(at, _)| *at);
        let notes = self.notes.iter().rev().take(80).rev();
        let note =
            |(at, text): &(Instant, String)| format!("  {:?} {text}\n", *at - start.unwrap());
        notes.map(note).chain(live.map(line)).collect()
    }

    fn seen(&mut self, life: Life) -> &mut Seen {
        self.lives.get_mut(&life).unwrap()
    }
}

/// FNV-1a: the same on every machine.
fn digest(start: u64, text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(start ^ 0xcbf2_9ce4_8422_2325, step)
}
