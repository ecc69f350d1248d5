//! The replicated part: what is configured, who is a member, and what is under way. The same on
//! every node at the same place in the group's order.

use crate::{
    Membership, Refused,
    change::{Change, Kind},
    command::{Command, ConfiguredName, Steps},
    membership::{Transition, Why, describe, down},
};
use ais_types::{
    ClientId, GroupTime, Member, MemberId, Name, NodeId, ProcessId, Stamp, Time, View,
    clm::{AdminState, ClusterNode, Configuration, ConfiguredNode, Step},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// How long a lock waits, unless its node is configured otherwise.
pub(crate) const LOCK_CALLBACK_TIMEOUT: Time = Time(50 * Time::ONE_SECOND.0);

/// How many nodes may be configured.
pub(crate) const NODES_MAX: usize = 4096;

/// The replicated part of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) membership: Membership,
    /// Who is up: in the group's view, a member or not.
    up: BTreeMap<NodeId, Member>,
    /// The configuration, by DN.
    pub(crate) nodes: BTreeMap<Name, Node>,
    /// Taken out of the configuration by an operator: not put in again when they come up.
    pub(crate) deleted: BTreeSet<Name>,
    /// Who wants to be asked at steps.
    pub(crate) trackers: BTreeMap<ClientId, Tracker>,
    /// Members that have said good-bye, and are still in the view.
    leaving: BTreeSet<MemberId>,
    /// The last invocation given.
    pub(crate) invocations: u64,
    /// When the first membership came about (wall clock).
    initialised: Time,
}

/// A configured node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Its number, once known.
    pub(crate) id: Option<NodeId>,
    pub(crate) admin: AdminState,
    pub(crate) lock_callback_timeout: Time,
    pub(crate) environment: Name,
    /// This life was removed, and comes back only as another.
    pub(crate) removed: Option<MemberId>,
    /// What is under way.
    pub(crate) change: Option<Change>,
}

/// Who wants to be asked at steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tracker {
    pub(crate) process: ProcessId,
    pub(crate) steps: Steps,
}

/// What an input comes to; each node does what is its own of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// To all who track changes: it is done.
    Completed(Transition),
    /// To these clients: it is asked, or called off.
    Step { step: Step, to: Vec<(ClientId, u64)>, announced: Transition, supervision: Time },
    /// To who asked for it.
    Answer { member: MemberId, request: u64, result: Result<(), Refused> },
}

impl Default for State {
    fn default() -> Self {
        Self {
            membership: Membership::default(),
            up: BTreeMap::new(),
            nodes: BTreeMap::new(),
            deleted: BTreeSet::new(),
            trackers: BTreeMap::new(),
            leaving: BTreeSet::new(),
            invocations: 0,
            initialised: Time::UNKNOWN,
        }
    }
}

impl Node {
    pub(crate) fn new(id: Option<NodeId>) -> Self {
        Self {
            id,
            admin: AdminState::Unlocked,
            lock_callback_timeout: LOCK_CALLBACK_TIMEOUT,
            environment: Name::default(),
            removed: None,
            change: None,
        }
    }
}

impl State {
    /// Who is a member.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// What is known of a node, which may be no member.
    pub(crate) fn node(&self, node: NodeId) -> ClusterNode {
        let member = || self.membership.member(node);
        let up = || {
            let it = self.up.get(&node)?;
            let configured = self.nodes.get(&it.name);
            let environment = configured.map(|it| it.environment.clone()).unwrap_or_default();
            Some(describe(it, &environment, false, 0))
        };
        member().or_else(up).unwrap_or_else(|| down(node, Name::default(), Name::default()))
    }

    /// Whether the node is up and not part of the configuration.
    pub(crate) fn is_unconfigured(&self, node: NodeId) -> bool {
        self.up.get(&node).is_some_and(|it| !self.nodes.contains_key(&it.name))
    }

    /// The configured node that an operator means: by its DN, or by the value of its first RDN.
    pub(crate) fn find(&self, named: &Name) -> Option<Name> {
        if self.nodes.contains_key(named) {
            return Some(named.clone());
        }
        let mut meant = self.nodes.keys().filter(|it| short(it) == named.as_bytes());
        let found = meant.next()?;
        meant.next().is_none().then(|| found.clone())
    }

    /// The life of this node that is a member.
    pub(crate) fn member_of(&self, name: &Name) -> Option<MemberId> {
        let up = self.up.values().find(|it| it.name == *name)?.id;
        self.membership.contains(up).then_some(up)
    }

    /// For operators.
    pub(crate) fn configuration(&self, cluster: Name) -> Configuration {
        let node = |(name, it): (&Name, &Node)| {
            let up = self.up.values().find(|up| up.name == *name);
            let id = up.map(|it| it.id.node).or(it.id).unwrap_or(NodeId(0));
            ConfiguredNode {
                node: match up {
                    Some(_) => self.node(id),
                    None => down(id, name.clone(), it.environment.clone()),
                },
                up: up.is_some(),
                admin: it.admin,
                lock_callback_timeout: it.lock_callback_timeout,
                changing: it.change.is_some(),
            }
        };
        Configuration {
            name: cluster,
            initialised: self.initialised,
            view: self.membership.number(),
            nodes: self.nodes.iter().map(node).collect(),
        }
    }

