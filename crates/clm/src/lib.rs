//! Cluster membership (`SAI-AIS-CLM-B.04.01`, and `B.01.01` for older programs): who is in the
//! cluster, and who hears of it.
//!
//! Who is a member is decided below, by the group: its views come as `Input::View`, with
//! everything that is known of each node. Who of them is a member of the cluster, and who may host
//! services, is decided here: the nodes of the configuration that no operator has locked. This
//! crate numbers the memberships as CLM counts them (witnesses are no members), asks programs
//! before a member is taken out, and tells them: at once what is, by callback what changes.
//!
//! ```text
//!   View ──────────▶ State ──▶ News ──▶ each tracking client: Callback::Track
//!   Ordered(Command) (replicated)       (local: flags, pending queries and calls)
//!   Call::Admin ──▶ Command::Operate ─▶ START to who wants it ─▶ responses ─▶ COMPLETED
//!   Call::Track ───────────▶ Reply::Current │ Callback::Track │ tracking from now on
//!   Call::NodeGet ─ known ─▶ Reply::Node
//!                 └ unknown ▶ Barrier ──▶ Reply::Node │ NOT_EXIST
//! ```
//!
//! [`Service::members`](ais_service::Service::members) tells the driver who is a member; on a node
//! that is none the other services answer nobody.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address;
mod change;
mod client;
mod command;
mod kept;
mod membership;
mod query;
mod refused;
mod service;
mod settings;
mod state;
mod track;

pub use command::{Command, ConfiguredName, Operation, Steps};
pub use kept::Kept;
pub use membership::Membership;
pub use refused::Refused;
pub use service::Clm;
pub use settings::Settings;
pub use state::State;
