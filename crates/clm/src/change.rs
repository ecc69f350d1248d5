//! Operations on the configuration, and the steps by which a member is taken out (clm.md §7, §11).

use crate::{
    Refused,
    command::Operation,
    membership::{Transition, Why},
    state::{NODES_MAX, News, Node, State},
};
use ais_types::{
    ClientId, GroupTime, MemberId, Name, NodeId, ProcessId, Stamp, Time,
    clm::{self, AdminOperation, AdminState, Attribute, Response, Step},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Who asked, and the number of the call there.
type Asked = (MemberId, u64);

/// A member is being taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    asked: Asked,
    /// VALIDATE or START.
    step: Step,
    /// Whose responses are waited for.
    pub(crate) owed: BTreeMap<ClientId, Owed>,
    /// Who was asked at any step: they hear if it is called off.
    told: BTreeSet<ClientId>,
    rejected: bool,
    /// Missing responses are not waited for any longer then.
    pub(crate) due: Option<GroupTime>,
}

/// Why a member is being taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Lock,
    Shutdown,
    /// By platform management, for this cause.
    Remove(Name),
}

/// A response that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    invocation: u64,
    process: ProcessId,
}

impl Kind {
    /// What trackers are told that becomes of the node.
    fn change(&self) -> clm::Change {
        match self {
            Self::Lock | Self::Remove(_) => clm::Change::Left,
            Self::Shutdown => clm::Change::Shutdown,
        }
    }

    fn cause(&self, node: &Name) -> Name {
        match self {
            Self::Remove(cause) => cause.clone(),
            Self::Lock | Self::Shutdown => node.clone(),
        }
    }
}

impl Change {
    pub(crate) fn answer(&self, result: Result<(), Refused>) -> News {
        answer(self.asked, result)
    }
}

fn answer((member, request): Asked, result: Result<(), Refused>) -> News {
    News::Answer { member, request, result }
}

impl State {
    /// Does what an operator orders, or begins to.
    pub(crate) fn operate(
        &mut self,
        stamp: Stamp,
        operation: Operation,
        node: &Name,
        asked: Asked,
        news: &mut Vec<News>,
    ) {
        let result = match operation {
            Operation::Create => self.create(stamp, node, news),
            Operation::Admin(it) => return self.admin(stamp, it, node, asked, news),
            Operation::Remove(cause) => return self.remove(stamp, cause, node, asked, news),
            Operation::Delete => self.delete(node),
            Operation::Modify(it) => self.modify(stamp, it, node, news),
        };
        news.push(answer(asked, result));
    }

    fn create(&mut self, stamp: Stamp, node: &Name, news: &mut Vec<News>) -> Result<(), Refused> {
        if node.is_empty() {
            return Err(Refused::Parameter("a node has a name"));
        }
        if self.find(node).is_some() {
            return Err(Refused::NodeExists(node.clone()));
        }
        if self.nodes.len() >= NODES_MAX {
            return Err(Refused::Nodes(NODES_MAX));
        }
        self.deleted.remove(node);
        self.configure(node.clone(), None);
        self.refresh(stamp, &Why::operation(node), news);
        Ok(())
    }

    fn delete(&mut self, node: &Name) -> Result<(), Refused> {
        let name = self.find(node).ok_or_else(|| Refused::NoNode(node.clone()))?;
        if self.nodes[&name].admin != AdminState::Locked {
            return Err(Refused::NotLocked(name));
        }
        self.nodes.remove(&name);
        // Bounded like the configuration itself: the oldest of too many may come back by itself.
        if self.deleted.len() >= NODES_MAX {
            self.deleted.pop_first();
        }
        self.deleted.insert(name);
        Ok(())
    }

    fn modify(
        &mut self,
        stamp: Stamp,
        attribute: Attribute,
        node: &Name,
        news: &mut Vec<News>,
    ) -> Result<(), Refused> {
        let name = self.find(node).ok_or_else(|| Refused::NoNode(node.clone()))?;
        let node = self.configured(&name);
        match attribute {
            Attribute::LockCallbackTimeout(it) if it.0 <= 0 => {
                return Err(Refused::Parameter("a lock callback time-out is more than 0"));
            }
            Attribute::LockCallbackTimeout(it) => node.lock_callback_timeout = it,
            Attribute::ExecutionEnvironment(it) => node.environment = it,
        }
        self.refresh(stamp, &Why::operation(&name), news);
        Ok(())
    }

    fn configured(&mut self, name: &Name) -> &mut Node {
        self.nodes.get_mut(name).expect("it was found a moment ago")
    }

