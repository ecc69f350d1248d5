//! Everything a service can ask of the world.

use crate::{Action, ActionId, Caller, Service};
use ais_types::{ClientId, MemberId, Outcome};

/// Everything a service can ask of the world, in the order in which it must happen.
#[derive(Debug)]
pub enum Output<S: Service> {
    /// Answers a call. Every call is answered exactly once, unless it is cancelled first.
    Reply(Caller, Outcome<S::Reply>),
    /// Tells a client of this node something.
    Callback(ClientId, S::Callback),
    /// Puts a command on the group's log. Cannot fail: the shell repeats it until it is delivered
    /// or this incarnation ends. A core's orders are delivered in the order of the outputs.
    Order(S::Command),
    /// Asks for [`Input::Barrier`](crate::Input::Barrier) with this number.
    Barrier(u64),
    /// Says something to a member: the data path. Lost if the link is down.
    Send(MemberId, S::Message),
    /// Does something to processes of this node.
    Perform(ActionId, Action),
}
