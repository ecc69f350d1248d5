//! How a program and its node greet each other on the local socket.

use crate::{ServiceId, Version};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The kinds of frame on a session's connections (the `kind` byte of the frame head).
pub mod frame {
    /// Program → node, first on every connection: a [`Hello`](super::Hello).
    pub const HELLO: u8 = 1;
    /// Node → program: `Result<Welcome, Error>`; an error ends the connection.
    pub const WELCOME: u8 = 2;
    /// Program → node: a service's `Call`; the tag numbers it.
    pub const CALL: u8 = 3;
    /// Node → program: `Result<Reply, Error>` of the call with the same tag.
    pub const REPLY: u8 = 4;
    /// Node → program, on the callback connection: a service's `Callback`; the tag counts.
    pub const CALLBACK: u8 = 5;
    /// Program → node: nobody waits for the call with this tag any more.
    pub const CANCEL: u8 = 6;
    /// Program → node, on any connection: ends the session. Answered by a [`REPLY`] of
    /// `Result<(), Error>` with the same tag once the service knows; then the node hangs up.
    pub const FINALIZE: u8 = 7;
    /// Node → program, on the callback connection: `Result<(), Error>` with what dispatching
    /// returns from now on. The handle is of no use any more; calls say so themselves, and it can
    /// still be finalized.
    pub const STALE: u8 = 8;
}

/// The first frame of a connection.
///
/// A session belongs to one library handle of one service. Its first connection opens it; it
/// carries the callbacks from then on, and it is the selection object. Every further one (one a
/// thread that is calling at the moment) attaches to it with the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hello {
    /// Opens a session: the callback connection.
    Open {
        /// [`Hello::PROTOCOL`].
        protocol: u16,
        /// The service.
        service: ServiceId,
        /// What the program asked for at Initialize.
        version: Version,
        /// For logs and operators: the program's name.
        program: String,
    },
    /// A further connection of a session, for calls.
    Attach {
        /// [`Hello::PROTOCOL`].
        protocol: u16,
        /// From the [`Welcome`].
        token: u128,
    },
}

impl Hello {
    /// The version of the local protocol; both sides must have the same.
    pub const PROTOCOL: u16 = 1;
}

/// The node's answer to a good [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// What further connections attach with. Nobody else can guess it.
    pub token: u128,
    /// The node's name.
    pub node: String,
}
