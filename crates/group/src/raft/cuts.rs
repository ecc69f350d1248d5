//! Partial cuts: members that do not hear each other, though both hear the leader.

use super::member::Member;
use ais_types::MemberId;
use std::collections::BTreeMap;
use tokio::time::Instant;

impl Member {
    /// Orders out the one with fewer links of each pair that has been cut for two failure
    /// timeouts, never the leader: what remains is a clean view.
    pub(crate) fn condemn_the_cut(&mut self, now: Instant) {
        let cut = self.cut_pairs(now);
        let Some(leading) = &mut self.leading else { return };
        leading.cuts.retain(|pair, _| cut.contains(pair));
        for pair in &cut {
            leading.cuts.entry(*pair).or_insert(now);
        }
        let lasting = |since: &Instant| *since + self.timing.failure * 2 < now;
        let Some((pair, _)) = leading.cuts.iter().find(|(_, since)| lasting(since)) else { return };
        let (a, b) = *pair;
        let mut links: BTreeMap<MemberId, usize> = BTreeMap::new();
        for (a, b) in leading.cuts.keys() {
            *links.entry(*a).or_default() += 1;
            *links.entry(*b).or_default() += 1;
        }
        let worse = if links.get(&a) > links.get(&b) { a } else { b };
        let out = match self.me {
            Some(me) if me == a => b,
            Some(me) if me == b => a,
            Some(_) | None => worse,
        };
        self.condemn(out);
    }

    /// The pairs of members of which one does not hear the other.
    fn cut_pairs(&self, now: Instant) -> Vec<(MemberId, MemberId)> {
        let since = now.checked_sub(self.timing.failure).unwrap_or(now);
        let own = self.link.heard_since(since);
        let hears = |a: &MemberId, b: u64| match self.leading.as_ref().and_then(|it| it.seen(*a)) {
            _ if Some(*a) == self.me => own.contains(&b),
            Some(seen) => seen.hears.as_ref().is_none_or(|hears| hears.contains(&b)),
            None => true,
        };
        let members: Vec<_> = self.state.seats.iter().collect();
        let mut cut = Vec::new();
        for (index, (a, seat_a)) in members.iter().enumerate() {
            for (b, seat_b) in &members[index + 1..] {
                if !hears(a, seat_b.life) || !hears(b, seat_a.life) {
                    cut.push((**a, **b));
                }
            }
        }
        cut
    }
}
