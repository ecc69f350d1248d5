//! Scripted programs: state machines that call services and note what they were promised.

mod component;
mod line;
mod lodger;
mod operator;
mod reader;
mod receiver;
mod register;
mod sender;
mod stay;
mod tenant;
mod tracker;
mod writer;

pub(crate) use component::Manner;

use crate::{
    availability::Setting,
    invariants::Ledger,
    process::{Act, Heard},
    scene::Scene,
};
use ais_node::{ProcessKey, SessionId};
use ais_service::Spawn;
use ais_types::{
    Name, NodeId, ServiceId, Time,
    ckpt::{CreationAttributes, CreationFlags},
};
use ais_wire::Frame;
use std::time::Duration;

/// A program.
pub(crate) trait Program {
    /// Something happens to it.
    fn hear(&mut self, heard: Heard, io: &mut Io<'_>);

    /// It leaves off, while its process goes on.
    fn stop(&mut self, io: &mut Io<'_>);
}

/// What a program can do, and look at.
pub(crate) struct Io<'a> {
    pub(crate) now: Duration,
    pub(crate) node: NodeId,
    pub(crate) me: ProcessKey,
    /// The node was ordered out of the group, or is not in it yet.
    pub(crate) outside: bool,
    /// What all were promised: programs of a simulation may know.
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) rng: &'a mut fastrand::Rng,
    pub(crate) counter: &'a mut u64,
    pub(crate) acts: Vec<Act>,
    pub(crate) failure: Option<String>,
}

impl Io<'_> {
    pub(crate) fn open(&mut self, service: ServiceId) -> SessionId {
        *self.counter += 1;
        let id = SessionId(*self.counter);
        self.acts.push(Act::Open(id, service));
        id
    }

    pub(crate) fn send(&mut self, session: SessionId, frame: Frame) {
        self.acts.push(Act::Send(session, frame));
    }

    pub(crate) fn finalize(&mut self, session: SessionId) {
        self.acts.push(Act::Finalize(session));
    }

    pub(crate) fn alarm(&mut self, within: Duration, alarm: u64) {
        let delay = within.mul_f64(0.2 + 0.8 * self.rng.f64());
        self.acts.push(Act::Alarm(delay, alarm));
    }

    /// The process ends.
    pub(crate) fn exit(&mut self) {
        self.acts.push(Act::Exit);
    }

    pub(crate) fn fail(&mut self, what: String) {
        let (process, node) = (self.me.0, self.node);
        self.failure.get_or_insert_with(|| format!("process {process} on {node}: {what}"));
    }
}

/// Which program a role is played by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Writes a counter into a checkpoint of its own section.
    Writer(Kind),
    /// Reads what all writers wrote.
    Reader,
    /// Follows the membership.
    Tracker,
    /// Sends messages into the one queue.
    Sender,
    /// Receives from it, as long as it can.
    Receiver,
    /// Leaves a checkpoint for a while.
    Tenant,
    /// Leaves a queue for a while.
    Lodger,
    /// Shares sections with others.
    Register,
    /// Gives orders to AMF.
    Operator,
}

impl Part {
    /// Those that each node has; where a component receives, nobody else does.
    pub(crate) fn all(scene: Scene) -> impl Iterator<Item = Self> {
        let kept = move |it: &Self| match it {
            Self::Receiver => scene.setting == Setting::None,
            Self::Operator => scene.operators,
            Self::Writer(_)
            | Self::Reader
            | Self::Tracker
            | Self::Sender
            | Self::Tenant
            | Self::Lodger
            | Self::Register => true,
        };
        Self::ALL.into_iter().filter(kept)
    }

    const ALL: [Self; 11] = [
        Self::Writer(Kind::All),
        Self::Writer(Kind::Active),
        Self::Writer(Kind::Collocated),
        Self::Reader,
        Self::Tracker,
        Self::Sender,
        Self::Receiver,
        Self::Tenant,
        Self::Lodger,
        Self::Register,
        Self::Operator,
    ];

    pub(crate) fn program(self, scene: Scene) -> Box<dyn Program> {
        match self {
            Self::Writer(kind) => Box::new(writer::Writer::new(kind)),
            Self::Reader => Box::new(reader::Reader::new()),
            Self::Tracker => Box::new(tracker::Tracker::new()),
            Self::Sender => Box::new(sender::Sender::new()),
            Self::Receiver => Box::new(receiver::Receiver::new()),
            Self::Tenant => Box::new(tenant::Tenant::new()),
            Self::Lodger => Box::new(lodger::Lodger::new()),
            Self::Register => Box::new(register::Register::new(scene.registers)),
            Self::Operator => Box::new(operator::Operator::new()),
        }
    }
}

/// The component that a command of a model stands for.
pub(crate) fn component_of(spawn: &Spawn) -> Option<Name> {
    let name = spawn.environment.iter().find(|(key, _)| key == "SA_AMF_COMPONENT_NAME");
    let name = Name::new(name?.1.as_str()).ok()?;
    (spawn.command.first()? == "component").then_some(name)
}

/// The program of a component.
pub(crate) fn component(name: Name, manner: Manner) -> Box<dyn Program> {
    Box::new(component::Component::new(name, manner))
}

/// The checkpoints that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Every replica has an update before it is acknowledged.
    All,
    /// The active replica has; what was synchronized counts.
    Active,
    /// As `All`, with replicas where it is open.
    Collocated,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Active, Self::Collocated];

    fn flags(self) -> CreationFlags {
        match self {
            Self::All => CreationFlags::WR_ALL_REPLICAS,
            Self::Active => CreationFlags::WR_ACTIVE_REPLICA,
            Self::Collocated => CreationFlags::WR_ALL_REPLICAS | CreationFlags::COLLOCATED,
        }
    }

    /// Whether the loss of a node may take updates along that were not synchronized.
    pub(crate) fn may_lose(self) -> bool {
        match self {
            Self::Active => true,
            Self::All | Self::Collocated => false,
        }
    }

    fn name(self) -> Name {
        Name::new(format!("safCkpt={self:?}")).expect("it is short")
    }

    fn attributes(self) -> CreationAttributes {
        CreationAttributes {
            creation_flags: self.flags(),
            checkpoint_size: 1 << 20,
            retention_duration: Time(3600 * Time::ONE_SECOND.0),
            max_sections: 4096,
            max_section_size: 256,
            max_section_id_size: 16,
        }
    }
}
