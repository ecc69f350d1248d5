//! No acknowledged update is lost, none is invented.
//!
//! An update counts once it was acknowledged by all replicas, or synchronized. A read that begins
//! afterwards, wherever, finds it or a later one.

use super::Ledger;
use crate::programs::Kind;

/// What became of the one counter in a section.
#[derive(Default)]
pub(super) struct Section {
    attempted: u64,
    acknowledged: u64,
}

/// What a section must at least hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    pub(crate) section: u64,
    pub(crate) value: u64,
}

impl Ledger {
    /// A value is on its way into a section.
    pub(crate) fn attempted(&mut self, kind: Kind, section: u64, value: u64) {
        self.sections.entry((kind, section)).or_default().attempted = value;
    }

    /// A value is in a section, for good.
    pub(crate) fn acknowledged(&mut self, kind: Kind, section: u64, value: u64) {
        self.sections.entry((kind, section)).or_default().acknowledged = value;
        self.updates += 1;
    }

    /// What a read that begins now must find.
    pub(crate) fn promised(&self, kind: Kind) -> Vec<Floor> {
        let promised = self.sections.iter().filter(|((it, _), _)| *it == kind);
        promised
            .filter(|(_, it)| it.acknowledged > 0)
            .map(|((_, section), it)| Floor { section: *section, value: it.acknowledged })
            .collect()
    }

    /// What a read found.
    pub(crate) fn read(
        &mut self,
        kind: Kind,
        floors: &[Floor],
        values: &[Option<u64>],
    ) -> Result<(), String> {
        if floors.len() != values.len() {
            return Err(format!("asked for {} values, got {}", floors.len(), values.len()));
        }
        self.reads += 1;
        for (floor, value) in floors.iter().zip(values) {
            let attempted = self.sections.get(&(kind, floor.section)).map_or(0, |it| it.attempted);
            match value {
                Some(value) if (floor.value..=attempted).contains(value) => {}
                Some(value) if *value < floor.value => {
                    let Floor { section, value: promised } = floor;
                    return Err(format!(
                        "an acknowledged update is lost: section s{section} of {kind:?} holds \
                         {value}, after {promised} was acknowledged"
                    ));
                }
                other => {
                    return Err(format!(
                        "section s{} of {kind:?} holds {other:?}, and nobody wrote more than \
                         {attempted}",
                        floor.section
                    ));
                }
            }
        }
        Ok(())
    }
}
