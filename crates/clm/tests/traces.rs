//! What the service does, input by input. The recorded traces are read before they are accepted.

use ais_clm::{Clm, Command, Settings};
use ais_service::{Caller, Entry, Input, Instant, Now, Output, Service};
use ais_types::{
    ClientId, Error, GroupTime, Incarnation, Member, MemberId, Name, NodeId, ProcessId, Role,
    Stamp, Time, TrackFlags, View,
    clm::{
        AdminOperation, Api, Attribute, Buffer, Call, Callback, Callbacks, LOCAL_NODE,
        Notification, Reply, Response, Step,
    },
};
use std::{collections::VecDeque, fmt::Write, time::Duration};

struct Trace {
    clm: Clm,
    now: Instant,
    requests: u64,
    index: u64,
    ordered: VecDeque<Command>,
    text: String,
}

impl Trace {
    fn new() -> Self {
        Self {
            clm: Clm::new(Settings::new("test")),
            now: Instant::START,
            requests: 0,
            index: 0,
            ordered: VecDeque::new(),
            text: String::new(),
        }
    }

    fn step(&mut self, what: &str, input: Input<Clm>) {
        let _ = writeln!(self.text, "{what}");
        let mut out = Vec::new();
        self.clm.step(Now { at: self.now, wall: Time(0) }, input, &mut out);
        for output in out {
            let _ = writeln!(self.text, "    {}", show(&output));
            if let Output::Order(command) = output {
                self.ordered.push_back(command);
            }
        }
    }

    /// What was ordered comes back.
    fn settle(&mut self) {
        while let Some(command) = self.ordered.pop_front() {
            self.index += 1;
            let time =
                GroupTime(u64::try_from(self.now.since_start().as_nanos()).expect("not that long"));
            let stamp = Stamp { index: self.index, time, wall: 0 };
            let what = format!("ordered {command:?}");
            self.step(&what, Input::Ordered(Entry { stamp, from: member(), command }));
        }
    }

    fn order(&mut self, client: u64, call: Call) {
        self.call(client, call);
        self.settle();
    }

    fn time(&mut self, passed: Duration) {
        self.now = self.now + passed;
        let time =
            GroupTime(u64::try_from(self.now.since_start().as_nanos()).expect("not that long"));
        self.step(&format!("{passed:?} pass"), Input::Time(Stamp { time, ..Stamp::default() }));
    }

    fn call(&mut self, client: u64, call: Call) {
        self.requests += 1;
        let caller =
            Caller { client: id(client), process: process(client), request: self.requests };
        self.step(&format!("c{client} {call:?}"), Input::Call(caller, call));
    }

    fn initialize(&mut self, client: u64, api: Api) {
        let callbacks = Callbacks { node_get: true, track: true };
        self.call(client, Call::Initialize { api, version: api.version(), callbacks });
    }

    /// `a b.2`: nodes, with their incarnation if it is not the first.
    fn view(&mut self, nodes: &str) {
        let members = nodes.split_whitespace().map(|it| {
            let (name, life) = it.split_once('.').unwrap_or((it, "1"));
            let number = u32::from(name.as_bytes()[0] - b'a' + 1);
            Member {
                id: MemberId {
                    node: NodeId(number),
                    incarnation: Incarnation(life.parse().expect("a number")),
                },
                name: Name::new(name).expect("short"),
                role: if name == "w" { Role::Witness } else { Role::Voter },
                addresses: vec![format!("10.0.0.{number}:4000")],
                boot_time: Time(5),
                joined_view: 0,
            }
        });
        let view = View { number: 0, members: members.collect() };
        self.step(&format!("view {nodes}"), Input::View(Stamp::default(), view));
    }
}

fn member() -> MemberId {
    MemberId { node: NodeId(1), incarnation: Incarnation(1) }
}

fn id(number: u64) -> ClientId {
    ClientId { member: member(), number }
}

fn process(number: u64) -> ProcessId {
    ProcessId { member: member(), number }
}

