//! Who has an object: the replicated part, changed only by entries of the log.

use ais_types::MemberId;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Who follows a lost primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Succession {
    /// The complete replica that has most; of equals, the one that was preferred last, then the
    /// one with the lowest id.
    Automatic,
    /// Nobody, until the service chooses (collocated checkpoints).
    Chosen,
}

/// Who has an object, as everyone agrees at one place of the log.
///
/// Every method is a pure change; the same entries in the same order give the same configuration
/// on every node. Call [`Replica::configure`](crate::Replica::configure) after each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    epoch: u64,
    primary: Option<MemberId>,
    /// The primary is to hand over to this complete member, as soon as that has everything.
    next: Option<MemberId>,
    complete: BTreeSet<MemberId>,
    filling: BTreeSet<MemberId>,
    /// Complete ones that the primary does not want to wait for any longer. Each counts until it
    /// has conceded, since it may answer reads until it hears of it.
    doubted: BTreeSet<MemberId>,
    /// Since the primary was lost: the last numbers that the survivors have ordered.
    sealed: BTreeMap<MemberId, u64>,
    succession: Succession,
    /// Whom the service wants as primary when there is none.
    preferred: Option<MemberId>,
}

impl Configuration {
    /// The first epoch.
    pub const FIRST_EPOCH: u64 = 1;

    /// A new object. All of `replicas` start complete, since the content is blank everywhere.
    /// With [`Succession::Chosen`] there may be no primary yet.
    #[must_use]
    pub fn new(
        primary: Option<MemberId>,
        replicas: impl IntoIterator<Item = MemberId>,
        succession: Succession,
    ) -> Self {
        let mut complete: BTreeSet<MemberId> = replicas.into_iter().collect();
        complete.extend(primary);
        // Nothing has happened yet: nobody has to seal to know that all have number 0.
        let sealed = match primary {
            Some(_) => BTreeMap::new(),
            None => complete.iter().map(|it| (*it, 0)).collect(),
        };
        Self {
            epoch: Self::FIRST_EPOCH,
            primary,
            next: None,
            complete,
            filling: BTreeSet::new(),
            doubted: BTreeSet::new(),
            sealed,
            succession,
            preferred: None,
        }
    }

    /// Grows whenever the primary changes or is about to, or a living member gives its copy up.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Who numbers the updates now.
    #[must_use]
    pub const fn primary(&self) -> Option<MemberId> {
        self.primary
    }

    /// To whom the primary is handing over.
    #[must_use]
    pub const fn next(&self) -> Option<MemberId> {
        self.next
    }

    /// Who has all of the content, the primary included.
    pub fn complete(&self) -> impl Iterator<Item = MemberId> {
        self.complete.iter().copied()
    }

    /// Whose copy is still on its way.
    pub fn filling(&self) -> impl Iterator<Item = MemberId> {
        self.filling.iter().copied()
    }

    /// Whether this member has all of the content.
    #[must_use]
    pub fn is_complete(&self, member: MemberId) -> bool {
        self.complete.contains(&member)
    }

    /// Whether this member's copy is still on its way.
    #[must_use]
    pub fn is_filling(&self, member: MemberId) -> bool {
        self.filling.contains(&member)
    }

    /// Whether the primary wants to wait no longer for this complete member, which is to
    /// [concede](Self::conceded).
    #[must_use]
    pub fn is_doubted(&self, member: MemberId) -> bool {
        self.doubted.contains(&member)
    }

