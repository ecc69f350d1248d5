//! Who stands at the door and may not come in is told why.

use super::{member::Member, packet::Packet, state::Applicant};
use tokio::time::Instant;

impl Member {
    /// The leader says to those who are not admitted as they are that it is of no use to wait.
    pub(crate) fn turn_away(&mut self, now: Instant) {
        let (time, rules) = (self.group_time(now).unwrap_or_default(), self.rules());
        let strangers = self.link.hellos().filter(|it| {
            let Applicant { life, identity, .. } = &it.applicant;
            // Who was in, or takes part in consensus, finds out by itself.
            let stranger = it.member.is_none() && it.group.is_none();
            stranger
                && !self.state.has_lived(identity.node, *life)
                && rules.clash(it.rules).is_none()
        });
        let barred = strangers.filter_map(|it| {
            let why = self.state.bar(it, self.config.open, time)?;
            Some((it.applicant.identity.node, why))
        });
        for (node, why) in barred.collect::<Vec<_>>() {
            tracing::warn!(%node, why, "is not admitted");
            self.link.put(node, &Packet::TurnedAway(why.into()));
        }
    }

    /// The leader has said so: what would have to change is not in this node's hands.
    pub(crate) fn turned_away(&mut self, why: &str) {
        if self.me.is_none() && self.saved.is_none() {
            self.unfit = true;
            self.end(why);
        }
    }
}
