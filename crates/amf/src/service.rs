//! The service: one flat dispatch.

use crate::apply::Verdict;
use crate::children::Children;
use crate::clients::Clients;
use crate::command::Command;
use crate::kept::Kept;
use crate::ledger::{Deed, Effect};
use crate::state::State;
use ais_service::{Entry, Input, Instant, Never, Now, Output, Service};
use ais_types::amf::{Call, Callback, Model, Reply};
use ais_types::{GroupTime, MemberId, NodeId, ServiceId};
use alloc::vec::Vec;

/// Availability management on one node.
#[derive(Debug)]
pub struct Amf {
    node: NodeId,
    pub(crate) me: Option<MemberId>,
    /// The model of this node's configuration: offered to a cluster without one.
    model: Option<Model>,
    offered: bool,
    pub(crate) state: State,
    pub(crate) clients: Clients,
    pub(crate) children: Children,
    /// This node has ordered a `Continue` that is not delivered yet.
    continuing: bool,
}

/// The replicated part of [`Amf`].
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Snapshot(State);

impl Amf {
    /// The core of one node. `model`, if any, was [checked](crate::check()); it becomes the
    /// cluster's model if that has none when this node is admitted.
    #[must_use]
    pub fn new(node: NodeId, model: Option<Model>) -> Self {
        Self {
            node,
            me: None,
            model,
            offered: false,
            state: State::default(),
            clients: Clients::default(),
            children: Children::default(),
            continuing: false,
        }
    }

    fn ordered(&mut self, entry: Entry<Command>, out: &mut Vec<Output<Self>>) {
        let Entry { stamp, from, command } = entry;
        let mine = self.me == Some(from);
        let request = request_of(&command);
        let started = match &command {
            Command::Started { component, .. } if mine => Some(component.clone()),
            _ => None,
        };
        if mine && command == Command::Continue {
            self.continuing = false;
        }
        let verdict: Verdict = self.state.apply(stamp, from, command);
        if let (true, Some(request), Some(result)) = (mine, request, verdict) {
            self.decided(request, result, out);
        }
        if let Some(component) = started {
            self.start_known(component, out);
        }
    }

    /// The cluster has no model yet and this node's configuration has one.
    fn offer_model(&mut self, out: &mut Vec<Output<Self>>) {
        if self.state.model.is_none()
            && !self.offered
            && let Some(model) = self.model.clone()
        {
            self.offered = true;
            out.push(Output::Order(Command::Load { request: None, model }));
        }
    }

    /// Does what is this node's to do.
    fn perform(&mut self, out: &mut Vec<Output<Self>>) {
        let effects = core::mem::take(&mut self.state.ledger.effects);
        for Effect { member, deed } in effects {
            if self.me != Some(member) {
                continue;
            }
            match deed {
                Deed::Start { number, component, spawn } => {
                    self.start(number, component, spawn, out);
                }
                Deed::Clean { number, component, run } => self.clean(number, component, run, out),
                Deed::Ask(client, callback) => out.push(Output::Callback(client, callback)),
                Deed::Answer(request, result) => self.decided(request, result, out),
            }
        }
        self.go_on_with_groups(out);
    }

    /// One member has the rest done that an entry was too short for.
    fn go_on_with_groups(&mut self, out: &mut Vec<Output<Self>>) {
        let first = self.state.view.hosts().next().map(|it| it.id);
        if !self.state.touched.is_empty() && self.me == first && !self.continuing {
            self.continuing = true;
            out.push(Output::Order(Command::Continue));
        }
    }
}

fn request_of(command: &Command) -> Option<u64> {
    match command {
        Command::Load { request, .. }
        | Command::Unregister { request, .. }
        | Command::Error { request, .. } => *request,
        Command::Admin { request, .. }
        | Command::Register { request, .. }
        | Command::Answer { request, .. }
        | Command::QuiescingComplete { request, .. } => Some(*request),
        Command::Started { .. }
        | Command::NotStarted { .. }
        | Command::EndedEarly { .. }
        | Command::Cleaned { .. }
        | Command::Continue => None,
    }
}

impl Service for Amf {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Never;
    type Command = Command;
    type Snapshot = Snapshot;
    type Kept = Kept;

    const ID: ServiceId = ServiceId::AMF;
    const NAME: &'static str = "amf";
    const UNAVAILABLE_SINCE: u8 = 3;

    fn step(&mut self, _: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        match input {
            Input::Call(caller, call) => self.call(caller, call, out),
            Input::Cancelled(caller) => self.cancelled(caller),
            Input::Closed(client) => self.closed(client, out),
            Input::Ordered(entry) => self.ordered(entry, out),
            Input::ProcessEnded(stamp, process) => {
                self.child_ended(process);
                self.process_gone(process);
                self.state.process_ended(stamp, process);
            }
            Input::Kept(stamp, kept) => self.state.recall(stamp, kept),
            Input::View(stamp, view) => {
                self.me = self.me.or_else(|| view.member(self.node).map(|it| it.id));
                self.state.view(stamp, view);
                self.offer_model(out);
            }
            Input::Released(stamp, member) => self.state.released(stamp, member),
            Input::Time(stamp) => self.state.time(stamp),
            Input::Barrier(number) => self.settled_doubt(number, out),
            Input::Done(action, exit) => self.done(action, exit, out),
            Input::Message(_, never) => match never {},
            // No data path, no local timers; without a lease the node answers nobody, and its
            // components are ended by their keeper.
            Input::Link(..) | Input::Lease(_) | Input::Deadline => {}
        }
        self.perform(out);
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        self.state.ledger.alarms.next()
    }

    fn kept(&self) -> Option<Kept> {
        self.state.kept()
    }

    fn kept_changes(&self) -> u64 {
        self.state.kept_changes
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot(self.state.clone())
    }

    fn blank(&self) -> Self {
        Self::new(self.node, self.model.clone())
    }

    fn restore(&mut self, me: MemberId, snapshot: Snapshot) {
        self.me = Some(me);
        self.state = snapshot.0;
    }
}
