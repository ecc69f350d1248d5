//! The data path: who can be reached, and what comes from them.
//!
//! Services hear of links only to members of the view, each `Up` answered by one `Down`. A member
//! may see us in the view before our own log shows us theirs; what it says by then waits.

use super::{Core, Effect};
use crate::driven::{MESSAGE, RawInput};
use ais_service::{Link, Now};
use ais_types::{Incarnation, MemberId, NodeId, Stamp, View};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Links {
    early_max: usize,
    /// Connected, whether in the view or not; with what came too early.
    up: BTreeMap<MemberId, Early>,
    /// Those whose `Up` the services have heard.
    open: BTreeSet<MemberId>,
    /// The newest life of each node that any view has shown.
    newest: BTreeMap<NodeId, Incarnation>,
}

#[derive(Default)]
struct Early {
    frames: Vec<Bytes>,
    bytes: usize,
}

impl Links {
    pub(super) fn new(early_max: usize) -> Self {
        Self { early_max, up: BTreeMap::new(), open: BTreeSet::new(), newest: BTreeMap::new() }
    }

    /// Whether services may send to this member.
    pub(super) fn is_open(&self, member: MemberId) -> bool {
        self.open.contains(&member)
    }

    /// Remembers who has been in a view.
    pub(super) fn see(&mut self, view: &View) {
        for member in &view.members {
            let newest = self.newest.entry(member.id.node).or_insert(member.id.incarnation);
            *newest = member.id.incarnation.max(*newest);
        }
    }

    /// Keeps bytes for later. `false`: too much. `awaited`: it may become a member again.
    fn keep(&mut self, from: MemberId, bytes: Bytes, awaited: bool) -> bool {
        let was_in_a_view =
            self.newest.get(&from.node).is_some_and(|newest| from.incarnation <= *newest);
        if was_in_a_view && !awaited {
            return true; // It left; nobody waits for what it says.
        }
        let Some(early) = self.up.get_mut(&from) else { return true };
        early.bytes += bytes.len();
        early.frames.push(bytes);
        early.bytes <= self.early_max
    }
}

impl Core {
    pub(super) fn change_view(
        &mut self,
        now: Now,
        stamp: Stamp,
        view: View,
        out: &mut Vec<Effect>,
    ) {
        let left = self.links.open.iter().filter(|it| !view.contains(**it));
        for member in left.copied().collect::<Vec<_>>() {
            self.close_link(now, member, out);
        }
        self.links.see(&view);
        self.view = view;
        if let Some(index) = self.gatekeeper {
            self.feed_sound(now, index, RawInput::View(stamp, self.view.clone()), out);
        }
        self.pass_gate(now, stamp, true, out);
    }

    /// Links to those who are members, and connected.
    pub(super) fn open_links(&mut self, now: Now, out: &mut Vec<Effect>) {
        for member in self.links.up.keys().copied().collect::<Vec<_>>() {
            self.open_link(now, member, out);
        }
    }

    /// Nobody here has anything to do with others any more.
    pub(super) fn forget_links(&mut self) {
        self.links.open.clear();
    }

    pub(super) fn change_link(
        &mut self,
        now: Now,
        member: MemberId,
        link: Link,
        out: &mut Vec<Effect>,
    ) {
        self.close_link(now, member, out);
        self.links.up.remove(&member);
        if link == Link::Up {
            self.links.up.insert(member, Early::default());
            self.open_link(now, member, out);
        }
    }

    fn open_link(&mut self, now: Now, member: MemberId, out: &mut Vec<Effect>) {
        if Some(member) == self.me || !self.view.contains(member) || self.links.is_open(member) {
            return;
        }
        let (Some(inside), false) = (self.gate.member(member), self.is_out()) else { return };
        self.links.open.insert(member);
        self.feed_members(now, &RawInput::Link(inside, Link::Up), out);
        let early = self.links.up.get_mut(&member).map(std::mem::take).unwrap_or_default();
        for bytes in early.frames {
            self.peer_frame(now, member, bytes, out);
        }
    }

    pub(super) fn close_link(&mut self, now: Now, member: MemberId, out: &mut Vec<Effect>) {
        if self.links.open.remove(&member) {
            let inside = self.gate.inside(member).unwrap_or(member);
            self.feed_members(now, &RawInput::Link(inside, Link::Down), out);
        }
    }

    /// Whether it is in the group, and one of us may have yet to become a member.
    fn awaits(&self, member: MemberId) -> bool {
        self.view.contains(member) && (self.gate.is_out(member) || self.is_out())
    }

    /// A frame of the data path. A malformed one breaks the link.
    pub(super) fn peer_frame(
        &mut self,
        now: Now,
        from: MemberId,
        bytes: Bytes,
        out: &mut Vec<Effect>,
    ) {
        if !self.links.up.contains_key(&from) {
            return; // Broken already.
        }
        self.counts.heard += 1;
        self.counts.heard_bytes += bytes.len() as u64;
        let result = if self.links.is_open(from) {
            self.message(now, from, bytes, out)
        } else if self.links.keep(from, bytes, self.awaits(from)) {
            Ok(())
        } else {
            Err("it sends too much before the log shows it as a member".to_owned())
        };
        if let Err(reason) = result {
            tracing::warn!(%from, reason, "broke the data path");
            self.change_link(now, from, Link::Down, out);
            out.push(Effect::BreakLink(from));
        }
    }

    fn message(
        &mut self,
        now: Now,
        from: MemberId,
        bytes: Bytes,
        out: &mut Vec<Effect>,
    ) -> Result<(), String> {
        let frame = self.parse(bytes)?;
        let index = self.service_of(&frame, MESSAGE)?;
        let from = self.gate.member(from).ok_or("it is no member")?;
        let message = RawInput::Message(from, frame);
        self.feed(now, index, message, out).map_err(|error| error.to_string())
    }
}
