//! What the policies QUORUM and CMAP need of a node, and nothing else does.

#[cfg(not(feature = "node"))]
use ais_types::{Error, ErrorCode};
use ais_types::{Outcome, resources::Entry};
use std::os::fd::BorrowedFd;

/// Makes links to the node. Asked for one in `sam_initialize`, `sam_register`, and by the supervisor
/// when a link broke.
pub trait Connector: Send + Sync {
    /// A new link.
    ///
    /// # Errors
    /// When there is no node.
    fn connect(&self) -> Outcome<Box<dyn NodeLink>>;
}

/// A link of one process to its node. None of its calls may start a thread, and none may wait for
/// ever: health checks wait meanwhile.
pub trait NodeLink: Send {
    /// Begins to follow quorum.
    ///
    /// # Errors
    /// Those of the node.
    fn track_quorum(&mut self) -> Outcome<bool>;

    /// Readable when quorum has changed, or when the link is broken. Only after `track_quorum`.
    fn quorum_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Takes in every change; whether there is quorum now.
    ///
    /// # Errors
    /// TRY_AGAIN for a passing weakness; anything else: the link is broken.
    fn dispatch_quorum(&mut self) -> Outcome<bool>;

    /// Sets one entry of the object of this process.
    ///
    /// # Errors
    /// Those of the node.
    fn publish(&mut self, entry: Entry) -> Outcome<()>;

    /// Removes the object of this process.
    ///
    /// # Errors
    /// Those of the node.
    fn withdraw(&mut self) -> Outcome<()>;

    /// In a forked child, where the link still belongs to the parent: closes descriptors, and says
    /// nothing.
    fn abandon(self: Box<Self>);
}

/// There is no node.
#[cfg(not(feature = "node"))]
pub(crate) struct Nowhere;

#[cfg(not(feature = "node"))]
impl Connector for Nowhere {
    fn connect(&self) -> Outcome<Box<dyn NodeLink>> {
        let text = "this program was built without the link to a node (feature `node` of ais-sam), \
                    which policies with quorum or published state need";
        Err(Error::new(ErrorCode::Library, text))
    }
}