    /// Whether nobody has the content any more. A lost primary that is not released yet may still
    /// answer, but nothing will follow it.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.complete.is_empty()
    }

    /// Whether the survivors are still to order their last numbers.
    #[must_use]
    pub fn is_sealing(&self) -> bool {
        self.primary.is_none() && self.complete.iter().any(|it| !self.sealed.contains_key(it))
    }

    /// Whether this member is to order its last number: [`sealed`](Self::sealed).
    #[must_use]
    pub fn owes_seal(&self, member: MemberId) -> bool {
        self.is_sealing() && self.complete.contains(&member) && !self.sealed.contains_key(&member)
    }

    /// A member is to have a copy from now on. No effect if it has one.
    pub fn join(&mut self, member: MemberId) {
        if !self.complete.contains(&member) {
            self.filling.insert(member);
        }
    }

    /// An entry: the primary of `epoch` says that `member` is filled. `false`: it comes too late.
    pub fn completed(&mut self, epoch: u64, member: MemberId) -> bool {
        let holds = epoch == self.epoch && self.filling.remove(&member);
        if holds {
            self.complete.insert(member);
        }
        holds
    }

    /// An entry: the primary of `epoch` says that `member` has not kept up. Nothing changes before
    /// that has [conceded](Self::conceded), except that it answers no reads from its copy. `false`:
    /// it comes too late, or from a primary that is lost itself, whose word does not count against
    /// a survivor.
    pub fn lagging(&mut self, epoch: u64, member: MemberId) -> bool {
        self.may_leave(epoch, member) && self.doubted.insert(member)
    }

    /// An entry: `member` has heard in `epoch` that it has not kept up, and answers no reads since.
    /// Nobody waits for it any more; it is filled again, from where it is if that is possible.
    /// `false`: it comes too late; then it counts as before.
    pub fn conceded(&mut self, epoch: u64, member: MemberId) -> bool {
        let holds = self.may_leave(epoch, member) && self.doubted.remove(&member);
        if holds {
            self.complete.remove(&member);
            self.filling.insert(member);
            if self.next == Some(member) {
                // The primary goes on.
                self.begin_epoch();
                self.next = None;
            }
        }
        holds
    }

    /// Whether the primary of `epoch` is there and can do without this complete member.
    fn may_leave(&self, epoch: u64, member: MemberId) -> bool {
        let leads = self.primary.filter(|it| self.complete.contains(it));
        epoch == self.epoch
            && leads.is_some_and(|it| it != member)
            && self.complete.contains(&member)
    }

    /// What was said in the epoch before does not count any more.
    fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.doubted.clear();
    }

    /// A member gives its copy up. The primary cannot: [`choose`](Self::choose) another one first,
    /// or end the object. `false`: it had none, or it is the primary. Until the entry is heard
    /// there, a read of it may still be answered from the old copy.
    pub fn remove(&mut self, member: MemberId) -> bool {
        let removed = self.primary != Some(member) && self.forget(member);
        if removed {
            // It may join again: what was said about its former copy must not count then.
            self.begin_epoch();
        }
        removed
    }

    /// The view has lost a member. `true`: the configuration has changed.
    ///
    /// A lost primary stays what it is until it is [`released`](Self::released), since it may
    /// still act; it is not among the complete any more, since nothing can come from it.
    pub fn left(&mut self, member: MemberId) -> bool {
        self.forget(member)
    }

    /// A lost member has surely stopped acting. `true`: it was the primary; now there is none,
    /// or the only survivor is.
    pub fn released(&mut self, member: MemberId) -> bool {
        if self.primary != Some(member) {
            return false;
        }
        self.forget(member);
        self.begin_epoch();
        self.primary = None;
        self.next = None;
        self.sealed.clear();
        self.settle();
        true
    }

    /// An entry: the last number of a survivor, which refuses everything of older epochs since.
    /// `true`: the configuration has changed.
    pub fn sealed(&mut self, epoch: u64, member: MemberId, number: u64) -> bool {
        if epoch != self.epoch || !self.owes_seal(member) {
            return false;
        }
        self.sealed.insert(member, number);
        self.settle();
        true
    }

    /// An entry: `member` is to be the primary. It gets everything first: from the living primary,
    /// which stops taking requests, or from the survivor that has most. `false`: it has no
    /// complete copy (the caller refuses the request), or it is the primary already.
    pub fn choose(&mut self, member: MemberId) -> bool {
        if !self.complete.contains(&member) {
            return false;
        }
        self.preferred = Some(member);
        match self.primary {
            Some(primary) if self.next.unwrap_or(primary) == member => return false,
            // A primary that has left is drained no more; its release decides.
            Some(primary) if !self.complete.contains(&primary) => {}
            Some(primary) => {
                self.begin_epoch();
                self.next = Some(member).filter(|it| *it != primary);
            }
            None => self.settle(),
        }
        true
    }

    /// An entry: the primary of `epoch` says that `to` has everything. `false`: it comes too late.
    pub fn drained(&mut self, epoch: u64, to: MemberId) -> bool {
        let holds = epoch == self.epoch && self.next == Some(to);
        if holds {
            self.appoint(to, None);
        }
        holds
    }

    /// Removes a member from everything but the primary's place.
    fn forget(&mut self, member: MemberId) -> bool {
        let was_complete = self.complete.remove(&member);
        let was_filling = self.filling.remove(&member);
        self.doubted.remove(&member);
        self.sealed.remove(&member);
        if self.preferred == Some(member) {
            self.preferred = None;
        }
        if self.next == Some(member) {
            // The primary goes on.
            self.begin_epoch();
            self.next = None;
        }
        if self.primary.is_none() && was_complete {
            self.settle();
        }
        was_complete || was_filling
    }

    /// Appoints a primary if there is none, and it is known who has most.
    fn settle(&mut self) {
        let one_survivor = self.complete.len() == 1;
        if self.primary.is_some() || (self.is_sealing() && !one_survivor) {
            return;
        }
        let preferred = self.preferred;
        let wanted = match self.succession {
            Succession::Automatic => preferred,
            Succession::Chosen if preferred.is_none() => return,
            Succession::Chosen => preferred,
        };
        let Some(best) = self.best(wanted) else { return };
        let next = match self.succession {
            Succession::Automatic => None,
            Succession::Chosen => wanted.filter(|it| *it != best),
        };
        self.appoint(best, next);
    }

    /// The survivor that has most; of equals the wanted one, then the lowest.
    fn best(&self, wanted: Option<MemberId>) -> Option<MemberId> {
        let number = |it: &MemberId| self.sealed.get(it).copied();
        let most = self.complete.iter().map(number).max()?;
        let mut equals = self.complete.iter().copied().filter(|it| number(it) == most);
        wanted.filter(|it| number(it) == most).or_else(|| equals.next())
    }

    fn appoint(&mut self, primary: MemberId, next: Option<MemberId>) {
        self.begin_epoch();
        self.primary = Some(primary);
        self.next = next;
        self.sealed.clear();
    }

    /// All members with a copy or on the way to one.
    #[must_use]
    pub fn replicas(&self) -> Vec<MemberId> {
        self.complete.union(&self.filling).copied().collect()
    }
}
