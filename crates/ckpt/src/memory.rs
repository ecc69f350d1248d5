//! Memory: what this node's replicas cost, and what happens when there is no more.
//!
//! A primary refuses an update that its node has no memory for, before it has a number. A replica
//! that others lead cannot refuse: when its node has an eighth too much it is given up, and made
//! up for elsewhere; the node gets no new ones until it is an eighth below again.

use crate::{CheckpointId, Ckpt, Command, Content, Limits};
use ais_replica::Replica;

impl Ckpt {
    /// What a replica here costs.
    pub(crate) fn weight_of(&self, id: CheckpointId) -> u64 {
        let weight = |it: &Replica<Content>| it.weight().saturating_add(Limits::REPLICA_OVERHEAD);
        self.replicas.get(&id).map_or(0, weight)
    }

    /// Bytes that replicas here may still grow by.
    pub(crate) const fn room(&self) -> u64 {
        self.settings.memory.saturating_sub(self.memory)
    }

    /// A replica has another weight now.
    pub(crate) fn weighed(&mut self, before: u64, after: u64) {
        self.memory = self.memory.saturating_add(after).saturating_sub(before);
    }

    /// Gives a replica up that there is no memory for; says when there is some again.
    pub(crate) fn watch_memory(&mut self, id: CheckpointId) {
        let Some(me) = self.me else { return };
        let (max, eighth) = (self.settings.memory, self.settings.memory / 8);
        if self.said_full && self.memory < max - eighth {
            self.said_full = false;
            self.given_up.clear();
            self.order(Command::Room);
        }
        if self.memory <= max.saturating_add(eighth) || self.given_up.contains(&id) {
            return;
        }
        let mine = self.replicas.get(&id).is_some_and(|it| {
            let configuration = it.configuration();
            let here = configuration.is_complete(me) || configuration.is_filling(me);
            here && configuration.primary() != Some(me)
        });
        if mine {
            self.said_full = true;
            self.given_up.insert(id);
            self.order(Command::NoRoom { checkpoints: alloc::vec![id] });
        }
    }
}
