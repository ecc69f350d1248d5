//! A cluster of AMF cores under one order, with processes that behave as told.
#![expect(clippy::unwrap_used, reason = "a test's helper")]
#![allow(dead_code, reason = "each test uses its part")]

use ais_amf::{Amf, Command};
use ais_service::{Action, ActionId, Caller, Entry, Exit, Input, Instant, Now, Output, Service};
use ais_types::amf::{self, AdminOperation, Call, Callback, CsiFlags, HaState, Reply};
use ais_types::amf::{AdminState, Escalation, Limit, Recovery, StateDescriptor};
use ais_types::{
    ClientId, Error, ErrorCode, GroupTime, Incarnation, Member, MemberId, Name, NodeId, ProcessId,
    Role, Stamp, Time, Version, View,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

pub(crate) fn seconds(count: i64) -> Time {
    Time(count * Time::ONE_SECOND.0)
}

pub(crate) fn component(called: &str) -> amf::Component {
    amf::Component {
        name: name(called),
        command: vec!["program".into()],
        environment: vec![],
        cleanup: None,
        level: 0,
        recovery: Recovery::ComponentRestart,
        disable_restart: false,
        attempts: 2,
        instantiate_timeout: seconds(10),
        terminate_timeout: seconds(10),
        cleanup_timeout: seconds(10),
        callback_timeout: seconds(10),
        quiescing_timeout: seconds(60),
        csi_types: vec![],
    }
}

pub(crate) fn unit(called: &str, node: &str, components: Vec<amf::Component>) -> amf::Unit {
    amf::Unit {
        name: name(called),
        node: name(node),
        rank: 0,
        admin: AdminState::Unlocked,
        failover: true,
        components,
    }
}

pub(crate) fn csi(called: &str) -> amf::Csi {
    amf::Csi {
        name: name(called),
        kind: String::new(),
        attributes: vec![("port".into(), "1".into()), ("port".into(), "2".into())],
        depends_on: vec![],
    }
}

pub(crate) fn instance(called: &str, rank: u32, csis: Vec<amf::Csi>) -> amf::Instance {
    amf::Instance { name: name(called), rank, admin: AdminState::Unlocked, csis }
}

pub(crate) fn group(units: Vec<amf::Unit>, instances: Vec<amf::Instance>) -> amf::Group {
    let limit = Limit { max: 2, probation: seconds(10) };
    amf::Group {
        name: name("SG"),
        redundancy: amf::Redundancy::TwoN,
        admin: AdminState::Unlocked,
        auto_repair: true,
        component_restarts: limit,
        unit_restarts: limit,
        escalation: Escalation::AtMax,
        units,
        instances,
    }
}

pub(crate) fn model(group: amf::Group) -> amf::Model {
    let applications = vec![amf::Application { name: name("App"), groups: vec![group] }];
    amf::Model { applications, startup_timeout: seconds(10) }
}

/// Units SU1, SU2, … on these nodes with a component C1, C2, … each, and these CSIs, one an SI.
pub(crate) fn two_n(nodes: &[&str], csis: &[&str]) -> amf::Model {
    let of = |(at, node): (usize, &&str)| {
        unit(&format!("SU{}", at + 1), node, vec![component(&format!("C{}", at + 1))])
    };
    let units = nodes.iter().enumerate().map(of).collect();
    let of = |it: &&str| instance(&it.replace("CSI", "SI"), 0, vec![csi(it)]);
    model(group(units, csis.iter().map(of).collect()))
}

/// Something on its way into the group's order.
#[derive(Clone, Debug)]
enum Event {
    Command(MemberId, Box<Command>),
    Ended(ProcessId),
    View,
    Released(MemberId),
}

/// What a component's process does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Registers, answers OK, ends when it is told to.
    Good,
    /// Runs, and does not register.
    Mute,
    /// Registers, and answers nothing.
    Deaf,
    /// Registers, and answers FAILED_OPERATION.
    Refuses,
    /// Cannot even be started.
    Missing,
}

struct Process {
    component: Name,
    client: ClientId,
    active: BTreeSet<String>,
    held: BTreeSet<String>,
    quiescing: Option<u64>,
}

