//! What has to be the same on all members of a group, whatever their files say.

use super::{config::Durability, member::Member, packet::Hello};
use ais_types::Role;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What has to be the same everywhere.
///
/// With another failure timeout a lease could outlast the moment at which others count on its end.
/// With another durability what is acknowledged would outlive the nodes here and not there; a
/// witness has its log on disk in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(super) failure_timeout_ms: u64,
    /// Whether its log is on disk; `None` for a witness.
    pub(super) durable: Option<bool>,
}

impl Rules {
    /// Why a node with these rules and one with those cannot be in one group.
    pub(crate) fn clash(self, theirs: Self) -> Option<String> {
        let ms = Duration::from_millis;
        if self.failure_timeout_ms != theirs.failure_timeout_ms {
            let (own, other) = (ms(self.failure_timeout_ms), ms(theirs.failure_timeout_ms));
            return Some(format!(
                "its failure timeout is {own:?}, and theirs is {other:?}: set `failure_timeout_ms` \
                 to the same on all nodes"
            ));
        }
        match (self.durable, theirs.durable) {
            (Some(own), Some(other)) if own != other => {
                let word = |durable| if durable { "disk" } else { "memory" };
                let (own, other) = (word(own), word(other));
                Some(format!(
                    "its durability is {own:?}, and theirs is {other:?}: set `durability` to the \
                     same on all nodes"
                ))
            }
            (Some(_) | None, Some(_) | None) => None,
        }
    }
}

impl Member {
    pub(crate) fn rules(&self) -> Rules {
        let millis = self.config.failure_timeout.as_millis();
        let witness = self.config.identity.role == Role::Witness;
        Rules {
            failure_timeout_ms: u64::try_from(millis).unwrap_or(u64::MAX),
            durable: (!witness).then_some(self.config.log == Durability::Disk),
        }
    }

    /// Why this member and who said that cannot be in one group.
    pub(crate) fn clash(&self, hello: &Hello) -> Option<String> {
        self.rules().clash(hello.rules)
    }

    /// Ends if those who have a group have other rules: no admission could follow.
    pub(crate) fn leave_if_unfit(&mut self) {
        let members = self.link.hellos().filter(|it| it.member.is_some());
        let clash = |it: &Hello| Some((self.clash(it)?, it.applicant.identity.name.clone()));
        let found = { members }.find_map(clash);
        if let Some((clash, name)) = found {
            self.unfit = true;
            self.end(&format!("it does not fit into the group of {name}: {clash}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_values_are_named_and_a_witness_has_its_log_on_disk_anyway() {
        let rules = |failure_timeout_ms, durable| Rules { failure_timeout_ms, durable };
        let own = rules(500, Some(false));
        assert_eq!(own.clash(own), None);
        assert_eq!(own.clash(rules(500, None)), None);
        let text = own.clash(rules(700, None)).expect("another failure timeout");
        assert!(text.contains("500ms") && text.contains("700ms"), "{text}");
        let text = own.clash(rules(500, Some(true))).expect("another durability");
        assert!(text.contains("\"memory\"") && text.contains("\"disk\""), "{text}");
    }
}
