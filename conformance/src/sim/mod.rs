//! The adapter to nodes' cores under virtual time.

mod faults;
mod world;

use crate::{codec, handles::Pending, services};
use ais_conformance_core::{
    AnyCall, AnyCallback, AnyReply, Cluster, Fault, Feature, Implementation, SessionName, Setup,
    Ticket, Trouble,
};
use ais_node::{ProcessKey, SessionId};
use ais_types::{Error, ErrorCode, Name, NodeId, Outcome, amf, frame};
use ais_wire::Frame;
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};
use world::{Heard, World};

/// How much virtual time a call or a callback may take. Longer than any time-out in a scenario.
const PATIENCE: Duration = Duration::from_secs(3600);

/// This implementation's services, in the simplest of worlds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sim;

impl Implementation for Sim {
    fn name(&self) -> String {
        "sim".to_owned()
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        match feature {
            Feature::Service(service) => services::supports(service),
            Feature::KillProcess
            | Feature::KillNode
            | Feature::StopNode
            | Feature::StartNode
            | Feature::Cut
            | Feature::Witness
            | Feature::Components => Ok(()),
        }
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let mut world = World::new(setup)?;
        world.form();
        world.fatal.clone().map_or(Ok(()), |it| Err(Trouble::Broken(it)))?;
        Ok(Box::new(SimCluster {
            world,
            processes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            calls: BTreeMap::new(),
            tickets: 0,
        }))
    }
}

struct SimCluster {
    world: World,
    processes: BTreeMap<String, Process>,
    sessions: BTreeMap<SessionName, Session>,
    calls: BTreeMap<Ticket, Call>,
    tickets: u64,
}

#[derive(Clone, Copy)]
struct Process {
    node: usize,
    /// Which life of the node it lives in.
    life: u64,
    key: ProcessKey,
}

struct Session {
    node: usize,
    id: SessionId,
    pending: Pending,
    /// Finalized, or its node gone: every call is answered BAD_HANDLE.
    closed: bool,
    /// What dispatching returns since the node left the cluster.
    stale: Option<Error>,
}

struct Call {
    session: SessionName,
    asked: AnyCall,
    answer: Option<Outcome<AnyReply>>,
}

fn stale() -> Error {
    Error::new(ErrorCode::BadHandle, "the handle is finalized, or its node is gone")
}

impl SimCluster {
    fn sound(&self) -> Result<(), Trouble> {
        self.world.fatal.clone().map_or(Ok(()), |it| Err(Trouble::Broken(it)))
    }

    fn node(&self, name: &str) -> Result<usize, Trouble> {
        self.world.node(name).ok_or_else(|| Trouble::Broken(format!("no node {name}")))
    }

    fn process_of(&self, session: &SessionName) -> Result<Process, Trouble> {
        let process = self.processes.get(&session.process).copied();
        process.ok_or_else(|| Trouble::Broken(format!("process {} is dead", session.process)))
    }

    /// The latest process that AMF started for a component, if no name was given to it yet.
    fn unclaimed(&self, component: &str) -> Option<Process> {
        let (node, key) = self.world.started(component)?;
        let claimed = self.processes.values().any(|it| it.node == node && it.key == key);
        let life = self.world.nodes[node].lives;
        (!claimed).then_some(Process { node, life, key })
    }

    /// What sessions heard goes where it belongs.
    fn listen(&mut self) {
        while let Some((node, heard)) = self.world.heard.pop_front() {
            match heard {
                Heard::Reply(id, frame) => self.hear_reply(node, id, &frame),
                Heard::Callback(id, frame) => self.hear_callback(node, id, &frame),
                Heard::Closed(id, error) => self.hear_closed(node, id, error),
            }
        }
    }

    fn is_stale(&self, name: &SessionName) -> bool {
        self.sessions.get(name).is_some_and(|it| it.stale.is_some())
    }

    fn hear_reply(&mut self, node: usize, id: SessionId, frame: &Frame) {
        let Some(call) = self.calls.get_mut(&Ticket(frame.tag)) else { return };
        let Some(session) = self.sessions.get_mut(&call.session) else { return };
        if (session.node, session.id) != (node, id) {
            return;
        }
        let outcome = codec::reply_of(call.session.service, frame);
        if let Ok(reply) = &outcome {
            session.pending.heed(&call.asked, reply);
        }
        call.answer = Some(outcome);
    }

    fn hear_callback(&mut self, node: usize, id: SessionId, frame: &Frame) {
        let it = self.sessions.iter_mut().find(|(_, it)| (it.node, it.id) == (node, id));
        let Some((name, session)) = it else { return };
        if frame.kind == frame::STALE {
            session.stale = codec::stale_of(frame).err();
            return;
        }
        match codec::callback_of(name.service, frame) {
            Ok(callback) => session.pending.push(callback),
            Err(error) => self.world.fatal = Some(error.to_string()),
        }
    }

    fn hear_closed(&mut self, node: usize, id: SessionId, error: Option<Error>) {
        let it = self.sessions.iter_mut().find(|(_, it)| (it.node, it.id) == (node, id));
        let Some((name, session)) = it else { return };
        session.closed = true;
        let name = name.clone();
        let open = self.calls.values_mut().filter(|it| it.session == name && it.answer.is_none());
        let why = error.clone().unwrap_or_else(stale);
        open.for_each(|it| it.answer = Some(Err(why.clone())));
        // Refused at its hello: there is no handle, and Initialize may be called again.
        if error.is_some() {
            self.sessions.remove(&name);
        }
    }

