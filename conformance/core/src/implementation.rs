//! What an implementation has to offer to be judged: the adapter's side.

use crate::{AnyCall, AnyCallback, AnyReply};
use ais_types::{Name, NodeId, Outcome, ServiceId};
use std::{fmt, time::Duration};

/// An implementation of the specification.
pub trait Implementation: Sync {
    /// For reports.
    fn name(&self) -> String;

    /// Whether scenarios that need this can be run at all.
    ///
    /// # Errors
    /// The reason why not.
    fn supports(&self, feature: Feature) -> Result<(), String>;

    /// Starts a cluster whose nodes are all members when it returns. Dropping it stops it.
    ///
    /// # Errors
    /// When it does not come up.
    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble>;
}

/// A running cluster. All waiting is in here: with virtual time where there is such a thing,
/// otherwise within the adapter's patience.
pub trait Cluster {
    /// The id by which the services know a node of the scenario.
    fn node_id(&self, node: &str) -> NodeId;

    /// The name by which the services know a node of the scenario.
    fn node_name(&self, node: &str) -> Name;

    /// A new process on a node.
    ///
    /// # Errors
    /// When the node is down.
    fn process(&mut self, process: &str, node: &str) -> Result<(), Trouble>;

    /// Waits until AMF has started a process for this component; from then on it is `process`.
    ///
    /// # Errors
    /// When none comes within patience, or the implementation cannot do it.
    fn component(&mut self, process: &str, component: &str) -> Result<(), Trouble> {
        let _ = (process, component);
        Err(Trouble::NotSupported("components started by AMF cannot be reached".into()))
    }

    /// Makes a call. The first call on a session is the service's `Initialize`. A session that was
    /// never initialised, or is finalized, answers BAD_HANDLE.
    ///
    /// # Errors
    /// When the process does not exist.
    fn call(&mut self, session: &SessionName, call: AnyCall) -> Result<Ticket, Trouble>;

    /// Waits for the answer to a call. `None`: there is none within patience.
    fn answer(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>>;

    /// The answer to a call, if it has one once everything that is under way has happened.
    fn peek(&mut self, ticket: Ticket) -> Option<Outcome<AnyReply>>;

    /// Runs callbacks (one at most, or all). Waits until there are `want` of them or patience is
    /// over, and then until everything that is under way has happened.
    ///
    /// # Errors
    /// When the process does not exist.
    fn dispatch(
        &mut self,
        session: &SessionName,
        one: bool,
        want: usize,
    ) -> Result<Outcome<Vec<AnyCallback>>, Trouble>;

    /// Finalizes a session.
    ///
    /// # Errors
    /// When the process does not exist.
    fn finalize(&mut self, session: &SessionName) -> Result<Outcome<()>, Trouble>;

    /// Breaks or mends something; returns when those who can notice have noticed.
    ///
    /// # Errors
    /// When it could not be done.
    fn inject(&mut self, fault: &Fault) -> Result<(), Trouble>;

    /// Lets time pass.
    fn wait(&mut self, time: Duration);
}

/// A call under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The cluster a scenario needs.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Its nodes, in order.
    pub nodes: Vec<NodeSpec>,
    /// The AMF model, if the scenario has one.
    pub model: Option<String>,
}

/// A node that a scenario needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name in the scenario.
    pub name: String,
    /// It only votes.
    pub witness: bool,
}

/// A library handle: of a process, for a service, with a name (mostly empty).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionName {
    /// The process, as the scenario calls it.
    pub process: String,
    /// The service.
    pub service: ServiceId,
    /// The handle, as the scenario calls it.
    pub handle: String,
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.process)?;
        if !self.handle.is_empty() {
            write!(f, ":{}", self.handle)?;
        }
        Ok(())
    }
}

/// Something that breaks, or is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed.
    KillProcess(String),
    /// A node fails as by loss of power.
    KillNode(String),
    /// A node is stopped by its operator.
    StopNode(String),
    /// A node that was killed or stopped starts again.
    StartNode(String),
    /// A node is cut off from all others.
    Cut(String),
    /// A cut is mended.
    Heal(String),
}

/// What a scenario may need and an implementation may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A service.
    Service(ServiceId),
    /// [`Fault::KillProcess`].
    KillProcess,
    /// [`Fault::KillNode`].
    KillNode,
    /// [`Fault::StopNode`].
    StopNode,
    /// [`Fault::StartNode`].
    StartNode,
    /// [`Fault::Cut`] and [`Fault::Heal`].
    Cut,
    /// Nodes that only vote.
    Witness,
    /// An AMF model, and components that AMF starts.
    Components,
}

/// Not a verdict on the implementation: the adapter could not do what the scenario wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It never can.
    #[error("not supported: {0}")]
    NotSupported(String),
    /// It should have been able to.
    #[error("{0}")]
    Broken(String),
}
