//! Processes: programs, their sessions with their daemon, and who plays which role where.

use crate::{
    programs::{self, Io, Manner, Program},
    world::{Happening, World},
};
use ais_node::{ConnectionId, Done, Event, Peer, ProcessKey, SessionId, Task};
use ais_service::{ActionId, Exit, Spawn};
use ais_types::{NodeId, ServiceId, Version, frame};
use ais_wire::Frame;
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// See [`World::victims`].
const COMPONENT_WEIGHT: usize = 4;

/// What a program hears.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// It runs.
    Started,
    /// The session is accepted.
    Welcome(SessionId),
    /// An answer; the tag is that of the call.
    Reply(SessionId, Frame),
    /// A callback.
    Callback(SessionId, Frame),
    /// The session is over.
    Closed(SessionId),
    /// The alarm it has set.
    Alarm(u64),
}

/// What a program does.
pub(crate) enum Act {
    Open(SessionId, ServiceId),
    Send(SessionId, Frame),
    Finalize(SessionId),
    Alarm(Duration, u64),
    Exit,
}

#[derive(Default)]
pub(crate) struct Processes {
    living: BTreeMap<ProcessKey, Process>,
    sessions: BTreeMap<SessionId, Session>,
    counter: u64,
    /// Sessions with the message service that there ever were.
    queues: BTreeSet<SessionId>,
    /// What is to run on which node, and what does.
    roles: Vec<Role>,
}

struct Process {
    node: NodeId,
    program: Box<dyn Program>,
    /// Started by a service, under the keeper.
    component: bool,
    /// When the last it has written is read.
    written: Duration,
}

struct Session {
    process: ProcessKey,
    node: NodeId,
    life: u64,
    /// When the last that was written to the program is read.
    written: Duration,
    /// Calls not answered yet, by tag.
    calls: Vec<u64>,
}

struct Role {
    node: NodeId,
    part: programs::Part,
    process: Option<ProcessKey>,
    starts_at: Duration,
}

// Roles.
impl World {
    /// Says which programs run where.
    pub(crate) fn cast_roles(&mut self) {
        for node in self.scene.hosts() {
            for part in programs::Part::all(self.scene) {
                let starts_at = self.now + self.up_to(Duration::from_secs(1));
                self.processes.roles.push(Role { node, part, process: None, starts_at });
            }
        }
    }

    /// Starts what is to run and does not.
    pub(crate) fn tend_roles(&mut self) {
        for at in 0..self.processes.roles.len() {
            let role = &self.processes.roles[at];
            let runs = role.process.is_some_and(|it| self.processes.living.contains_key(&it));
            let (node, part) = (role.node, role.part);
            if runs || role.starts_at > self.now || self.host(node).core.is_none() {
                continue;
            }
            let key = self.start_process(node, part.program(self.scene), false);
            self.note(|| format!("{node} starts {part:?} as process {}", key.0));
            let starts_at = self.now + self.up_to(Duration::from_secs(1));
            let role = &mut self.processes.roles[at];
            (role.process, role.starts_at) = (Some(key), starts_at);
        }
    }

    /// Who is to get things done.
    pub(crate) fn roles(&self) -> Vec<(NodeId, programs::Part)> {
        self.processes.roles.iter().map(|it| (it.node, it.part)).collect()
    }

    /// The processes that can be killed. A component is as likely a victim as several others.
    pub(crate) fn victims(&self) -> Vec<ProcessKey> {
        let weight = |component| if component { COMPONENT_WEIGHT } else { 1 };
        let living = self.processes.living.iter();
        living.flat_map(|(key, it)| vec![*key; weight(it.component)]).collect()
    }
}

// Lives of processes.
impl World {
    fn start_process(
        &mut self,
        node: NodeId,
        program: Box<dyn Program>,
        component: bool,
    ) -> ProcessKey {
        let key = ProcessKey(self.processes.count());
        let process = Process { node, program, component, written: self.now };
        self.processes.living.insert(key, process);
        self.after(Duration::from_millis(1), Happening::ToProgram(key, Heard::Started));
        key
    }

