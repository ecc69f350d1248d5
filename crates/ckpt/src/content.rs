//! The content of one checkpoint: its sections, as one replica holds them.
//!
//! Replicas that started alike and took the same mutations in the same order are alike: nothing
//! here depends on the node. A mutation is checked whole before anything of it is done.
//!
//! What a *parameter* may be is decided before (`params`); here only what depends on the sections
//! that are there.

mod change;
mod copying;
mod feed;
mod replicated;

pub use change::Mutation;
pub use copying::{Cursor, Piece};
pub use feed::Told;
pub use replicated::{Chunk, Content, Given, Query, Timed};

use crate::{Choice, Limits, error::Refused};
use ais_types::{
    Error, Payload, Time,
    ckpt::{
        CheckpointDescriptor, CreationAttributes, ReadElement, SectionDescriptor, SectionId,
        SectionState,
    },
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    data: Vec<u8>,
    expiration: Time,
    state: SectionState,
    last_update: Time,
}

/// The sections of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sections {
    attributes: CreationAttributes,
    created: Time,
    sections: BTreeMap<SectionId, Section>,
    /// Those that will go by themselves, by when.
    expiring: BTreeSet<(Time, SectionId)>,
    /// Bytes of data in all sections.
    used: u64,
    /// Octets of all section ids: they cost memory too.
    id_octets: u64,
    /// The number of the last id made up.
    generated: u64,
    /// How often there were as many sections as there may be when one was to be created, and how
    /// often one has gone after that, together: odd while none can be created.
    exhaustions: u64,
    /// While being filled: the section of which only the first bytes are here, and how many of
    /// them were copied.
    partial: Option<(SectionId, usize)>,
}

impl Sections {
    /// What a checkpoint with these attributes contains in the beginning (§3.4.3).
    #[must_use]
    pub fn new(attributes: CreationAttributes, created: Time) -> Self {
        let mut content = Self {
            attributes,
            created,
            sections: BTreeMap::new(),
            expiring: BTreeSet::new(),
            used: 0,
            id_octets: 0,
            generated: 0,
            exhaustions: 0,
            partial: None,
        };
        if attributes.max_sections == 1 {
            content.insert(SectionId::none(), Section::new(Vec::new(), Time::END, created));
        }
        content
    }

    /// Reads all elements at one point.
    ///
    /// # Errors
    /// The first element that cannot be read, with its index.
    pub fn read(&self, elements: &[ReadElement]) -> Result<Vec<Payload>, Error> {
        let mut total = 0_u64;
        let mut slices = Vec::new();
        for (element, index) in elements.iter().zip(0..) {
            let bytes = self.slice(element).map_err(|refused| Error::from(refused).at(index))?;
            total = total.saturating_add(bytes.len() as u64);
            slices.push(bytes);
        }
        if total > Limits::CALL_BYTES {
            return Err(Refused::call_too_large().into());
        }
        Ok(slices.into_iter().map(|it| Payload::from(it.to_vec())).collect())
    }

    /// Number of sections and bytes used.
    #[must_use]
    pub fn status(&self) -> CheckpointDescriptor {
        CheckpointDescriptor {
            attributes: self.attributes,
            number_of_sections: u32::try_from(self.sections.len()).unwrap_or(u32::MAX),
            memory_used: self.used,
        }
    }

    /// The first section after `last` that is chosen; `None` at the end.
    #[must_use]
    pub fn next(&self, last: Option<&SectionId>, choice: Choice) -> Option<SectionDescriptor> {
        use core::ops::Bound;
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut after = self.sections.range::<SectionId, _>((from, Bound::Unbounded));
        after.find(|(_, it)| choice.takes(it.expiration, it.state)).map(|(id, it)| it.describe(id))
    }

    /// When the next section goes by itself (wall clock).
    #[must_use]
    pub fn next_expiration(&self) -> Option<Time> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// How often all sections were in use, and not any more, together.
    #[must_use]
    pub const fn exhaustions(&self) -> u64 {
        self.exhaustions
    }

    /// How many sections are corrupted.
    #[must_use]
    pub fn corrupted(&self) -> u32 {
        let corrupted = self.sections.values().filter(|it| it.state == SectionState::Corrupted);
        u32::try_from(corrupted.count()).unwrap_or(u32::MAX)
    }

    /// Bytes of memory this costs, roughly and from above.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.used + self.id_octets + Limits::SECTION_OVERHEAD * self.sections.len() as u64
    }

    /// The bytes that an element names.
    fn slice(&self, element: &ReadElement) -> Result<&[u8], Refused> {
        let data = &self.valid(&element.section)?.data;
        let size = data.len() as u64;
        let from = usize::try_from(element.offset).ok().filter(|it| *it <= data.len());
        let Some(from) = from else {
            let (section, offset) = (element.section.clone(), element.offset);
            return Err(Refused::BeyondEnd { section, offset, size });
        };
        let wanted =
            element.size.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        Ok(&data[from..from.saturating_add(wanted).min(data.len())])
    }

    /// The section, if it is there and can be read and written.
    fn valid(&self, section: &SectionId) -> Result<&Section, Refused> {
        match self.sections.get(section) {
            None => Err(Refused::NoSection { section: section.clone() }),
            Some(Section { state: SectionState::Corrupted, .. }) => {
                Err(Refused::Corrupted { section: section.clone() })
            }
            Some(it) => Ok(it),
        }
    }

    /// Puts a section in, in the place of one with the same id.
    fn insert(&mut self, id: SectionId, section: Section) {
        self.remove(&id);
        if section.expiration != Time::END {
            self.expiring.insert((section.expiration, id.clone()));
        }
        self.used += section.data.len() as u64;
        self.id_octets += id.as_bytes().len() as u64;
        self.sections.insert(id, section);
    }

    fn remove(&mut self, id: &SectionId) -> Option<Section> {
        let section = self.sections.remove(id)?;
        self.expiring.remove(&(section.expiration, id.clone()));
        self.used -= section.data.len() as u64;
        self.id_octets -= id.as_bytes().len() as u64;
        Some(section)
    }
}

impl Section {
    fn new(data: Vec<u8>, expiration: Time, last_update: Time) -> Self {
        Self { data, expiration, state: SectionState::Valid, last_update }
    }

    fn describe(&self, id: &SectionId) -> SectionDescriptor {
        SectionDescriptor {
            section: id.clone(),
            expiration: self.expiration,
            size: self.data.len() as u64,
            state: self.state,
            last_update: self.last_update,
        }
    }
}
