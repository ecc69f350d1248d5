//! Frames between nodes.
//!
//! A [`Transport`] carries frames over *sessions*: one a peer and [`Class`], in order, nothing
//! altered, nothing invented. A frame arrives or the session is reported ended ([`Event::Down`]).
//! Who the peer is (node, life) is said in a hello when the session begins.
//!
//! - [`memory`]: between the nodes of one process, under a seed, with faults on demand.
#![forbid(unsafe_code)]

mod contract;
mod limits;
pub mod memory;

pub use contract::{Cause, Class, Event, Peer, SendError, Transport};
pub use limits::Limits;
