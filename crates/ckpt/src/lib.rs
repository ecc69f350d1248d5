//! Checkpoints (`SAI-AIS-CKPT-B.02.02`, and `B.01.01` for programs that ask for it).
//!
//! A checkpoint is a named object in the memory of the cluster: sections of bytes that outlive
//! the processes and the nodes that wrote them, as long as one replica lives.
//!
//! ```text
//!            open CREATE           last close              retention over
//!  (absent) ────────────▶ open ────────────────▶ retained ───────────────▶ (deleted)
//!                          │  ◀──────────────────   │
//!                          │          open          │ unlink
//!                          │ unlink                 ▼
//!                          └─▶ nameless ─ last close ─▶ (deleted)
//! ```
//!
//! - `registry`: the replicated part. Which checkpoints there are, who has them open, where
//!   their replicas are, which one is active. It changes by [`Command`]s in the group's order.
//! - `content`: the sections of one replica. They change on the data path, without the order.
//! - [`Ckpt`]: the service. Programs' handles, what waits, and what leads where.
//!
//! How updates reach all replicas, and who goes on after a loss, is `ais_replica`'s matter. Who
//! is a member and when a lost one has stopped is the group's.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod choice;
mod client;
mod command;
mod content;
mod control;
mod data;
mod error;
mod limits;
mod memory;
mod message;
mod params;
mod placement;
mod registry;
mod report;
mod service;
mod settings;
mod tracking;
mod waiting;

pub use choice::Choice;
pub use command::{CheckpointId, Command, OpenId};
pub use content::{Chunk, Content, Cursor, Given, Mutation, Piece, Query, Sections, Timed, Told};
pub use limits::Limits;
pub use message::Message;
pub use registry::Snapshot;
pub use service::Ckpt;
pub use settings::Settings;
