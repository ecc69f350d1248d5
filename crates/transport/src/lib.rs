//! Frames between nodes.
//!
//! A [`Transport`] carries frames over *sessions*: one a peer and [`Class`], in order, nothing
//! altered, nothing invented. A frame arrives or the session is reported broken ([`Event::Down`]).
//! Who the peer is (name, incarnation) is said in a hello when the session begins.
#![forbid(unsafe_code)]

mod contract;

pub use contract::{Class, Event, Peer, SendError, Transport};
