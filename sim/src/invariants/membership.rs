//! Who tracks the membership is told of views that there were, in their order.

use super::Ledger;
use ais_types::NodeId;

impl Ledger {
    /// A program that was told of view `before` is told of `view` with these members.
    ///
    /// A node whose new life replaces the former in one view first leaves and then joins: such a
    /// view may be told twice, first without it.
    pub(crate) fn tracked(&self, before: u64, view: u64, members: &[NodeId]) -> Result<(), String> {
        let Some(real) = self.views.get(&view) else {
            return Err(format!("told of view {view}, which there never was"));
        };
        let nodes = |joined: bool| -> Vec<NodeId> {
            let hosts = real.hosts().filter(|it| joined || it.joined_view < view);
            hosts.map(|it| it.id.node).collect()
        };
        let joins = nodes(true) != nodes(false);
        if view < before || view == before && !joins {
            return Err(format!("told of view {view} after view {before}"));
        }
        if members != nodes(true) && members != nodes(false) {
            return Err(format!("told that view {view} is {members:?} and not {:?}", nodes(true)));
        }
        Ok(())
    }
}
