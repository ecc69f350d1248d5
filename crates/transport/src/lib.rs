//! Frames between nodes.
//!
//! A [`Transport`] carries frames over *sessions*: one a peer and [`Class`], in order, nothing
//! altered, nothing invented. A frame arrives or the session is reported ended ([`Event::Down`]).
//! Who the peer is (node, life) is said in a hello when the session begins.
//!
//! - [`memory`]: between the nodes of one process, under a seed, with faults on demand.
//! - [`net`]: between hosts, over TCP or UDP, with certificates; on one host without.
//!
//! Authors of other transports run [`check()`] in a test: it is the whole contract.
#![forbid(unsafe_code)]

mod authority;
mod check;
mod contract;
mod faults;
mod kind;
mod limits;
mod loopback;
pub mod memory;
pub mod net;
mod tls;

pub use ais_types::node::Fault;
pub use authority::{AuthorityError, Certified, new_authority};
pub use check::{Subject, check};
pub use contract::{Cause, Class, Event, Peer, SendError, Transport};
pub use faults::{FaultSwitch, FaultTextError};
pub use kind::{Kind, TransportError};
pub use limits::Limits;
pub use loopback::free_loopback;
pub use tls::{CLUSTER_NAME, Tls, TlsError, TlsFiles};
