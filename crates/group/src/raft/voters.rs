//! Who votes: an operator orders it, and consensus follows.

use super::{
    member::Member,
    types::{RaftId, node_of},
};
use crate::{GroupError, feed::Waiter};
use ais_types::NodeId;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::Instant;

/// Nobody waits longer than this.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Whoever ordered that a node votes, or does not, and waits until it is so.
#[derive(Debug)]
pub(crate) struct Expecting {
    node: NodeId,
    votes: bool,
    until: Instant,
    waiter: Waiter,
}

impl Member {
    /// Answers when consensus, too, has changed: from then on the former voters are not needed.
    pub(crate) fn expect_voter(&mut self, node: NodeId, votes: bool, waiter: Waiter) {
        let now = Instant::now();
        // The leader need not wait for its next look.
        self.tidy_at = now;
        let until = now + (self.timing.failure * 10).min(WAIT_MAX);
        self.expecting.push(Expecting { node, votes, until, waiter });
    }

    /// Looks whether what operators wait for has come.
    pub(crate) fn tick_voters(&mut self, now: Instant) {
        if self.expecting.is_empty() {
            return;
        }
        let agreed = self.agreed_voters();
        for expecting in std::mem::take(&mut self.expecting) {
            let Expecting { node, votes, until, .. } = expecting;
            let answer = if self.state.voters.contains(&node) != votes {
                Err(GroupError::Refused(format!("another order about {node} came after it")))
            } else if agreed.as_ref().is_some_and(|it| it.contains(&node) == votes) {
                Ok(())
            } else if now < until {
                self.expecting.push(expecting);
                continue;
            } else {
                Err(GroupError::Pending(self.why_pending(node, votes)))
            };
            // Whoever asked may have given up.
            let _ = expecting.waiter.send(answer);
        }
    }

    /// Whose votes count, if that is agreed, and no change of it is under way here.
    fn agreed_voters(&self) -> Option<BTreeSet<NodeId>> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let applied = metrics.last_applied >= *metrics.membership_config.log_id();
        match metrics.membership_config.membership().get_joint_config().as_slice() {
            [voters] if applied => Some(voters.iter().map(|it| node_of(*it)).collect()),
            _ => None,
        }
    }

    fn why_pending(&self, node: NodeId, votes: bool) -> String {
        let what = if votes { "votes" } else { "does not vote any more" };
        let why = if self.leader.is_none() {
            "there is no quorum"
        } else if votes && self.state.view.member(node).is_none() {
            "it is not here"
        } else {
            "the change is under way"
        };
        format!("it is ordered that {node} {what}, but not so yet: {why}")
    }

    /// The participants that are to vote, if those that do are of other nodes than an operator has
    /// ordered. A node that is to vote has to be here for that.
    pub(crate) fn voters_to_be(
        &self,
        config: Option<&BTreeSet<RaftId>>,
    ) -> Option<BTreeSet<RaftId>> {
        let config = config?;
        let wanted = &self.state.voters;
        let vote: BTreeSet<NodeId> = config.iter().map(|it| node_of(*it)).collect();
        let mut voters = config.clone();
        voters.retain(|it| wanted.contains(&node_of(*it)));
        let members = self.state.seats.iter();
        let new = members.filter(|(it, _)| wanted.contains(&it.node) && !vote.contains(&it.node));
        voters.extend(new.map(|(_, seat)| seat.raft));
        (voters != *config && !voters.is_empty()).then_some(voters)
    }
}
