//! What the log says, and what follows from it.

use ais_replica::Configuration;
use ais_types::MemberId;
use std::collections::BTreeSet;

/// What is on the log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Joined { member: MemberId, replica: bool },
    Left(MemberId),
    Released(MemberId),
    Completed { epoch: u64, member: MemberId },
    Sealed { epoch: u64, member: MemberId, number: u64 },
    Drained { epoch: u64, to: MemberId },
    Lagging { epoch: u64, member: MemberId },
    Conceded(u64, MemberId),
    Choose(MemberId),
    Remove(MemberId),
}

/// The service's replicated part: what an entry does to the configuration.
pub(crate) fn decide(config: &mut Configuration, entry: &Entry) {
    match *entry {
        Entry::Joined { member, replica } => {
            if replica && !config.is_lost() {
                config.join(member);
            }
        }
        Entry::Left(member) => {
            config.left(member);
        }
        Entry::Released(member) => {
            config.released(member);
        }
        Entry::Completed { epoch, member } => {
            config.completed(epoch, member);
        }
        Entry::Sealed { epoch, member, number } => {
            config.sealed(epoch, member, number);
        }
        Entry::Drained { epoch, to } => {
            config.drained(epoch, to);
        }
        Entry::Lagging { epoch, member } => {
            config.lagging(epoch, member);
        }
        Entry::Conceded(epoch, member) => {
            config.conceded(epoch, member);
        }
        Entry::Choose(member) => {
            config.choose(member);
        }
        Entry::Remove(member) => {
            config.remove(member);
        }
    }
}

/// What an entry does to the view.
pub(crate) fn follow(members: &mut BTreeSet<MemberId>, entry: &Entry) {
    match entry {
        Entry::Joined { member, .. } => {
            members.insert(*member);
        }
        Entry::Left(member) => {
            members.remove(member);
        }
        Entry::Released(_)
        | Entry::Completed { .. }
        | Entry::Sealed { .. }
        | Entry::Drained { .. }
        | Entry::Lagging { .. }
        | Entry::Conceded(..)
        | Entry::Choose(_)
        | Entry::Remove(_) => {}
    }
}
