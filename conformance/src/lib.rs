//! Adapters between the conformance suite and this implementation, and the program that runs it:
//!
//! ```text
//! cargo run -p ais-conformance -- --implementation sim|embedded|aisd --transport memory|tcp|udp \
//!     --service clm|ckpt|msg|amf [--report junit|markdown]
//! ```
//!
//! - [`Sim`]: nodes' cores in one thread, under virtual time, with an order that is trivially
//!   right: exact and instant.
#![forbid(unsafe_code)]

mod codec;
mod handles;
pub mod implementation;
mod services;
mod sim;

pub use implementation::Medium;
pub use sim::Sim;
