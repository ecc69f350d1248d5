//! ais: the operators' command.
//!
//! It looks and acts through a node's socket (`ask`), runs clusters of real processes in one
//! folder for development ([`dev`]), and shows the main job (`demo`). It contains the daemon
//! and the tutorials, so that one program is all that a demonstration needs.
#![forbid(unsafe_code)]

mod args;
mod ask;
mod bench;
mod cert;
mod ckpt;
mod cluster;
mod demo;
pub mod dev;
mod failure;
pub mod logs;
mod run;
mod sam;
mod show;
pub mod wait;

pub use failure::Failure;
pub use run::main;
