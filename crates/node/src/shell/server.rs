//! Programs: their connections, which belong to sessions, which belong to processes.

use super::{
    Inbound, NodeLimits, Shell,
    connection::{Gate, Incoming, Outbox, Overflow},
    listener::Accepted,
    processes::Processes,
};
use crate::{ConnectionId, Event, Peer, ProcessKey, SessionId};
use ais_types::{Error, ErrorCode, Hello, Outcome, ServiceId, Welcome, frame};
use ais_wire::{Frame, decode_bytes, encode_bytes};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::{
    net::UnixStream,
    sync::{Notify, mpsc, watch},
};

pub(super) struct Server {
    pub(super) processes: Processes,
    connections: BTreeMap<ConnectionId, Connection>,
    sessions: BTreeMap<SessionId, Session>,
    tokens: BTreeMap<u128, SessionId>,
    /// Connections that were sent something in this turn.
    spoken_to: Vec<ConnectionId>,
    counted: u64,
    limits: NodeLimits,
    inbox: mpsc::Sender<Inbound>,
    /// Programs are not listened to for now.
    busy: watch::Sender<bool>,
}

struct Connection {
    outbox: Outbox,
    peer: Peer,
    /// None before it said hello.
    session: Option<SessionId>,
    /// Tells the reader that nothing more will come than what is there.
    died: Arc<Notify>,
    gate: Gate,
}

struct Session {
    /// Asks the node itself, and not a service.
    of_node: bool,
    token: u128,
    main: ConnectionId,
    connections: BTreeSet<ConnectionId>,
    peer: Peer,
    welcomed: bool,
}

/// A refusal, before there is a session.
fn refusal(error: Error) -> Frame {
    Frame::new(frame::WELCOME, 0, encode_bytes(&Outcome::<Welcome>::Err(error)))
}

impl Server {
    pub(super) fn new(limits: NodeLimits, inbox: mpsc::Sender<Inbound>) -> Self {
        Self {
            processes: Processes::default(),
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tokens: BTreeMap::new(),
            spoken_to: Vec::new(),
            counted: 0,
            limits,
            inbox,
            busy: watch::channel(false).0,
        }
    }

    /// Whether programs are to wait with what they ask next.
    pub(super) fn set_busy(&mut self, busy: bool) {
        self.busy.send_if_modified(|it| std::mem::replace(it, busy) != busy);
    }

    fn add(&mut self, stream: UnixStream, peer: Peer) {
        if self.connections.len() >= self.limits.connections {
            tracing::warn!(pid = peer.pid, "refused a connection: there are too many");
            return;
        }
        self.counted += 1;
        let id = ConnectionId(self.counted);
        let Some(process) = self.processes.get(peer.key).filter(|it| !it.dead) else { return };
        if process.connections.len() >= self.limits.process_connections {
            tracing::warn!(pid = peer.pid, "refused a connection: this process has too many");
            return;
        }
        process.connections.insert(id);
        let (stream, writer) = stream.into_split();
        let (limits, inbox) = (self.limits.core.frame, self.inbox.clone());
        let outbox = Outbox::new(id, writer, self.limits.outbound_bytes, inbox.clone());
        let died = Arc::new(Notify::new());
        let (waits, gate) = (Arc::clone(&died), Gate::new(self.busy.subscribe()));
        let incoming = Incoming { id, stream, limits, inbox, died: waits, gate: gate.clone() };
        self.connections.insert(id, Connection { outbox, peer, session: None, died, gate });
        tokio::spawn(incoming.read());
    }

