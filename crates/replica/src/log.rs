//! The updates that a copy has applied, as far back as somebody may ask for them.

use crate::{Content, Update, message::weight};
use ais_types::Position;
use alloc::collections::VecDeque;

/// Updates in order, without a gap up to the last one applied.
///
/// Those that are not everywhere yet are kept whatever they weigh (the primary stops taking more);
/// of those before, as many as the owner grants, for copies that come back and for feeds.
#[derive(Clone, Debug)]
pub(crate) struct Log<C: Content> {
    entries: VecDeque<Entry<C>>,
    /// What came right before the first entry.
    before: Position,
    /// Everything up to here is everywhere.
    stable: u64,
    /// What the entries after `stable` weigh.
    pending: usize,
    /// What the others weigh.
    kept: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry<C: Content> {
    pub(crate) update: Update<C>,
    pub(crate) answer: C::Answer,
    weight: usize,
}

impl<C: Content> Entry<C> {
    pub(crate) fn position(&self) -> Position {
        Position { epoch: self.update.epoch, number: self.update.number }
    }
}

impl<C: Content> Log<C> {
    /// Without any entry; the copy is at this place.
    pub(crate) const fn new(at: Position) -> Self {
        Self { entries: VecDeque::new(), before: at, stable: at.number, pending: 0, kept: 0 }
    }

    /// The place of the copy.
    pub(crate) fn last(&self) -> Position {
        self.entries.back().map_or(self.before, Entry::position)
    }

    pub(crate) const fn stable(&self) -> u64 {
        self.stable
    }

    /// What is not everywhere yet weighs so much.
    pub(crate) const fn pending(&self) -> usize {
        self.pending
    }

    /// All of it weighs so much.
    pub(crate) const fn weight(&self) -> usize {
        self.pending + self.kept
    }

    pub(crate) fn push(&mut self, mut update: Update<C>, mut answer: C::Answer) {
        let weight = weight(&mut update.update) + weight(&mut answer);
        self.pending += weight;
        self.entries.push_back(Entry { update, answer, weight });
    }

    /// Everything up to `everywhere` is everywhere; of that keep what weighs at most `keep`.
    pub(crate) fn settle(&mut self, everywhere: u64, keep: usize) {
        let everywhere = everywhere.min(self.last().number);
        while self.stable < everywhere {
            self.stable += 1;
            let index = usize::try_from(self.stable - self.before.number - 1).unwrap_or(usize::MAX);
            let weight = self.entries.get(index).map_or(0, |it| it.weight);
            self.pending -= weight;
            self.kept += weight;
        }
        // One that goes on from where it was may lack what was everywhere before.
        while self.kept > keep
            && self.before.number < everywhere
            && let Some(first) = self.entries.pop_front()
        {
            self.kept -= first.weight;
            self.before = first.position();
        }
    }

    /// Everything after this number, which is not before the first that is kept.
    pub(crate) fn after(&self, number: u64) -> impl Iterator<Item = &Entry<C>> {
        let skipped = number.saturating_sub(self.before.number);
        self.entries.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX))
    }

    /// Whether this copy has been at this place, and has kept everything after it.
    pub(crate) fn reaches(&self, place: Position) -> bool {
        if place.number <= self.before.number {
            return place == self.before;
        }
        let index = usize::try_from(place.number - self.before.number - 1).unwrap_or(usize::MAX);
        self.entries.get(index).is_some_and(|it| it.position() == place)
    }
}

/// What a query can see besides the content: where the copy is, and how it came there.
#[derive(Clone, Copy, Debug)]
pub struct History<'a, C: Content>(pub(crate) &'a Log<C>);

impl<'a, C: Content> History<'a, C> {
    /// The place of the last update applied.
    #[must_use]
    pub fn now(&self) -> Position {
        self.0.last()
    }

    /// The updates after a place with their answers, oldest first; `None` if this copy has never
    /// been there (what was there is lost), or does not remember all that came after it.
    #[must_use]
    pub fn since(
        &self,
        place: Position,
    ) -> Option<impl Iterator<Item = (Position, &'a C::Update, &'a C::Answer)> + use<'a, C>> {
        let log = self.0;
        let entries = log.reaches(place).then(|| log.after(place.number))?;
        Some(entries.map(|it| (it.position(), &it.update.update, &it.answer)))
    }
}
