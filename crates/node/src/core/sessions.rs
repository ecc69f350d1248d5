//! Sessions: who called, where the answer goes, and what waits while the lease is lost.

use super::{ConnectionId, Core, Effect, Peer, ProcessKey, SessionId, usage::Usage};
use crate::driven::RawInput;
use ais_service::{Caller, Instant, Lease, Now, Timers};
use ais_types::{
    ClientId, Error, ErrorCode, MemberId, Outcome, ProcessId, Role, ServiceId, Version, frame,
    node as words,
};
use ais_wire::{Frame, decode, encode};
use std::collections::{BTreeMap, VecDeque};

const NO_MEMBER: &str = "this node is no member of the cluster; unlock it, or wait until it is one, and initialize then";
const STALE: &str =
    "this node left the cluster, and the handle with it; finalize, and initialize again";

#[derive(Default)]
pub(super) struct Sessions {
    open: BTreeMap<SessionId, Session>,
    usage: Usage,
    /// When a session that broke off counts as closed by a living process.
    pub(super) farewells: Timers<Instant, SessionId>,
}

struct Session {
    with: With,
    process: ProcessKey,
    /// Calls with the service, by request number.
    calls: BTreeMap<u64, Asked>,
    requests: u64,
    /// Calls that wait for the lease.
    waiting: VecDeque<(Place, Frame)>,
    /// What is to be sent once the lease is back.
    held: Vec<Effect>,
    held_bytes: usize,
    callbacks: u64,
}

#[derive(Clone, Copy)]
enum With {
    Node,
    Service {
        index: usize,
        process: ProcessId,
        /// The life of this node that the handle belongs to.
        member: MemberId,
        /// What the program is told where no service is to be had.
        unavailable: ErrorCode,
    },
}

/// A call with the service.
#[derive(Clone, Copy)]
struct Asked {
    place: Place,
    /// What it took.
    bytes: usize,
}

/// Where a reply belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    connection: ConnectionId,
    tag: u64,
}

impl Session {
    fn new(with: With, process: ProcessKey) -> Self {
        Self {
            with,
            process,
            calls: BTreeMap::new(),
            requests: 0,
            waiting: VecDeque::new(),
            held: Vec::new(),
            held_bytes: 0,
            callbacks: 0,
        }
    }

    fn in_flight(&self) -> usize {
        self.calls.len() + self.waiting.len()
    }

    fn has(&self, place: Place) -> bool {
        let asked = self.calls.values().map(|it| it.place);
        asked.chain(self.waiting.iter().map(|(it, _)| *it)).any(|it| it == place)
    }
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    fn add(&mut self, id: SessionId, session: Session) {
        self.usage.session_opened(session.process);
        self.open.insert(id, session);
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        self.farewells.clear(&session);
        let Some(ended) = self.open.remove(&session) else { return };
        let asked = ended.calls.values().map(|it| it.bytes);
        let waiting = ended.waiting.iter().map(|(_, frame)| frame.wire_len());
        asked.chain(waiting).for_each(|bytes| self.usage.call_ended(ended.process, bytes));
        self.usage.session_closed(ended.process);
    }

    pub(super) fn of_process(&self, key: ProcessKey) -> Vec<SessionId> {
        let of_it = self.open.iter().filter(|(_, it)| it.process == key);
        of_it.map(|(id, _)| *id).collect()
    }

    pub(super) fn take_held(&mut self) -> Vec<Effect> {
        let mut all = Vec::new();
        for session in self.open.values_mut() {
            session.held_bytes = 0;
            all.append(&mut session.held);
        }
        all
    }
}

fn refusal(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(code, text)
}

fn reply_frame(tag: u64, mut outcome: Outcome<()>) -> Frame {
    encode(frame::REPLY, tag, &mut outcome)
}

impl Core {
    pub(super) fn open_session(
        &mut self,
        session: SessionId,
        peer: Peer,
        service: ServiceId,
        version: Version,
        program: String,
        out: &mut Vec<Effect>,
    ) {
        match self.admit(peer, service, version) {
            Ok(with) => {
                tracing::debug!(session = session.0, pid = peer.pid, program, "session opened");
                self.sessions.add(session, Session::new(with, peer.key));
                out.push(Effect::Welcome(session));
            }
            Err(error) => out.push(Effect::CloseSession(session, Some(error))),
        }
    }