    /// The process ends; its daemon notices when it has read what was written.
    pub(crate) fn kill_process(&mut self, key: ProcessKey) {
        let Some(process) = self.processes.living.remove(&key) else { return };
        self.note(|| format!("process {} on {} ends", key.0, process.node));
        self.processes.sessions.retain(|_, it| it.process != key);
        self.ledger.messages.gave_up(key, self.now);
        self.ledger.actives.ended(key);
        self.ledger.orders.ended(key, self.now);
        let due = process.written.max(self.now) + self.up_to(Duration::from_millis(2));
        let life = self.host(process.node).life;
        self.at(due, Happening::ToDaemon(process.node, life, Event::ProcessExited(key)));
    }

    /// A node may not act any more: its keeper ends its components. What its daemon was about to
    /// hand to a process is never heard of again.
    pub(crate) fn kill_components(&mut self, node: NodeId) {
        self.ledger.messages.node_stopped(node, self.now);
        for key in self.of_node(node, |it| it.component) {
            self.kill_process(key);
        }
    }

    /// The whole machine stops.
    pub(crate) fn kill_processes(&mut self, node: NodeId) {
        for key in self.of_node(node, |_| true) {
            self.kill_process(key);
        }
    }

    fn of_node(&self, node: NodeId, which: impl Fn(&Process) -> bool) -> Vec<ProcessKey> {
        let living = self.processes.living.iter();
        living.filter(|(_, it)| it.node == node && which(it)).map(|(key, _)| *key).collect()
    }

    /// The daemon of a node has ended: so have all sessions with it.
    pub(crate) fn close_sessions(&mut self, node: NodeId) {
        let of_it = self.processes.sessions.iter().filter(|(_, it)| it.node == node);
        for id in of_it.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.tell_session(id, Heard::Closed(id));
        }
    }

    pub(crate) fn perform(
        &mut self,
        node: NodeId,
        service: ServiceId,
        action: ActionId,
        task: Task,
    ) {
        let delay = Duration::from_millis(3) + self.travel();
        let done = match task {
            Task::Spawn(spawn) => self.spawn(node, &spawn, delay),
            // Only an operator can repair that.
            Task::Run(_) if self.scene.operators && self.is_unruly(8) => Done::Ended(Exit::Code(1)),
            Task::Run(_) => Done::Ended(Exit::Code(0)),
            Task::Kill(key, _) => {
                self.kill_process(key);
                Done::Ended(Exit::Code(0))
            }
        };
        let life = self.host(node).life;
        let event = Event::ActionDone(service, action, done);
        self.after(delay, Happening::ToDaemon(node, life, event));
    }

    /// Starts a component; its daemon hears of it after the delay.
    fn spawn(&mut self, node: NodeId, spawn: &Spawn, delay: Duration) -> Done {
        let Some(name) = programs::component_of(spawn) else {
            return Done::Ended(Exit::Failed(format!("no program {:?}", spawn.command)));
        };
        if self.is_unruly(16) {
            return Done::Ended(Exit::Failed("no room for another process".to_owned()));
        }
        let unruly = self.is_unruly(1);
        let manner = if unruly { Manner::any(&mut self.rng) } else { Manner::Good };
        let key = self.start_process(node, programs::component(name.clone(), manner), true);
        self.note(|| format!("{node} starts {name} ({manner:?}) as process {}", key.0));
        if let Err(what) = self.ledger.orders.started(key, &name) {
            self.fail(what);
        }
        // The daemon hears of its start before it hears of its end.
        if let Some(process) = self.processes.living.get_mut(&key) {
            process.written = self.now + delay;
        }
        Done::Started(key, key.0 as u32)
    }

    /// Whether something of a component goes wrong: one time in so many, where it may.
    fn is_unruly(&mut self, one_in: u8) -> bool {
        self.scene.unruly && self.plan.chaos && self.rng.u8(0..one_in) == 0
    }
}

