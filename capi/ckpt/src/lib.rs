//! `libSaCkpt.so`: the Checkpoint Service for programs in C (`saCkpt.h`).
//!
//! One function here is one call of [`ais_client::Ckpt`]. What is decided here is only what the
//! node cannot see: pointers, handles of this process, memory.
#![allow(non_snake_case, reason = "functions and fields are called as in the header")]
#![allow(clippy::missing_safety_doc, reason = "the safety of each function is that of its header")]

mod callbacks;
mod checkpoints;
mod data;
mod life;
mod objects;
mod sections;
mod track;

use ais_capi::ckpt as types;

pub use checkpoints::*;
pub use data::*;
pub use life::*;
pub use sections::*;
pub use track::*;

ais_capi::export_names!();
