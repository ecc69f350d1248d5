//! What operators ask the node itself.

use crate::{MemberId, Name, Payloads, View};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What a node can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// How it is.
    Status,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Call::Status`].
    Status(Status),
}

/// How a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: Name,
    /// Which life of which node; `None` before it was admitted.
    pub id: Option<MemberId>,
    /// Who leads, as far as this node knows.
    pub leader: Option<MemberId>,
    /// Whether it may answer: it holds a lease.
    pub lease: bool,
    /// The last view delivered here.
    pub view: View,
    /// The services it drives, by name.
    pub services: Vec<String>,
    /// Sessions open here.
    pub sessions: u64,
}

impl Payloads for Call {}
impl Payloads for Reply {}
