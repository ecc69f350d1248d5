//! Availability management (AMF): which component is active, and who takes over.
//!
//! `SAI-AIS-AMF-B.04.01`, the redundancy model 2N. Two parts do it, both pure:
//!
//! - the **planner** (`plan`) says who should be active and who standby, from the
//!   state of one service group;
//! - the **reconciler** turns the difference between that and what the components have
//!   acknowledged into the next callbacks, starts and clean-ups.
//!
//! ```text
//!   an entry of the group's order
//!        |  apply: presence, operational states, what was acknowledged
//!        v
//!   repair -> plan -> assign (callbacks) -> live (processes) -> finish
//!                        |                     |
//!                        v                     v
//!            the component's client      Spawn, Run, Kill        on the node that hosts it
//!                        |                     |
//!                        +---- their outcome is ordered ---> and so on
//! ```
//!
//! Every node holds the same state, comes to the same decision at the same entry, and performs
//! what is its own. Nobody directs, so nobody directing can fail.
//!
//! **Never two actives.** A component that was told to be active *acts* until it has
//! acknowledged QUIESCED, was cleaned up with success, or its node was released. While anyone
//! acts, nobody else in the group is told to be active.
//!
//! Who is in the cluster, and when a lost node has surely stopped, is decided below, by whatever
//! feeds [`View`](ais_service::Input::View) and [`Released`](ais_service::Input::Released).
//! Processes are started and watched by whoever performs [`Action`](ais_service::Action)s.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod admin;
mod alarms;
mod apply;
mod assign;
mod check;
mod children;
mod clients;
mod command;
mod error;
mod escalation;
mod failure;
mod kept;
mod ledger;
mod life;
mod plan;
mod report;
mod service;
mod state;

pub use check::{ModelError, check};
pub use command::Command;
pub use kept::Kept;
pub use service::{Amf, Snapshot};
pub use state::Number;
