//! `libSaClm.so`: the Cluster Membership Service for programs in C (`saClm.h`).
//!
//! One function here is one call of [`ais_client::Clm`]. What is decided here is only what the
//! node cannot see: pointers, handles of this process, memory, the layouts of the two generations.
#![allow(non_snake_case, reason = "functions and fields are called as in the header")]
#![allow(clippy::missing_safety_doc, reason = "the safety of each function is that of its header")]

mod callbacks;
mod generation;
mod life;
mod nodes;
mod objects;
mod track;

use ais_capi::clm as types;

pub use life::*;
pub use nodes::*;
pub use track::*;

ais_capi::export_names!();
