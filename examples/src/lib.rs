//! The tutorials of the project's seeds, as components that the availability manager runs.
//!
//! - [`csa103`] counts once a second while it is active, and keeps the next number in a
//!   checkpoint, from which its standby goes on when it dies.
//! - [`csa104`] receives from a queue while it is active; its standby sends to it. A well-known
//!   queue name stands for *whoever is active now*.
//!
//! Names, attributes, log lines and their order are those of the originals. Each is a component
//! of the availability manager and does nothing when it is started by hand.
#![forbid(unsafe_code)]

pub mod csa103;
pub mod csa104;

mod assignment;
mod component;
mod log;
mod ticks;

pub use component::{Component, Failure};
pub use log::{Log, Severity};
