//! What a member is told at its start, and the times that follow from it.

use crate::{Identity, Known, plug::PLUG_TIMEOUT, system_wall};
use ais_storage::Storage;
use ais_types::{NodeId, Role, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

/// What becomes of a member's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is in memory. A restarted voter has forgotten it, and counts as lost until the others
    /// have taken it in again. An entry costs no write.
    Memory,
    /// An entry counts when a majority of the voters has synced it to disk. Any number of voters
    /// may restart at once, and the group goes on.
    Disk,
}

/// A storage that is shared with a member.
#[derive(Clone)]
pub struct Store(pub Arc<dyn Storage>);

impl Store {
    /// Shares this storage.
    pub fn new(storage: impl Storage) -> Self {
        Self(Arc::new(storage))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("durable", &self.0.durable()).finish()
    }
}

/// How a member of a [`Raft`](super::Raft) group is set up. The same cluster, voters and failure
/// timeout everywhere.
#[derive(Clone, Debug)]
pub struct Config {
    /// Nodes of other clusters are not listened to.
    pub cluster: String,
    /// Who this node is. Its role is [`Role::Payload`] unless it is one of the voters.
    pub identity: Identity,
    /// The nodes that vote, witnesses among them.
    pub voters: BTreeSet<NodeId>,
    /// After this without a sign of life a member is ordered out: 100 ms to a minute.
    pub failure_timeout: Duration,
    /// Where the operator's configuration is saved, and the log if it is to outlive the process.
    /// `None`: nothing outlives it.
    pub storage: Option<Store>,
    /// What becomes of the log.
    pub log: Durability,
    /// Whether anybody who speaks for this cluster may be a member, or only who is known to it.
    pub open: bool,
    /// Who is known to it when it forms for the first time.
    pub nodes: BTreeMap<NodeId, Known>,
    /// What this node was invited with, if it is not known yet.
    pub secret: Option<u128>,
    /// How long messages wait for recovery plugs after a view; then it goes on without them.
    pub plug_timeout: Duration,
    /// Where chance comes from; drawn anew at each start, except in simulations.
    pub seed: u64,
    /// The wall clock; another than the system's only in simulations.
    pub wall: fn() -> Time,
}

/// A configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Numbers are counted from 1.
    #[error("node 0 cannot be: nodes are numbered from 1")]
    NodeZero,
    /// A group needs at least one voter.
    #[error("there are no voters: name at least one")]
    NoVoters,
    /// The role and the list of voters do not agree.
    #[error("node {0} is a {1:?}, and the list of voters says otherwise: change one of them")]
    Role(NodeId, Role),
    /// Nothing to write to.
    #[error("a log on disk needs a storage that is durable")]
    NoStorage,
    /// Out of range.
    #[error("a failure timeout of {0:?} is out of range: choose 100 ms to a minute")]
    FailureTimeout(Duration),
}

impl Config {
    /// A configuration with a failure timeout of 500 ms and the clock and chance of this machine.
    #[must_use]
    pub fn new(
        cluster: &str,
        identity: Identity,
        voters: impl IntoIterator<Item = NodeId>,
    ) -> Self {
        Self {
            cluster: cluster.into(),
            identity,
            voters: voters.into_iter().collect(),
            failure_timeout: Duration::from_millis(500),
            storage: None,
            log: Durability::Memory,
            open: true,
            nodes: BTreeMap::new(),
            secret: None,
            plug_timeout: PLUG_TIMEOUT,
            seed: fastrand::u64(..),
            wall: system_wall,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let Identity { node, role, .. } = &self.identity;
        let votes = *role != Role::Payload;
        if node.0 == 0 || self.voters.contains(&NodeId(0)) {
            return Err(ConfigError::NodeZero);
        }
        if self.voters.is_empty() {
            return Err(ConfigError::NoVoters);
        }
        if votes != self.voters.contains(node) {
            return Err(ConfigError::Role(*node, *role));
        }
        let range = Duration::from_millis(100)..=Duration::from_secs(60);
        if !range.contains(&self.failure_timeout) {
            return Err(ConfigError::FailureTimeout(self.failure_timeout));
        }
        let durable = self.storage.as_ref().is_some_and(|it| it.0.durable());
        if self.log == Durability::Disk && !durable {
            return Err(ConfigError::NoStorage);
        }
        Ok(())
    }

    /// Who is known from the start.
    pub(crate) fn known(&self) -> BTreeMap<NodeId, Known> {
        let mut known = self.nodes.clone();
        known.insert(self.identity.node, Known::from(&self.identity));
        known
    }

    /// How many voters are a majority.
    pub(crate) fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }
}

