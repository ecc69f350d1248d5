//! Primary-backup replication of one object: the data path that checkpoints and queues share.
//!
//! An object is some [`Content`] with a [`Configuration`]. The configuration is decided on the
//! group's ordered log by the service that owns the object; the content changes on the data path,
//! from member to member, without the log. A [`Replica`] is one node's part of one object: its
//! copy, if it has one, and the requests of its own programs.
//!
//! ```text
//!  a program's node            the primary                    a backup
//!     Request ───────────────▶ numbers it, applies it
//!                              Update ───────────────────────▶ applies it in order
//!                              (commits) ◀──────── Applied   says whether reads wait here
//!     ◀──────────────── Answer
//!     (keeps it) ◀──────── Safe   under `Active`: when every complete replica has it
//!                              Marks ────────────────────────▶ releases them, if no update has
//! ```
//!
//! A member's life within a configuration:
//!
//! ```text
//!   join ──▶ filling ── transfer, then an entry ──▶ complete ──▶ primary
//!               │   ▲                                  │            │ Left, Released
//!               │   └── does not keep up, concedes ────┤            ▼
//!               └──────────── Left ────────────────────┘      the others seal; the highest goes on
//! ```
//!
//! What is left to the service: to order what [`Output::Completed`], [`Output::Sealed`],
//! [`Output::Drained`], [`Output::Lagging`] and [`Output::Conceded`] ask for and to hand the
//! entries to its [`Configuration`]; to name the object in each message; time-outs; when an object
//! begins and ends.
//!
//! The rules that keep data safe:
//! - A configuration's [`epoch`](Configuration::epoch) grows whenever its primary changes. A
//!   message of an older epoch is refused; one of a newer epoch waits for the log.
//! - Under [`Acknowledge::All`] nothing is answered before every complete replica has it, so any
//!   of them may go on. Under [`Acknowledge::Active`] the primary alone decides. The requester then keeps
//!   what was answered until every complete replica has it; if the primary is lost, the next one
//!   first collects from all requesters what they keep, and applies it in its old order.
//! - A complete replica may answer reads, so nobody does without it before it has itself ordered
//!   that it answers none any more; or before it has left the view.
//! - A node numbers its updates for each object. The number travels with the update, and each
//!   replica keeps the answers: a repeated request gets its stored answer.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod asking;
mod configuration;
mod content;
mod early;
mod filling;
mod follower;
mod log;
mod message;
mod primary;
mod recovery;
mod replica;
mod requests;
mod results;

pub use ais_types::Position;
pub use configuration::{Configuration, Succession};
pub use content::{CHUNK_MAX, Content};
pub use early::{Early, Waiting};
pub use filling::Progress;
pub use log::History;
pub use message::{Message, Part, Place, Update};
pub use replica::{Acknowledge, Note, Options, Output, Replica, RequestId};
