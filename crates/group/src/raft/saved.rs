//! What is saved to disk whatever becomes of the log: what an operator has configured.
//!
//! Each member saves it when it changes. When a group forms, it takes over the newest of what its
//! founders saved, so that it is there after the whole cluster lost its power.

use super::{
    log::Log,
    member::{Done, Member},
};
use crate::Known;
use ais_types::NodeId;
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

impl Member {
    /// The owner wants this to be found again.
    pub(crate) fn keep(&mut self, kept: Bytes) {
        if self.kept.1 != kept {
            self.kept = ((self.state.generation, self.state.stamp.index), kept);
            self.state.changed = true;
        }
    }

    /// Saves what an operator has configured, if it is not what was saved last.
    pub(crate) fn save_what_changed(&mut self) {
        let state = &self.state;
        if self.config.voters != state.voters {
            self.config.voters = state.voters.clone();
        }
        let saved = self.saved.as_ref();
        let same = saved.is_some_and(|it| {
            it.generation == state.generation
                && it.voters == state.voters
                && it.nodes == state.nodes
                && it.kept_at == self.kept.0
        });
        if same {
            return;
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
        let log: Log = self.log.clone();
        self.jobs.spawn(async move {
            if let Err(error) = log.save(&saved).await {
                tracing::error!(%error, "what an operator configured is not saved");
            }
            Done::Nothing
        });
    }
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
