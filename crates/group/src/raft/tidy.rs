//! Housekeeping: the log's old end, and consensus' own membership.

use super::{
    member::{Done, Member},
    types::RaftId,
};
use openraft::ChangeMembers;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::Instant;

/// How often to look.
const EVERY: Duration = Duration::from_millis(250);
/// An end is remembered for so long, and while it may decide something.
const ENDED: Duration = Duration::from_secs(60);
/// So many entries are worth a purge.
const WORTH: u64 = 1_000;

/// What to do next about the log's old end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Snapshot,
    Purge(u64),
}

impl Next {
    /// Only what a snapshot covers can be purged, and nobody may need it any more.
    fn of(purged: u64, snapshot: u64, upto: u64) -> Option<Self> {
        if upto < purged + WORTH {
            return None;
        }
        let covered = snapshot.min(upto);
        Some(if covered < purged + WORTH { Self::Snapshot } else { Self::Purge(covered) })
    }
}

impl Member {
    pub(crate) fn tick_tidy(&mut self, now: Instant) {
        self.tick_joining(now);
        if now < self.tidy_at {
            return;
        }
        self.tidy_at = now + EVERY;
        let seats = &self.state.seats;
        self.sponsored.retain(|joiner, _| seats.values().any(|seat| seat.life == *joiner));
        self.forget_ends(now);
        self.purge_log();
        if self.is_ready() {
            self.tidy_membership();
        }
    }

    /// Ends of lives that nobody asks for any more.
    fn forget_ends(&mut self, now: Instant) {
        let (state, followed) = (&self.state, self.followed);
        self.link.ended.retain(|life, at| {
            let counts = state.seats.values().any(|seat| seat.life == *life)
                || state.unreleased.values().any(|it| it == life)
                || followed == Some(*life);
            counts || now < *at + ENDED
        });
    }

    /// Drops the log that everyone in the view has.
    fn purge_log(&mut self) {
        let upto = self.leading.as_ref().map_or(self.purge, |it| it.purge.max(self.purge));
        let upto = upto.min(self.applied.map_or(0, |it| it.index));
        let (snapshot, purged) = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow();
            (metrics.snapshot.map_or(0, |it| it.index), metrics.purged.map_or(0, |it| it.index))
        };
        let Some(next) = Next::of(purged, snapshot, upto).filter(|_| self.me.is_some()) else {
            return;
        };
        let raft = self.raft.clone();
        self.jobs.spawn(async move {
            // A library that has failed says so in its metrics.
            let _ = match next {
                Next::Snapshot => raft.trigger().snapshot().await,
                Next::Purge(upto) => raft.trigger().purge_log(upto).await,
            };
            Done::Nothing
        });
    }

    /// Finishes a change that a former leader began, and drops learners that are gone.
    fn tidy_membership(&mut self) {
        if self.leading.as_ref().is_none_or(|it| it.is_admitting() || it.changing) {
            return;
        }
        let membership = self.raft.metrics().borrow().membership_config.membership().clone();
        let config = membership.get_joint_config();
        let change: ChangeMembers<RaftId, ()> = if let [_, .., last] = config.as_slice() {
            ChangeMembers::ReplaceAllVoters(last.clone())
        } else if let Some(voters) = self.voters_to_be(config.first()) {
            tracing::info!(?voters, "the voters change");
            ChangeMembers::ReplaceAllVoters(voters)
        } else {
            let gone = |raft: &RaftId| {
                self.state.member_of(*raft).is_none() && self.link.life_of(*raft).is_none()
            };
            let gone: BTreeSet<RaftId> = membership.learner_ids().filter(gone).collect();
            if gone.is_empty() {
                return;
            }
            ChangeMembers::RemoveNodes(gone)
        };
        if let Some(leading) = &mut self.leading {
            leading.changing = true;
        }
        let raft = self.raft.clone();
        let until = Instant::now() + self.timing.failure * 4;
        self.jobs.spawn(async move {
            // What did not succeed is tried again.
            // Who votes no more goes on as a learner.
            let _ = tokio::time::timeout_at(until, raft.change_membership(change, true)).await;
            Done::Tidied
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_never_rests_is_purged_all_the_same() {
        let (mut purged, mut snapshot) = (0, 0);
        for applied in (0..100_000).step_by(700) {
            match Next::of(purged, snapshot, applied) {
                Some(Next::Snapshot) => snapshot = applied,
                Some(Next::Purge(upto)) => purged = upto,
                None => {}
            }
            assert!(purged <= snapshot && applied - purged < 5_000, "{purged} of {applied}");
        }
    }
}
