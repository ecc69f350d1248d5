//! A leader that is heard and of no use: at the end of a slow line its signs of life arrive, and the
//! leases that it gives have run out by then. Nothing would go on under it.
//!
//! Each member says with its hello whether its leader leaves it without a lease. When a majority of
//! the voters says so the leader counts as silent, and another one is elected. Whoever votes then
//! says that it has not refused for its time, so the next leader waits out all that the former one
//! may have granted.

use super::{member::Member, types::LifeId};
use tokio::time::Instant;

impl Member {
    /// Looks whether this member gets its leases.
    pub(crate) fn tick_unserved(&mut self, now: Instant) {
        let wants = self.me.is_some() && self.joining.is_none() && self.leaving.is_none();
        let follows = self.leader.is_some() && self.leading.is_none();
        let without = wants && follows && self.is_alive(now) && self.lease.until.is_none();
        self.unserved = without.then(|| self.unserved.unwrap_or(now));
        if self.is_unserved(now) && !self.said_unserved {
            self.hello_at = now;
        }
        self.said_unserved = self.is_unserved(now);
    }

    /// Since when this member counts as unserved.
    fn unserved_from(&self) -> Option<Instant> {
        self.unserved.map(|since| since + self.timing.failure)
    }

    /// Whether the leader has left this member without a lease for the failure timeout.
    pub(crate) fn is_unserved(&self, now: Instant) -> bool {
        self.unserved_from().is_some_and(|from| from < now)
    }

    /// Whether that is the leader, and of no use.
    pub(crate) fn is_useless(&self, life: LifeId) -> bool {
        let leads = self.leader.is_some_and(|it| self.link.life_of(it) == Some(life));
        leads && self.useless_since(Instant::now()).is_some()
    }

    /// Since when the leader is of no use to this member, if a majority of the voters says the same.
    pub(crate) fn useless_since(&self, now: Instant) -> Option<Instant> {
        let from = self.unserved_from().filter(|from| *from < now)?;
        let recent = now.checked_sub(self.timing.failure);
        let says = |raft: &u64| {
            let life = self.link.life_of(*raft);
            let heard = life.and_then(|life| Some((self.link.hello(life)?, life)));
            *raft == self.raft_id
                || heard.is_some_and(|(hello, life)| {
                    hello.unserved && self.link.last_heard(life) >= recent
                })
        };
        let membership = self.raft.metrics().borrow().membership_config.membership().clone();
        let majority = membership
            .get_joint_config()
            .iter()
            .all(|config| config.iter().filter(|it| says(it)).count() > config.len() / 2);
        majority.then_some(from)
    }
}
