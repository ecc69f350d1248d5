//! A small service with every kind of input and output: a replicated map, watchers, and actions.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

pub mod stuck;

use ais_service::{
    Action, ActionId, Caller, Entry, Exit, Input, Instant, Lease, Now, Output, Run, Service, Spawn,
    Timers, Wait,
};
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, MemberId, Payload, Payloads, ProcessId, ServiceId, Time,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// Answered when ordered; everyone who watches is told.
    Put(String, Payload),
    /// Answered at once.
    Get(String),
    /// "Not there" only after a barrier.
    Find(String),
    /// Callbacks from now on.
    Watch,
    /// Answered after this long.
    Wait(Time),
    /// To another member, or to this one.
    Say(MemberId, String),
    /// Starts a process.
    Spawn(Vec<String>),
    /// Runs a command.
    Run(Vec<String>),
    /// Kills a process.
    Kill(ProcessId),
    /// What was seen, in order.
    Seen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    Done,
    Value(Payload),
    Exit(Exit),
    Seen(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Callback {
    Changed(String, Payload),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Put {
    key: String,
    value: Payload,
    caller: (ClientId, ProcessId, u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said(pub String);

impl Payloads for Call {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        if let Self::Put(_, value) = self {
            visit(value);
        }
    }
}

impl Payloads for Reply {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        if let Self::Value(value) = self {
            visit(value);
        }
    }
}

impl Payloads for Callback {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        let Self::Changed(_, value) = self;
        visit(value);
    }
}

impl Payloads for Put {
    fn payloads(&mut self, visit: &mut dyn FnMut(&mut Payload)) {
        visit(&mut self.value);
    }
}

impl Payloads for Said {}

#[derive(Default)]
pub struct Toy {
    map: BTreeMap<String, Vec<u8>>,
    watchers: Vec<ClientId>,
    waiting: Timers<Instant, Caller>,
    finding: BTreeMap<u64, (Caller, String)>,
    acting: BTreeMap<ActionId, Caller>,
    counted: u64,
    seen: Vec<String>,
    /// Whether its map is to outlive the cluster.
    keeps: bool,
    puts: u64,
}

impl Toy {
    pub const ID: ServiceId = ServiceId(100);

    /// One whose map outlives the cluster.
    pub fn keeping() -> Self {
        Self { keeps: true, ..Self::default() }
    }

    /// What was seen, in order.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    fn call(&mut self, now: Now, caller: Caller, call: Call, out: &mut Vec<Output<Self>>) {
        match call {
            Call::Put(key, value) => {
                let caller = (caller.client, caller.process, caller.request);
                out.push(Output::Order(Put { key, value, caller }));
            }
            Call::Get(key) => out.push(Output::Reply(caller, self.get(&key))),
            Call::Find(key) if self.map.contains_key(&key) => {
                out.push(Output::Reply(caller, self.get(&key)));
            }
            Call::Find(key) => {
                self.counted += 1;
                self.finding.insert(self.counted, (caller, key));
                out.push(Output::Barrier(self.counted));
            }
            Call::Watch => {
                self.watchers.push(caller.client);
                out.push(Output::Reply(caller, Ok(Reply::Done)));
            }
            Call::Wait(time) => {
                // Without an end, the caller waits until it gives up.
                if let Some(at) = now.at.after(time) {
                    self.waiting.set(caller, at);
                }
            }
            Call::Say(to, what) => {
                out.push(Output::Send(to, Said(what)));
                out.push(Output::Reply(caller, Ok(Reply::Done)));
            }
            Call::Spawn(command) => {
                let spawn = Spawn { command, environment: vec![] };
                self.act(caller, Action::Spawn(spawn), out);
            }
            Call::Run(command) => {
                let timeout = Duration::from_secs(5);
                let (environment, wait) = (vec![], Wait::Command);
                self.act(caller, Action::Run(Run { command, environment, timeout, wait }), out);
            }
            Call::Kill(process) => self.act(caller, Action::Kill(process), out),
            Call::Seen => out.push(Output::Reply(caller, Ok(Reply::Seen(self.seen.clone())))),
        }
    }

    fn act(&mut self, caller: Caller, action: Action, out: &mut Vec<Output<Self>>) {
        self.counted += 1;
        self.acting.insert(ActionId(self.counted), caller);
        out.push(Output::Perform(ActionId(self.counted), action));
    }

    fn get(&self, key: &str) -> Result<Reply, Error> {
        let value = self.map.get(key).ok_or_else(|| {
            Error::new(ErrorCode::NotExist, format!("there is no {key}; put it first"))
        })?;
        Ok(Reply::Value(value.clone().into()))
    }

    fn put(&mut self, put: Put, out: &mut Vec<Output<Self>>) {
        self.puts += 1;
        self.map.insert(put.key.clone(), put.value.to_vec());
        for watcher in &self.watchers {
            let callback = Callback::Changed(put.key.clone(), put.value.clone());
            out.push(Output::Callback(*watcher, callback));
        }
        let (client, process, request) = put.caller;
        out.push(Output::Reply(Caller { client, process, request }, Ok(Reply::Done)));
    }
}