    /// The state machine of clm.md §11.
    fn admin(
        &mut self,
        stamp: Stamp,
        operation: AdminOperation,
        node: &Name,
        asked: Asked,
        news: &mut Vec<News>,
    ) {
        let Some(name) = self.find(node) else {
            return news.push(answer(asked, Err(Refused::NoNode(node.clone()))));
        };
        let node = &self.nodes[&name];
        let kind = node.change.as_ref().map(|it| &it.kind);
        let no_op = || Refused::NoOp(name.clone(), node.admin);
        let refused = match (operation, kind, node.admin) {
            (AdminOperation::UNLOCK, Some(Kind::Shutdown), _) => {
                return self.call_off_shutdown(&name, asked, news);
            }
            (AdminOperation::LOCK, Some(Kind::Shutdown), _) => {
                let change = self.configured(&name).change.take();
                news.extend(change.map(|it| it.answer(Err(Refused::Interrupted(name.clone())))));
                self.take_out(stamp, &name, &Kind::Lock, news);
                return news.push(answer(asked, Ok(())));
            }
            (AdminOperation::SHUTDOWN, Some(Kind::Shutdown), _)
            | (AdminOperation::LOCK | AdminOperation::SHUTDOWN, None, AdminState::Locked)
            | (AdminOperation::UNLOCK, None, AdminState::Unlocked) => no_op(),
            (
                AdminOperation::UNLOCK | AdminOperation::LOCK | AdminOperation::SHUTDOWN,
                Some(Kind::Lock | Kind::Remove(_)),
                _,
            ) => Refused::UnderWay(name.clone()),
            (AdminOperation::LOCK, None, AdminState::Unlocked) => {
                return self.begin(stamp, &name, Kind::Lock, asked, news);
            }
            (AdminOperation::SHUTDOWN, None, AdminState::Unlocked) => {
                return self.begin(stamp, &name, Kind::Shutdown, asked, news);
            }
            // Shutting down without a shutdown under way: cannot be.
            (AdminOperation::UNLOCK, None, AdminState::Locked | AdminState::ShuttingDown) => {
                self.configured(&name).admin = AdminState::Unlocked;
                self.refresh(stamp, &Why::operation(&name), news);
                return news.push(answer(asked, Ok(())));
            }
            (AdminOperation::LOCK | AdminOperation::SHUTDOWN, None, AdminState::ShuttingDown) => {
                self.take_out(stamp, &name, &Kind::Lock, news);
                return news.push(answer(asked, Ok(())));
            }
            (other, _, _) => Refused::NoOperation(other),
        };
        news.push(answer(asked, Err(refused)));
    }

    fn remove(
        &mut self,
        stamp: Stamp,
        cause: Name,
        node: &Name,
        asked: Asked,
        news: &mut Vec<News>,
    ) {
        let refused = match self.find(node) {
            None => Refused::NoNode(node.clone()),
            Some(name) if self.nodes[&name].change.is_some() => Refused::UnderWay(name),
            Some(name) if self.member_of(&name).is_none() => Refused::NotIn(name),
            Some(name) => return self.begin(stamp, &name, Kind::Remove(cause), asked, news),
        };
        news.push(answer(asked, Err(refused)));
    }

    /// Asks who wants to be asked, and goes on at once if that is nobody.
    fn begin(&mut self, stamp: Stamp, name: &Name, kind: Kind, asked: Asked, news: &mut Vec<News>) {
        if self.member_of(name).is_none() {
            self.configured(name).admin = AdminState::Locked;
            return news.push(answer(asked, Ok(())));
        }
        let step = match kind {
            Kind::Lock | Kind::Shutdown => Step::Start,
            Kind::Remove(_) => Step::Validate,
        };
        let node = self.configured(name);
        if kind == Kind::Shutdown {
            node.admin = AdminState::ShuttingDown;
        }
        let (owed, told) = (BTreeMap::new(), BTreeSet::new());
        node.change = Some(Change { kind, asked, step, owed, told, rejected: false, due: None });
        self.ask(stamp, name, step, news);
        self.go_on(stamp, news);
    }

    /// Asks all who want to be asked at this step.
    fn ask(&mut self, stamp: Stamp, name: &Name, step: Step, news: &mut Vec<News>) {
        let Some(member) = self.member_of(name) else { return };
        let mut to = Vec::new();
        let mut owed = BTreeMap::new();
        for (client, it) in &self.trackers {
            let wants = if step == Step::Start { it.steps.start } else { it.steps.validate };
            let concerned = !it.steps.local || client.member.node == member.node;
            // On a node that is no member nothing is known of others.
            if wants && concerned && self.membership.contains(client.member) {
                self.invocations += 1;
                let invocation = self.invocations;
                owed.insert(*client, Owed { invocation, process: it.process });
                to.push((*client, invocation));
            }
        }
        let node = self.nodes.get_mut(name).expect("it is a member");
        let limit = node.lock_callback_timeout;
        let Some(change) = &mut node.change else { return };
        let supervised = step == Step::Start && change.kind == Kind::Lock;
        change.step = step;
        change.told.extend(owed.keys());
        change.owed = owed;
        change.due = (supervised && !to.is_empty()).then(|| stamp.time.after(limit)).flatten();
        let announced = change.kind.change();
        let cause = Some(change.kind.cause(name));
        let announced = self.membership.announce(member.node, announced, cause);
        let supervision = if supervised { limit } else { Time::UNKNOWN };
        if !to.is_empty() {
            news.push(News::Step { step, to, announced, supervision });
        }
    }

