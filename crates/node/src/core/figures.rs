//! What operators watch of a node.

use super::Core;
use ais_service::{Figure, Lease};

/// Counted since the node started.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) refused: u64,
    pub(super) callbacks: u64,
    pub(super) orders: u64,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) heard: u64,
    pub(super) heard_bytes: u64,
    pub(super) dropped: u64,
    pub(super) cut_off: u64,
}

impl Core {
    /// The numbers of this node and of its services, as of now.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let holds = u64::from(self.lease == Lease::Held);
        let it = &self.counts;
        let mut all = vec![
            Figure::gauge("node_lease_held", "Whether the node may answer and act.", holds),
            Figure::gauge("node_view_number", "The number of the last view.", self.view.number),
            Figure::gauge("node_members", "Members of it.", self.view.members.len() as u64),
            Figure::gauge("node_sessions", "Sessions of programs.", self.sessions.len() as u64),
            Figure::counter("node_calls", "Calls taken from programs.", it.calls),
            Figure::counter("node_calls_refused", "Calls over a limit of the node.", it.refused),
            Figure::counter("node_callbacks", "Callbacks for programs.", it.callbacks),
            Figure::counter("node_orders", "Entries put on the log of the group.", it.orders),
            Figure::counter("node_messages_sent", "Messages to other nodes.", it.sent),
            Figure::counter("node_messages_sent_bytes", "Bytes of them.", it.sent_bytes),
            Figure::counter("node_messages_received", "Messages of other nodes.", it.heard),
            Figure::counter("node_messages_received_bytes", "Bytes of them.", it.heard_bytes),
            Figure::counter("node_messages_dropped", "Messages to who is not there.", it.dropped),
            Figure::counter("node_sessions_cut_off", "Sessions ended by the node.", it.cut_off),
        ];
        all.extend(self.services.iter().flat_map(|service| service.figures()));
        all
    }
}
