//! The control path: what is done by the order, and what the order brings.

use crate::{
    CheckpointId, Ckpt, Command, OpenId,
    calls::{Checked, Go, access},
    client::{Client, Opened},
    error::Refused,
    params::{self, Rules},
    registry::{Change, Wish},
    waiting::{Task, Ticket, To},
};
use ais_service::Caller;
use ais_types::{
    Error, MemberId, Name, ProcessId, Stamp, Time, Version, View,
    ckpt::{Callbacks, CreationAttributes, OpenFlags, Reply, TRACK_VERSION, VERSIONS},
};
use alloc::vec::Vec;

impl Ckpt {
    /// §3.5.1.
    pub(crate) fn initialize(
        &mut self,
        caller: Caller,
        version: Version,
        callbacks: Callbacks,
    ) -> Checked {
        let granted = version.negotiate(VERSIONS).map_err(|unsupported| Refused::Version {
            requested: version,
            offered: unsupported.0,
        })?;
        // Nobody can register it this way.
        let callbacks = Callbacks { track: false, ..callbacks };
        self.initialized(caller, version, callbacks, granted)
    }

    /// The track extension: exactly its version.
    pub(crate) fn initialize_tracking(
        &mut self,
        caller: Caller,
        version: Version,
        callbacks: Callbacks,
    ) -> Checked {
        let Version { release, major, .. } = TRACK_VERSION;
        let served = (version.release, version.major) == (release, major);
        if !served || version.minor < TRACK_VERSION.minor {
            return Err(Refused::Version { requested: version, offered: TRACK_VERSION }.into());
        }
        self.initialized(caller, version, callbacks, TRACK_VERSION)
    }

    fn initialized(
        &mut self,
        caller: Caller,
        version: Version,
        callbacks: Callbacks,
        granted: Version,
    ) -> Checked {
        if self.clients.contains_key(&caller.client) {
            return Err(Refused::InitialisedTwice.into());
        }
        let client = Client::new(version, callbacks, caller.process);
        self.clients.insert(caller.client, client);
        Ok(Go::Answer(Reply::Initialized(granted)))
    }

    /// §3.6.1.
    pub(crate) fn open(
        &mut self,
        caller: Caller,
        name: &Name,
        attributes: Option<&CreationAttributes>,
        flags: OpenFlags,
        timeout: Time,
    ) -> Checked {
        let rules = self.client(caller)?.rules;
        params::open(rules, name, attributes, flags)?;
        let timeout = params::timeout(rules, timeout)?;
        if timeout == Time::BEGIN {
            return Err(Refused::TimedOut.into());
        }
        self.order_open(To::Caller(caller), caller, name, attributes, flags, timeout);
        Ok(Go::Waits)
    }

    /// §3.6.1.
    pub(crate) fn open_async(
        &mut self,
        caller: Caller,
        invocation: u64,
        name: &Name,
        attributes: Option<&CreationAttributes>,
        flags: OpenFlags,
    ) -> Checked {
        let client = self.client(caller)?;
        params::open(client.rules, name, attributes, flags)?;
        if !client.callbacks.open {
            return Err(Refused::NoCallback("open").into());
        }
        let to = To::Open { client: caller.client, invocation };
        self.order_open(to, caller, name, attributes, flags, Time::END);
        Ok(Go::Answer(Reply::Done))
    }

    fn order_open(
        &mut self,
        to: To,
        caller: Caller,
        name: &Name,
        attributes: Option<&CreationAttributes>,
        flags: OpenFlags,
        timeout: Time,
    ) {
        let client = self.clients.get_mut(&caller.client).expect("checked before");
        let open = OpenId { client: caller.client, handle: client.next_handle() };
        let command = Command::Open {
            open,
            process: client.process,
            name: name.clone(),
            attributes: attributes.copied(),
            flags,
            compare_retention: client.rules == Rules::B01,
            copies: self.settings.copies.max(1),
            most: (self.settings.checkpoints, self.settings.opens),
        };
        self.wait(to, Task::Open { open, flags, checkpoint: None }, Some(timeout));
        self.order(command);
    }

    /// §3.6.3. The handle is gone at once; the answer comes when everyone knows.
    pub(crate) fn close(&mut self, caller: Caller, handle: u64) -> Checked {
        let opened = self.client(caller)?.checkpoint(handle)?;
        let open = OpenId { client: caller.client, handle };
        self.untrack(opened.checkpoint, open);
        self.client(caller)?.close(handle)?;
        for ticket in self.waiting.of_client(caller.client) {
            self.close_synchronize(ticket, handle);
        }
        self.wait(To::Caller(caller), Task::Close { open }, None);
        self.order(Command::Close { open });
        Ok(Go::Waits)
    }

