//! The Simple Availability Manager (SAM): a process that supervises itself, as corosync's libsam has it.
//!
//! The process that calls `register` becomes the *supervisor* and stays in that call. Its child, the
//! *instance*, returns from it and does the work. An instance that dies, says nothing for an interval
//! (it is warned by a signal, and killed an interval later), or has lost quorum, is followed by the next
//! one, forked from the memory of the supervisor: the program goes on behind `register` as it was there,
//! with what was stored and its number in addition.
//!
//! Three faces over one record a process:
//!
//! | module | for |
//! |---|---|
//! | [`Sam`] | programs in Rust: a builder, a guard, typed data; refuses to fork with more than one thread |
//! | [`raw`] | the functions of the original, their states and codes, one for one |
//! | [`c`] | the same with pointers and numbers: what `libsam.so` exports |
//!
//! ```no_run
//! use ais_sam::Sam;
//! use std::time::Duration;
//!
//! let mut instance = Sam::builder().restart().interval(Duration::from_millis(500)).register()?;
//! // From here on there is a supervisor.
//! let mut done: u64 = instance.restore()?.unwrap_or(0);
//! let health = instance.start()?;
//! while done < 1000 {
//!     done += 1; // … a piece of work
//!     health.store(&done)?;
//!     health.beat()?;
//! }
//! # Ok::<(), ais_sam::Error>(())
//! ```

pub mod adopt;
#[cfg(feature = "node")]
mod ais;
pub mod c;
mod death;
mod error;
mod face;
mod health;
mod library;
mod link;
mod memory;
mod node;
mod options;
mod policy;
pub mod raw;
mod register;
mod supervisor;
mod sys;
mod turn;

#[cfg(feature = "node")]
pub use ais::AisNode;
pub use death::{Cause, Death, End};
pub use error::Error;
pub use face::{Builder, Instance, Sam, Started};
pub use health::Callback;
pub use node::{Connector, NodeLink};
pub use options::{BackOff, GiveUp, KilledStatus, Limit, Options};
pub use policy::{Policy, Recovery, State};

/// Where the node is, unless the program has said.
fn default_connector() -> &'static dyn Connector {
    #[cfg(feature = "node")]
    return &AisNode::FROM_ENVIRONMENT;
    #[cfg(not(feature = "node"))]
    return &node::Nowhere;
}
