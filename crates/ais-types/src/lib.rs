//! The words of the Application Interface Specification (AIS).
//!
//! Names, times, versions and error codes ([`ErrorCode`]), the identities of nodes, processes and
//! clients, and per service what a program asks (`Call`), is answered (`Reply`) and is told
//! unasked (`Callback`). Everything here is data; what it means is decided by the services.
//!
//! Sources: `SAI-AIS-B.05.03` and the services' own documents, cited at each item.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod amf;
pub mod ckpt;
pub mod clm;
pub mod msg;
pub mod node;
pub mod resources;

mod cluster;
mod error;
mod flags;
mod ids;
mod name;
mod payload;
mod position;
mod session;
mod time;
mod version;

pub use cluster::{Member, Role, Stamp, View};
pub use error::{Error, ErrorCode, Outcome};
pub use flags::{DispatchFlags, TrackFlags};
pub use ids::{ClientId, Incarnation, MemberId, NodeId, ProcessId, ServiceId};
pub use name::{Name, NameTooLong};
pub use payload::{Payload, Payloads};
pub use position::{NoPosition, Position};
pub use session::{Hello, Welcome, frame};
pub use time::{GroupTime, Time};
pub use version::{Unsupported, Version};
