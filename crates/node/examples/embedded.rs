//! A node in your own process: a service of one's own, a group of one, a program that calls it.
//!
//! `cargo run -p ais-node --example embedded`

use ais_client::{Caller, Endpoint, Node as NodeClient, Patience, Session, Wait};
use ais_group::{Identity, Solo};
use ais_node::{Adapter, NoLauncher, Node, NodeConfig, NodeHandle, NodeLimits, NodeParts};
use ais_service::{Entry, Input, Instant, Never, Now, Output, Service};
use ais_transport::Kind;
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, MemberId, Name, NodeId, Outcome, Payloads, Role,
    ServiceId, Time, Version,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::mpsc, thread};

/// A counter that is the same on every node. Whoever adds to it hears of every change after.
#[derive(Default)]
struct Counter {
    count: u64,
    listeners: BTreeSet<ClientId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Add(u64);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Count(u64);

impl Payloads for Add {}
impl Payloads for Count {}

impl Service for Counter {
    type Call = Add;
    type Reply = Count;
    type Callback = Count;
    type Message = Never;
    type Command = Add;
    type Snapshot = u64;
    type Kept = Never;
    const ID: ServiceId = ServiceId(1000);
    const NAME: &'static str = "counter";

    fn step(&mut self, _: Now, input: Input<Self>, out: &mut Vec<Output<Self>>) {
        match input {
            Input::Call(caller, add) => {
                self.listeners.insert(caller.client);
                out.push(Output::Reply(caller, Ok(Count(self.count))));
                out.push(Output::Order(add));
            }
            Input::Ordered(Entry { command: Add(more), .. }) => {
                self.count += more;
                let count = Count(self.count);
                out.extend(self.listeners.iter().map(|it| Output::Callback(*it, count.clone())));
            }
            Input::Closed(client) => {
                self.listeners.remove(&client);
            }
            Input::Kept(_, never) => match never {},
            Input::ProcessEnded(..)
            | Input::Cancelled(_)
            | Input::View(..)
            | Input::Released(..)
            | Input::Time(_)
            | Input::Barrier(_)
            | Input::Message(..)
            | Input::Link(..)
            | Input::Lease(_)
            | Input::Deadline
            | Input::Done(..) => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn group_deadline(&self) -> Option<GroupTime> {
        None
    }

    fn snapshot(&self) -> u64 {
        self.count
    }

    fn blank(&self) -> Self {
        Self::default()
    }

    fn restore(&mut self, _: MemberId, count: u64) {
        self.count = count;
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn start() -> Result<NodeHandle, Failure> {
    let name = Name::try_from("embedded")?;
    let identity = Identity {
        node: NodeId(1),
        name: name.clone(),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time::BEGIN,
    };
    let (cluster, limits) = ("example".to_owned(), NodeLimits::default());
    let config = NodeConfig { cluster, name, transport: Kind::Memory, socket: None, limits };
    let parts = NodeParts {
        group: Box::new(Solo::new(identity)),
        transport: None,
        launcher: Box::new(NoLauncher::default()),
        services: vec![Adapter::boxed(Counter::default())],
    };
    Ok(Node::start(config, parts)?)
}

/// A typed handle: the same text serves blocking and async sessions.
struct Handle<S>(S);

impl<S: Caller> Handle<S> {
    fn add(&self, more: u64) -> S::Answer<'_, u64> {
        self.0.ask(Add(more), Patience::USUAL, |Count(before)| Ok(before))
    }
}

/// A new node may not be a member yet.
fn open(endpoint: &Endpoint) -> Outcome<Session> {
    loop {
        match Session::open(endpoint, Counter::ID, Version::b(1, 1), "embedded") {
            Err(Error { code: ErrorCode::TryAgain, .. }) => thread::yield_now(),
            other => return other,
        }
    }
}

fn use_it(endpoint: &Endpoint) -> Outcome<()> {
    let counter = Handle(open(endpoint)?);
    for n in 1..=3 {
        println!("it was {}, adding {n}", counter.add(n)?);
        if let Some(Count(now)) = counter.0.next_callback(Wait::Forever)? {
            println!("now it is {now}");
        }
    }
    let status = NodeClient::<Session>::open(endpoint, "embedded")?.status()?;
    println!("{} drives {:?} for {} sessions", status.name, status.services, status.sessions);
    Ok(())
}

fn main() -> Result<(), Failure> {
    let (sender, started) = mpsc::channel();
    // The node has a thread of its own, whatever the program does with its threads.
    let node = thread::spawn(move || -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let handle = start()?;
            sender.send((handle.clone(), tokio::runtime::Handle::current()))?;
            handle.stopped().await;
            Ok(())
        })
    });
    let (handle, runtime) = started.recv()?;
    let program = handle.program();
    use_it(&Endpoint::inside(move || program.connect()))?;
    runtime.spawn(async move { handle.stop().await });
    node.join().map_err(|_| "the node's thread has failed")?
}
