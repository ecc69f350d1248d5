//! Message queues (`SAI-AIS-MSG-B.03.01`, and older programs by their own rules): named,
//! replicated, taken over by whoever opens them next.
//!
//! Anybody may send to a queue by its name; the one process that has it open receives.
//!
//! ```text
//!            open CREATE            close               retention over
//!  (absent) ────────────▶ open ───────────────▶ kept ──────────────────▶ (deleted)
//!                          │  ◀───────────────   │
//!                          │        open         │ unlink
//!                          │ unlink              ▼
//!                          └──▶ nameless ─ close ─▶ (deleted)
//! ```
//!
//! - `registry`: the replicated part. Which queues there are, who has them open, where their
//!   copies are. It changes by [`Command`]s in the group's order.
//! - `content`: the messages of one copy. They come and go on the data path, without the order;
//!   a send is acknowledged when every copy has the message, so a queue survives the node that
//!   holds it.
//! - [`Msg`]: the service. Programs' handles, what waits, and what leads where.
//!
//! A queue's copies follow its opener: the node that opens it gets one, and the say over it.
//!
//! While the node of its opener is lost and may still act, a queue is neither open nor free: who
//! opens it waits until that node has surely stopped.
//!
//! Not here yet, answered NOT_SUPPORTED: queue groups, send-receive and reply, thresholds, limits.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod client;
mod command;
mod content;
mod control;
mod data;
mod error;
mod message;
mod opening;
mod params;
mod receive;
mod registry;
mod service;
mod waiting;

pub use command::{Command, OpenId, QueueId};
pub use content::{Chunk, Content, Given, Limits, Parcel, Query, Update};
pub use message::Message;
pub use registry::Snapshot;
pub use service::{Msg, Settings};
