//! Queries for one node that wait until it is certain that the node is no member.

use crate::{Refused, State, client::Client};
use ais_service::{Caller, Instant, Timers};
use ais_types::{
    ClientId, MemberId, NodeId,
    clm::{ClusterNode, LOCAL_NODE},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How many queries of one handle may wait; a program that does not read its answers is bounded.
pub(crate) const QUERIES_MAX: usize = 1024;

/// Who asked, and how the answer goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// `saClmClusterNodeGet`: the caller waits.
    Waiting(Caller),
    /// `saClmClusterNodeGetAsync`: a callback with this invocation.
    Callback(ClientId, u64),
}

impl Asker {
    pub(crate) fn client(&self) -> ClientId {
        match self {
            Self::Waiting(caller) => caller.client,
            Self::Callback(client, _) => *client,
        }
    }
}

/// One query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) asker: Asker,
    pub(crate) node: NodeId,
}

/// Queries under way, by the number of the barrier they wait for.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    last: u64,
    waiting: BTreeMap<u64, Query>,
    timers: Timers<Instant, u64>,
}

impl Queries {
    /// Keeps a query; the barrier with the returned number settles it.
    pub(crate) fn wait(&mut self, query: Query, until: Option<Instant>) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, query);
        if let Some(until) = until {
            self.timers.set(self.last, until);
        }
        self.last
    }

    /// The query that this barrier settles, if it still waits.
    pub(crate) fn settle(&mut self, barrier: u64) -> Option<Query> {
        self.timers.clear(&barrier);
        self.waiting.remove(&barrier)
    }

    /// A query whose time is up.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<Query> {
        let barrier = self.timers.pop_due(now)?;
        self.waiting.remove(&barrier)
    }

    /// When the next one's time is up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Forgets queries whose asker is gone; tells whose they were.
    pub(crate) fn forget(&mut self, gone: impl Fn(&Asker) -> bool) -> Vec<ClientId> {
        let of_them = self.waiting.iter().filter(|(_, query)| gone(&query.asker));
        let numbers: Vec<u64> = of_them.map(|(number, _)| *number).collect();
        numbers.iter().filter_map(|it| self.settle(*it)).map(|it| it.asker.client()).collect()
    }
}

/// What is known at once.
pub(crate) enum Known {
    /// The answer.
    Now(Result<ClusterNode, Refused>),
    /// Someone elsewhere may just have admitted it: certain only after a barrier.
    NotYet,
}

/// Looks a node up in this node's own copy of the membership.
pub(crate) fn look_up(client: &Client, me: MemberId, state: &State, node: NodeId) -> Known {
    let node = if node == LOCAL_NODE { me.node } else { node };
    if !state.membership.contains(me) {
        return Known::Now(on_a_stranger(client, me, state, node));
    }
    match state.membership.member(node) {
        Some(node) => Known::Now(Ok(node)),
        None => Known::NotYet,
    }
}

/// On a node that is no member: programs since B.03 learn just that, older ones may ask for their
/// own node (clm.md §5.8).
fn on_a_stranger(
    client: &Client,
    me: MemberId,
    state: &State,
    node: NodeId,
) -> Result<ClusterNode, Refused> {
    if client.knows_unavailable() {
        Err(Refused::Unavailable(me.node))
    } else if node == me.node {
        Ok(ClusterNode { member: false, ..state.node(node) })
    } else {
        Err(client.no_member(node))
    }
}