fn show(output: &Output<Clm>) -> String {
    match output {
        Output::Reply(caller, Ok(Reply::Current(it))) => {
            format!("reply c{} {}", caller.client.number, notification(it))
        }
        Output::Reply(caller, Ok(reply)) => format!("reply c{} {reply:?}", caller.client.number),
        Output::Reply(caller, Err(Error { code, text, .. })) => {
            format!("reply c{} {}: {text}", caller.client.number, code.short_name())
        }
        Output::Callback(client, Callback::Track(it)) => {
            let mut text =
                format!("tell c{} #{} members {}", client.number, it.tracking, it.members);
            if it.step != Step::Completed {
                let _ =
                    write!(text, " {:?} {} for {}", it.step, it.invocation, it.time_supervision);
            }
            if let Some(cause) = &it.root_cause {
                let _ = write!(text, " because of {cause}");
            }
            format!("{text}, {}", notification(&it.notification))
        }
        Output::Callback(client, Callback::NodeGet { invocation, node }) => {
            let node = node.as_ref().map(|it| it.name.to_string()).map_err(|it| it.short_name());
            format!("tell c{} node-get {invocation} {node:?}", client.number)
        }
        Output::Barrier(number) => format!("barrier {number}"),
        Output::Order(_) => "order".to_owned(),
        Output::Send(..) | Output::Perform(..) => unreachable!("CLM does not"),
    }
}

fn notification(it: &Notification) -> String {
    let items = it.items.iter().map(|it| {
        format!("{} {:?} since {}", short(&it.node.name), it.change, it.node.initial_view)
    });
    format!("view {}: {}", it.view, items.collect::<Vec<_>>().join(", "))
}

fn short(name: &Name) -> String {
    let text = name.to_string();
    text.trim_start_matches("safNode=").trim_end_matches(",safCluster=test").to_owned()
}

fn track(flags: TrackFlags, buffer: Buffer) -> Call {
    Call::Track { api: Api::B04, flags, buffer }
}

#[test]
fn tracking() {
    let mut trace = Trace::new();
    trace.view("a b");
    trace.initialize(1, Api::B04);
    trace.initialize(2, Api::B04);
    trace.initialize(3, Api::B04);
    trace.call(1, track(TrackFlags::CURRENT | TrackFlags::CHANGES, Buffer::None));
    trace.call(2, track(TrackFlags::CURRENT | TrackFlags::CHANGES_ONLY, Buffer::Items(1)));
    trace.call(2, Call::TrackStop);
    trace.call(2, track(TrackFlags::CURRENT | TrackFlags::CHANGES_ONLY, Buffer::Items(2)));
    trace.call(3, track(TrackFlags::CHANGES | TrackFlags::LOCAL, Buffer::None));
    trace.view("a b c");
    trace.view("a b c w");
    trace.view("a c.2 w");
    trace.call(1, Call::TrackStop);
    trace.call(1, Call::TrackStop);
    trace.step("process 2 ends", Input::ProcessEnded(Stamp::default(), process(2)));
    trace.view("a");
    insta::assert_snapshot!(trace.text);
}

#[test]
fn queries() {
    let mut trace = Trace::new();
    trace.view("a b w");
    let get = |node| Call::NodeGet { api: Api::B04, node, timeout: Time::ONE_SECOND };
    trace.call(1, get(LOCAL_NODE));
    trace.initialize(1, Api::B04);
    trace.initialize(2, Api::B01);
    trace.call(1, get(LOCAL_NODE));
    trace.call(2, get(LOCAL_NODE));
    // Not in this node's copy, and there when the copy has caught up.
    trace.call(1, get(NodeId(3)));
    trace.view("a b c w");
    trace.step("barrier 1 is back", Input::Barrier(1));
    // Not there; a witness is none either.
    trace.call(1, get(NodeId(23)));
    trace.call(1, Call::NodeGetAsync { invocation: 7, node: NodeId(77) });
    trace.call(2, Call::NodeGetAsync { invocation: 8, node: NodeId(77) });
    for number in 2..=4 {
        trace.step(&format!("barrier {number} is back"), Input::Barrier(number));
    }
    // Time runs out before it is certain; the late barrier means nothing.
    trace.call(1, get(NodeId(77)));
    trace.now = trace.now + Duration::from_secs(1);
    trace.step("deadline", Input::Deadline);
    trace.step("barrier 5 is back", Input::Barrier(5));
    // Nobody waits any more.
    trace.call(1, Call::NodeGetAsync { invocation: 9, node: NodeId(77) });
    trace.step("c1 finalizes", Input::Closed(id(1)));
    trace.step("barrier 6 is back", Input::Barrier(6));
    insta::assert_snapshot!(trace.text);
}

#[test]
fn a_blank_copy_continues_where_the_others_are() {
    let mut old = Trace::new();
    old.view("a b");
    old.view("a b c");
    let mut new = Trace::new();
    new.clm.restore(member(), old.clm.snapshot());
    old.view("a c");
    new.view("a c");
    assert_eq!(old.clm.snapshot(), new.clm.snapshot());
    assert_eq!(new.clm.snapshot().membership().number(), 3);
}

fn node(name: &str) -> Name {
    Name::new(name).expect("short")
}

fn lock(name: &str) -> Call {
    Call::Admin { node: node(name), operation: AdminOperation::LOCK }
}

