//! What is saved to disk whatever becomes of the log: what an operator has configured.
//!
//! Each member saves it when it changes. When a group forms, it takes over the newest of what its
//! founders saved, so that it is there after the whole cluster lost its power.

use super::{
    log::Log,
    member::{Done, Member},
};
use crate::{GroupError, Identity, Known, feed::Waiter};
use ais_types::{NodeId, Role, Stamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How new something saved is: how often the group had formed, and the place in its order.
pub(crate) type Age = (u64, u64);

/// What a member saves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// How often the group had formed.
    pub(crate) generation: u64,
    /// The place in the order at which it was so.
    pub(crate) index: u64,
    /// Who votes.
    pub(crate) voters: BTreeSet<NodeId>,
    /// Who may be a member.
    pub(crate) nodes: BTreeMap<NodeId, Known>,
    /// What the owner keeps, and how new that is: whoever was away may have an old one.
    pub(crate) kept_at: Age,
    pub(crate) kept: Bytes,
}

impl Saved {
    /// Nothing is older than anything.
    pub(crate) fn age(saved: Option<&Self>) -> Age {
        saved.map_or((0, 0), |it| (it.generation, it.index))
    }

    /// The newest of both, part by part.
    pub(crate) fn newest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let newer = Self::age(other.as_ref()) > Self::age(one.as_ref());
        let (new, old) = if newer { (other, one) } else { (one, other) };
        let mut new = new?;
        if let Some(old) = old.filter(|old| old.kept_at > new.kept_at) {
            (new.kept_at, new.kept) = (old.kept_at, old.kept);
        }
        Some(new)
    }
}

/// One save is under way at a time: a later one never loses against an earlier one.
#[derive(Debug, Default)]
pub(crate) struct Saving {
    under_way: bool,
    /// Who waits for the save under way, and for the next one.
    current: Vec<Waiter>,
    next: Vec<Waiter>,
}

impl Member {
    /// The owner wants this to be found again.
    pub(crate) fn keep(&mut self, at: Stamp, kept: Bytes, waiter: Waiter) {
        let age = (self.state.generation, at.index);
        if age >= self.kept.0 {
            self.kept = (age, kept);
        }
        self.saving.next.push(waiter);
        self.state.changed = true;
    }

    /// Saves what an operator has configured, if it is not what was saved last.
    pub(crate) fn save_what_changed(&mut self) {
        let state = &self.state;
        if self.config.voters != state.voters {
            self.config.voters = state.voters.clone();
        }
        let Identity { node, role, .. } = &self.config.identity;
        let silenced = *role == Role::Voter && !state.voters.contains(node);
        if silenced && !self.silenced {
            tracing::warn!(
                "its file says that this node votes, and it does not vote any more: the voters \
                 were changed, or an operator has formed the group anew; `ais cluster voters add` \
                 lets it vote"
            );
        }
        self.silenced = silenced;
        if self.saving.under_way {
            return;
        }
        let waiters = std::mem::take(&mut self.saving.next);
        let saved = self.saved.as_ref();
        let same = saved.is_some_and(|it| {
            it.generation == state.generation
                && it.voters == state.voters
                && it.nodes == state.nodes
                && it.kept_at == self.kept.0
        });
        if same {
            return waiters.into_iter().for_each(|waiter| tell(waiter, Ok(())));
        }
        let saved = Saved {
            generation: state.generation,
            index: state.stamp.index,
            voters: state.voters.clone(),
            nodes: state.nodes.clone(),
            kept_at: self.kept.0,
            kept: self.kept.1.clone(),
        };
        self.saved = Some(saved.clone());
        self.saving = Saving { under_way: true, current: waiters, next: Vec::new() };
        let log: Log = self.log.clone();
        self.jobs.spawn(async move {
            let result = log.save(&saved).await;
            Done::Saved(result.map_err(|error| GroupError::NotSaved(error.to_string())))
        });
    }

    /// A save has come to its end; what came meanwhile is saved next.
    pub(crate) fn saved(&mut self, result: &Result<(), GroupError>) {
        if let Err(error) = result {
            tracing::error!(%error, "what an operator configured");
        }
        self.saving.under_way = false;
        for waiter in std::mem::take(&mut self.saving.current) {
            tell(waiter, result.clone());
        }
        self.state.changed = true;
    }
}

fn tell(waiter: Waiter, result: Result<(), GroupError>) {
    // Whoever asked may have given up.
    let _ = waiter.send(result);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_part_is_taken() {
        let saved = |index, kept_at, kept: &'static str| {
            let kept = Bytes::from_static(kept.as_bytes());
            Some(Saved { generation: 1, index, kept_at: (1, kept_at), kept, ..Saved::default() })
        };
        // Who was away came back, and knows the voters of today and the model of yesterday.
        let (away, here) = (saved(9, 2, "yesterday"), saved(7, 6, "today"));
        for newest in [Saved::newest(away.clone(), here.clone()), Saved::newest(here, away.clone())]
        {
            let newest = newest.expect("there is one");
            assert_eq!((newest.index, &newest.kept[..]), (9, &b"today"[..]));
        }
        assert_eq!(Saved::newest(None, away.clone()), away);
        assert_eq!(Saved::newest(None, None), None);
    }
}
