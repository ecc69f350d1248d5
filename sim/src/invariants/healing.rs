//! In the calm everything heals: every node is a member that may act, every role gets things done.

use crate::world::World;
use ais_node::Core;
use ais_service::Lease;
use std::time::Duration;

/// How long after the last fault everything is healed.
pub(super) const HEALED: Duration = Duration::from_secs(10);
/// How recently every role must have got something done from then on.
pub(super) const RECENTLY: Duration = Duration::from_secs(5);

/// To be called when the calm is over.
pub(crate) fn healed(world: &mut World) {
    for node in world.nodes() {
        let host = world.host(node);
        let lease = host.core.as_ref().map(Core::lease);
        if host.member.is_none() || lease != Some(Lease::Held) {
            return world.fail(format!("after the calm {node} is {:?} {lease:?}", host.member));
        }
    }
    let now = world.now;
    for (node, part) in world.roles() {
        if let Some((from, to)) = world.ledger.idle.get(&(node, part)) {
            let what =
                format!("in the calm {part:?} on {node} did nothing from {from:?} to {to:?}");
            return world.fail(what);
        }
        let last = world.ledger.progress.get(&(node, part)).copied();
        if last.is_none_or(|it| it + RECENTLY < now) {
            return world.fail(format!(
                "after the calm {part:?} on {node} has done nothing since {last:?}"
            ));
        }
    }
}