pub(crate) struct World {
    pub(crate) cores: BTreeMap<MemberId, Amf>,
    log: VecDeque<Event>,
    view: View,
    model: amf::Model,
    pub(crate) time: u64,
    index: u64,
    processes: BTreeMap<ProcessId, Process>,
    next: u64,
    /// Everything that happened to components, in the words of the vectors.
    pub(crate) trace: Vec<String>,
    pub(crate) replies: Vec<(Caller, Result<Reply, Error>)>,
    manners: BTreeMap<String, Manner>,
    pub(crate) unanswered: Vec<(ProcessId, Callback)>,
    /// Clean-ups of these components fail.
    pub(crate) stuck: BTreeSet<String>,
}

impl World {
    /// All these nodes at once, with this model; runs until nothing happens any more.
    pub(crate) fn start(nodes: &[&str], model: amf::Model) -> Self {
        let mut world = Self::blank(model);
        world.join(nodes);
        world.settle();
        world
    }

    pub(crate) fn blank(model: amf::Model) -> Self {
        Self {
            cores: BTreeMap::new(),
            log: VecDeque::new(),
            view: View::default(),
            model,
            time: 0,
            index: 0,
            processes: BTreeMap::new(),
            next: 0,
            trace: vec![],
            replies: vec![],
            manners: BTreeMap::new(),
            unanswered: vec![],
            stuck: BTreeSet::new(),
        }
    }

    /// The next life of each node joins.
    pub(crate) fn join(&mut self, nodes: &[&str]) {
        let snapshot = self.cores.values().next().map(Service::snapshot);
        for node in nodes {
            let number = node[1..].parse().unwrap();
            self.next += 1;
            let id = MemberId { node: NodeId(number), incarnation: Incarnation(self.next) };
            let mut core = Amf::new(id.node, Some(self.model.clone()));
            if let Some(snapshot) = snapshot.clone() {
                core.restore(id, snapshot);
            }
            self.cores.insert(id, core);
            self.view.members.push(Member {
                id,
                name: name(node),
                role: Role::Voter,
                addresses: vec![],
                boot_time: Time::BEGIN,
                joined_view: self.view.number + 1,
            });
        }
        self.view.members.sort_by_key(|it| it.id.node);
        self.log.push_back(Event::View);
    }

    fn member(&self, node: &str) -> MemberId {
        let is = |it: &&Member| it.name == name(node);
        self.view.members.iter().find(is).unwrap().id
    }

    /// The node dies: it leaves the view at once and is released later.
    pub(crate) fn crash(&mut self, node: &str) -> MemberId {
        let id = self.member(node);
        self.cores.remove(&id);
        self.processes.retain(|it, _| it.member != id);
        self.unanswered.retain(|(it, _)| it.member != id);
        self.view.members.retain(|it| it.id != id);
        let mine = |it: &Event| match it {
            Event::Command(from, _) => *from == id,
            Event::Ended(process) => process.member == id,
            Event::View | Event::Released(_) => false,
        };
        self.log.retain(|it| !mine(it));
        self.trace.push(format!("-- {node} dies"));
        self.log.push_back(Event::View);
        id
    }

    pub(crate) fn release(&mut self, member: MemberId) {
        self.trace.push(format!("-- {} is released", member.node));
        self.log.push_back(Event::Released(member));
        self.settle();
    }

    pub(crate) fn release_later(&mut self, member: MemberId) {
        self.log.push_back(Event::Released(member));
    }

    /// When the next replicated timer is due.
    pub(crate) fn due(&self) -> Option<GroupTime> {
        self.cores.values().next().and_then(Service::group_deadline)
    }

    /// Whether anything is on its way.
    pub(crate) fn busy(&self) -> bool {
        !self.log.is_empty()
    }

