//! What is to be kept available: the configuration of AMF (chapter 8).

use super::{AdminState, Recovery};
use crate::{Name, Time};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Everything that AMF looks after. Every name in it is unique, of whatever kind its object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The applications.
    pub applications: Vec<Application>,
    /// How long the first assignments wait for units that are still to come up
    /// (`saAmfClusterStartupTimeout`).
    #[doc(alias = "saAmfClusterStartupTimeout")]
    pub startup_timeout: Time,
}

/// `SaAmfApplication`.
#[doc(alias = "SaAmfApplication")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: Name,
    /// Its service groups.
    pub groups: Vec<Group>,
}

/// `SaAmfRedundancyModelT`; the other models are not supported yet.
#[doc(alias = "SaAmfRedundancyModelT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redundancy {
    /// One unit is active for everything, another one is its standby (§3.6.2).
    TwoN = 1,
}

/// How many, within which time, counted from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// At how many failures the next level is reached (see [`Escalation`]).
    pub max: u32,
    /// How long failures are counted together.
    pub probation: Time,
}

/// When a [`Limit`] is reached (§3.11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escalation {
    /// With failure number `max`: the wording of the specification.
    AtMax,
    /// With the failure after it: what other implementations do.
    AboveMax,
}

/// `SaAmfSG`: units that protect the same instances.
#[doc(alias = "SaAmfSG")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: Name,
    /// How they protect them.
    pub redundancy: Redundancy,
    /// Its administrative state at the start.
    pub admin: AdminState,
    /// Whether a unit that failed over is started again (`saAmfSGAutoRepair`).
    pub auto_repair: bool,
    /// Component restarts before the whole unit is restarted (`saAmfSGCompRestartMax`, `…Prob`).
    pub component_restarts: Limit,
    /// Unit restarts before it fails over (`saAmfSGSuRestartMax`, `…Prob`).
    pub unit_restarts: Limit,
    /// How those limits count.
    pub escalation: Escalation,
    /// Who does the work.
    pub units: Vec<Unit>,
    /// The work.
    pub instances: Vec<Instance>,
}

/// `SaAmfSU`: components that are assigned together.
#[doc(alias = "SaAmfSU")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name.
    pub name: Name,
    /// The name of the node that hosts it.
    pub node: Name,
    /// Smaller is preferred; 0 is last (`saAmfSURank`).
    pub rank: u32,
    /// Its administrative state at the start.
    pub admin: AdminState,
    /// Whether a component that fails over takes the whole unit with it (`saAmfSUFailover`).
    pub failover: bool,
    /// What it consists of; not empty.
    pub components: Vec<Component>,
}

/// A program with its arguments.
pub type Command = Vec<String>;

/// `SaAmfComp`: an SA-aware component.
#[doc(alias = "SaAmfComp")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its name.
    pub name: Name,
    /// Its process: runs as long as the component does.
    pub command: Command,
    /// Added to that process's environment, and to the commands'.
    pub environment: Vec<(String, String)>,
    /// Run in addition to killing the process, when it cannot be ended in order (CLEANUP).
    pub cleanup: Option<Command>,
    /// Lower levels are started before higher ones (`saAmfCompInstantiationLevel`).
    pub level: u32,
    /// What an error leads to that comes without recommendation (`saAmfCompRecoveryOnError`).
    pub recovery: Recovery,
    /// It may not be restarted in place (`saAmfCompDisableRestart`).
    pub disable_restart: bool,
    /// Attempts to start it one after the other, the first included; 0 counts as 1
    /// (`saAmfCompNumMaxInstantiateWithoutDelay`).
    pub attempts: u32,
    /// From the start to the registration.
    pub instantiate_timeout: Time,
    /// From the terminate callback to the end of the process.
    pub terminate_timeout: Time,
    /// For the cleanup command.
    pub cleanup_timeout: Time,
    /// For the answers to CSI set and CSI remove.
    pub callback_timeout: Time,
    /// From the answer to QUIESCING to its completion.
    pub quiescing_timeout: Time,
    /// The types of CSI it can take (`SaAmfCompCsType`); empty: any.
    pub csi_types: Vec<String>,
}

/// `SaAmfSI`: work that is assigned as one.
#[doc(alias = "SaAmfSI")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub name: Name,
    /// Smaller is assigned first; 0 is last (`saAmfSIRank`).
    pub rank: u32,
    /// Its administrative state at the start: unlocked or locked.
    pub admin: AdminState,
    /// Its parts; not empty.
    pub csis: Vec<Csi>,
}

/// `SaAmfCSI`: the work of one component.
#[doc(alias = "SaAmfCSI")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Csi {
    /// Its name.
    pub name: Name,
    /// Its type (`saAmfCSType`); any component takes an empty one.
    pub kind: String,
    /// Handed to the component; several values of one name come as several entries.
    pub attributes: Vec<(String, String)>,
    /// CSIs of the same instance that must be active before it (`saAmfCSIDependencies`).
    pub depends_on: Vec<Name>,
}