    fn admit(&mut self, peer: Peer, service: ServiceId, version: Version) -> Outcome<With> {
        if self.sessions.len() >= self.config.limits.sessions {
            let text = format!("this node has {} sessions already", self.sessions.len());
            return Err(refusal(ErrorCode::NoResources, text));
        }
        self.sessions.usage.admits_session(peer.key, &self.config.limits)?;
        if service == ServiceId::NODE {
            return Ok(With::Node);
        }
        let index = self.index_of(service).ok_or_else(|| {
            let text = format!("this node has no service {}", service.0);
            refusal(ErrorCode::NotSupported, text)
        })?;
        let again = |text| refusal(ErrorCode::TryAgain, text);
        let me = self.me.ok_or_else(|| again("this node is not a member of its group yet"))?;
        if self.lease == Lease::Lost {
            return Err(again("this node has lost touch with its group"));
        }
        if self.view.member(me.node).is_some_and(|it| it.role == Role::Witness) {
            let text = "this node is a witness; it serves no programs";
            return Err(refusal(ErrorCode::Unavailable, text));
        }
        let since = self.services[index].unavailable_since();
        let knows = version.major >= since;
        let unavailable = if knows { ErrorCode::Unavailable } else { ErrorCode::TryAgain };
        let member = match self.inside_me() {
            _ if Some(index) == self.gatekeeper => me,
            Some(member) => member,
            None => return Err(refusal(unavailable, NO_MEMBER)),
        };
        let number = self.processes.started(peer.key, peer.pid);
        let process = ProcessId { member, number };
        Ok(With::Service { index, process, member, unavailable })
    }

    /// Handles that were opened before this node left the cluster are of no use any more, for
    /// ever: what they are told then, if that is so.
    fn stale(&self, with: With) -> Option<Error> {
        let With::Service { index, member, unavailable, process: _ } = with else { return None };
        if Some(index) == self.gatekeeper {
            return None;
        }
        match self.inside_me() {
            Some(it) if it == member => None,
            None => Some(refusal(unavailable, NO_MEMBER)),
            // Older programs have no word for it; the handle is just bad.
            Some(_) if unavailable == ErrorCode::TryAgain => {
                Some(refusal(ErrorCode::BadHandle, STALE))
            }
            Some(_) => Some(refusal(unavailable, STALE)),
        }
    }

    /// This node is no member any more: whoever waits is told, and whoever dispatches.
    pub(super) fn end_handles(&mut self, out: &mut Vec<Effect>) {
        for session in self.sessions.open.keys().copied().collect::<Vec<_>>() {
            let Some(open) = self.sessions.open.get_mut(&session) else { continue };
            let With::Service { index, unavailable, .. } = open.with else { continue };
            if Some(index) == self.gatekeeper {
                continue;
            }
            let of = open.process;
            let calls = std::mem::take(&mut open.calls).into_values();
            let waiting = std::mem::take(&mut open.waiting).into_iter();
            let calls = calls.map(|it| (it.place, it.bytes));
            let calls: Vec<(Place, usize)> =
                calls.chain(waiting.map(|(place, frame)| (place, frame.wire_len()))).collect();
            for (place, bytes) in calls {
                self.sessions.usage.call_ended(of, bytes);
                let reply = reply_frame(place.tag, Err(refusal(unavailable, NO_MEMBER)));
                let bytes = reply.wire_len();
                self.tell(session, Effect::Reply(session, place.connection, reply), bytes, out);
            }
            let stale =
                encode(frame::STALE, 0, &mut Outcome::<()>::Err(refusal(unavailable, STALE)));
            let bytes = stale.wire_len();
            self.tell(session, Effect::Callback(session, stale), bytes, out);
        }
    }

    pub(super) fn frame(
        &mut self,
        now: Now,
        session: SessionId,
        connection: ConnectionId,
        frame: Frame,
        out: &mut Vec<Effect>,
    ) {
        // One that broke off may still say good-bye on another connection.
        let broke_off = self.sessions.farewells.get(&session).is_some();
        let deaf = broke_off && frame.kind != frame::FINALIZE;
        let Some(open) = self.sessions.open.get_mut(&session).filter(|_| !deaf) else { return };
        let place = Place { connection, tag: frame.tag };
        let repeated = open.has(place);
        match frame.kind {
            frame::CALL if repeated => {
                let text = format!("a call with the tag {} is not answered yet", frame.tag);
                self.breach(session, place, &text, out);
            }
            frame::CALL => self.call(now, session, place, frame, out),
            frame::CANCEL => self.cancel(session, |it| it == place),
            frame::FINALIZE => self.finalize(now, session, place, out),
            kind => {
                let text = format!("a program sends no frame of kind {kind}");
                self.breach(session, place, &text, out);
            }
        }
    }

