//! Where the replicas of a checkpoint are that is not collocated (§3.1.7.2).
//!
//! The first is on the creator's node, as many more as the setting says on others. Each
//! checkpoint begins its choice at another member, so they spread.

use crate::command::CheckpointId;
use ais_types::MemberId;
use alloc::{collections::BTreeSet, vec::Vec};

/// The members that a new checkpoint is placed on; the first leads.
pub(crate) fn begin(
    id: CheckpointId,
    creator: MemberId,
    hosts: &BTreeSet<MemberId>,
    copies: u32,
) -> Vec<MemberId> {
    let mut members: Vec<_> = hosts.get(&creator).copied().into_iter().collect();
    members.extend(further(id, &members, hosts, copies));
    members
}

/// The members that are to have a replica besides those who have one.
pub(crate) fn further(
    id: CheckpointId,
    there: &[MemberId],
    hosts: &BTreeSet<MemberId>,
    copies: u32,
) -> Vec<MemberId> {
    let missing = (copies as usize).saturating_sub(there.len());
    let free: Vec<_> = hosts.iter().filter(|it| !there.contains(it)).copied().collect();
    if free.is_empty() {
        return Vec::new();
    }
    let start = usize::try_from(id.0 % free.len() as u64).expect("less than a length");
    let ring = free[start..].iter().chain(&free[..start]);
    ring.take(missing).copied().collect()
}