    /// Until nothing is on its way any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.deliver() {
                return;
            }
        }
        panic!("it never settles:\n{}", self.trace.join("\n"));
    }

    /// Delivers the next entry to all; `false`: there is none.
    pub(crate) fn deliver(&mut self) -> bool {
        let Some(event) = self.log.pop_front() else { return false };
        self.index += 1;
        let stamp = Stamp { index: self.index, time: GroupTime(self.time), wall: 0 };
        if let Event::View = event {
            self.view.number += 1;
        }
        let view = self.view.clone();
        self.everywhere(|| match event.clone() {
            Event::Command(from, command) => {
                Input::Ordered(Entry { stamp, from, command: *command })
            }
            Event::Ended(process) => Input::ProcessEnded(stamp, process),
            Event::View => Input::View(stamp, view.clone()),
            Event::Released(member) => Input::Released(stamp, member),
        });
        self.check();
        true
    }

    fn everywhere(&mut self, input: impl Fn() -> Input<Amf>) {
        let members: Vec<MemberId> = self.cores.keys().copied().collect();
        for member in members {
            self.step(member, input());
        }
    }

    fn step(&mut self, member: MemberId, input: Input<Amf>) {
        let now = Now { at: Instant::START, wall: Time::BEGIN };
        let mut out = vec![];
        let Some(core) = self.cores.get_mut(&member) else { return };
        core.step(now, input, &mut out);
        for output in out {
            self.output(member, output);
        }
    }

    fn output(&mut self, member: MemberId, output: Output<Amf>) {
        match output {
            Output::Reply(caller, reply) => self.replies.push((caller, reply)),
            Output::Callback(client, callback) => self.called_back(client, callback),
            Output::Order(command) => {
                self.log.push_back(Event::Command(member, Box::new(command)));
            }
            Output::Barrier(number) => self.step(member, Input::Barrier(number)),
            Output::Send(_, never) => match never {},
            Output::Perform(id, action) => self.perform(member, id, action),
        }
    }

    fn perform(&mut self, member: MemberId, id: ActionId, action: Action) {
        match action {
            Action::Spawn(spawn) => {
                let is = |(key, _): &&(String, String)| key == "SA_AMF_COMPONENT_NAME";
                let component = spawn.environment.iter().find(is).unwrap().1.clone();
                self.trace.push(format!("INST({component})"));
                if self.manner(&component) == Manner::Missing {
                    let exit = Exit::Failed("no such program".into());
                    self.step(member, Input::Done(id, exit));
                    return;
                }
                self.next += 1;
                let process = ProcessId { member, number: self.next };
                self.step(member, Input::Done(id, Exit::Started(process, 1)));
                let client = ClientId { member, number: self.next };
                let component = name(&component);
                let it = Process {
                    component: component.clone(),
                    client,
                    active: BTreeSet::new(),
                    held: BTreeSet::new(),
                    quiescing: None,
                };
                self.processes.insert(process, it);
                self.call(process, initialize(Some(component.clone())));
                if self.manner(&component.to_text()) != Manner::Mute {
                    self.call(process, Call::Register { component, proxy: None });
                }
            }
            Action::Kill(process) => {
                let component = self.processes.get(&process).map(|it| it.component.to_text());
                self.trace.push(format!("KILL({})", component.unwrap_or_else(|| "gone".into())));
                self.end(process);
                self.step(member, Input::Done(id, Exit::Code(0)));
            }
            Action::Run(run) => {
                let component = run.environment.last().unwrap().1.clone();
                self.trace.push(format!("CLEAN({component})"));
                let code = i32::from(self.stuck.contains(&component));
                self.step(member, Input::Done(id, Exit::Code(code)));
            }
        }
    }

    fn end(&mut self, process: ProcessId) {
        if self.processes.remove(&process).is_some() {
            self.unanswered.retain(|(it, _)| *it != process);
            self.log.push_back(Event::Ended(process));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, component: &str) {
        let process = self.process(component).unwrap();
        self.trace.push(format!("-- {component} is killed"));
        self.end(process);
    }

    pub(crate) fn process(&self, component: &str) -> Option<ProcessId> {
        let is = |(_, it): &(&ProcessId, &Process)| it.component == name(component);
        self.processes.iter().find(is).map(|(id, _)| *id)
    }

    pub(crate) fn behave(&mut self, component: &str, manner: Manner) {
        self.manners.insert(component.into(), manner);
    }

    fn manner(&self, component: &str) -> Manner {
        self.manners.get(component).copied().unwrap_or(Manner::Good)
    }

    fn called_back(&mut self, client: ClientId, callback: Callback) {
        self.trace.push(describe(&callback));
        let Some((&process, it)) = self.processes.iter_mut().find(|(_, it)| it.client == client)
        else {
            return;
        };
        let component = it.component.to_text().into_owned();
        if let Callback::CsiSet { state: HaState::Active, csi, .. } = &callback {
            let csis = if csi.flags == CsiFlags::TargetAll {
                it.held.clone()
            } else {
                [csi.name.to_text().into_owned()].into()
            };
            it.active.extend(csis);
            self.check_one_active();
        }
        match self.manner(&component) {
            Manner::Good => self.respond(process, &callback, None),
            Manner::Refuses => {
                self.respond(process, &callback, Some(ErrorCode::FailedOperation));
            }
            Manner::Deaf | Manner::Mute | Manner::Missing => {
                self.unanswered.push((process, callback));
            }
        }
    }

    /// The process does what the callback says, and answers.
    pub(crate) fn respond(&mut self, process: ProcessId, callback: &Callback, answer: amf::Answer) {
        let Some(it) = self.processes.get_mut(&process) else { return };
        let invocation = match callback {
            Callback::CsiSet { invocation, state, csi, .. } => {
                let one = csi.name.to_text().into_owned();
                let all = csi.flags == CsiFlags::TargetAll;
                if !all {
                    it.held.insert(one.clone());
                }
                if *state == HaState::Quiescing {
                    it.quiescing = Some(*invocation);
                }
                if *state != HaState::Active && *state != HaState::Quiescing {
                    it.active.retain(|it| !all && *it != one);
                }
                invocation
            }
            Callback::CsiRemove { invocation, csi, flags, .. } => {
                let one = csi.to_text().into_owned();
                let all = *flags == CsiFlags::TargetAll;
                it.held.retain(|it| !all && *it != one);
                it.active.retain(|it| !all && *it != one);
                invocation
            }
            Callback::Terminate { invocation, .. } | Callback::Healthcheck { invocation, .. } => {
                invocation
            }
        };
        self.call(process, Call::Response { invocation: *invocation, answer });
        if let (Callback::Terminate { .. }, None) = (callback, answer) {
            self.end(process);
        }
    }

    /// The last QUIESCING of the component is complete.
    pub(crate) fn quiescing_complete(&mut self, component: &str) {
        let process = self.process(component).unwrap();
        let it = self.processes.get_mut(&process).unwrap();
        it.active.clear();
        let invocation = it.quiescing.take().unwrap();
        self.trace.push(format!("-- {component}.qdone"));
        self.call(process, Call::QuiescingComplete { invocation, answer: None });
        self.settle();
    }

    pub(crate) fn call(&mut self, process: ProcessId, call: Call) {
        let Some(it) = self.processes.get(&process) else { return };
        self.next += 1;
        let caller = Caller { client: it.client, process, request: self.next };
        self.step(process.member, Input::Call(caller, call));
    }

    /// A program of the node that is no component asks, and what it is answered once all is done.
    pub(crate) fn ask(&mut self, node: &str, call: Call) -> Result<Reply, Error> {
        let caller = self.ask_later(node, call);
        self.settle();
        self.reply(caller).expect("it was answered")
    }

    pub(crate) fn ask_later(&mut self, node: &str, call: Call) -> Caller {
        let member = self.member(node);
        self.next += 1;
        let process = ProcessId { member, number: self.next };
        let client = ClientId { member, number: self.next };
        let caller = |request| Caller { client, process, request };
        self.step(member, Input::Call(caller(1), initialize(None)));
        self.step(member, Input::Call(caller(2), call));
        caller(2)
    }

    pub(crate) fn reply(&self, caller: Caller) -> Option<Result<Reply, Error>> {
        self.replies.iter().find(|(it, _)| *it == caller).map(|(_, reply)| reply.clone())
    }

    /// What an operator's order ends with.
    pub(crate) fn admin(
        &mut self,
        object: &str,
        operation: AdminOperation,
    ) -> Result<(), ErrorCode> {
        let caller = self.order(object, operation);
        self.settle();
        self.reply(caller).expect("it was answered").map(|_| ()).map_err(|it| it.code)
    }

    /// An operator orders something, and does not wait.
    pub(crate) fn order(&mut self, object: &str, operation: AdminOperation) -> Caller {
        let node = self.view.members[0].name.to_text().into_owned();
        self.trace.push(format!("-- {operation} {object}"));
        self.ask_later(&node, Call::Admin { object: name(object), operation })
    }

    /// Group time goes on, and whatever is due in it happens.
    pub(crate) fn pass(&mut self, duration: Time) {
        let until = self.time + duration.0.unsigned_abs();
        loop {
            self.settle();
            let Some(due) = self.due().filter(|it| it.0 <= until) else { break };
            self.tick(due);
        }
        self.time = until;
    }

    /// The next timer fires.
    pub(crate) fn tick(&mut self, due: GroupTime) {
        self.time = self.time.max(due.0);
        self.index += 1;
        let stamp = Stamp { index: self.index, time: GroupTime(self.time), wall: 0 };
        self.everywhere(|| Input::Time(stamp));
        self.check();
    }

    pub(crate) fn state(&mut self) -> amf::State {
        let node = self.view.members[0].name.to_text().into_owned();
        match self.ask(&node, Call::State) {
            Ok(Reply::State(state)) => state,
            other => panic!("{other:?}"),
        }
    }

    /// What has happened since the last time it was asked.
    pub(crate) fn story(&mut self) -> String {
        std::mem::take(&mut self.trace).join("\n")
    }

    /// All nodes hold the same, and nobody is active twice.
    fn check(&self) {
        self.check_one_active();
        // Dear, so not at every entry; what differs once goes on to differ.
        if !self.index.is_multiple_of(8) {
            return;
        }
        let mut all = self.cores.values().map(|it| format!("{:?}", it.snapshot()));
        if let Some(first) = all.next() {
            assert!(all.all(|it| it == first), "two nodes differ:\n{}", self.trace.join("\n"));
        }
    }

    fn check_one_active(&self) {
        let mut active = BTreeSet::new();
        for csi in self.processes.values().flat_map(|it| &it.active) {
            assert!(active.insert(csi), "two are active for {csi}:\n{}", self.trace.join("\n"));
        }
    }

    /// The components that are active, by CSI.
    pub(crate) fn active(&self) -> BTreeMap<String, String> {
        let of = |it: &Process| {
            let component = it.component.to_text().into_owned();
            it.active.iter().map(move |csi| (csi.clone(), component.clone())).collect::<Vec<_>>()
        };
        self.processes.values().flat_map(of).collect()
    }

    pub(crate) fn components(&self) -> Vec<String> {
        self.processes.values().map(|it| it.component.to_text().into_owned()).collect()
    }
}

