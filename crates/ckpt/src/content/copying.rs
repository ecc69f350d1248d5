//! Filling a new replica, piece by piece, while updates go on.
//!
//! Pieces come in the order of the section ids. An update that comes in between finds each
//! section whole, absent (then it comes later, as it is by then), or, at most one, with only its
//! first bytes here (then the rest comes later).

use super::{Content, Given, Mutation, Section, Sections, change::end_of};
use ais_types::{
    Payload, Payloads, Time,
    ckpt::{SectionDescriptor, SectionId, SectionState, WriteElement},
};
use alloc::vec::Vec;
use core::ops::Bound;
use serde::{Deserialize, Serialize};

/// How far the copying of a checkpoint has got.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The last section that is copied whole.
    last: Option<SectionId>,
    /// How many bytes of the next one are copied, and which that was.
    within: Option<(SectionId, usize)>,
    /// Whether a chunk was cut: there is always one, for what is not in sections.
    begun: bool,
}

/// Some bytes of a section on their way to a new replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// All about the section but its data.
    descriptor: SectionDescriptor,
    /// From which byte on.
    offset: u64,
    /// What.
    data: Payload,
}

impl Payloads for Piece {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        visit(&mut self.data);
    }
}

/// What a section costs in a chunk besides its data.
const PIECE_OVERHEAD: usize = 64;

impl Sections {
    /// Cuts the next pieces; `None` after the last.
    pub(super) fn cut(&self, cursor: &mut Cursor, limit: usize) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut room = limit;
        let after = cursor.last.clone();
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        for (id, section) in self.sections.range::<SectionId, _>((from, Bound::Unbounded)) {
            if room == 0 {
                break;
            }
            let within = cursor.within.take().filter(|it| it.0 == *id).map_or(0, |it| it.1);
            let offset = within.min(section.data.len());
            let end = section.data.len().min(offset + room);
            pieces.push(Piece {
                descriptor: section.describe(id),
                offset: offset as u64,
                data: section.data[offset..end].to_vec().into(),
            });
            if end < section.data.len() {
                cursor.within = Some((id.clone(), end));
                break;
            }
            room = room.saturating_sub(end - offset + id.as_bytes().len() + PIECE_OVERHEAD);
            cursor.last = Some(id.clone());
        }
        let first = !core::mem::replace(&mut cursor.begun, true);
        (first || !pieces.is_empty()).then_some(pieces)
    }

    /// Takes a piece in.
    pub(super) fn paste(&mut self, piece: Piece) {
        let Piece { descriptor: it, offset, data } = piece;
        let mut bytes = self.remove(&it.section).map_or_else(Vec::new, |old| old.data);
        // Bytes before the piece that are missing here were never written: they are zeros.
        bytes.resize(usize::try_from(offset).unwrap_or(usize::MAX).min(bytes_max(&it)), 0);
        bytes.extend_from_slice(&data);
        let here = bytes.len();
        self.partial = ((here as u64) < it.size).then(|| (it.section.clone(), here));
        let section = Section {
            data: bytes,
            expiration: it.expiration,
            state: it.state,
            last_update: it.last_update,
        };
        self.insert(it.section, section);
    }

    /// What a mutation that the primary has done means for what is here already.
    pub(super) fn follow_change(&mut self, at: Time, mutation: Mutation, given: &Given) {
        match mutation {
            Mutation::Create { section, expiration, data } => match given {
                Given::Created(id) => {
                    if section.is_none() {
                        self.generated = number_of(id);
                    }
                    self.insert(id.clone(), Section::new(data.to_vec(), expiration, at));
                }
                Given::Exhausted { .. } => self.exhausted(),
                Given::Done
                | Given::Read(_)
                | Given::Status(_)
                | Given::Section(_)
                | Given::Scanned(_)
                | Given::Told(_)
                | Given::Expired(_) => {}
            },
            Mutation::Delete { section } => {
                self.remove(&section);
                self.available();
            }
            Mutation::SetExpiration { section, expiration } => {
                if let Some(mut it) = self.remove(&section) {
                    it.expiration = expiration;
                    self.insert(section, it);
                }
            }
            Mutation::Write { elements } => {
                for element in elements {
                    self.follow_write(element, at);
                }
            }
            Mutation::Overwrite { section, data } => {
                let here = self.bytes_here(&section, data.len());
                if let (Some(it), Some(here)) = (self.remove(&section), here) {
                    self.insert(section, Section::new(data[..here].to_vec(), it.expiration, at));
                }
            }
            Mutation::Expire => {
                if let Given::Expired(sections) = given {
                    self.expire(sections);
                }
            }
            Mutation::Corrupt { section } => {
                if let Some(it) = self.sections.get_mut(&section) {
                    it.state = SectionState::Corrupted;
                }
            }
            Mutation::NoRoom { .. } => {}
        }
        // Gone is gone: if it is created again, it is here whole.
        self.partial.take_if(|it| !self.sections.contains_key(&it.0));
    }

    fn follow_write(&mut self, mut element: WriteElement, at: Time) {
        let end = usize::try_from(end_of(&element)).unwrap_or(usize::MAX);
        let Some(here) = self.bytes_here(&element.section, end) else { return };
        let offset = usize::try_from(element.offset).unwrap_or(usize::MAX);
        let length = here.saturating_sub(offset).min(element.data.len());
        element.data = element.data.bytes().slice(..length).into();
        let size = |it: &Self| it.sections.get(&element.section).map_or(0, |it| it.data.len());
        let before = size(self);
        self.write_one(&element, at);
        self.used += (size(self) - before) as u64;
    }

    /// How many of the first `wanted` bytes of a section are to be kept here; `None`: it is not
    /// here at all. Of a section that is still on its way, those that were copied: the rest comes
    /// later, as it is by then.
    fn bytes_here(&self, section: &SectionId, wanted: usize) -> Option<usize> {
        self.sections.get(section)?;
        let partial = self.partial.as_ref().filter(|it| it.0 == *section);
        Some(partial.map_or(wanted, |(_, copied)| wanted.min(*copied)))
    }
}

/// A piece cannot begin behind the end of its section.
fn bytes_max(section: &SectionDescriptor) -> usize {
    usize::try_from(section.size).unwrap_or(usize::MAX)
}

/// Which number [`numbered`](super::change::numbered) made this id of.
fn number_of(id: &SectionId) -> u64 {
    let digit = |number: u64, octet: &u8| (number << 8).wrapping_add(u64::from(*octet) + 1);
    id.as_bytes().iter().fold(0, digit)
}

impl Content {
    /// The sections, for operators and for the primary's own timers.
    #[must_use]
    pub const fn sections(&self) -> &Sections {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{super::change::numbered, *};

    #[test]
    fn the_number_of_an_id_is_found_again() {
        for number in [1, 2, 255, 256, 257, 511, 512, 65_792, 65_793, 1 << 40] {
            assert_eq!(number_of(&numbered(number)), number);
        }
        assert_eq!(numbered(1).as_bytes(), [0]);
        assert_eq!(numbered(256).as_bytes(), [255]);
        assert_eq!(numbered(257).as_bytes(), [0, 0]);
    }
}