    /// A node's life has ended, and with it its processes and their handles.
    fn forget_the_dead(&mut self) {
        let world = &self.world;
        let lives = |it: &Process| {
            let node = &world.nodes[it.node];
            node.core.is_some() && node.lives == it.life
        };
        let processes = &mut self.processes;
        for (name, session) in &mut self.sessions {
            session.closed |= processes.get(&name.process).is_none_or(|it| !lives(it));
        }
        for call in self.calls.values_mut().filter(|it| it.answer.is_none()) {
            if self.sessions.get(&call.session).is_none_or(|it| it.closed) {
                call.answer = Some(Err(stale()));
            }
        }
    }

    /// Lets things happen, and time pass from deadline to deadline, until `done`.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = self.world.now + PATIENCE;
        loop {
            self.world.settle();
            self.listen();
            if done(self) || self.world.fatal.is_some() {
                return;
            }
            let Some(next) = self.world.next_deadline().filter(|it| *it <= end) else { return };
            self.world.advance(next.max(self.world.now));
        }
    }
}

impl Cluster for SimCluster {
    fn node_id(&self, node: &str) -> NodeId {
        self.world.node(node).map_or(NodeId(0), |at| self.world.nodes[at].id)
    }

    fn node_name(&self, node: &str) -> Name {
        self.world.node(node).map_or_else(Name::default, |at| self.world.nodes[at].service_name())
    }

    fn process(&mut self, process: &str, node: &str) -> Result<(), Trouble> {
        let node = self.node(node)?;
        if self.world.nodes[node].core.is_none() {
            return Err(Trouble::Broken("its node is down".to_owned()));
        }
        let (key, life) = (self.world.key(), self.world.nodes[node].lives);
        self.processes.insert(process.to_owned(), Process { node, life, key });
        Ok(())
    }

    fn component(&mut self, process: &str, component: &str) -> Result<(), Trouble> {
        self.until(|it| it.unclaimed(component).is_some());
        self.sound()?;
        let found = self.unclaimed(component);
        let found = found.ok_or_else(|| Trouble::Broken(format!("{component} is not started")))?;
        self.processes.insert(process.to_owned(), found);
        Ok(())
    }

    fn call(&mut self, name: &SessionName, mut call: AnyCall) -> Result<Ticket, Trouble> {
        let process = self.process_of(name)?;
        // A library says at Initialize whose environment it runs in.
        if let AnyCall::Amf(amf::Call::Initialize { component, .. }) = &mut call {
            *component = self.world.component_of(process.node, process.key);
        }
        if !self.sessions.contains_key(name) {
            let version = codec::version_of(&call);
            let id = self.world.open_session(process.node, name.service, version, process.key);
            let (node, pending) = (process.node, Pending::default());
            let session = Session { node, id, pending, closed: false, stale: None };
            self.sessions.insert(name.clone(), session);
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let asked = call.clone();
        let session = &self.sessions[name];
        let answer = session.closed.then(|| Err(stale()));
        if answer.is_none() {
            let frame = codec::call_frame(ticket.0, call);
            self.world.send(session.node, session.id, frame);
        }
        self.calls.insert(ticket, Call { session: name.clone(), asked, answer });
        self.world.settle();
        self.listen();
        self.sound()?;
        Ok(ticket)
    }

    fn answer(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>> {
        self.until(|it| it.calls.get(&ticket).is_none_or(|call| call.answer.is_some()));
        self.calls.get(&ticket)?.answer.clone()
    }

    fn peek(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>> {
        self.world.settle();
        self.listen();
        self.calls.get(&ticket)?.answer.clone()
    }

    fn dispatch(
        &mut self,
        name: &SessionName,
        one: bool,
        want: usize,
    ) -> Result<Outcome<Vec<AnyCallback>>, Trouble> {
        self.process_of(name)?;
        let come = |it: &Self| it.sessions.get(name).map_or(0, |it| it.pending.len());
        if self.sessions.get(name).is_none_or(|it| it.closed) {
            return Ok(Err(stale()));
        }
        self.until(|it| come(it) >= want || it.is_stale(name));
        self.sound()?;
        if let Some(error) = self.sessions.get(name).and_then(|it| it.stale.clone()) {
            return Ok(Err(error));
        }
        let session = self.sessions.get_mut(name);
        Ok(session.map(|it| it.pending.take(one)).ok_or_else(stale))
    }

    fn finalize(&mut self, name: &SessionName) -> Result<Outcome<()>, Trouble> {
        self.process_of(name)?;
        let Some(session) = self.sessions.get_mut(name).filter(|it| !it.closed) else {
            return Ok(Err(stale()));
        };
        session.closed = true;
        let (node, id) = (session.node, session.id);
        self.world.send(node, id, Frame::new(frame::FINALIZE, 0, Bytes::new()));
        self.world.settle();
        self.listen();
        self.forget_the_dead();
        self.sound()?;
        Ok(Ok(()))
    }

    fn inject(&mut self, fault: &Fault) -> Result<(), Trouble> {
        match fault {
            Fault::KillProcess(process) => {
                let gone = self.processes.remove(process);
                let gone = gone.ok_or_else(|| Trouble::Broken(format!("{process} is dead")))?;
                self.world.process_ended(gone.node, gone.key);
                self.world.settle();
            }
            Fault::KillNode(node) => {
                let node = self.node(node)?;
                self.world.kill(node);
            }
            Fault::StopNode(node) => {
                let node = self.node(node)?;
                self.world.stop(node);
            }
            Fault::StartNode(node) => {
                let node = self.node(node)?;
                self.world.start(node)?;
            }
            Fault::Cut(node) => {
                let node = self.node(node)?;
                self.world.cut(node);
            }
            Fault::Heal(node) => {
                let node = self.node(node)?;
                self.world.heal(node);
            }
        }
        self.listen();
        self.forget_the_dead();
        self.sound()
    }

    fn wait(&mut self, time: Duration) {
        self.world.advance(self.world.now + time);
        self.listen();
    }
}