/// The times that follow from the failure timeout.
///
/// ```text
/// failure timeout   100 ms   200 ms   500 ms   1 s
/// margin             12 ms    25 ms    50 ms    50 ms    after the lease, before `Released`
/// lease              88 ms   175 ms   450 ms   950 ms    less by the margin
/// refuse             50 ms   100 ms   250 ms   500 ms    voters refuse another leader: a half
/// ```
///
/// A lease outlasts the time for which voters refuse another leader, so that the next one is
/// elected and renews the leases of everyone it reaches before they run out. What the former leader
/// granted may then still hold for a while: see [`Timing::former`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// A member not heard for this is out.
    pub(crate) failure: Duration,
    /// How long a lease holds.
    pub(crate) lease: Duration,
    /// How much later its holder has surely stopped.
    pub(crate) margin: Duration,
    /// For how long voters refuse another leader after they heard theirs, unless it has surely
    /// ended.
    pub(crate) refuse: Duration,
    /// Between pings to the leader.
    pub(crate) ping: Duration,
    /// Between signs of life to everyone, and the consensus library's own heartbeats.
    pub(crate) beat: Duration,
    /// How much later each next candidate campaigns.
    pub(crate) step: Duration,
    /// Between looks at what is due.
    pub(crate) tick: Duration,
    /// How fresh a call of `alive` must be to ask for a lease.
    pub(crate) alive: Duration,
}

impl Timing {
    pub(crate) fn new(failure: Duration) -> Self {
        let ms = Duration::from_millis;
        let margin = ms(50).min(failure / 8);
        Self {
            failure,
            lease: failure - margin,
            margin,
            refuse: failure / 2,
            ping: failure / 10,
            beat: failure / 5,
            step: failure / 16,
            tick: (failure / 25).clamp(ms(4), ms(20)),
            alive: ms(150),
        }
    }

    /// For how long after its election a lease of a former leader may still hold.
    ///
    /// A lease runs from a moment before a quorum heard that leader. One of that quorum voted for
    /// the new one: if it did so only after it had refused for its time (`waited`), the lease is
    /// that much older than the election.
    pub(crate) fn former(&self, waited: bool) -> Duration {
        if waited { self.lease - self.refuse } else { self.lease }
    }

    /// For how long the library itself refuses another leader after a sign of life.
    pub(crate) fn followed(&self) -> Duration {
        self.beat + Duration::from_millis(2)
    }

    /// The settings of the consensus library. It never elects by itself: members do, in turn.
    pub(crate) fn library(&self, cluster: &str) -> openraft::Config {
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        openraft::Config {
            cluster_name: cluster.into(),
            heartbeat_interval: ms(self.beat),
            // Members refuse for longer, by themselves: they know when a leader has surely ended.
            election_timeout_min: ms(self.followed()) - 1,
            election_timeout_max: ms(self.followed()),
            install_snapshot_timeout: 5_000,
            max_payload_entries: 256,
            snapshot_policy: openraft::SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: u64::MAX,
            enable_elect: false,
            ..openraft::Config::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_outlasts_an_election_and_ends_before_its_holder_is_ordered_out() {
        for millis in [100, 150, 200, 500, 1_000, 60_000] {
            let timing = Timing::new(Duration::from_millis(millis));
            timing.library("c").validate().unwrap();
            assert!(timing.lease + timing.margin <= timing.failure, "{millis}");
            // The third in turn, of leases that were last renewed a ping ago.
            let elected = timing.refuse + timing.tick * 2 + timing.step * 2;
            assert!(elected + timing.ping < timing.lease, "{millis}");
            assert!(timing.followed() < timing.refuse, "{millis}");
        }
    }
}
