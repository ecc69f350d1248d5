//! The service: one flat dispatch, then one function a call.

use crate::{
    Command, Kept, Operation, Refused, Settings, State,
    client::Client,
    query::{self, Asker, Known, QUERIES_MAX, Queries, Query},
    state::News,
    track,
};
use ais_service::{Caller, Entry, Input, Instant, Never, Now, Output, Service};
use ais_types::{
    ClientId, GroupTime, MemberId, Name, NodeId, ServiceId, Stamp, Time, TrackFlags, Unsupported,
    Version, View,
    clm::{Api, Buffer, Call, Callback, Callbacks, ClusterNode, Reply, Response, Step},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// Cluster membership.
#[derive(Debug, Default)]
pub struct Clm {
    settings: Settings,
    state: State,
    clients: BTreeMap<ClientId, Client>,
    queries: Queries,
    /// Calls that wait for the group's order, by who asked it and their number.
    pending: BTreeMap<(MemberId, u64), Pending>,
    /// What was last said that is to be kept, and how often that has changed.
    kept: Kept,
    kept_changes: u64,
    requests: u64,
    /// The configuration of this node was offered to the cluster.
    offered: bool,
}

/// A call that waits for its place in the group's order.
#[derive(Clone, Debug)]
enum Pending {
    Track(Caller, track::Request, Buffer),
    Respond(Caller),
    Operate(Caller),
}

type Out = Vec<Output<Clm>>;

impl Service for Clm {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Never;
    type Command = Command;
    type Snapshot = State;
    type Kept = Kept;

    const ID: ServiceId = ServiceId::CLM;
    const NAME: &'static str = "clm";

    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Out) {
        let ordered = input.group_time().is_some();
        match input {
            Input::Call(caller, call) => self.call(now, caller, call, out),
            Input::Cancelled(caller) => self.cancelled(caller),
            Input::Closed(client) => self.closed(client, out),
            Input::Ordered(Entry { stamp, from, command }) => {
                let news = self.state.apply(stamp, from, command);
                self.tell(news, out);
            }
            Input::ProcessEnded(stamp, process) => {
                self.drop_clients(|_, it| it.process == process);
                let news = self.state.process_ended(stamp, process);
                self.tell(news, out);
            }
            Input::Kept(_, kept) => self.state.recall(kept),
            Input::View(stamp, view) => self.view(stamp, view, out),
            Input::Time(stamp) => {
                let news = self.state.time(stamp);
                self.tell(news, out);
            }
            Input::Barrier(number) => self.barrier(number, out),
            Input::Deadline => self.overdue(now.at, out),
            Input::Message(_, message) => match message {},
            // A member is no member any more when it has left; when it has stopped acting, and
            // what nodes say to each other, is other services' business.
            Input::Released(..) | Input::Link(..) | Input::Lease(_) | Input::Done(..) => {}
        }
        if ordered {
            self.note_what_to_keep();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.queries.deadline()
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        self.state.deadline()
    }

    fn members(&self) -> Option<BTreeSet<MemberId>> {
        Some(self.state.membership().ids().collect())
    }

    fn kept(&self) -> Option<Kept> {
        Some(self.kept.clone())
    }

    fn kept_changes(&self) -> u64 {
        self.kept_changes
    }

    fn farewell(&self) -> Option<Command> {
        Some(Command::Farewell)
    }

    fn snapshot(&self) -> State {
        self.state.clone()
    }

    fn blank(&self) -> Self {
        Self::new(self.settings.clone())
    }

    fn restore(&mut self, _: MemberId, state: State) {
        self.state = state;
        self.note_what_to_keep();
    }
}

impl Clm {
    /// No membership yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    fn note_what_to_keep(&mut self) {
        let kept = self.state.kept();
        if kept != self.kept {
            self.kept = kept;
            self.kept_changes += 1;
        }
    }

    fn call(&mut self, now: Now, caller: Caller, call: Call, out: &mut Out) {
        let result = match call {
            Call::Initialize { api, version, callbacks } => {
                self.initialize(caller, api, version, callbacks).map(Some)
            }
            Call::Track { api, flags, buffer } => self.track(caller, api, flags, buffer, out),
            Call::TrackStop => self.track_stop(caller, out).map(Some),
            Call::NodeGet { api, node, timeout } => {
                self.node_get(now, caller, api, node, timeout, out)
            }
            Call::NodeGetAsync { invocation, node } => {
                self.node_get_async(caller, invocation, node, out)
            }
            Call::Response { invocation, response } => {
                self.response(caller, invocation, response, out)
            }
            Call::Admin { node, operation } => {
                self.operate(caller, node, Operation::Admin(operation), out)
            }
            Call::Remove { node, cause } => {
                self.operate(caller, node, Operation::Remove(cause), out)
            }
            Call::CreateNode { node } => {
                self.operate(caller, self.settings.dn(&node), Operation::Create, out)
            }
            Call::DeleteNode { node } => self.operate(caller, node, Operation::Delete, out),
            Call::ModifyNode { node, attribute } => {
                self.operate(caller, node, Operation::Modify(attribute), out)
            }
            Call::Configuration => self.configuration(caller).map(Some),
        };
        match result {
            Ok(Some(reply)) => out.push(Output::Reply(caller, Ok(reply))),
            Err(refused) => out.push(Output::Reply(caller, Err(refused.into()))),
            // Answered by itself, or later.
            Ok(None) => {}
        }
    }

    fn initialize(
        &mut self,
        caller: Caller,
        api: Api,
        version: Version,
        callbacks: Callbacks,
    ) -> Result<Reply, Refused> {
        if self.clients.contains_key(&caller.client) {
            return Err(Refused::Initialised);
        }
        let granted = match version.negotiate(&[api.version()]) {
            // Programs of release B.01 have an entry point of their own (clm.md §4).
            Ok(granted) if api == Api::B04 && version.major < 2 => {
                return Ok(Reply::VersionRefused(granted));
            }
            Ok(granted) => granted,
            Err(Unsupported(nearest)) => return Ok(Reply::VersionRefused(nearest)),
        };
        let client = Client {
            process: caller.process,
            api,
            major: version.major,
            callbacks,
            tracking: None,
            stops: 0,
            queries: 0,
            asked: false,
        };
        self.clients.insert(caller.client, client);
        Ok(Reply::Initialized(granted))
    }

    fn track(
        &mut self,
        caller: Caller,
        api: Api,
        flags: TrackFlags,
        buffer: Buffer,
        out: &mut Out,
    ) -> Result<Option<Reply>, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, api)?;
        let request = track::request(api, flags)?;
        track::check(client, caller.client.member, &self.state, request, buffer)?;
        match request.steps() {
            // Who is to be asked at steps is known to all before this call returns.
            Some(steps) if steps.any() || client.asked => {
                let me = caller.client.member;
                if let Some(needed) = track::lacks_room(me, &self.state, request, buffer) {
                    return Ok(Some(Reply::NoSpace(needed)));
                }
                client.asked |= steps.any();
                let (client, process) = (caller.client, caller.process);
                let request = self.ask(caller, Pending::Track(caller, request, buffer));
                out.push(Output::Order(Command::Track { client, process, steps, request }));
                Ok(None)
            }
            Some(_) | None => self.track_now(caller, request, buffer, out).map(Some),
        }
    }

    fn track_now(
        &mut self,
        caller: Caller,
        request: track::Request,
        buffer: Buffer,
        out: &mut Out,
    ) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        let me = caller.client.member;
        let answer = track::track(client, me, &self.state, request, buffer)?;
        let told = answer.callback.map(|it| Output::Callback(caller.client, it));
        out.extend(told);
        Ok(answer.reply)
    }

    fn track_stop(&mut self, caller: Caller, out: &mut Out) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        let me = caller.client.member.node;
        if client.knows_unavailable() && self.state.is_unconfigured(me) {
            return Err(Refused::Unconfigured(me));
        }
        client.tracking.take().ok_or(Refused::NotTracking)?;
        client.stops += 1;
        let stopped = Reply::Stopped(client.stops);
        release(caller.client, client, out);
        Ok(stopped)
    }

    fn node_get(
        &mut self,
        now: Now,
        caller: Caller,
        api: Api,
        node: NodeId,
        timeout: Time,
        out: &mut Out,
    ) -> Result<Option<Reply>, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, api)?;
        good_node(node)?;
        if timeout.0 < 0 {
            return Err(Refused::Parameter("the time-out is negative"));
        }
        let known = query::look_up(client, caller.client.member, &self.state, node);
        // A time-out of 0 always runs out, unless the call fails for what the node itself is.
        match known {
            Known::Now(Err(refused)) => Err(refused),
            Known::Now(Ok(_)) | Known::NotYet if timeout == Time::BEGIN => Err(Refused::TimedOut),
            Known::Now(Ok(node)) => Ok(Some(Reply::Node(node))),
            Known::NotYet => {
                let query = Query { asker: Asker::Waiting(caller), node };
                self.wait(query, now.at.after(timeout), out)?;
                Ok(None)
            }
        }
    }

    fn node_get_async(
        &mut self,
        caller: Caller,
        invocation: u64,
        node: NodeId,
        out: &mut Out,
    ) -> Result<Option<Reply>, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        good_node(node)?;
        if !client.callbacks.node_get {
            return Err(Refused::NoCallback("node get"));
        }
        match query::look_up(client, caller.client.member, &self.state, node) {
            Known::Now(Err(refused @ Refused::Unavailable(_))) => return Err(refused),
            Known::Now(found) => {
                out.push(Output::Reply(caller, Ok(Reply::Asked)));
                let node = found.map_err(|refused| refused.code());
                out.push(Output::Callback(caller.client, Callback::NodeGet { invocation, node }));
            }
            Known::NotYet => {
                let query = Query { asker: Asker::Callback(caller.client, invocation), node };
                self.wait(query, None, out)?;
                out.push(Output::Reply(caller, Ok(Reply::Asked)));
            }
        }
        Ok(None)
    }

    fn response(
        &mut self,
        caller: Caller,
        invocation: u64,
        response: Response,
        out: &mut Out,
    ) -> Result<Option<Reply>, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, Api::B04)?;
        let me = caller.client.member;
        let is_member = self.state.membership().contains(me);
        if client.knows_unavailable() && !is_member {
            return Err(Refused::Unavailable(me.node));
        }
        // What this node knows of is what the client was asked: it hears of both here.
        match (self.state.owes(caller.client, invocation), response) {
            (None, _) => return Err(Refused::NothingOwed(invocation)),
            (Some(Step::Validate), _) | (Some(_), Response::Ok | Response::Error) => {}
            (Some(_), Response::Rejected) => return Err(Refused::CannotReject(invocation)),
        }
        let client = caller.client;
        let request = self.ask(caller, Pending::Respond(caller));
        out.push(Output::Order(Command::Respond { client, invocation, response, request }));
        Ok(None)
    }

    fn operate(
        &mut self,
        caller: Caller,
        node: Name,
        operation: Operation,
        out: &mut Out,
    ) -> Result<Option<Reply>, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, Api::B04)?;
        let request = self.ask(caller, Pending::Operate(caller));
        out.push(Output::Order(Command::Operate { operation, node, request }));
        Ok(None)
    }

    fn configuration(&mut self, caller: Caller) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, Api::B04)?;
        Ok(Reply::Configuration(self.state.configuration(self.settings.cluster())))
    }

    /// Keeps a call until its entry is delivered here.
    fn ask(&mut self, caller: Caller, pending: Pending) -> u64 {
        self.requests += 1;
        self.pending.insert((caller.client.member, self.requests), pending);
        self.requests
    }

    fn wait(&mut self, query: Query, until: Option<Instant>, out: &mut Out) -> Result<(), Refused> {
        let client = self.clients.get_mut(&query.asker.client()).ok_or(Refused::NotInitialised)?;
        if client.queries == QUERIES_MAX {
            return Err(Refused::Queries(QUERIES_MAX));
        }
        client.queries += 1;
        out.push(Output::Barrier(self.queries.wait(query, until)));
        Ok(())
    }

    /// By now the own copy of the membership is as new as the question was.
    fn barrier(&mut self, number: u64, out: &mut Out) {
        let Some(query) = self.queries.settle(number) else { return };
        let id = query.asker.client();
        let Some(client) = self.clients.get(&id) else { return };
        let found = match query::look_up(client, id.member, &self.state, query.node) {
            Known::Now(found) => found,
            Known::NotYet => Err(client.no_member(query.node)),
        };
        self.answer(query, found, out);
    }

    fn overdue(&mut self, now: Instant, out: &mut Out) {
        while let Some(query) = self.queries.overdue(now) {
            self.answer(query, Err(Refused::TimedOut), out);
        }
    }

    fn answer(&mut self, query: Query, found: Result<ClusterNode, Refused>, out: &mut Out) {
        self.ended(query.asker.client());
        out.push(match query.asker {
            Asker::Waiting(caller) => {
                Output::Reply(caller, found.map(Reply::Node).map_err(Into::into))
            }
            Asker::Callback(client, invocation) => {
                let node = found.map_err(|refused| refused.code());
                Output::Callback(client, Callback::NodeGet { invocation, node })
            }
        });
    }

    fn cancelled(&mut self, caller: Caller) {
        for client in self.queries.forget(|it| *it == Asker::Waiting(caller)) {
            self.ended(client);
        }
    }

    /// A query of this client is over.
    fn ended(&mut self, client: ClientId) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.queries -= 1;
        }
    }

    fn closed(&mut self, id: ClientId, out: &mut Out) {
        if let Some(client) = self.clients.get_mut(&id) {
            release(id, client, out);
        }
        self.drop_clients(|it, _| it == id);
    }

    fn drop_clients(&mut self, gone: impl Fn(ClientId, &Client) -> bool) {
        self.clients.retain(|id, client| !gone(*id, client));
        let clients = &self.clients;
        self.queries.forget(|it| !clients.contains_key(&it.client()));
    }

    fn view(&mut self, stamp: Stamp, view: View, out: &mut Out) {
        let view = self.settings.under_dns(view);
        let news = self.state.view(stamp, &view);
        self.tell(news, out);
        let unknown = self.state.unknown(self.settings.nodes().iter());
        if !self.offered && !unknown.is_empty() {
            self.offered = true;
            out.push(Output::Order(Command::Configure(unknown)));
        }
    }

    /// What the news mean for this node's programs.
    fn tell(&mut self, news: Vec<News>, out: &mut Out) {
        for it in news {
            match it {
                News::Completed(transition) => {
                    for (id, client) in &self.clients {
                        let is_member = self.state.membership().contains(id.member);
                        let told = track::tell(client, id.member.node, is_member, &transition);
                        out.extend(told.map(|it| Output::Callback(*id, it)));
                    }
                }
                News::Step { step, to, announced, supervision } => {
                    for (id, invocation) in to {
                        let Some(client) = self.clients.get(&id) else { continue };
                        let me = id.member.node;
                        let told =
                            track::step(client, me, &announced, step, invocation, supervision);
                        out.extend(told.map(|it| Output::Callback(id, it)));
                    }
                }
                News::Answer { member, request, result } => {
                    if let Some(pending) = self.pending.remove(&(member, request)) {
                        self.decided(pending, result, out);
                    }
                }
            }
        }
    }

    fn decided(&mut self, pending: Pending, result: Result<(), Refused>, out: &mut Out) {
        let (caller, reply) = match pending {
            Pending::Track(caller, request, buffer) => {
                let tracked = result.and_then(|()| self.track_now(caller, request, buffer, out));
                match self.clients.get_mut(&caller.client) {
                    Some(client) if client.tracking.is_some() => {}
                    // The membership has outgrown the caller's array in the meantime.
                    Some(client) => release(caller.client, client, out),
                    // It has ended in the meantime, and all others know it only now.
                    None => out.push(Output::Order(Command::Release(caller.client))),
                }
                (caller, tracked)
            }
            Pending::Respond(caller) => (caller, result.map(|()| Reply::Responded)),
            Pending::Operate(caller) => (caller, result.map(|()| Reply::Done)),
        };
        out.push(Output::Reply(caller, reply.map_err(Into::into)));
    }
}

/// It owes nothing any more, and is not asked again.
fn release(id: ClientId, client: &mut Client, out: &mut Out) {
    if core::mem::take(&mut client.asked) {
        out.push(Output::Order(Command::Release(id)));
    }
}

fn initialised(
    clients: &mut BTreeMap<ClientId, Client>,
    caller: Caller,
) -> Result<&mut Client, Refused> {
    // Handles belong to the process that got them (ais-common.md §5).
    let client = clients.get_mut(&caller.client).filter(|it| it.process == caller.process);
    client.ok_or(Refused::NotInitialised)
}

fn of_generation(client: &Client, api: Api) -> Result<(), Refused> {
    if client.api == api { Ok(()) } else { Err(Refused::Generation(client.api)) }
}

fn good_node(node: NodeId) -> Result<(), Refused> {
    if node == NodeId(0) { Err(Refused::Parameter("0 is no node's id")) } else { Ok(()) }
}
