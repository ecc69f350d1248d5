//! What differs between the functions with `_4` and those without: the node in the structures.

use crate::types::{
    Notification, NotificationBuffer, SaClmClusterNodeT, SaClmClusterNodeT_4, change,
};
use ais_types::clm::{self, Api, ClusterNode};

/// The node of a generation.
pub(crate) trait Node: for<'a> From<&'a ClusterNode> {
    /// Of which one.
    const API: Api;
}

impl Node for SaClmClusterNodeT {
    const API: Api = Api::B01;
}

impl Node for SaClmClusterNodeT_4 {
    const API: Api = Api::B04;
}

/// The items of a notification as C sees them.
pub(crate) fn items<N: Node>(of: &clm::Notification) -> Vec<Notification<N>> {
    let item = |it: &clm::Item| Notification {
        clusterNode: N::from(&it.node),
        clusterChange: change(it.change),
    };
    of.items.iter().map(item).collect()
}

/// The buffer that a callback is shown: it lives as long as the items.
pub(crate) fn shown<N>(view: u64, items: &mut [Notification<N>]) -> NotificationBuffer<N> {
    NotificationBuffer {
        viewNumber: view,
        numberOfItems: u32::try_from(items.len()).unwrap_or(u32::MAX),
        notification: if items.is_empty() { std::ptr::null_mut() } else { items.as_mut_ptr() },
    }
}
