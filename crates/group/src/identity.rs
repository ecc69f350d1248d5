//! Who a member is.

use ais_types::{Name, NodeId, Role, Time};
use serde::{Deserialize, Serialize};

/// What a node says of itself when it joins; everyone sees it in the views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its configured number; never 0.
    pub node: NodeId,
    /// Its configured name.
    pub name: Name,
    /// What it is to the group.
    pub role: Role,
    /// Where its peers reach it, best first.
    pub addresses: Vec<String>,
    /// When its operating system was booted (wall clock).
    pub boot_time: Time,
}

/// The wall clock of this machine: what users see in stamps.
#[must_use]
pub fn system_wall() -> Time {
    #[expect(clippy::disallowed_methods, reason = "stamps carry the leader's wall clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(Time::BEGIN, Time::from)
}
