//! Who tracks the membership is told of it in its order, and all are told the same.

use super::Ledger;
use ais_types::NodeId;

impl Ledger {
    /// A program that was told of membership `before` is told of `number` with these members.
    ///
    /// CLM counts memberships by itself: a node whose new life replaces the former in one view of
    /// the group first leaves and then joins.
    pub(crate) fn tracked(
        &mut self,
        before: u64,
        number: u64,
        members: &[NodeId],
    ) -> Result<(), String> {
        if number <= before {
            return Err(format!("told of membership {number} after {before}"));
        }
        let known = self.memberships.entry(number).or_insert_with(|| members.to_vec());
        if known != members {
            return Err(format!("told that membership {number} is {members:?}, others {known:?}"));
        }
        Ok(())
    }
}
