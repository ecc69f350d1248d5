//! Mutations: checked whole, then done whole.

use super::{Given, Section, Sections};
use crate::{Limits, error::Refused};
use ais_types::{
    Error, Payload, Payloads, Time,
    ckpt::{CreationAttributes, SectionId, SectionState, WriteElement},
};
use alloc::{collections::BTreeMap, vec::Vec};
use serde::{Deserialize, Serialize};

/// A change of the content. Travels from the asking node to the primary and on to the backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mutation {
    /// §3.7.1.
    Create {
        /// [`SectionId::none`]: make one up.
        section: SectionId,
        /// When it goes by itself.
        expiration: Time,
        /// Its first content.
        data: Payload,
    },
    /// §3.7.3.
    Delete {
        /// Which.
        section: SectionId,
    },
    /// §3.7.4.
    SetExpiration {
        /// Which.
        section: SectionId,
        /// When it goes by itself.
        expiration: Time,
    },
    /// §3.8.1.
    Write {
        /// In this order.
        elements: Vec<WriteElement>,
    },
    /// §3.8.2.
    Overwrite {
        /// Which.
        section: SectionId,
        /// The new content.
        data: Payload,
    },
    /// Sections whose time has come go (§3.1.2). The primary's own.
    Expire,
    /// §3.1.6: what an update that was cut off leaves behind. A fault, for tests.
    Corrupt {
        /// Which.
        section: SectionId,
    },
    /// What the primary makes of a mutation that its node has no memory for.
    NoRoom {
        /// Bytes.
        needed: u64,
    },
}

impl Payloads for Mutation {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Create { data, .. } | Self::Overwrite { data, .. } => visit(data),
            Self::Write { elements } => elements.payloads(visit),
            Self::Delete { .. }
            | Self::SetExpiration { .. }
            | Self::Expire
            | Self::Corrupt { .. }
            | Self::NoRoom { .. } => {}
        }
    }
}

impl Sections {
    /// Does all of a mutation at the wall time `at`, or nothing.
    ///
    /// # Errors
    /// Whatever makes it impossible with the sections that are there.
    pub fn change(&mut self, at: Time, mutation: &Mutation) -> Result<Given, Error> {
        let growth = self.growth(mutation);
        if growth > 0 && self.weight().saturating_add(growth) > Limits::CHECKPOINT_BYTES {
            return Err(Refused::checkpoint_too_large().into());
        }
        let done = |()| Given::Done;
        match mutation {
            Mutation::Create { section, expiration, data } => {
                self.create(section, *expiration, data, at)
            }
            Mutation::Delete { section } => self.delete(section).map(done),
            Mutation::SetExpiration { section, expiration } => {
                self.set_expiration(section, *expiration).map(done)
            }
            Mutation::Write { elements } => self.write(elements, at).map(done),
            Mutation::Overwrite { section, data } => self.overwrite(section, data, at).map(done),
            Mutation::Expire => {
                let due = self.expiring.iter().take_while(|it| it.0 <= at);
                let due: Vec<_> = due.take(Limits::EXPIRING).map(|it| it.1.clone()).collect();
                self.expire(&due);
                Ok(Given::Expired(due))
            }
            Mutation::Corrupt { section } => self.corrupt(section).map(done),
            Mutation::NoRoom { needed } => Err(Refused::NoRoom { needed: *needed }.into()),
        }
    }

    /// By how many bytes [`Sections::weight`] would grow at most.
    pub(super) fn growth(&self, mutation: &Mutation) -> u64 {
        match mutation {
            Mutation::Create { section, data, .. } => {
                let id = section.as_bytes().len().max(8) as u64;
                Limits::SECTION_OVERHEAD + id + data.len() as u64
            }
            Mutation::Write { elements } => {
                elements.iter().fold(0, |sum, it| u64::saturating_add(sum, self.reach(it)))
            }
            Mutation::Overwrite { data, .. } => data.len() as u64,
            Mutation::Delete { .. }
            | Mutation::SetExpiration { .. }
            | Mutation::Expire
            | Mutation::Corrupt { .. }
            | Mutation::NoRoom { .. } => 0,
        }
    }

    fn create(
        &mut self,
        section: &SectionId,
        expiration: Time,
        data: &[u8],
        at: Time,
    ) -> Result<Given, Error> {
        let CreationAttributes { max_sections, checkpoint_size, .. } = self.attributes;
        if max_sections == 1 {
            return Err(Refused::OnlyDefaultSection.into());
        }
        // 3.7.1: an id that is there comes before the room that is not.
        if self.sections.contains_key(section) {
            return Err(Refused::SectionExists { section: section.clone() }.into());
        }
        if self.sections.len() as u64 >= u64::from(max_sections) {
            self.exhausted();
            return Ok(Given::Exhausted { max: max_sections });
        }
        let needed = self.used.saturating_add(data.len() as u64);
        if needed > checkpoint_size {
            return Err(Refused::CheckpointFull { needed, size: checkpoint_size }.into());
        }
        let id = if section.is_none() { self.generate()? } else { section.clone() };
        self.insert(id.clone(), Section::new(data.to_vec(), expiration, at));
        Ok(Given::Created(id))
    }

