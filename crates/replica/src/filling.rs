//! The primary's side of copies that are on their way: filling them, letting those go on that were
//! away, and not waiting for those who do not keep up.

use crate::{
    CHUNK_MAX, Content, Message, Note, Output, Part, Position, Replica, message::weight,
    primary::Follower,
};
use ais_types::MemberId;
use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};

/// The filling of one replica.
#[derive(Clone, Debug)]
pub(crate) struct Transfer<C: Content> {
    id: u64,
    /// What it keeps begins here: it could bring nobody up to date who lacks more.
    pub(crate) begin: u64,
    results: VecDeque<Part<C>>,
    cursor: C::Cursor,
    /// The last part is sent.
    ended: bool,
    /// It goes on from where it was; when it has come up to here, it is as good as filled.
    resumed: Option<u64>,
    /// The last part is in. The primary had applied so much when it heard that, and has
    /// acknowledged nothing since without this replica.
    pub(crate) over: Option<u64>,
    pub(crate) said: u64,
    taken: u64,
    /// What the parts on their way weigh.
    on_way: VecDeque<usize>,
    /// Bytes said, and bytes that are in.
    bytes: (u64, u64),
}

/// How far a member's copy is, as the primary knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whose.
    pub member: MemberId,
    /// Updates that the primary has applied and the member has not said that it has.
    pub behind: u64,
    /// Bytes said so far, and bytes that are in, while it is being filled.
    pub transfer: Option<(u64, u64)>,
}

/// How much longer the last complete replica beside the primary's is waited for: longer than a group
/// takes to order out one of two members that do not hear each other. It may choose the primary,
/// and then the silent one has all that is left.
const LAST: u32 = 3;

impl<C: Content> Replica<C> {
    /// The link to a follower is up again, or it has missed something.
    pub(crate) fn follower_up(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let Some(leading) = &mut self.leading else { return };
        if self.config.is_filling(member) {
            // It says how far it is; unless it has everything, the transfer begins anew.
            out.push(Output::Send(member, Message::Again { epoch }));
        } else if let Some(acked) = leading.followers.get(&member).and_then(|it| it.acked) {
            self.send_from(member, acked, out);
            self.advance(out);
        }
    }

    /// The link to a follower is broken: a transfer under way is lost, and must not hold others up.
    pub(crate) fn follower_down(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get(&member);
        if follower.and_then(|it| it.transfer.as_ref()).is_some_and(|it| it.over.is_none()) {
            leading.followers.remove(&member);
            self.advance(out);
        }
    }

    /// A filling replica wants its transfer, or says how far it is by itself. `begun` is the last
    /// transfer that it had heard of then.
    pub(crate) fn fill(
        &mut self,
        from: MemberId,
        have: Option<Position>,
        begun: u64,
        out: &mut Vec<Output<C>>,
    ) {
        let Some(leading) = &self.leading else { return };
        // What it has goes when it hears of the transfer that is on its way.
        if leading.begun.get(&from).is_none_or(|it| *it <= begun) {
            self.fill_from(from, have, out);
        }
    }

    pub(crate) fn fill_from(
        &mut self,
        from: MemberId,
        have: Option<Position>,
        out: &mut Vec<Output<C>>,
    ) {
        let Some(leading) = &mut self.leading else { return };
        if !self.config.is_filling(from) {
            leading.wants_fill.insert(from, have);
        }
        if self.config.is_complete(from) {
            // The entry that fills it has passed here and not there yet; or the one that says that
            // it has not kept up has passed there and not here.
            return have.into_iter().for_each(|it| self.applied(from, it.number, true, false, out));
        }
        if !self.config.is_filling(from) {
            return;
        }
        leading.wants_fill.remove(&from);
        match have.filter(|it| self.copy.log.reaches(*it)) {
            Some(have) => self.resume(from, have, out),
            None => self.begin_transfer(from, out),
        }
    }

