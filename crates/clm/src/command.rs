//! What is put on the group's ordered log.

use ais_types::{
    ClientId, Name, NodeId, Payloads, ProcessId,
    clm::{AdminOperation, Attribute, Response},
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A node of the configuration that the cluster begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredName {
    /// Its DN.
    pub name: Name,
    /// Its number.
    pub id: NodeId,
}

/// What is put on the group's ordered log. `request` numbers what a node has asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// These nodes are configured, too.
    Configure(Vec<ConfiguredName>),
    /// A client of the sender tracks, perhaps by steps.
    Track {
        /// Which.
        client: ClientId,
        /// Its process.
        process: ProcessId,
        /// Which steps it wants to be asked at.
        steps: Steps,
        /// The call.
        request: u64,
    },
    /// A client of the sender stopped tracking, or ended: it owes nothing any more.
    Release(ClientId),
    /// A client of the sender responds to a step.
    Respond {
        /// Which.
        client: ClientId,
        /// To what.
        invocation: u64,
        /// How.
        response: Response,
        /// The call.
        request: u64,
    },
    /// Something is done to the configuration.
    Operate {
        /// What.
        operation: Operation,
        /// To which node, as the operator wrote its name.
        node: Name,
        /// The call.
        request: u64,
    },
    /// The sender is about to leave, as its operator wishes.
    Farewell,
}

/// Which steps a client wants to be asked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// VALIDATE_STEP.
    pub validate: bool,
    /// START_STEP.
    pub start: bool,
    /// Only about its own node (LOCAL).
    pub local: bool,
}

impl Steps {
    pub(crate) fn any(self) -> bool {
        self.validate || self.start
    }
}

/// What can be done to a node of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Lock, unlock, shutdown.
    Admin(AdminOperation),
    /// Out for the rest of this life, if nobody objects; this is the cause.
    Remove(Name),
    /// Into the configuration.
    Create,
    /// Out of the configuration.
    Delete,
    /// An attribute.
    Modify(Attribute),
}

impl Payloads for Command {}
