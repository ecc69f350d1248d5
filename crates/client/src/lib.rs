//! What programs call: async and blocking handles of every service, over a session with their
//! node.
//!
//! A session belongs to one library handle of one service. [`Session`] blocks and needs no
//! runtime; [`AsyncSession`] runs on tokio. Both are a [`Caller`], and the typed handle of a
//! service is written once, over any `Caller`: with a `Session` its methods return what they
//! found, with an `AsyncSession` a future of it. [`Node`] is the smallest such handle and the
//! model for the others:
//!
//! ```no_run
//! use ais_client::{Endpoint, Node, Session};
//!
//! let node = Node::<Session>::open(&Endpoint::from_env(), "example")?;
//! println!("{} has {} sessions", node.status()?.name, node.status()?.sessions);
//! # Ok::<(), ais_types::Error>(())
//! ```
//!
//! # How a session fails
//!
//! | what happens | the call returns |
//! |---|---|
//! | the node's socket is not there, or says nothing within 10 s of a hello | TRY_AGAIN, from `open`; the text names the socket |
//! | the node goes away before a call is sent | BAD_HANDLE: nothing was done |
//! | the node goes away after a call is sent | TIMEOUT: nobody knows whether it was done |
//! | anything after that | BAD_HANDLE: a local connection is never resumed, open a new one |
//! | another thread finalizes the session meanwhile | BAD_HANDLE |
//! | the node says nothing within the patience of the call (see [`Patience`]) | TIMEOUT |
//! | what the node says cannot be understood | LIBRARY |
#![forbid(unsafe_code)]

mod amf;
mod asynchronous;
mod blocking;
mod caller;
mod checkpoint;
mod ckpt;
mod clm;
mod connection;
mod endpoint;
mod msg;
mod node;
mod watch;

pub use amf::{Amf, COMPONENT_VARIABLE};
pub use asynchronous::AsyncSession;
pub use blocking::Session;
pub use caller::{Caller, Message, Patience, Wait};
pub use checkpoint::{Checkpoint, Event, Feed, IntoSectionId, Opening, Section, TypedError};
pub use ckpt::Ckpt;
pub use clm::{Clm, Tracked};
pub use endpoint::{Connect, DEFAULT_SOCKET, Endpoint, SOCKET_VARIABLE};
pub use msg::{Got, Msg};
pub use node::Node;
pub use watch::{Changed, Watch};