    fn call(
        &mut self,
        now: Now,
        session: SessionId,
        place: Place,
        frame: Frame,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.sessions.open.get(&session) else { return };
        let with = open.with;
        if matches!(with, With::Node) {
            return self.answer_for_node(session, place, &frame, out);
        }
        if let Some(error) = self.stale(with) {
            let reply = reply_frame(place.tag, Err(error));
            return out.push(Effect::Reply(session, place.connection, reply));
        }
        let Some(open) = self.sessions.open.get(&session) else { return };
        if let Err(refused) = self.admit_call(open, frame.wire_len()) {
            self.counts.refused += 1;
            let reply = reply_frame(place.tag, Err(refused));
            return out.push(Effect::Reply(session, place.connection, reply));
        }
        self.sessions.usage.call_began(open.process, frame.wire_len());
        self.counts.calls += 1;
        self.ask(now, session, place, frame, out);
    }

    fn admit_call(&self, open: &Session, bytes: usize) -> Outcome<()> {
        let limits = &self.config.limits;
        if open.in_flight() >= limits.calls {
            let text = format!("{} calls of this session are not answered yet", limits.calls);
            return Err(refusal(ErrorCode::TryAgain, text));
        }
        self.sessions.usage.admits_call(open.process, bytes, limits)
    }

    /// Hands an admitted call to its service, once there is a lease.
    fn ask(
        &mut self,
        now: Now,
        session: SessionId,
        place: Place,
        frame: Frame,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.sessions.open.get_mut(&session) else { return };
        let With::Service { index, process, .. } = open.with else { return };
        if self.lease == Lease::Lost {
            return open.waiting.push_back((place, frame));
        }
        open.requests += 1;
        let request = open.requests;
        open.calls.insert(request, Asked { place, bytes: frame.wire_len() });
        let Some(client) = self.client(session) else { return };
        let caller = Caller { client, process, request };
        if let Err(error) = self.feed(now, index, RawInput::Call(caller, frame), out) {
            self.breach(session, place, &error.to_string(), out);
        }
    }

    /// What waited for the lease, session by session, each in its order.
    pub(super) fn call_waiting(&mut self, now: Now, out: &mut Vec<Effect>) {
        for session in self.sessions.open.keys().copied().collect::<Vec<_>>() {
            let open = self.sessions.open.get_mut(&session);
            let waiting = open.map(|it| std::mem::take(&mut it.waiting)).unwrap_or_default();
            for (place, frame) in waiting {
                self.ask(now, session, place, frame, out);
            }
        }
    }

    pub(super) fn reply(&mut self, caller: Caller, mut frame: Frame, out: &mut Vec<Effect>) {
        let Some(session) = self.session_of(caller.client) else { return };
        let open = self.sessions.open.get_mut(&session);
        let Some(open) = open else { return };
        let Some(Asked { place, bytes }) = open.calls.remove(&caller.request) else { return };
        self.sessions.usage.call_ended(open.process, bytes);
        frame.tag = place.tag;
        let bytes = frame.wire_len();
        self.tell(session, Effect::Reply(session, place.connection, frame), bytes, out);
    }

    pub(super) fn callback(&mut self, client: ClientId, mut frame: Frame, out: &mut Vec<Effect>) {
        let Some(session) = self.session_of(client) else { return };
        let Some(open) = self.sessions.open.get_mut(&session) else { return };
        open.callbacks += 1;
        self.counts.callbacks += 1;
        frame.tag = open.callbacks;
        let bytes = frame.wire_len();
        self.tell(session, Effect::Callback(session, frame), bytes, out);
    }

    /// The client that a session of this node is to its service.
    fn client(&self, session: SessionId) -> Option<ClientId> {
        match self.sessions.open.get(&session)?.with {
            With::Node => None,
            With::Service { member, .. } => Some(ClientId { member, number: session.0 }),
        }
    }

    fn session_of(&self, client: ClientId) -> Option<SessionId> {
        let session = SessionId(client.number);
        (self.client(session) == Some(client)).then_some(session)
    }

    /// Tells it now, or when the lease is back: without one, nobody hears anything.
    fn tell(&mut self, session: SessionId, what: Effect, bytes: usize, out: &mut Vec<Effect>) {
        if self.lease == Lease::Held {
            return out.push(what);
        }
        let limit = self.config.limits.held_bytes;
        let Some(open) = self.sessions.open.get_mut(&session) else { return };
        open.held_bytes += bytes;
        open.held.push(what);
        if open.held_bytes > limit {
            let text = format!("more than {limit} bytes wait for this session");
            self.end(session, Some(refusal(ErrorCode::NoResources, text)), out);
        }
    }