    /// What waits for nobody any more goes on.
    pub(crate) fn go_on(&mut self, stamp: Stamp, news: &mut Vec<News>) {
        let ready = |(name, node): (&Name, &Node)| {
            let ready = node.change.as_ref().is_some_and(|it| it.owed.is_empty());
            ready.then(|| name.clone())
        };
        while let Some(name) = self.nodes.iter().find_map(ready) {
            let change = self.nodes[&name].change.as_ref().expect("it is ready");
            match (change.step, change.rejected) {
                (Step::Validate, false) => {
                    self.ask(stamp, &name, Step::Start, news);
                    // The step is START now, also if that is nobody's business.
                    if let Some(it) = &mut self.configured(&name).change {
                        it.step = Step::Start;
                    }
                }
                (Step::Validate, true) => {
                    let change = self.configured(&name).change.take().expect("it is ready");
                    self.tell_aborted(&name, &change, news);
                    news.push(change.answer(Err(Refused::Rejected(name))));
                }
                (Step::Start | Step::Aborted | Step::Completed, _) => {
                    let change = self.configured(&name).change.take().expect("it is ready");
                    self.take_out(stamp, &name, &change.kind, news);
                    news.push(change.answer(Ok(())));
                }
            }
        }
    }

    /// The node is no member any more.
    fn take_out(&mut self, stamp: Stamp, name: &Name, kind: &Kind, news: &mut Vec<News>) {
        let member = self.member_of(name);
        let node = self.configured(name);
        match kind {
            Kind::Lock | Kind::Shutdown => node.admin = AdminState::Locked,
            Kind::Remove(_) => node.removed = member,
        }
        let why = Why { cause: Some(kind.cause(name)), left: kind.change() };
        self.refresh(stamp, &why, news);
        // Whoever is no member cannot respond.
        self.drop_owed(&|client, _| Some(client.member) == member);
        self.go_on(stamp, news);
    }

    /// clm.md §11.5: it stays a member.
    fn call_off_shutdown(&mut self, name: &Name, asked: Asked, news: &mut Vec<News>) {
        let node = self.configured(name);
        node.admin = AdminState::Unlocked;
        let Some(change) = node.change.take() else { return };
        self.tell_aborted(name, &change, news);
        news.push(change.answer(Err(Refused::Interrupted(name.clone()))));
        if let Some(node) = self.node_of(name) {
            let done = self.membership.announce(node, clm::Change::Unlock, Some(name.clone()));
            news.push(News::Completed(done));
        }
        news.push(answer(asked, Ok(())));
    }

    fn node_of(&self, name: &Name) -> Option<NodeId> {
        self.member_of(name).map(|it| it.node)
    }

    fn tell_aborted(&self, name: &Name, change: &Change, news: &mut Vec<News>) {
        let Some(node) = self.node_of(name) else { return };
        let to = change.told.iter().map(|it| (*it, 0)).collect();
        let cause = Some(change.kind.cause(name));
        let announced: Transition = self.membership.announce(node, change.kind.change(), cause);
        news.push(News::Step { step: Step::Aborted, to, announced, supervision: Time::BEGIN });
    }

    /// Takes a response.
    pub(crate) fn respond(
        &mut self,
        client: ClientId,
        invocation: u64,
        response: Response,
    ) -> Result<(), Refused> {
        let changes = self.nodes.values_mut().filter_map(|it| it.change.as_mut());
        let owes = |it: &&mut Change| {
            it.owed.get(&client).is_some_and(|owed| owed.invocation == invocation)
        };
        let change = { changes }.find(owes).ok_or(Refused::NothingOwed(invocation))?;
        if response == Response::Rejected && change.step != Step::Validate {
            return Err(Refused::CannotReject(invocation));
        }
        change.owed.remove(&client);
        change.rejected |= response == Response::Rejected;
        Ok(())
    }

    /// The step that this invocation asked the client at, if its response is waited for.
    pub(crate) fn owes(&self, client: ClientId, invocation: u64) -> Option<Step> {
        self.nodes.values().filter_map(|it| it.change.as_ref()).find_map(|it| {
            it.owed.get(&client).filter(|owed| owed.invocation == invocation).map(|_| it.step)
        })
    }

    /// Clients that are gone are asked nothing, and owe nothing.
    pub(crate) fn forget(
        &mut self,
        stamp: Stamp,
        gone: &dyn Fn(ClientId, ProcessId) -> bool,
        news: &mut Vec<News>,
    ) {
        self.trackers.retain(|client, it| !gone(*client, it.process));
        self.drop_owed(gone);
        self.go_on(stamp, news);
    }

    fn drop_owed(&mut self, gone: &dyn Fn(ClientId, ProcessId) -> bool) {
        for change in self.nodes.values_mut().filter_map(|it| it.change.as_mut()) {
            change.owed.retain(|client, it| !gone(*client, it.process));
        }
    }
}