impl Service for Toy {
    type Call = Call;
    type Reply = Reply;
    type Callback = Callback;
    type Message = Said;
    type Command = Put;
    type Snapshot = BTreeMap<String, Vec<u8>>;
    type Kept = BTreeMap<String, Vec<u8>>;
    const ID: ServiceId = Self::ID;
    const NAME: &'static str = "toy";

    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        match input {
            Input::Call(caller, call) => self.call(now, caller, call, out),
            Input::Cancelled(caller) => {
                self.waiting.clear(&caller);
                self.seen.push(format!("cancelled {}#{}", caller.client, caller.request));
            }
            Input::Closed(client) => {
                self.watchers.retain(|it| *it != client);
                self.seen.push(format!("closed {client}"));
            }
            Input::Ordered(Entry { command, .. }) => self.put(command, out),
            Input::ProcessEnded(_, process) => self.seen.push(format!("ended {process}")),
            Input::Kept(_, map) => self.map = map,
            Input::View(_, view) => self.seen.push(format!("view {}", view.number)),
            Input::Released(_, member) => self.seen.push(format!("released {member}")),
            Input::Time(_) => self.seen.push("time".to_owned()),
            Input::Barrier(number) => {
                if let Some((caller, key)) = self.finding.remove(&number) {
                    out.push(Output::Reply(caller, self.get(&key)));
                }
            }
            Input::Message(from, Said(what)) => self.seen.push(format!("{from} said {what}")),
            Input::Link(member, link) => self.seen.push(format!("link {member} {link:?}")),
            Input::Lease(Lease::Held) => self.seen.push("lease held".to_owned()),
            Input::Lease(Lease::Lost) => self.seen.push("lease lost".to_owned()),
            Input::Deadline => {
                while let Some(caller) = self.waiting.pop_due(now.at) {
                    out.push(Output::Reply(caller, Ok(Reply::Done)));
                }
            }
            Input::Done(action, exit) => {
                if let Some(caller) = self.acting.remove(&action) {
                    out.push(Output::Reply(caller, Ok(Reply::Exit(exit))));
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.next()
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        None
    }

    fn kept(&self) -> Option<Self::Kept> {
        self.keeps.then(|| self.map.clone())
    }

    fn kept_changes(&self) -> u64 {
        if self.keeps { self.puts } else { 0 }
    }

    fn snapshot(&self) -> Self::Snapshot {
        self.map.clone()
    }

    fn blank(&self) -> Self {
        Self::default()
    }

    fn restore(&mut self, _: MemberId, snapshot: Self::Snapshot) {
        self.map = snapshot;
    }
}
