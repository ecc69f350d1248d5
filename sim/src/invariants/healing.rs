//! In the calm everything heals: every node is a member that may act, every role gets things done.

use crate::world::World;
use ais_node::Core;
use ais_service::Lease;
use std::time::Duration;

/// How recently every role must have got something done when the calm ends.
const RECENTLY: Duration = Duration::from_secs(5);

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
        let last = world.ledger.progress.get(&(node, part)).copied();
        if last.is_none_or(|it| it + RECENTLY < now) {
            return world.fail(format!(
                "after the calm {part:?} on {node} has done nothing since {last:?}"
            ));
        }
    }
}