fn unlock(name: &str) -> Call {
    Call::Admin { node: node(name), operation: AdminOperation::UNLOCK }
}

fn shutdown(name: &str) -> Call {
    Call::Admin { node: node(name), operation: AdminOperation::SHUTDOWN }
}

fn response(invocation: u64, response: Response) -> Call {
    Call::Response { invocation, response }
}

const CHANGES: TrackFlags = TrackFlags::CHANGES;
const START: TrackFlags = TrackFlags::START_STEP;
const VALIDATE: TrackFlags = TrackFlags::VALIDATE_STEP;

/// Three nodes; client 1 is only told, 2 and 3 are asked; 4 is an operator.
fn three() -> Trace {
    let mut trace = Trace::new();
    trace.view("a b c");
    for client in 1..=4 {
        trace.initialize(client, Api::B04);
    }
    trace.order(1, track(TrackFlags::CHANGES_ONLY, Buffer::None));
    trace.order(2, track(CHANGES | START, Buffer::None));
    trace.order(3, track(TrackFlags::CHANGES_ONLY | START | VALIDATE, Buffer::None));
    trace.text.clear();
    trace
}

#[test]
fn lock_and_unlock() {
    let mut trace = three();
    trace.order(4, lock("c"));
    trace.order(2, response(1, Response::Rejected));
    trace.order(2, response(2, Response::Ok));
    trace.order(2, response(1, Response::Ok));
    trace.order(2, response(1, Response::Ok));
    trace.order(4, unlock("c"));
    trace.order(3, response(2, Response::Error));
    trace.order(4, lock("c"));
    trace.order(4, unlock("c"));
    trace.order(4, unlock("c"));
    insta::assert_snapshot!(trace.text);
}

#[test]
fn a_lock_waits_no_longer_than_configured() {
    let mut trace = three();
    let timeout = Attribute::LockCallbackTimeout(Time(5 * Time::ONE_SECOND.0));
    trace.order(4, Call::ModifyNode { node: node("c"), attribute: timeout });
    trace.order(4, lock("c"));
    trace.order(3, response(2, Response::Ok));
    trace.time(Duration::from_millis(4999));
    trace.time(Duration::from_millis(1));
    trace.order(2, response(1, Response::Ok));
    insta::assert_snapshot!(trace.text);
}

#[test]
fn shutdowns_are_overtaken() {
    let mut trace = three();
    trace.order(4, shutdown("c"));
    trace.order(4, shutdown("c"));
    trace.order(3, response(2, Response::Ok));
    trace.order(4, unlock("c"));
    trace.order(4, shutdown("c"));
    trace.order(4, lock("c"));
    insta::assert_snapshot!(trace.text);
}

#[test]
fn who_is_gone_is_not_waited_for() {
    let mut trace = three();
    trace.order(4, shutdown("b"));
    trace.order(3, Call::TrackStop);
    trace.step("process 2 ends", Input::ProcessEnded(Stamp::default(), process(2)));
    trace.settle();
    trace.order(1, track(CHANGES | START, Buffer::None));
    trace.order(4, lock("c"));
    trace.view("a b");
    insta::assert_snapshot!(trace.text);
}

#[test]
fn removals_are_asked_about_first() {
    let mut trace = three();
    let remove = || Call::Remove { node: node("c"), cause: node("safEE=board") };
    trace.order(4, remove());
    trace.order(3, response(1, Response::Rejected));
    trace.order(4, remove());
    trace.order(4, lock("c"));
    trace.order(3, response(2, Response::Ok));
    trace.order(2, response(3, Response::Ok));
    trace.order(3, response(4, Response::Ok));
    trace.view("a b");
    trace.view("a b c.2");
    insta::assert_snapshot!(trace.text);
}

#[test]
fn a_node_out_of_the_configuration() {
    let mut trace = three();
    trace.order(4, Call::DeleteNode { node: node("a") });
    trace.order(4, lock("a"));
    trace.order(2, response(1, Response::Ok));
    trace.order(3, response(2, Response::Ok));
    trace.order(1, track(TrackFlags::CURRENT, Buffer::Library));
    let get = Call::NodeGet { api: Api::B04, node: NodeId(2), timeout: Time::ONE_SECOND };
    trace.order(1, get);
    trace.order(2, response(9, Response::Ok));
    trace.order(4, Call::DeleteNode { node: node("a") });
    trace.order(1, track(TrackFlags::CURRENT, Buffer::Library));
    trace.order(1, Call::TrackStop);
    trace.order(4, Call::Configuration);
    trace.order(4, Call::CreateNode { node: node("a") });
    insta::assert_snapshot!(trace.text);
}
