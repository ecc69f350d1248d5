//! One order and one view for all members.
#![forbid(unsafe_code)]

mod contract;

pub use contract::{Delivery, Group, GroupError, GroupHandle, Message, Priority, SnapshotReply};
