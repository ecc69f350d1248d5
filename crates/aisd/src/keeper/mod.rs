//! The keeper: the process that components are children of.
//!
//! A daemon that hangs or dies cannot kill anybody. So components belong to a second process of
//! the same program, which does nothing else than keep them:
//!
//! ```text
//!   aisd ── socketpair: requests, lease extensions ──▶ keeper ──▶ component (own process group)
//!        ◀── notices: started, ended, gone ───────────        └─▶ component …
//! ```
//!
//! - It kills every component as soon as the pipe to the daemon closes (`kill -9` of the daemon)
//!   or the lease it was told runs out (the daemon hangs, is stopped, or is cut off).
//! - Components carry `PR_SET_PDEATHSIG` on the keeper, so none survives the keeper either.
//! - It is their subreaper: what a component leaves behind is killed and reaped here.
//! - It has one thread, no runtime, and blocks in one `poll`.
//!
//! A component is its process group: when its first process ends, the rest is killed.

mod child;
mod client;
mod keep;
mod link;
mod protocol;

pub use client::{Attached, Keeper, monotonic_ns};
pub use keep::keep;
pub use link::Link;
pub use protocol::{End, Notice, Request, Task};

/// The hidden argument by which a program becomes a keeper; its standard input is the socket.
pub const ARGUMENT: &str = "keeper";

/// Whether a program with these arguments, its own name being the first, is to be a keeper.
#[must_use]
pub fn is_asked_for(arguments: &[std::ffi::OsString]) -> bool {
    arguments.get(1).is_some_and(|it| it == ARGUMENT)
}
