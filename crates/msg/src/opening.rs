//! Opening, in the replicated part: who gets a queue, who is refused, and who waits.
//!
//! What a lost member holds is neither open nor free until it has surely stopped. An open of it
//! is decided then, not before: the close comes first, and first come is first served.

use crate::{
    Limits,
    command::{OpenId, QueueId},
    error::Refused,
    registry::{Opener, Queue, Registry},
};
use ais_replica::{Configuration, Succession};
use ais_types::{
    Name, ProcessId, Time,
    msg::{CreationAttributes, OpenFlags},
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What one asks to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(crate) open: OpenId,
    pub(crate) process: ProcessId,
    pub(crate) name: Name,
    pub(crate) attributes: Option<CreationAttributes>,
    pub(crate) flags: OpenFlags,
    pub(crate) compare_retention: bool,
    pub(crate) copies: u32,
}

/// What has become of it.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) open: OpenId,
    pub(crate) flags: OpenFlags,
    pub(crate) outcome: Result<QueueId, Refused>,
}

impl Registry {
    /// §3.6.1. [`Registry::decide`] says what becomes of it.
    pub(crate) fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    /// Decides, first come first, what does not have to wait for a lost member.
    pub(crate) fn decide(&mut self) -> Vec<Decided> {
        let mut decided = Vec::new();
        for wish in core::mem::take(&mut self.wishes) {
            if self.must_wait(&wish) {
                self.wishes.push(wish);
            } else {
                let (open, flags) = (wish.open, wish.flags);
                decided.push(Decided { open, flags, outcome: self.open(wish) });
            }
        }
        decided
    }

    /// A lost member may still receive from it, or has the only copy, which goes with it.
    fn must_wait(&self, wish: &Wish) -> bool {
        let Some(id) = self.named(&wish.name) else { return false };
        let queue = &self.queues[&id];
        let is_held = queue.opener.is_some_and(|it| self.leaving.contains(&it.open.client.member));
        let is_going = queue.configuration.is_lost() && self.has_acting_primary(id);
        self.is_host(wish.open.client.member) && (is_held || is_going)
    }

    fn open(&mut self, wish: Wish) -> Result<QueueId, Refused> {
        let (open, process) = (wish.open, wish.process);
        if !self.is_host(open.client.member) {
            return Err(Refused::NoMember);
        }
        let id = match self.named(&wish.name) {
            Some(id) => {
                self.may_open(id, &wish)?;
                id
            }
            None => self.create(wish)?,
        };
        let queue = self.queues.get_mut(&id).expect("found or created above");
        queue.opener = Some(Opener { open, process });
        queue.close_time = Time::BEGIN;
        queue.retained_until = None;
        self.retention.clear(&id);
        self.opens.insert(open, id);
        self.changed(id);
        Ok(id)
    }

    /// msg.md 4.1: other attributes come before being open.
    fn may_open(&self, id: QueueId, wish: &Wish) -> Result<(), Refused> {
        let queue = &self.queues[&id];
        let name = || queue.name.clone();
        if let Some(wanted) = wish.attributes {
            let has = queue.attributes;
            let same = [
                (wanted.flags == has.flags, "creation flag"),
                (wanted.sizes == has.sizes, "size"),
                (!wish.compare_retention || wanted.retention == has.retention, "retention time"),
            ];
            if let Some((_, attribute)) = same.into_iter().find(|it| !it.0) {
                return Err(Refused::OtherAttributes { name: name(), attribute });
            }
        }
        match queue.opener {
            Some(_) => Err(Refused::Open { name: name() }),
            None => Ok(()),
        }
    }

    fn create(&mut self, wish: Wish) -> Result<QueueId, Refused> {
        let Some(attributes) = wish.attributes else {
            return Err(Refused::NoQueue { name: wish.name });
        };
        if self.queues.len() >= Limits::QUEUES {
            return Err(Refused::TooMany { what: "queues", most: Limits::QUEUES });
        }
        self.last = QueueId(self.last.0 + 1);
        let id = self.last;
        let creator = wish.open.client.member;
        let others = self.hosts.iter().copied().filter(|it| *it != creator);
        let others: Vec<_> = others.collect();
        let start = usize::try_from(id.0 % others.len().max(1) as u64).unwrap_or(0);
        let wanted = (wish.copies.max(1) as usize - 1).min(others.len());
        let others = others.iter().cycle().skip(start).take(wanted).copied();
        let configuration = Configuration::new(Some(creator), others, Succession::Automatic);
        let queue = Queue {
            name: wish.name.clone(),
            attributes,
            unlinked: false,
            opener: None,
            configuration,
            close_time: Time::BEGIN,
            copies: wish.copies.max(1),
            retained_until: None,
        };
        self.queues.insert(id, queue);
        self.names.insert(wish.name, id);
        Ok(id)
    }
}
