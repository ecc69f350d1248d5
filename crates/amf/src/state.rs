//! The replicated part: the same on every node, changed only by what comes in the group's order.

use crate::escalation::{Limits, Phase};
use crate::kept::Kept;
use crate::ledger::Ledger;
use crate::plan::Roles;
use ais_types::amf::{self, AdminState, HaState, OperationalState, PresenceState, ReadinessState};
use ais_types::{ClientId, MemberId, Name, ProcessId, View};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Numbers what is under way: starts, questions (it is the callback's invocation), clean-ups.
/// Never 0, never used twice.
pub type Number = u64;

/// Where a component is: which group, which unit of it, which component of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) group: usize,
    pub(crate) unit: usize,
    pub(crate) component: usize,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Object {
    Application,
    Group(usize),
    Unit(usize, usize),
    Component(Place),
    Instance(usize, usize),
    Csi(usize, usize),
}

impl Object {
    /// The group it belongs to.
    pub(crate) const fn group(self) -> Option<usize> {
        match self {
            Self::Application => None,
            Self::Group(group)
            | Self::Unit(group, _)
            | Self::Instance(group, _)
            | Self::Csi(group, _) => Some(group),
            Self::Component(place) => Some(place.group),
        }
    }
}

/// Everything that is replicated.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) model: Option<amf::Model>,
    /// An operator loaded the model; else the configuration of a node had it.
    pub(crate) ordered: bool,
    /// What was kept of a former cluster, until there is a model.
    pub(crate) recalled: Option<Kept>,
    /// How often what is to be kept has changed.
    pub(crate) kept_changes: u64,
    pub(crate) groups: Vec<Group>,
    pub(crate) names: BTreeMap<Name, Object>,
    pub(crate) view: View,
    /// Groups that something happened to and that were not reconciled yet.
    pub(crate) touched: BTreeSet<usize>,
    pub(crate) ledger: Ledger,
}

/// A service group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: Name,
    pub(crate) application: Name,
    pub(crate) redundancy: amf::Redundancy,
    pub(crate) auto_repair: bool,
    pub(crate) limits: Limits,
    pub(crate) admin: AdminState,
    /// The preferred first.
    pub(crate) units: Vec<Unit>,
    /// The most important first.
    pub(crate) instances: Vec<Instance>,
    /// All CSIs, those of important instances and those that others depend on first.
    pub(crate) csis: Vec<Csi>,
    pub(crate) roles: Roles,
    /// Nothing has been assigned yet, and units may still be waited for.
    pub(crate) starting: bool,
    pub(crate) job: Option<Job>,
}

/// An administrative operation under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) object: Name,
    pub(crate) operation: amf::AdminOperation,
    pub(crate) member: MemberId,
    pub(crate) request: u64,
    /// Components that had failed before it began.
    pub(crate) failed: usize,
    /// REPAIRED has done its part: what fails again now is no longer its business.
    pub(crate) repaired: bool,
}

/// A service instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) name: Name,
    pub(crate) admin: AdminState,
}

/// A component service instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Csi {
    pub(crate) name: Name,
    /// Index of its service instance.
    pub(crate) instance: usize,
    pub(crate) attributes: Vec<(alloc::string::String, alloc::string::String)>,
    /// Indices of the CSIs that must be active before it.
    pub(crate) depends_on: Vec<usize>,
    /// Who was last told to be active for it.
    pub(crate) last: Option<Last>,
}

/// Who was last told to be active for a CSI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) unit: usize,
    pub(crate) component: usize,
    /// It has been quiesced since.
    pub(crate) quiesced: bool,
}

/// A service unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) name: Name,
    pub(crate) node: Name,
    pub(crate) failover: bool,
    pub(crate) admin: AdminState,
    pub(crate) operational: OperationalState,
    /// The life of its node that it may run on.
    pub(crate) host: Option<MemberId>,
    /// That life has left the view and may still act.
    pub(crate) lost: bool,
    pub(crate) phase: Phase,
    pub(crate) restarts: u32,
    /// Fail-overs that are counted together.
    pub(crate) failovers: u32,
    pub(crate) components: Vec<Component>,
    /// Which component takes which CSI, by the CSI's index.
    pub(crate) takers: Vec<usize>,
}

/// A component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Component {
    pub(crate) spec: amf::Component,
    pub(crate) operational: OperationalState,
    pub(crate) presence: PresenceState,
    pub(crate) work: Work,
    /// The last start.
    pub(crate) start: Number,
    pub(crate) process: Option<(ProcessId, u32)>,
    pub(crate) registered: Option<Registered>,
    /// By the CSI's index.
    pub(crate) holds: BTreeMap<usize, Hold>,
    /// The QUIESCING that is to be completed.
    pub(crate) quiescing: Option<Number>,
    pub(crate) attempts: u32,
    pub(crate) restarts: u32,
}

/// Who stands for a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) client: ClientId,
    pub(crate) process: ProcessId,
}

/// What a component is for a CSI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// What it has acknowledged.
    pub(crate) state: Option<HaState>,
    /// It may act as active: it was told to, and has neither quiesced nor surely ended since.
    pub(crate) acts: bool,
}

/// The one thing that is under way with a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    Idle,
    /// Its process was started and has not registered yet.
    Starting(Number),
    /// It was asked something.
    Asked(Number, Question),
    /// It has agreed to end, and its process has not ended yet.
    Ending(Number),
    /// Whatever is left of it is being removed.
    Cleaning(Number),
}

