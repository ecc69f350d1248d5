//! Drives services: routes calls, entries and messages; a library to embed a node.
//!
//! Three layers, each usable alone:
//! - [`Adapter`] makes a [`Driven`] of any [`Service`](ais_service::Service): bytes outside,
//!   values inside;
//! - [`Core`] is one node's worth of services: who called, where the answer goes, which process a
//!   session belongs to, what waits while the lease is lost. A plain value, like the services;
//! - [`Node`], the shell, gives it sockets, a group, a clock and processes. `examples/embedded.rs`
//!   has a node in the program's own process.
#![forbid(unsafe_code)]

mod boot;
mod core;
mod driven;
mod shell;

pub use crate::core::{
    ConnectionId, Core, CoreConfig, CoreLimits, Done, Effect, Event, Peer, ProcessKey, SessionId,
    Task,
};
pub use boot::boot_time;
pub use driven::{Adapter, Driven, ENTRY, MESSAGE, RawInput, RawOutput};
pub use shell::{
    LaunchNotice, LaunchRequest, Launcher, NoLauncher, Node, NodeConfig, NodeHandle, NodeLimits,
    NodeParts, Program, ShellError, SocketConfig,
};
