//! One initialised handle of a program of this node.

use crate::Refused;
use ais_types::{
    NodeId, ProcessId,
    clm::{Api, Callbacks},
};

/// One initialised handle.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The process that holds it.
    pub(crate) process: ProcessId,
    /// Which functions it may call.
    pub(crate) api: Api,
    /// The major version it asked for.
    pub(crate) major: u8,
    /// What it registered.
    pub(crate) callbacks: Callbacks,
    /// Whether, and how, it tracks changes.
    pub(crate) tracking: Option<Tracking>,
    /// How often it stopped tracking: numbers its callbacks.
    pub(crate) stops: u64,
    /// Queries under way.
    pub(crate) queries: usize,
    /// The cluster knows that it wants to be asked at steps, or is about to know it.
    pub(crate) asked: bool,
}

/// How changes are tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tracking {
    /// What each callback shows.
    pub(crate) shows: Shows,
    /// Of which nodes.
    pub(crate) scope: Scope,
}

/// What a callback shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// All members, and who left (CHANGES).
    Everything,
    /// Only whose membership changed (CHANGES_ONLY).
    Changes,
}

/// Of which nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Cluster,
    /// The caller's (LOCAL).
    Local,
}

impl Client {
    /// Whether UNAVAILABLE existed in the version it was written for (since B.03).
    pub(crate) fn knows_unavailable(&self) -> bool {
        self.api == Api::B04 && self.major >= 3
    }

    /// The code under which this generation knows an unknown id.
    pub(crate) fn no_member(&self, node: NodeId) -> Refused {
        match self.api {
            Api::B01 => Refused::NoMemberB01(node),
            Api::B04 => Refused::NoMember(node),
        }
    }
}
