//! Cluster membership (`SAI-AIS-CLM-B.04.01`, and `B.01.01` for older programs): who is in the
//! cluster, and who hears of it.
//!
//! Who is a member is decided below, by the group: its views come as `Input::View`, with
//! everything that is known of each node. This crate numbers the memberships as CLM counts them
//! (witnesses are no members), and tells programs: at once what is, by callback what changes.
//!
//! ```text
//!   View ──▶ Membership ──▶ transitions ──▶ each tracking client: Callback::Track
//!            (replicated)                   (local: flags, pending queries)
//!   Call::Track ───────────▶ Reply::Current │ Callback::Track │ tracking from now on
//!   Call::NodeGet ─ known ─▶ Reply::Node
//!                 └ unknown ▶ Barrier ──▶ Reply::Node │ NOT_EXIST
//! ```
//!
//! Not here yet: steps (VALIDATE, START) and the administrative operations that cause them.
//! Tracking with a step flag answers NOT_SUPPORTED.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address;
mod client;
mod membership;
mod query;
mod refused;
mod service;
mod track;

pub use membership::Membership;
pub use refused::Refused;
pub use service::Clm;
