//! What operators see of AMF.

use super::{
    AdminState, AssignmentState, HaState, OperationalState, PresenceState, ReadinessState,
    Redundancy,
};
use crate::{MemberId, Name, ProcessId, Time};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Everything, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The service groups, in the order of the model. Empty without a model.
    pub groups: Vec<GroupReport>,
}

/// One service group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Whose it is.
    pub application: Name,
    /// Its name.
    pub name: Name,
    /// How it protects its instances.
    pub redundancy: Redundancy,
    /// What operators allow.
    pub admin: AdminState,
    /// Whether nothing is under way in it.
    pub settled: bool,
    /// Its units, the preferred first.
    pub units: Vec<UnitReport>,
    /// Its instances, the most important first.
    pub instances: Vec<InstanceReport>,
}

/// One service unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Its name.
    pub name: Name,
    /// The name of its node.
    pub node: Name,
    /// The life of that node which it runs on, if it does.
    pub host: Option<MemberId>,
    /// What operators allow.
    pub admin: AdminState,
    /// Whether it is broken.
    pub operational: OperationalState,
    /// Whether it runs.
    pub presence: PresenceState,
    /// Whether it may take assignments.
    pub readiness: ReadinessState,
    /// What it is for the instances of its group (§3.2.1.5).
    pub ha: Option<HaState>,
    /// Restarts of the whole unit since it was started (`saAmfSURestartCount`).
    pub restarts: u32,
    /// What it consists of.
    pub components: Vec<ComponentReport>,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentReport {
    /// Its name.
    pub name: Name,
    /// Whether it is broken.
    pub operational: OperationalState,
    /// Whether it runs.
    pub presence: PresenceState,
    /// Its process, and the system's number of it.
    pub process: Option<(ProcessId, u32)>,
    /// Restarts of it alone since it was started (`saAmfCompRestartCount`).
    pub restarts: u32,
    /// Its CSIs, and what it has acknowledged to be for each.
    pub assignments: Vec<(Name, HaState)>,
}

/// One service instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Its name.
    pub name: Name,
    /// What operators allow.
    pub admin: AdminState,
    /// Whether it is provided.
    pub assignment: AssignmentState,
    /// Its parts.
    pub csis: Vec<CsiReport>,
}

/// One component service instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsiReport {
    /// Its name.
    pub name: Name,
    /// Its components, and what each has acknowledged to be for it.
    pub components: Vec<(Name, HaState)>,
}

/// Why something was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The place in the group's order of the entry that led to it.
    pub index: u64,
    /// When, by the leader's wall clock.
    pub wall: Time,
    /// What happened.
    pub event: String,
    /// What was decided, and by which rule.
    pub decision: String,
}