    /// It is whole, and was where this copy was: only what it lacks is to be said.
    fn resume(&mut self, from: MemberId, have: Position, out: &mut Vec<Output<C>>) {
        let number = self.copy.number();
        let Some(leading) = &mut self.leading else { return };
        let known = leading.followers.get_mut(&from).and_then(|it| it.transfer.as_mut());
        if let Some(transfer) = known.filter(|it| it.ended) {
            transfer.on_way.clear();
            if transfer.resumed.is_none() {
                transfer.over = transfer.over.or(Some(number));
            }
            return self.applied(from, have.number, true, false, out);
        }
        leading.transfers += 1;
        let transfer = Transfer::resumed(leading.transfers, number);
        let mut follower = Follower::unheard();
        follower.transfer = Some(transfer);
        leading.followers.insert(from, follower);
        out.push(Output::Noted(Note::Resumed(from)));
        self.applied(from, have.number, true, false, out);
    }

    fn begin_transfer(&mut self, from: MemberId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let at = self.copy.log.last();
        let Some(leading) = &mut self.leading else { return };
        leading.transfers += 1;
        let transfer = Transfer::new(leading.transfers, at.number, self.copy.results.parts());
        let id = transfer.id;
        leading.begun.insert(from, id);
        let mut follower = Follower::unheard();
        (follower.acked, follower.sent) = (Some(at.number), at.number);
        follower.transfer = Some(transfer);
        leading.followers.insert(from, follower);
        out.push(Output::Noted(Note::TransferBegun(from)));
        out.push(Output::Send(from, Message::Begin { epoch, transfer: id, at }));
        self.send_parts(from, out);
    }

    /// A filling replica has so many parts.
    pub(crate) fn taken(&mut self, from: MemberId, id: u64, parts: u64, out: &mut Vec<Output<C>>) {
        let number = self.copy.number();
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get_mut(&from);
        let Some(transfer) = follower.and_then(|it| it.transfer.as_mut()) else { return };
        if transfer.id != id {
            return;
        }
        while transfer.taken < parts
            && let Some(bytes) = transfer.on_way.pop_front()
        {
            transfer.taken += 1;
            transfer.bytes.1 += bytes as u64;
        }
        if transfer.ended && transfer.on_way.is_empty() {
            transfer.over = transfer.over.or(Some(number));
            self.advance(out);
        } else {
            self.send_parts(from, out);
        }
    }

    /// Sends as many parts as the window has room for.
    fn send_parts(&mut self, to: MemberId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let number = self.copy.number();
        let window = self.options.window;
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get_mut(&to);
        let Some(transfer) = follower.and_then(|it| it.transfer.as_mut()) else { return };
        while !transfer.ended && transfer.on_way.iter().sum::<usize>() < window {
            let part = transfer.next_part(&self.copy.content);
            transfer.said += 1;
            let (id, index) = (transfer.id, transfer.said);
            let mut message = Message::Part { epoch, transfer: id, index, number, part };
            let bytes = weight(&mut message);
            transfer.on_way.push_back(bytes);
            transfer.bytes.0 += bytes as u64;
            out.push(Output::Send(to, message));
        }
    }

    /// Whether somebody has to keep up with this node: then [`look`](Self::look) from time to time.
    #[must_use]
    pub fn has_followers_behind(&self) -> bool {
        let number = self.copy.number();
        let Some(leading) = &self.leading else { return false };
        leading.followers.values().any(|it| it.is_behind(number))
    }

