//! Which sections an iteration is about (§3.4.9).

use ais_types::{
    Time,
    ckpt::{SectionState, SectionsChosen},
};
use serde::{Deserialize, Serialize};

/// A choice that was found valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    chosen: SectionsChosen,
    expiration: Time,
}

impl Choice {
    pub(crate) const fn new(chosen: SectionsChosen, expiration: Time) -> Self {
        Self { chosen, expiration }
    }

    /// Whether a section with these is chosen.
    pub(crate) fn takes(self, expiration: Time, state: SectionState) -> bool {
        match self.chosen {
            SectionsChosen::FOREVER => expiration == Time::END,
            SectionsChosen::LEQ_EXPIRATION_TIME => expiration <= self.expiration,
            SectionsChosen::GEQ_EXPIRATION_TIME => expiration >= self.expiration,
            SectionsChosen::CORRUPTED => state == SectionState::Corrupted,
            SectionsChosen::ANY => true,
            // `params::chosen` lets no other in.
            SectionsChosen(_) => false,
        }
    }
}