    /// Sends a frame with the next [`flush`](Self::flush); cuts the whole session off if it does not
    /// read what it is sent.
    pub(super) fn send(&mut self, id: ConnectionId, frame: &Frame) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.outbox.send(frame) {
            Ok(true) => return self.spoken_to.push(id),
            Ok(false) => return,
            Err(Overflow) => {}
        }
        let (session, pid) = (connection.session, connection.peer.pid);
        tracing::warn!(pid, "cut off a program that does not read what it is sent");
        let main = session.and_then(|it| self.sessions.get(&it)).map(|it| it.main);
        if let Some(main) = main.and_then(|it| self.connections.get_mut(&it)) {
            main.outbox.hang_up();
        }
    }

    pub(super) fn callback(&mut self, session: SessionId, frame: &Frame) {
        if let Some(main) = self.sessions.get(&session).map(|it| it.main) {
            self.send(main, frame);
        }
    }

    /// What all were sent in this turn goes out, each connection's in one piece.
    pub(super) fn flush(&mut self) {
        for id in self.spoken_to.drain(..) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.outbox.flush();
            }
        }
    }

    pub(super) fn writable(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.outbox.writable();
        }
    }

    pub(super) fn welcome(&mut self, session: SessionId, node: &str) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        open.welcomed = true;
        let (main, token) = (open.main, open.token);
        self.send(main, &welcome(token, node));
    }

    /// Ends the session and its connections, after what they were sent. Whose it was.
    fn close_session(&mut self, session: SessionId, error: Option<Error>) -> Option<ProcessKey> {
        let ended = self.sessions.remove(&session)?;
        self.tokens.remove(&ended.token);
        if let Some(error) = error.filter(|_| !ended.welcomed) {
            self.send(ended.main, &refusal(error));
        }
        for id in ended.connections {
            self.close(id);
        }
        Some(ended.peer.key)
    }

    /// The reader goes on until it sees the end, and reports it.
    fn close(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if let Some(process) = self.processes.get(connection.peer.key) {
            process.connections.remove(&id);
        }
        connection.outbox.close();
    }

    /// Everything ends at once.
    pub(super) fn end(&mut self) {
        self.connections.values_mut().for_each(|it| it.outbox.hang_up());
    }

    fn open(&mut self, id: ConnectionId, peer: Peer, token: u128, of_node: bool) -> SessionId {
        // One count for both, so that a session's first connection has its number.
        let session = SessionId(id.0);
        let connections = BTreeSet::from([id]);
        let open = Session { of_node, token, main: id, connections, peer, welcomed: false };
        self.sessions.insert(session, open);
        self.tokens.insert(token, session);
        session
    }

    fn attach(&mut self, id: ConnectionId, peer: Peer, token: u128) -> Outcome<SessionId> {
        let session = self.tokens.get(&token).copied();
        let own = session.and_then(|it| Some((it, self.sessions.get_mut(&it)?)));
        let Some((session, open)) = own.filter(|(_, it)| it.peer == peer && it.welcomed) else {
            let text = "this process has no session of that token; initialize again";
            return Err(Error::new(ErrorCode::BadHandle, text));
        };
        open.connections.insert(id);
        Ok(session)
    }
}

fn welcome(token: u128, node: &str) -> Frame {
    let welcome = Welcome { token, node: node.to_owned() };
    Frame::new(frame::WELCOME, 0, encode_bytes(&Outcome::Ok(welcome)))
}

/// Nobody can guess it.
pub(super) fn draw_token() -> Outcome<u128> {
    let mut token = [0; 16];
    let drawn = rustix::rand::getrandom(&mut token, rustix::rand::GetRandomFlags::empty());
    match drawn {
        Ok(16) => Ok(u128::from_be_bytes(token)),
        Ok(_) | Err(_) => Err(Error::new(ErrorCode::NoResources, "no random numbers to be had")),
    }
}

impl Shell {
    pub(super) fn accepted(&mut self, Accepted { stream, pid, uid, gid }: Accepted) {
        match self.server.processes.connected(pid, &self.sender) {
            Ok(key) => {
                let process = self.server.processes.get(key);
                if process.is_some_and(|it| it.connections.is_empty()) {
                    tracing::info!(pid, uid, gid, "a program connected");
                }
                self.server.add(stream, Peer { key, pid, uid });
            }
            Err(error) => tracing::warn!(pid, uid, gid, %error, "refused a program"),
        }
    }

    pub(super) fn inbound(&mut self, inbound: Inbound) {
        match inbound {
            // Its programs are cut off, and what they hold goes with this node.
            Inbound::Frame(..)
            | Inbound::Closed(..)
            | Inbound::Writable(_)
            | Inbound::Died(_)
            | Inbound::Connect(..)
            | Inbound::Exit(_)
                if !self.stopping.is_empty() => {}
            Inbound::Frame(id, frame) => self.program_frame(id, frame),
            Inbound::Closed(id, garbage) => self.connection_closed(id, garbage),
            Inbound::Writable(id) => self.server.writable(id),
            Inbound::Died(key) => self.died(key),
            Inbound::Connect(key, stream) => self.connect_inside(key, stream),
            Inbound::Exit(key) => self.cut_off(key),
            Inbound::Inspect(look) => look(&self.core),
            Inbound::Stop(stopped) => self.leave(stopped),
        }
    }

    fn connect_inside(&mut self, key: ProcessKey, stream: std::os::unix::net::UnixStream) {
        let pid = std::process::id();
        self.server.processes.inside(key, pid);
        let uid = rustix::process::getuid().as_raw();
        let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
        match stream {
            Ok(stream) => self.server.add(stream, Peer { key, pid, uid }),
            Err(error) => tracing::warn!(%error, "refused a program of this process"),
        }
    }