/// What a component was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    Set {
        csis: Vec<usize>,
        state: HaState,
        /// QUIESCING was completed before it was answered.
        complete: bool,
    },
    Remove(Vec<usize>),
    Terminate,
}

impl Work {
    /// The number of what is under way.
    pub(crate) const fn number(&self) -> Option<Number> {
        match self {
            Self::Idle => None,
            Self::Starting(number)
            | Self::Asked(number, _)
            | Self::Ending(number)
            | Self::Cleaning(number) => Some(*number),
        }
    }
}

impl Component {
    /// What it has acknowledged to be for the CSI.
    pub(crate) fn state(&self, csi: usize) -> Option<HaState> {
        self.holds.get(&csi)?.state
    }

    /// Whether it may act as active for anything.
    pub(crate) fn acts(&self) -> bool {
        self.holds.values().any(|it| it.acts)
    }

    /// Whether it runs, registered, and nothing is under way with it.
    pub(crate) fn ready(&self) -> bool {
        self.presence == PresenceState::Instantiated
            && self.work == Work::Idle
            && self.registered.is_some()
    }

    /// Whether it is in one of the two presence states that need an operator.
    pub(crate) fn failed(&self) -> bool {
        use PresenceState::{InstantiationFailed, TerminationFailed};
        matches!(self.presence, InstantiationFailed | TerminationFailed)
    }

    /// Whether nothing of it runs.
    pub(crate) fn down(&self) -> bool {
        self.presence == PresenceState::Uninstantiated || self.failed()
    }
}

impl Unit {
    /// The component that takes the CSI.
    pub(crate) fn taker(&self, csi: usize) -> &Component {
        &self.components[self.takers[csi]]
    }

    /// Whether it may act as active for anything.
    pub(crate) fn acts(&self) -> bool {
        self.components.iter().any(Component::acts)
    }

    /// Whether it has any CSI.
    pub(crate) fn assigned(&self) -> bool {
        self.components.iter().any(|it| !it.holds.is_empty())
    }

    /// §3.2.1.1: from the states of its components.
    pub(crate) fn presence(&self) -> PresenceState {
        use PresenceState::{
            Instantiated, Instantiating, InstantiationFailed, Restarting, Terminating,
            TerminationFailed, Uninstantiated,
        };
        let any = |state| self.components.iter().any(|it| it.presence == state);
        let all = |state| self.components.iter().all(|it| it.presence == state);
        let overriding = [TerminationFailed, InstantiationFailed];
        if let Some(state) = overriding.into_iter().find(|it| any(*it)) {
            return state;
        }
        if let Some(state) = [Uninstantiated, Restarting].into_iter().find(|it| all(*it)) {
            return state;
        }
        if any(Terminating) {
            return Terminating;
        }
        if any(Instantiating) || any(Uninstantiated) { Instantiating } else { Instantiated }
    }
}

impl Group {
    /// §3.2.1.4: whether the unit may take assignments.
    pub(crate) fn readiness(&self, unit: usize) -> ReadinessState {
        use PresenceState::{Instantiated, Restarting};
        let unit = &self.units[unit];
        let enabled = |it: &Component| it.operational == OperationalState::Enabled;
        let runs = unit.host.is_some()
            && !unit.lost
            && unit.operational == OperationalState::Enabled
            && unit.components.iter().all(enabled)
            && matches!(unit.presence(), Instantiated | Restarting);
        let states = [self.admin, unit.admin];
        let any = |state| states.contains(&state);
        if !runs || any(AdminState::Locked) || any(AdminState::LockedInstantiation) {
            ReadinessState::OutOfService
        } else if any(AdminState::ShuttingDown) {
            ReadinessState::Stopping
        } else {
            ReadinessState::InService
        }
    }

    /// Whether the unit may take assignments, new ones too.
    pub(crate) fn in_service(&self, unit: usize) -> bool {
        self.readiness(unit) == ReadinessState::InService
    }

    /// Whether operators allow the unit to run.
    pub(crate) fn may_run(&self, unit: usize) -> bool {
        let states = [self.admin, self.units[unit].admin];
        !states.contains(&AdminState::LockedInstantiation)
    }

    /// Whether nothing is under way.
    pub(crate) fn settled(&self) -> bool {
        let idle = |it: &Component| it.work == Work::Idle && it.quiescing.is_none();
        self.units.iter().all(|unit| !unit.lost && unit.components.iter().all(idle))
    }

    /// Every component, with the indices of its unit and of itself.
    pub(crate) fn components(&self) -> impl Iterator<Item = (usize, usize, &Component)> {
        let units = self.units.iter().enumerate();
        units
            .flat_map(|(u, unit)| unit.components.iter().enumerate().map(move |(c, it)| (u, c, it)))
    }

    /// How many components need an operator.
    pub(crate) fn failed(&self) -> usize {
        self.components().filter(|(_, _, it)| it.failed()).count()
    }
}

impl State {
    /// The component at a place.
    pub(crate) fn component(&self, place: Place) -> &Component {
        &self.groups[place.group].units[place.unit].components[place.component]
    }

    /// The place of the component with this name.
    pub(crate) fn place(&self, name: &Name) -> Option<Place> {
        match self.names.get(name)? {
            Object::Component(place) => Some(*place),
            Object::Application
            | Object::Group(_)
            | Object::Unit(..)
            | Object::Instance(..)
            | Object::Csi(..) => None,
        }
    }
}