    /// Which of these nodes the configuration does not know.
    pub(crate) fn unknown<'a>(
        &self,
        nodes: impl Iterator<Item = &'a ConfiguredName>,
    ) -> Vec<ConfiguredName> {
        let is_new = |it: &&ConfiguredName| {
            !self.nodes.contains_key(&it.name) && !self.deleted.contains(&it.name)
        };
        nodes.filter(is_new).cloned().collect()
    }

    /// When a lock under way has waited long enough.
    pub(crate) fn deadline(&self) -> Option<GroupTime> {
        self.nodes.values().filter_map(|it| it.change.as_ref()?.due).min()
    }

    pub(crate) fn apply(&mut self, stamp: Stamp, from: MemberId, command: Command) -> Vec<News> {
        let mut news = Vec::new();
        let own = |client: ClientId| client.member == from;
        match command {
            Command::Configure(nodes) => {
                for it in self.unknown(nodes.iter()) {
                    self.configure(it.name, Some(it.id));
                }
                self.refresh(stamp, &Why::UNPLANNED, &mut news);
            }
            Command::Track { client, process, steps, request } if own(client) => {
                self.trackers.remove(&client);
                if steps.any() {
                    self.trackers.insert(client, Tracker { process, steps });
                }
                news.push(News::Answer { member: from, request, result: Ok(()) });
            }
            Command::Release(client) if own(client) => {
                self.forget(stamp, &|it, _| it == client, &mut news);
            }
            Command::Respond { client, invocation, response, request } if own(client) => {
                let result = self.respond(client, invocation, response);
                news.push(News::Answer { member: from, request, result });
                self.go_on(stamp, &mut news);
            }
            Command::Operate { operation, node, request } => {
                self.operate(stamp, operation, &node, (from, request), &mut news);
            }
            Command::Farewell => {
                self.leaving.insert(from);
            }
            // A member that speaks for another's client is not heeded.
            Command::Track { .. } | Command::Release(_) | Command::Respond { .. } => {}
        }
        news
    }

    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) -> Vec<News> {
        let mut news = Vec::new();
        self.forget(stamp, &|_, of| of == process, &mut news);
        news
    }

    pub(crate) fn time(&mut self, stamp: Stamp) -> Vec<News> {
        let mut news = Vec::new();
        for node in self.nodes.values_mut() {
            if let Some(change) = &mut node.change
                && change.due.is_some_and(|due| due <= stamp.time)
            {
                change.owed.clear();
            }
        }
        self.go_on(stamp, &mut news);
        news
    }

    /// The group's view, its members under their DNs.
    pub(crate) fn view(&mut self, stamp: Stamp, view: &View) -> Vec<News> {
        let mut news = Vec::new();
        let left: Vec<Member> =
            self.up.values().filter(|it| !view.contains(it.id)).cloned().collect();
        self.up = view.members.iter().map(|it| (it.id.node, it.clone())).collect();
        for member in view.hosts() {
            match self.nodes.get_mut(&member.name) {
                Some(node) => node.id = Some(member.id.node),
                None if self.deleted.contains(&member.name) => {}
                None => self.configure(member.name.clone(), Some(member.id.node)),
            }
        }
        let answers = self.finish_without(&left);
        let cause = match left.as_slice() {
            [one] if self.leaving.contains(&one.id) => Some(one.name.clone()),
            _ => None,
        };
        self.refresh(stamp, &Why { cause, ..Why::UNPLANNED }, &mut news);
        news.extend(answers);
        self.leaving.retain(|it| view.contains(*it));
        self.forget(stamp, &|client, _| !view.contains(client.member), &mut news);
        news
    }

    /// What is under way for lives that have ended is over: their nodes are out.
    fn finish_without(&mut self, left: &[Member]) -> Vec<News> {
        let mut answers = Vec::new();
        for member in left {
            let Some(node) = self.nodes.get_mut(&member.name) else { continue };
            let Some(change) = node.change.take() else { continue };
            match change.kind {
                Kind::Lock | Kind::Shutdown => node.admin = AdminState::Locked,
                Kind::Remove(_) => {}
            }
            answers.push(change.answer(Ok(())));
        }
        answers
    }

    pub(crate) fn configure(&mut self, name: Name, id: Option<NodeId>) {
        if self.nodes.len() < NODES_MAX {
            self.nodes.insert(name, Node::new(id));
        }
    }

    /// The membership follows what is up and what is configured.
    pub(crate) fn refresh(&mut self, stamp: Stamp, why: &Why, news: &mut Vec<News>) {
        let wanted = self.up.values().filter_map(|it| {
            let node = self.nodes.get(&it.name)?;
            let may = it.role != ais_types::Role::Witness
                && node.admin != AdminState::Locked
                && node.removed != Some(it.id);
            may.then(|| (it.clone(), node.environment.clone()))
        });
        let wanted = wanted.collect();
        let transitions = self.membership.become_these(wanted, why);
        if !transitions.is_empty() && self.initialised == Time::UNKNOWN {
            self.initialised = Time(stamp.wall);
        }
        news.extend(transitions.into_iter().map(News::Completed));
    }
}

/// The value of a DN's first RDN.
fn short(name: &Name) -> &[u8] {
    let bytes = name.as_bytes();
    let end = bytes.iter().position(|it| *it == b',').unwrap_or(bytes.len());
    let start = bytes.iter().position(|it| *it == b'=').map_or(0, |at| at + 1);
    bytes.get(start..end).unwrap_or(bytes)
}