    fn program_frame(&mut self, id: ConnectionId, frame: Frame) {
        let Some(connection) = self.server.connections.get(&id) else { return };
        match connection.session {
            Some(session) => {
                let of_node = self.server.sessions.get(&session).is_some_and(|it| it.of_node);
                if !of_node || !self.administer(id, &frame) {
                    self.events.push_back(Event::Frame(session, id, frame));
                }
            }
            None => {
                let peer = connection.peer;
                if let Err(error) = self.hello(id, peer, &frame) {
                    self.server.send(id, &refusal(error));
                    self.server.close(id);
                    self.reap(peer.key);
                }
            }
        }
    }

    pub(super) fn close_session(&mut self, session: SessionId, error: Option<Error>) {
        if let Some(key) = self.server.close_session(session, error) {
            self.reap(key);
        }
    }

    fn hello(&mut self, id: ConnectionId, peer: Peer, frame: &Frame) -> Outcome<()> {
        let foreign = |why: String| {
            let text = format!("the program does not speak this node's language: {why}");
            Error::new(ErrorCode::Library, text)
        };
        if frame.kind != frame::HELLO {
            return Err(foreign(format!("kind {} instead of a hello", frame.kind)));
        }
        let hello = decode_bytes(&frame.header).map_err(|error| foreign(error.to_string()))?;
        let (Hello::Open { protocol, .. } | Hello::Attach { protocol, .. }) = hello;
        if protocol != Hello::PROTOCOL {
            let ours = Hello::PROTOCOL;
            return Err(foreign(format!("it speaks version {protocol}, we speak {ours}")));
        }
        let session = match hello {
            Hello::Open { service, program, version, protocol: _ } => {
                let of_node = service == ServiceId::NODE;
                let session = self.server.open(id, peer, draw_token()?, of_node);
                let opened = Event::SessionOpened { session, peer, service, version, program };
                self.events.push_back(opened);
                session
            }
            Hello::Attach { token, protocol: _ } => {
                let session = self.server.attach(id, peer, token)?;
                self.server.send(id, &welcome(token, &self.node_name));
                session
            }
        };
        if let Some(connection) = self.server.connections.get_mut(&id) {
            connection.session = Some(session);
            if self.server.sessions.get(&session).is_some_and(|it| it.of_node) {
                connection.gate.set_free();
            }
        }
        Ok(())
    }

    fn connection_closed(&mut self, id: ConnectionId, garbage: Option<String>) {
        let Some(mut connection) = self.server.connections.remove(&id) else { return };
        let peer = connection.peer;
        if let Some(reason) = garbage {
            tracing::warn!(pid = peer.pid, reason, "cut off a program that sends no frames");
            connection.outbox.hang_up();
        }
        if let Some(session) = connection.session {
            self.session_connection_closed(session, id);
        }
        if let Some(process) = self.server.processes.get(peer.key) {
            process.connections.remove(&id);
        }
        self.reap(peer.key);
    }

    /// A dead process whose connections are all read to the end has exited.
    fn reap(&mut self, key: ProcessKey) {
        let process = self.server.processes.get(key);
        if process.is_some_and(|it| it.dead && it.connections.is_empty()) {
            self.exited(key);
        }
    }

    fn session_connection_closed(&mut self, session: SessionId, id: ConnectionId) {
        let Some(open) = self.server.sessions.get_mut(&session) else { return };
        open.connections.remove(&id);
        self.events.push_back(if open.main == id {
            Event::SessionClosed(session)
        } else {
            Event::ConnectionClosed(session, id)
        });
    }

    /// A process has ended: what it has written is read to the end first.
    pub(super) fn died(&mut self, key: ProcessKey) {
        let Some(process) = self.server.processes.get(key).filter(|it| !it.dead) else { return };
        process.dead = true;
        for id in process.connections.clone() {
            if let Some(connection) = self.server.connections.get(&id) {
                connection.died.notify_one();
            }
        }
        self.reap(key);
    }

    /// Ends a program inside this process: what it has written is read, it hears nothing more.
    pub(super) fn cut_off(&mut self, key: ProcessKey) {
        let connections = self.server.processes.get(key).map(|it| it.connections.clone());
        self.died(key);
        for id in connections.unwrap_or_default() {
            if let Some(connection) = self.server.connections.get_mut(&id) {
                connection.outbox.hang_up_writing();
            }
        }
    }

    fn exited(&mut self, key: ProcessKey) {
        let Some(process) = self.server.processes.forget(key) else { return };
        self.events.push_back(Event::ProcessExited(key));
        for (service, action) in process.kills {
            let done = crate::Done::Ended(ais_service::Exit::Code(0));
            self.events.push_back(Event::ActionDone(service, action, done));
        }
    }
}
