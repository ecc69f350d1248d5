//! Which adapter judges what.

use crate::{Aisd, Capi, Embedded, Sim};
use ais_conformance_core::{Cluster, Feature, Implementation, Setup, Trouble};
use ais_transport::net::Protocol;
use ais_types::ServiceId;
use std::path::PathBuf;

/// How nodes talk to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Within one process.
    Memory,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The services in one thread, under virtual time.
#[must_use]
pub fn sim(medium: Medium) -> Box<dyn Implementation> {
    match medium {
        Medium::Memory => Box::new(Sim),
        Medium::Tcp => none("sim over tcp", "the simulator has no sockets; use --transport memory"),
        Medium::Udp => none("sim over udp", "the simulator has no sockets; use --transport memory"),
    }
}

/// Nodes in this process; `program` becomes their keepers and components (see [`becomes_another`]).
///
/// [`becomes_another`]: crate::becomes_another
#[must_use]
pub fn embedded(medium: Medium, program: PathBuf) -> Box<dyn Implementation> {
    Box::new(Embedded { medium, program })
}

/// Daemons with real processes; `program` becomes them (see [`becomes_another`]).
///
/// [`becomes_another`]: crate::becomes_another
#[must_use]
pub fn aisd(medium: Medium, program: PathBuf) -> Box<dyn Implementation> {
    match medium {
        Medium::Memory => none("aisd over memory", "daemons share no memory; use --transport tcp"),
        Medium::Tcp => Box::new(Aisd { program, protocol: Protocol::Tcp }),
        Medium::Udp => Box::new(Aisd { program, protocol: Protocol::Udp }),
    }
}

/// Daemons with real processes that call the service through a C library; `program` becomes them
/// (see [`becomes_another`]).
///
/// [`becomes_another`]: crate::becomes_another
#[must_use]
pub fn capi(program: PathBuf, library: PathBuf, service: ServiceId) -> Box<dyn Implementation> {
    Box::new(Capi { program, library, service })
}

fn none(name: &'static str, reason: &'static str) -> Box<dyn Implementation> {
    Box::new(Absent { name, reason })
}

/// What cannot be judged yet: every scenario is skipped, with the reason.
struct Absent {
    name: &'static str,
    reason: &'static str,
}

impl Implementation for Absent {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn supports(&self, _: Feature) -> Result<(), String> {
        Err(self.reason.to_owned())
    }

    fn start(&self, _: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        Err(Trouble::NotSupported(self.reason.to_owned()))
    }
}