pub(crate) fn initialize(component: Option<Name>) -> Call {
    Call::Initialize {
        version: Version::b(4, 1),
        api: amf::Api::B04,
        callbacks: amf::Callbacks::COMPONENT,
        component,
    }
}

/// As in the vectors: `C1.set(CSI1,ACTIVE,ADD_ONE,NEW_ASSIGN)`.
fn describe(callback: &Callback) -> String {
    let named = |csi: &Name| if csi.is_empty() { "*".into() } else { csi.to_text().into_owned() };
    match callback {
        Callback::CsiSet { component, state, csi, .. } => {
            let detail = match &csi.detail {
                StateDescriptor::Active { transition, active } => format!(",{transition},{active}"),
                StateDescriptor::Standby { active, rank } => format!(",act={active},rank={rank}"),
                StateDescriptor::None => String::new(),
            };
            let attributes = match csi.attributes.len() {
                0 => String::new(),
                count => format!(" +{count}"),
            };
            let (csi, flags) = (named(&csi.name), csi.flags);
            format!("{component}.set({csi},{state},{flags}{detail}){attributes}")
        }
        Callback::CsiRemove { component, csi, flags, .. } => {
            format!("{component}.rmv({},{flags})", named(csi))
        }
        Callback::Terminate { component, .. } => format!("{component}.term()"),
        Callback::Healthcheck { component, .. } => format!("{component}.hc()"),
    }
}
