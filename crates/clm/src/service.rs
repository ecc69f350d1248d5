//! The service: one flat dispatch, then one function a call.

use crate::{
    Membership, Refused,
    client::Client,
    query::{self, Asker, Known, QUERIES_MAX, Queries, Query},
    track,
};
use ais_service::{Caller, Input, Instant, Never, Now, Output, Service};
use ais_types::{
    ClientId, GroupTime, MemberId, NodeId, ServiceId, Time, TrackFlags, Unsupported, Version, View,
    clm::{Api, Buffer, Call, Callback, Callbacks, ClusterNode, Reply},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// Cluster membership.
#[derive(Debug, Default)]
pub struct Clm {
    membership: Membership,
    clients: BTreeMap<ClientId, Client>,
    queries: Queries,
}

type Out = Vec<Output<Clm>>;

impl Service for Clm {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Never;
    type Command = Never;
    type Snapshot = Membership;

    const ID: ServiceId = ServiceId::CLM;
    const NAME: &'static str = "clm";

    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Out) {
        match input {
            Input::Call(caller, call) => self.call(now, caller, call, out),
            Input::Cancelled(caller) => self.cancelled(caller),
            Input::Closed(client) => self.closed(|id, _| id == client),
            Input::ProcessEnded(_, process) => self.closed(|_, it| it.process == process),
            Input::View(_, view) => self.view(&view, out),
            Input::Barrier(number) => self.barrier(number, out),
            Input::Deadline => self.overdue(now.at, out),
            Input::Ordered(entry) => match entry.command {},
            Input::Message(_, message) => match message {},
            // A member is no member any more when it has left; when it has stopped acting, and
            // what nodes say to each other, is other services' business.
            Input::Released(..)
            | Input::Time(_)
            | Input::Link(..)
            | Input::Lease(_)
            | Input::Done(..) => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.queries.deadline()
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        None
    }

    fn snapshot(&self) -> Membership {
        self.membership.clone()
    }

    fn restore(&mut self, _: MemberId, membership: Membership) {
        self.membership = membership;
    }
}

impl Clm {
    /// No membership yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn call(&mut self, now: Now, caller: Caller, call: Call, out: &mut Out) {
        let result = match call {
            Call::Initialize { api, version, callbacks } => {
                self.initialize(caller, api, version, callbacks).map(Some)
            }
            Call::Track { api, flags, buffer } => {
                self.track(caller, api, flags, buffer, out).map(Some)
            }
            Call::TrackStop => self.track_stop(caller).map(Some),
            Call::NodeGet { api, node, timeout } => {
                self.node_get(now, caller, api, node, timeout, out)
            }
            Call::NodeGetAsync { invocation, node } => {
                self.node_get_async(caller, invocation, node, out)
            }
            Call::Response { invocation, .. } => self.response(caller, invocation).map(Some),
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
    ) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, api)?;
        let request = track::request(api, flags)?;
        let me = caller.client.member;
        let answer = track::track(client, me, &self.membership, request, buffer)?;
        let told = answer.callback.map(|it| Output::Callback(caller.client, it));
        out.extend(told);
        Ok(answer.reply)
    }

    fn track_stop(&mut self, caller: Caller) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        client.tracking.take().ok_or(Refused::NotTracking)?;
        client.stops += 1;
        Ok(Reply::Stopped(client.stops))
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
        let known = query::look_up(client, caller.client.member, &self.membership, node);
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
        match query::look_up(client, caller.client.member, &self.membership, node) {
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

    /// No step is ever under way yet, so no response is owed.
    fn response(&mut self, caller: Caller, invocation: u64) -> Result<Reply, Refused> {
        let client = initialised(&mut self.clients, caller)?;
        of_generation(client, Api::B04)?;
        Err(Refused::NothingOwed(invocation))
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
        let found = match query::look_up(client, id.member, &self.membership, query.node) {
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

    fn closed(&mut self, gone: impl Fn(ClientId, &Client) -> bool) {
        self.clients.retain(|id, client| !gone(*id, client));
        let clients = &self.clients;
        self.queries.forget(|it| !clients.contains_key(&it.client()));
    }

    fn view(&mut self, view: &View, out: &mut Out) {
        for transition in self.membership.apply(view) {
            for (id, client) in &self.clients {
                let is_member = self.membership.contains(id.member);
                let told = track::tell(client, id.member.node, is_member, &transition);
                out.extend(told.map(|it| Output::Callback(*id, it)));
            }
        }
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