    fn delete(&mut self, section: &SectionId) -> Result<(), Error> {
        match self.remove(section) {
            Some(_) => {
                self.available();
                Ok(())
            }
            None => Err(Refused::NoSection { section: section.clone() }.into()),
        }
    }

    fn corrupt(&mut self, section: &SectionId) -> Result<(), Error> {
        let Some(it) = self.sections.get_mut(section) else {
            return Err(Refused::NoSection { section: section.clone() }.into());
        };
        it.state = SectionState::Corrupted;
        Ok(())
    }

    fn set_expiration(&mut self, section: &SectionId, expiration: Time) -> Result<(), Error> {
        let Some(mut it) = self.remove(section) else {
            return Err(Refused::NoSection { section: section.clone() }.into());
        };
        it.expiration = expiration;
        self.insert(section.clone(), it);
        Ok(())
    }

    fn write(&mut self, elements: &[WriteElement], at: Time) -> Result<(), Error> {
        let mut sizes = BTreeMap::new();
        let mut grown = 0;
        for (element, index) in elements.iter().zip(0..) {
            let section = self.valid(&element.section);
            let section = section.map_err(|refused| Error::from(refused).at(index))?;
            let before = sizes.entry(&element.section).or_insert(section.data.len() as u64);
            let end = end_of(element);
            if !element.data.is_empty() && end > *before {
                grown += end - *before;
                *before = end;
            }
            let (needed, size) = (self.used.saturating_add(grown), self.attributes.checkpoint_size);
            if needed > size {
                return Err(Error::from(Refused::NoGrowth { needed, size }).at(index));
            }
        }
        for element in elements {
            self.write_one(element, at);
        }
        self.used += grown;
        Ok(())
    }

    /// One element, checked before.
    pub(super) fn write_one(&mut self, element: &WriteElement, at: Time) {
        if element.data.is_empty() {
            return;
        }
        let section = self.sections.get_mut(&element.section).expect("checked before");
        section.last_update = at;
        let from = usize::try_from(element.offset).expect("within the checkpoint's size");
        let to = from + element.data.len();
        if section.data.len() < to {
            section.data.resize(to, 0);
        }
        section.data[from..to].copy_from_slice(&element.data);
    }

    fn overwrite(&mut self, section: &SectionId, data: &[u8], at: Time) -> Result<(), Error> {
        let Some(it) = self.sections.get_mut(section) else {
            return Err(Refused::NoSection { section: section.clone() }.into());
        };
        let without = self.used - it.data.len() as u64;
        let (needed, size) =
            (without.saturating_add(data.len() as u64), self.attributes.checkpoint_size);
        if needed > size {
            return Err(Refused::NoGrowth { needed, size }.into());
        }
        it.data = data.to_vec();
        it.state = SectionState::Valid;
        it.last_update = at;
        self.used = needed;
        Ok(())
    }

    pub(super) fn expire(&mut self, sections: &[SectionId]) {
        for section in sections {
            self.remove(section);
            self.available();
        }
    }

    /// Digest §8.3: a section could not be created because there are as many as there may be.
    pub(super) const fn exhausted(&mut self) {
        self.exhaustions += 1 - self.exhaustions % 2;
    }

    /// A section has gone.
    pub(super) const fn available(&mut self) {
        self.exhaustions += self.exhaustions % 2;
    }

    /// By how many bytes an element reaches over the end of its section.
    fn reach(&self, element: &WriteElement) -> u64 {
        let size = self.sections.get(&element.section).map_or(0, |it| it.data.len() as u64);
        end_of(element).saturating_sub(size)
    }

    /// Makes up an id that is not in use.
    ///
    /// Ids are counted through, shortest first, and again from the beginning after the last of
    /// the allowed length. Among one more candidates than there are sections one is free.
    fn generate(&mut self) -> Result<SectionId, Refused> {
        let max = self.attributes.max_section_id_size;
        let mut number = self.generated;
        for _ in 0..=self.sections.len() {
            number += 1;
            let mut id = numbered(number);
            if id.as_bytes().len() as u64 > max {
                number = 1;
                id = numbered(number);
            }
            if max > 0 && !self.sections.contains_key(&id) {
                self.generated = number;
                return Ok(id);
            }
        }
        Err(Refused::NoIdFree { max })
    }
}

/// Behind the last byte of an element.
pub(super) fn end_of(element: &WriteElement) -> u64 {
    element.offset.saturating_add(element.data.len() as u64)
}

/// The `number`-th id, counted from 1: all of one octet, then all of two, and so on.
pub(super) fn numbered(mut number: u64) -> SectionId {
    let mut octets = Vec::new();
    while number > 0 {
        number -= 1;
        octets.push((number & 0xff) as u8);
        number >>= 8;
    }
    octets.reverse();
    SectionId::new(octets).expect("nine octets at most")
}
