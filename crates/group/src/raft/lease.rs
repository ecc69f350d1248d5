//! Leases: who may act, and until when.
//!
//! ```text
//! member ──ping(t)──▶ leader ──round──▶ a quorum: "you lead"
//!   ▲                   │                  │
//!   └──pong(t): lease ──┘◀─────────────────┘        the lease holds until t + L, by the member's clock
//! ```

use super::{
    lead::Waiting,
    member::{Done, Member},
    packet::{Packet, Ping, Pong, Verdict},
    types::LifeId,
};
use crate::Delivery;
use std::time::Duration;
use tokio::time::Instant;

/// This member's own lease.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    pub(crate) until: Option<Instant>,
}

impl Member {
    /// Notices the end of the lease, and pings for the next.
    pub(crate) fn tick_lease(&mut self, now: Instant) {
        if self.lease.until.is_some_and(|until| until <= now) {
            self.lose_lease();
        }
        if now >= self.ping_at {
            self.ping_at = now + self.timing.ping;
            self.send_ping(now);
        }
    }

    fn send_ping(&mut self, now: Instant) {
        let Some(leader) = self.leader else { return };
        let at = now.saturating_duration_since(self.shared.start).as_nanos();
        let ping = Ping {
            at: u64::try_from(at).unwrap_or(u64::MAX),
            alive: self.is_alive(now) && self.leaving.is_none(),
            leased: self.lease.until.is_some(),
            applied: self.applied.map_or(0, |it| it.index),
            member: self.me,
            hears: self.link.heard_since(now.checked_sub(self.timing.failure).unwrap_or(now)),
        };
        if leader == self.raft_id {
            self.ping(self.life, ping, now);
        } else if let Some(life) = self.link.life_of(leader) {
            self.link.say(life, &Packet::Ping(ping));
        }
    }

    /// The lease is lost, now and not a moment later.
    pub(crate) fn lose_lease(&mut self) {
        if self.lease.until.take().is_some() {
            self.tell(Delivery::Lease(None));
        }
    }

    /// To the leader: a sign of life, answered after a round that begins after it.
    pub(crate) fn ping(&mut self, from: LifeId, ping: Ping, now: Instant) {
        let member = self.state.member(from);
        if !self.is_ready() {
            return;
        }
        let Some(leading) = &mut self.leading else { return };
        if let Some(member) = member {
            leading.heard(member, &ping, now, self.timing.failure);
        }
        leading.waiting.push(Waiting { from, ping, arrived: now });
        self.start_round();
    }

    /// Starts the next round if someone waits and none is on its way.
    pub(crate) fn start_round(&mut self) {
        let Some(leading) = &mut self.leading else { return };
        if leading.waiting.is_empty() || !leading.in_round.is_empty() {
            return;
        }
        leading.in_round = std::mem::take(&mut leading.waiting);
        leading.round += 1;
        let (raft, round) = (self.raft.clone(), leading.round);
        self.jobs.spawn(async move { Done::Round(round, raft.get_read_log_id().await.is_ok()) });
    }

    /// A round has ended.
    pub(crate) fn round(&mut self, round: u64, confirmed: bool) {
        let Some(leading) = self.leading.as_mut().filter(|it| it.round == round) else { return };
        let waited = std::mem::take(&mut leading.in_round);
        if confirmed {
            leading.confirm(Instant::now());
            for waiting in waited {
                self.answer_ping(waiting);
            }
        }
        self.start_round();
    }

    /// A leader is about to vote for another: a quorum that counts it in is none any more.
    pub(crate) fn forget_round(&mut self) {
        if let Some(leading) = &mut self.leading {
            leading.round += 1;
            leading.in_round.clear();
        }
    }

    fn answer_ping(&mut self, waiting: Waiting) {
        let Waiting { from, ping, arrived } = waiting;
        let member = self.state.member(from);
        let Some(leading) = &mut self.leading else { return };
        let verdict = match member {
            Some(member) if ping.alive => leading.grant(member, arrived),
            Some(_) => Verdict::None,
            None if ping.member.is_some() => Verdict::Out,
            None => Verdict::None,
        };
        let pong = Pong { at: ping.at, verdict, purge: leading.purge };
        if from == self.life {
            self.pong(from, &pong, Instant::now());
        } else {
            self.link.say(from, &Packet::Pong(pong));
        }
    }

    /// From the leader: what a ping has come to.
    pub(crate) fn pong(&mut self, from: LifeId, pong: &Pong, now: Instant) {
        if Some(from) != self.leader.and_then(|it| self.life_of(it)) {
            return;
        }
        self.purge = self.purge.max(pong.purge);
        match pong.verdict {
            Verdict::None => {}
            Verdict::Out => {
                if self.me.is_some() {
                    self.end("it was ordered out while nobody reached it");
                }
            }
            Verdict::Lease => {
                let until = self.shared.start + Duration::from_nanos(pong.at) + self.timing.lease;
                let longer = until > now && self.lease.until.is_none_or(|it| it < until);
                if longer && self.me.is_some() && self.leaving.is_none() {
                    self.lease.until = Some(until);
                    self.tell(Delivery::Lease(Some(until.into_std())));
                }
            }
        }
    }
}