    /// §3.6.3: no synchronize callback after the close; who waits in a call is told.
    fn close_synchronize(&mut self, ticket: Ticket, closed: u64) {
        let theirs = self.waiting.get(ticket).is_some_and(
            |it| matches!(it.task, Task::Synchronize { handle, .. } if handle == closed),
        );
        if theirs && let Some(to @ To::Caller(_)) = self.abandon(ticket) {
            self.answer(to, Err(Refused::BadHandle(closed).into()));
        }
    }

    /// §3.6.4.
    pub(crate) fn unlink(&mut self, caller: Caller, name: &Name) -> Checked {
        self.client(caller)?;
        params::named(name)?;
        let request = self.wait(To::Caller(caller), Task::Ordered, None).0;
        self.order(Command::Unlink { request, name: name.clone() });
        Ok(Go::Waits)
    }

    /// §3.6.5.
    pub(crate) fn retain(&mut self, caller: Caller, handle: u64, duration: Time) -> Checked {
        let rules = self.client(caller)?.rules;
        let (opened, it) = self.opened(caller, handle)?;
        params::retention(duration)?;
        if rules == Rules::B02 {
            access(it, opened, OpenFlags::WRITE)?;
        }
        let request = self.wait(To::Caller(caller), Task::Ordered, None).0;
        self.order(Command::Retain { request, checkpoint: opened.checkpoint, duration });
        Ok(Go::Waits)
    }

    /// §3.6.6.
    pub(crate) fn active_replica_set(&mut self, caller: Caller, handle: u64) -> Checked {
        let (opened, it) = self.opened(caller, handle)?;
        access(it, opened, OpenFlags::WRITE)?;
        if !it.chosen_active() {
            let rule = "only collocated, asynchronous checkpoints have an active replica to choose";
            return Err(Refused::Kind { name: it.name.clone(), rule }.into());
        }
        let checkpoint = opened.checkpoint;
        self.wait(To::Caller(caller), Task::Activate { checkpoint, ordered: false }, None);
        self.order(Command::Activate { checkpoint });
        Ok(Go::Waits)
    }

    /// An entry of the order.
    pub(crate) fn ordered(&mut self, stamp: Stamp, from: MemberId, command: Command) {
        let mine = self.me == Some(from);
        match command {
            Command::Open {
                open,
                process,
                name,
                attributes,
                flags,
                compare_retention,
                copies,
                most,
            } => {
                let wish = Wish { name, attributes, flags, compare_retention, copies, most };
                let outcome = self.registry.open(stamp, open, process, wish);
                if mine {
                    self.open_ordered(open, outcome);
                }
            }
            Command::Close { open } => {
                self.registry.close(stamp.time, open);
                if let Some(ticket) = self.waiting.of_open(open).filter(|_| mine) {
                    self.finish(ticket, Ok(Reply::Done));
                }
            }
            Command::CloseAll { client } => self.registry.close_all(stamp.time, client),
            Command::Unlink { request, name } => {
                let outcome = self.registry.unlink(&name);
                self.answer_ordered(mine, request, outcome);
            }
            Command::Retain { request, checkpoint, duration } => {
                let outcome = self.registry.retain(checkpoint, duration);
                self.answer_ordered(mine, request, outcome);
            }
            Command::Activate { checkpoint } => {
                self.registry.activate(checkpoint, from);
                if mine {
                    self.activation_ordered(checkpoint);
                }
            }
            Command::Completed { checkpoint, epoch, member } => {
                self.registry.completed(checkpoint, epoch, member);
            }
            Command::Sealed { seals } => {
                for (checkpoint, epoch, number) in seals {
                    self.registry.sealed(checkpoint, epoch, from, number);
                }
            }
            Command::Drained { checkpoint, epoch, to } => {
                self.registry.drained(checkpoint, epoch, to);
            }
            Command::Lagging { members } => {
                for (checkpoint, epoch, member) in members {
                    self.registry.lagging(checkpoint, epoch, member);
                }
            }
            Command::Conceded { replicas } => {
                for (checkpoint, epoch) in replicas {
                    self.registry.conceded(checkpoint, epoch, from);
                }
            }
            Command::NoRoom { checkpoints } => self.registry.no_room(from, &checkpoints),
            Command::Room => self.registry.room(from),
            Command::Exhaustions { checkpoint, count } => self.notify(checkpoint, count),
        }
    }

