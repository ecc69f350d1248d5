//! The contract between a service and whoever drives it.
//!
//! A service is a *core*: a plain value without I/O, clock, chance, async, threads or locks.
//! [`Input`]s and the time go in, [`Output`]s come out, in the order in which they must happen.
//! Equal histories of inputs give equal outputs: a whole cluster runs in one thread under a seed,
//! and an incident is a list of inputs that replays.
//!
//! **A core keeps two parts apart.** The *replicated part* is the same on every node; it changes
//! only by what comes in the group's order: [`Input::Ordered`], [`Input::ProcessEnded`],
//! [`Input::Kept`], [`Input::View`], [`Input::Released`], [`Input::Time`]. The *local part* is this node's own:
//! its clients, open requests, replicas, windows, local timers.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod action;
mod figure;
mod input;
mod never;
mod output;
mod time;
mod timers;

pub use action::{Action, ActionId, Exit, Run, Spawn, Wait};
pub use figure::{Figure, FigureKind};
pub use input::{Caller, Entry, Input, Lease, Link};
pub use never::Never;
pub use output::Output;
pub use time::{Instant, Now};
pub use timers::Timers;

use ais_types::{GroupTime, MemberId, Payloads, ServiceId};
use alloc::{collections::BTreeSet, vec::Vec};
use serde::{Serialize, de::DeserializeOwned};

/// A message that can cross a process or a network border.
pub trait Wire: Payloads + Serialize + DeserializeOwned + Clone + core::fmt::Debug + Send {}
impl<T: Payloads + Serialize + DeserializeOwned + Clone + core::fmt::Debug + Send> Wire for T {}

/// A deterministic service.
pub trait Service: Send + Sized + 'static {
    /// What local programs ask.
    type Call: Wire;
    /// What they are answered when the call succeeds.
    type Reply: Wire;
    /// What they are told unasked.
    type Callback: Wire;
    /// What nodes say to each other directly: the data path.
    type Message: Wire;
    /// What is put on the group's ordered log: the control path.
    type Command: Wire;
    /// The replicated part, as handed to a blank member. May be sizeable; has no payloads.
    type Snapshot: Serialize + DeserializeOwned + Send;
    /// What of the replicated part outlives the loss of the whole cluster; [`Never`] for nothing.
    type Kept: Serialize + DeserializeOwned + Send;

    /// The number programs call it by.
    const ID: ServiceId;
    /// The name people call it by.
    const NAME: &'static str;

    /// The first major version whose programs know UNAVAILABLE. On a node that is no member they
    /// are told that; older ones are told TRY_AGAIN.
    const UNAVAILABLE_SINCE: u8 = 1;

    /// Takes one input at one moment and appends the effects to `out`, in order.
    ///
    /// `now` never runs backwards. A core cannot fail: it can only answer.
    fn step(&mut self, now: Now, input: Input<Self>, out: &mut Vec<Output<Self>>);

    /// When this node's part next wants an [`Input::Deadline`], if nothing else happens before.
    fn deadline(&self) -> Option<Instant>;

    /// When the replicated part next wants an [`Input::Time`]. The same on every node; the leader
    /// orders the time when it is due.
    fn group_deadline(&self) -> Option<GroupTime>;

    /// Who of the group's view is a member of the cluster, if this service is the one that decides
    /// it; a function of the replicated part. The driver hides all others from the other services:
    /// see `ais-node`. `None`, for every other service: it is not.
    fn members(&self) -> Option<BTreeSet<MemberId>> {
        None
    }

    /// What is put on the log when this node is about to leave, as its operator wishes.
    fn farewell(&self) -> Option<Self::Command> {
        None
    }

    /// The replicated part as it is now.
    fn snapshot(&self) -> Self::Snapshot;

    /// A blank core with the same settings: what becomes of this one when its node stops being a
    /// member, once the replicated part is [restored](Self::restore).
    fn blank(&self) -> Self;

    /// Fills the replicated part of a blank core, which is (or is about to be) `me`. Causes no
    /// effects.
    fn restore(&mut self, me: MemberId, snapshot: Self::Snapshot);

    /// What of the replicated part is to be there when all nodes have lost their memory: what
    /// operators have configured. It is saved to the disk of each node, and comes back as
    /// [`Input::Kept`]. `None`: there is nothing to save.
    fn kept(&self) -> Option<Self::Kept> {
        None
    }

    /// Another number whenever [`kept`](Self::kept) has become something else, and 0 while a blank
    /// core has nothing to say. Asked after every step, so it costs nothing.
    ///
    /// Replies of a service are held back until what it had to keep by then is saved: what an
    /// operator was told is done is not forgotten.
    fn kept_changes(&self) -> u64 {
        0
    }

    /// What operators may want to watch of this node's part. Costs nothing while nobody asks.
    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
}