// Between programs and daemons.
impl World {
    /// On the way to the program of a session.
    pub(crate) fn tell_session(&mut self, id: SessionId, heard: Heard) {
        let delay = self.up_to(Duration::from_micros(300));
        let Some(session) = self.processes.sessions.get_mut(&id) else { return };
        if let Heard::Reply(_, frame) = &heard {
            let Some(at) = session.calls.iter().position(|tag| *tag == frame.tag) else {
                return self
                    .fail(format!("call {} of session {} is answered twice", frame.tag, id.0));
            };
            session.calls.swap_remove(at);
        }
        let due = session.written.max(self.now + delay);
        session.written = due;
        let process = session.process;
        if matches!(heard, Heard::Closed(..)) {
            self.processes.sessions.remove(&id);
        }
        self.at(due, Happening::ToProgram(process, heard));
    }

    /// What a daemon answers counts from here, whether anybody lives to hear it or not.
    pub(crate) fn answer(&mut self, id: SessionId, frame: Frame) {
        // A good-bye is answered without a message; calls are counted from 1.
        if frame.tag != 0
            && self.processes.queues.contains(&id)
            && let Err(what) = self.ledger.answered(&frame)
        {
            self.fail(what);
        }
        self.tell_session(id, Heard::Reply(id, frame));
    }

    pub(crate) fn tell_program(&mut self, key: ProcessKey, heard: Heard) {
        let Some(mut process) = self.processes.living.remove(&key) else { return };
        let outside = self.is_outside(process.node);
        let mut io = Io {
            now: self.now,
            node: process.node,
            me: key,
            outside,
            ledger: &mut self.ledger,
            rng: &mut self.rng,
            counter: &mut self.processes.counter,
            acts: Vec::new(),
            failure: None,
        };
        process.program.hear(heard, &mut io);
        let (acts, failure) = (io.acts, io.failure);
        self.processes.living.insert(key, process);
        if let Some(what) = failure {
            self.fail(what);
        }
        for act in acts {
            self.act(key, act);
        }
    }

    fn act(&mut self, key: ProcessKey, act: Act) {
        match act {
            Act::Open(id, service) => self.open_session(key, id, service),
            Act::Send(id, frame) => {
                if let Some(session) = self.processes.sessions.get_mut(&id) {
                    session.calls.push(frame.tag);
                    let life = session.life;
                    self.write_to_daemon(key, life, Event::Frame(id, ConnectionId(id.0), frame));
                }
            }
            Act::Finalize(id) => {
                if let Some(session) = self.processes.sessions.get_mut(&id) {
                    session.calls.push(0);
                    let life = session.life;
                    let frame = Frame::new(frame::FINALIZE, 0, Bytes::new());
                    self.write_to_daemon(key, life, Event::Frame(id, ConnectionId(id.0), frame));
                }
            }
            Act::Exit => self.kill_process(key),
            Act::Alarm(delay, alarm) => {
                self.after(delay, Happening::ToProgram(key, Heard::Alarm(alarm)));
            }
        }
    }

    fn open_session(&mut self, key: ProcessKey, id: SessionId, service: ServiceId) {
        let Some(node) = self.processes.living.get(&key).map(|it| it.node) else { return };
        let life = self.host(node).life;
        let calls = Vec::new();
        let session = Session { process: key, node, life, written: self.now, calls };
        self.processes.sessions.insert(id, session);
        if service == ServiceId::MSG {
            self.processes.queues.insert(id);
        }
        if self.host(node).core.is_none() {
            return self.tell_session(id, Heard::Closed(id));
        }
        let peer = Peer { key, pid: key.0 as u32, uid: 0 };
        let (version, program) = (Version::b(1, 1), "sim".to_owned());
        let event = Event::SessionOpened { session: id, peer, service, version, program };
        self.write_to_daemon(key, life, event);
    }

    fn write_to_daemon(&mut self, key: ProcessKey, life: u64, event: Event) {
        let delay = self.up_to(Duration::from_micros(300));
        let Some(process) = self.processes.living.get_mut(&key) else { return };
        let due = process.written.max(self.now + delay);
        process.written = due;
        let node = process.node;
        self.at(due, Happening::ToDaemon(node, life, event));
    }
}

impl Processes {
    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}