    fn answer_ordered(&mut self, mine: bool, request: u64, outcome: Result<(), Refused>) {
        if mine {
            self.finish(Ticket(request), outcome.map(|()| Reply::Done).map_err(Error::from));
        }
    }

    fn open_ordered(&mut self, open: OpenId, outcome: Result<CheckpointId, Refused>) {
        match (self.waiting.of_open(open), outcome) {
            (Some(ticket), Ok(id)) => self.waiting.update(ticket, |task| {
                if let Task::Open { checkpoint, .. } = task {
                    *checkpoint = Some(id);
                }
            }),
            (Some(ticket), Err(refused)) => self.finish(ticket, Err(refused.into())),
            // Whoever gave up has ordered the close behind it.
            (None, _) => {}
        }
    }

    fn activation_ordered(&mut self, checkpoint: CheckpointId) {
        for ticket in self.waiting.of_checkpoint(checkpoint) {
            self.waiting.update(ticket, |task| {
                if let Task::Activate { ordered, .. } = task {
                    *ordered = true;
                }
            });
        }
    }

    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) {
        let ended = |it: &&Client| it.process == process;
        let clients: Vec<_> =
            self.clients.iter().filter(|(_, it)| ended(it)).map(|(id, _)| *id).collect();
        for client in clients {
            self.forget(client);
            // For opens that are ordered and not delivered yet.
            self.order(Command::CloseAll { client });
        }
        self.registry.process_ended(stamp.time, process);
    }

    pub(crate) fn view(&mut self, stamp: Stamp, view: &View) {
        if self.me.is_none() {
            self.me = view.member(self.node).map(|it| it.id);
        }
        let before = self.registry.hosts();
        self.registry.view(stamp.time, view);
        for member in before.into_iter().filter(|it| !view.contains(*it)) {
            self.early.forget(member);
            self.replicas.values_mut().for_each(|it| it.left(member));
        }
    }

    /// Does on this node what the order has changed: after every input.
    pub(crate) fn follow_registry(&mut self) {
        for change in self.registry.take_changes() {
            match change {
                Change::Configured(id) => {
                    self.configure(id);
                    self.look_who_waits(id);
                }
                Change::Ended(id) => self.end(id),
            }
        }
    }

    /// Opens and activations that are done now.
    fn look_who_waits(&mut self, id: CheckpointId) {
        let (Some(me), Some(_)) = (self.me, self.registry.get(id)) else { return };
        for ticket in self.waiting.of_checkpoint(id) {
            let Some(waiting) = self.waiting.get(ticket) else { continue };
            let it = self.registry.get(id).expect("looked up above");
            match waiting.task {
                Task::Open { open, flags, checkpoint: Some(_) } => {
                    let collocated = it.attributes.creation_flags.collocated();
                    // 3.6.1: a new replica is complete when the open succeeds.
                    if !collocated || it.configuration.is_complete(me) {
                        if self.track_open(id, open, flags, ticket) {
                            self.open_complete(ticket, open, flags, id);
                        }
                    } else if !it.configuration.is_filling(me) {
                        // It was given up for want of memory.
                        let refused = Refused::NoRoomHere { name: it.name.clone() };
                        self.order(Command::Close { open });
                        self.finish(ticket, Err(refused.into()));
                    }
                }
                // Active, or overtaken by another node that asked later.
                Task::Activate { ordered: true, .. } if it.is_active(me) || !it.is_wanted(me) => {
                    let outcome = match it.has_active() {
                        true => Ok(Reply::Done),
                        false => Err(Refused::NoRoomHere { name: it.name.clone() }.into()),
                    };
                    self.finish(ticket, outcome);
                }
                Task::Open { .. }
                | Task::Activate { .. }
                | Task::Close { .. }
                | Task::Ordered
                | Task::Barrier(..)
                | Task::Data { .. }
                | Task::Follow { .. }
                | Task::Track { .. }
                | Task::Show { .. }
                | Task::Synchronize { .. } => {}
            }
        }
    }

    pub(crate) fn open_complete(
        &mut self,
        ticket: Ticket,
        open: OpenId,
        flags: OpenFlags,
        id: CheckpointId,
    ) {
        if let Some(client) = self.clients.get_mut(&open.client) {
            client.opened(open.handle, Opened { checkpoint: id, flags });
        }
        self.finish(ticket, Ok(Reply::Opened(open.handle)));
    }

    /// A checkpoint is gone.
    fn end(&mut self, id: CheckpointId) {
        for ticket in self.waiting.of_checkpoint(id) {
            self.finish(ticket, Err(Refused::LostMeanwhile.into()));
        }
        self.end_replica(id);
    }
}
