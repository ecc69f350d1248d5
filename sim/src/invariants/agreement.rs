//! The replicated parts are the same on every node at the same place of the log.

use crate::world::World;
use ais_node::Core;
use ais_types::MemberId;
use bytes::Bytes;

/// A state, and whose it was.
pub(crate) struct State {
    of: MemberId,
    bytes: Bytes,
}

/// One place in so many is compared while things happen.
const EVERY: u64 = 7;
/// States of places this far back are not needed any more.
const KEPT: u64 = 20_000;

/// A member has delivered the entry at this place.
pub(crate) fn delivered(world: &mut World, member: MemberId, index: u64) {
    if index.is_multiple_of(EVERY) {
        compare(world, member, index);
    }
}

/// Every member has delivered everything: all are equal.
pub(crate) fn at_the_end(world: &mut World) {
    let index = world.group.log.len() as u64;
    world.ledger.states.remove(&index);
    let members: Vec<MemberId> = world.hosts.iter().filter_map(|it| it.member).collect();
    for member in members.into_iter().filter(|it| world.behind(it.node) == 0).collect::<Vec<_>>() {
        compare(world, member, index);
    }
}

fn compare(world: &mut World, member: MemberId, index: u64) {
    let host = world.host(member.node);
    let Some(bytes) = host.core.as_ref().map(Core::snapshot) else { return };
    let states = &mut world.ledger.states;
    let state = states.entry(index).or_insert_with(|| State { of: member, bytes: bytes.clone() });
    let (same, of) = (state.bytes == bytes, state.of);
    while states.first_key_value().is_some_and(|(first, _)| first + KEPT < index) {
        states.pop_first();
    }
    if !same {
        world.fail(format!("at {index} the replicated state of {member} is not that of {of}"));
    }
}
