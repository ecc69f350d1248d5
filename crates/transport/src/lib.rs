//! Frames between nodes.
//!
//! A [`Transport`] carries frames over *sessions*: one a peer and [`Class`], in order, nothing
//! altered, nothing invented. A frame arrives or the session is reported ended ([`Event::Down`]).
//! Who the peer is (node, life) is said in a hello when the session begins.
//!
//! - [`memory`]: between the nodes of one process, under a seed, with faults on demand.
//! - [`tcp`]: between hosts (for now: between processes of one host).
//!
//! Authors of other transports run [`check()`] in a test: it is the whole contract.
#![forbid(unsafe_code)]

mod check;
mod contract;
mod kind;
mod limits;
pub mod memory;
pub mod tcp;

pub use check::{Subject, check};
pub use contract::{Cause, Class, Event, Peer, SendError, Transport};
pub use kind::{Kind, TransportError};
pub use limits::Limits;