    /// A program broke the protocol: its call is answered, its session ends.
    fn breach(&mut self, session: SessionId, place: Place, what: &str, out: &mut Vec<Effect>) {
        let error = refusal(ErrorCode::Library, format!("the program broke the protocol: {what}"));
        let reply = reply_frame(place.tag, Err(error.clone()));
        out.push(Effect::Reply(session, place.connection, reply));
        self.end(session, Some(error), out);
    }

    /// The answer comes after what the service does about it.
    fn finalize(&mut self, now: Now, session: SessionId, place: Place, out: &mut Vec<Effect>) {
        self.close_by_living_process(session);
        self.drain_work(now, out);
        out.push(Effect::Reply(session, place.connection, reply_frame(place.tag, Ok(()))));
        out.push(Effect::CloseSession(session, None));
    }

    pub(super) fn end(&mut self, session: SessionId, error: Option<Error>, out: &mut Vec<Effect>) {
        self.counts.cut_off += u64::from(error.is_some());
        self.close_by_living_process(session);
        out.push(Effect::CloseSession(session, error));
    }

    /// The session ends, its process does not: the service hears of it at once.
    pub(super) fn close_by_living_process(&mut self, session: SessionId) {
        self.cancel_calls(session, None);
        let with = self.sessions.open.get(&session).map(|it| it.with);
        let client = self.client(session);
        self.sessions.remove(session);
        let (Some(with @ With::Service { index, .. }), Some(client)) = (with, client) else {
            return;
        };
        // The service has forgotten it already if it is stale.
        if self.stale(with).is_none() {
            self.work.push_back((index, RawInput::Closed(client)));
        }
    }

    /// A connection that breaks off without a farewell is often the first sign of its process's
    /// end, which is a different thing: wait a little for that.
    pub(super) fn session_broke_off(&mut self, now: Now, session: SessionId) {
        self.cancel_calls(session, None);
        if self.sessions.open.contains_key(&session) {
            let at = now.at + self.config.limits.farewell;
            self.sessions.farewells.set(session, at);
        }
    }

    /// Nobody waits for the calls of this connection any more, or of the whole session.
    pub(super) fn cancel_calls(&mut self, session: SessionId, of: Option<ConnectionId>) {
        self.cancel(session, |place| of.is_none_or(|it| it == place.connection));
    }

    fn cancel(&mut self, session: SessionId, which: impl Fn(Place) -> bool) {
        let client = self.client(session);
        let Some(open) = self.sessions.open.get_mut(&session) else { return };
        let (usage, of) = (&mut self.sessions.usage, open.process);
        open.waiting.retain(|(place, frame)| {
            let cancelled = which(*place);
            if cancelled {
                usage.call_ended(of, frame.wire_len());
            }
            !cancelled
        });
        let (With::Service { index, process, .. }, Some(client)) = (open.with, client) else {
            return;
        };
        let work = &mut self.work;
        open.calls.retain(|request, asked| {
            let cancelled = which(asked.place);
            if cancelled {
                usage.call_ended(of, asked.bytes);
                let caller = Caller { client, process, request: *request };
                work.push_back((index, RawInput::Cancelled(caller)));
            }
            !cancelled
        });
    }

    /// Operators are answered always, lease or not.
    fn answer_for_node(
        &mut self,
        session: SessionId,
        place: Place,
        call: &Frame,
        out: &mut Vec<Effect>,
    ) {
        match decode::<words::Call>(call) {
            Ok(words::Call::Status) => {
                let mut reply: Outcome<_> = Ok(words::Reply::Status(self.status()));
                let reply = encode(frame::REPLY, place.tag, &mut reply);
                out.push(Effect::Reply(session, place.connection, reply));
            }
            Ok(words::Call::Fault { peer, fault }) => {
                let Place { connection, tag } = place;
                out.push(Effect::SetFault { connection, tag, peer, fault });
            }
            Err(error) => self.breach(session, place, &error.to_string(), out),
        }
    }

    fn status(&self) -> words::Status {
        words::Status {
            cluster: self.config.cluster.clone(),
            name: self.config.name.clone(),
            id: self.me,
            leader: self.leader,
            lease: self.lease == Lease::Held,
            view: self.view.clone(),
            services: self.services.iter().map(|it| it.name().to_owned()).collect(),
            sessions: self.sessions.len() as u64,
        }
    }
}