    /// Call it at intervals while [`has_followers_behind`](Self::has_followers_behind). Who was
    /// behind `patience` intervals ago and has got no further since is not to hold anybody up any
    /// longer: a complete replica is asked by the order to concede that it is none, a transfer is
    /// given up until it is asked for again. Only those in `reachable` are judged; of the others it
    /// is known soon whether they are lost. The last complete replica beside the primary's is
    /// waited for three times as long. Backups hear of what is acknowledged, if no update has told
    /// them: they keep it no longer than they have to.
    pub fn look(
        &mut self,
        reachable: &BTreeSet<MemberId>,
        patience: u32,
        out: &mut Vec<Output<C>>,
    ) {
        let (epoch, number) = (self.config.epoch(), self.copy.number());
        let Some(leading) = &mut self.leading else { return };
        let primary = self.config.primary();
        let mut counted: BTreeSet<MemberId> =
            self.config.complete().filter(|it| Some(*it) != primary).collect();
        counted.retain(|it| !leading.lagging.contains(it));
        let mut stalled = Vec::new();
        for (&member, follower) in &mut leading.followers {
            let taken = follower.transfer.as_ref().map_or(0, |it| it.taken);
            let there = (follower.acked, taken);
            let before = follower.looked_at.take();
            if !follower.is_behind(number) || !reachable.contains(&member) {
                continue;
            }
            let looks = before.filter(|it| it.0 == there).map_or(0, |it| it.1 + 1);
            follower.looked_at = Some((there, looks));
            let last = counted.len() == 1 && counted.contains(&member);
            // One whose completion is ordered may count already, and is doubted when it does.
            let counts_soon = leading.proposed.contains(&member);
            if counts_soon || looks < if last { patience.saturating_mul(LAST) } else { patience } {
                continue;
            }
            if follower.transfer.is_some() {
                stalled.push(member);
            } else if leading.lagging.insert(member) {
                counted.remove(&member);
                out.push(Output::Lagging { epoch, member });
            }
        }
        for member in stalled {
            self.give_up_filling(member, out);
            out.push(Output::Send(member, Message::Again { epoch }));
        }
        self.tell_marks(true, out);
    }

    fn give_up_filling(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        let Some(leading) = &mut self.leading else { return };
        leading.followers.remove(&member);
        out.push(Output::Noted(Note::TransferStalled(member)));
        self.advance(out);
    }

    /// How far the other copies are, if this node is the primary.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        let number = self.copy.number();
        let followers = self.leading.iter().flat_map(|it| &it.followers);
        let progress = |(&member, it): (&MemberId, &Follower<C>)| Progress {
            member,
            behind: number.saturating_sub(it.acked.unwrap_or(0)),
            transfer: it.transfer.as_ref().map(|it| it.bytes),
        };
        followers.map(progress).collect()
    }
}

impl<C: Content> Follower<C> {
    fn is_behind(&self, number: u64) -> bool {
        let transfers = self.transfer.as_ref().is_some_and(|it| !it.on_way.is_empty());
        transfers || self.acked != Some(number)
    }
}

impl<C: Content> Transfer<C> {
    fn new(id: u64, begin: u64, results: Vec<Part<C>>) -> Self {
        Self {
            id,
            begin,
            results: results.into(),
            cursor: C::Cursor::default(),
            ended: false,
            resumed: None,
            over: None,
            said: 0,
            taken: 0,
            on_way: VecDeque::new(),
            bytes: (0, 0),
        }
    }

    /// It was everywhere where the primary was before what it lacks, so it can do whatever others
    /// can; nothing but the updates up to `number` is to be said.
    fn resumed(id: u64, number: u64) -> Self {
        Self { ended: true, resumed: Some(number), ..Self::new(id, 0, Vec::new()) }
    }

    /// The replica has applied updates up to `number`, the primary up to `last`.
    pub(crate) fn caught_up(&mut self, number: u64, last: u64) {
        if self.over.is_none() && self.resumed.is_some_and(|it| it <= number) {
            self.over = Some(last);
        }
    }

    fn next_part(&mut self, content: &C) -> Part<C> {
        if let Some(part) = self.results.pop_front() {
            return part;
        }
        match content.chunk(&mut self.cursor, CHUNK_MAX) {
            Some(chunk) => Part::Chunk(chunk),
            None => {
                self.ended = true;
                Part::End
            }
        }
    }
}
