//! The structures of `saClm.h`, of both generations.
#![allow(non_snake_case, non_camel_case_types, reason = "called as in the header")]

use crate::{
    name,
    types::{SaNameT, SaNtfCorrelationIdsT, SaTimeT},
};
use ais_types::clm::{Address, AddressFamily, Change, ClusterNode, Step};

/// `SaClmHandleT`.
pub type SaClmHandleT = u64;
/// `SaClmNodeIdT`.
pub type SaClmNodeIdT = u32;

const ADDRESS_MAX: usize = 64;

/// `SaClmNodeAddressT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaClmNodeAddressT {
    /// `SaClmNodeAddressFamilyT`.
    pub family: u32,
    /// Octets of text.
    pub length: u16,
    /// The text; NUL after it, if there is room.
    pub value: [u8; ADDRESS_MAX],
}

impl From<&Address> for SaClmNodeAddressT {
    fn from(it: &Address) -> Self {
        let family = match it.family {
            AddressFamily::Inet => 1,
            AddressFamily::Inet6 => 2,
        };
        let text = it.text.as_bytes();
        let text = &text[..text.len().min(ADDRESS_MAX)];
        let mut value = [0; ADDRESS_MAX];
        value[..text.len()].copy_from_slice(text);
        Self { family, length: text.len().try_into().unwrap_or(0), value }
    }
}

/// `SaClmClusterNodeT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaClmClusterNodeT {
    /// Unique among the members.
    pub nodeId: u32,
    /// Where it is reached.
    pub nodeAddress: SaClmNodeAddressT,
    /// Its configured name.
    pub nodeName: SaNameT,
    /// `SaBoolT`.
    pub member: u32,
    /// A moment.
    pub bootTimestamp: SaTimeT,
    /// The view in which it became a member.
    pub initialViewNumber: u64,
}

impl From<&ClusterNode> for SaClmClusterNodeT {
    fn from(it: &ClusterNode) -> Self {
        Self {
            nodeId: it.id.0,
            nodeAddress: (&it.address).into(),
            nodeName: name::write(&it.name),
            member: it.member.into(),
            bootTimestamp: it.boot_time.0,
            initialViewNumber: it.initial_view,
        }
    }
}

/// `SaClmClusterNodeT_4`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SaClmClusterNodeT_4 {
    /// Unique among the members.
    pub nodeId: u32,
    /// Where it is reached.
    pub nodeAddress: SaClmNodeAddressT,
    /// Its configured name.
    pub nodeName: SaNameT,
    /// What hosts it; empty if nothing is known.
    pub executionEnvironment: SaNameT,
    /// `SaBoolT`.
    pub member: u32,
    /// A moment.
    pub bootTimestamp: SaTimeT,
    /// The view in which it became a member.
    pub initialViewNumber: u64,
}

impl From<&ClusterNode> for SaClmClusterNodeT_4 {
    fn from(it: &ClusterNode) -> Self {
        Self {
            nodeId: it.id.0,
            nodeAddress: (&it.address).into(),
            nodeName: name::write(&it.name),
            executionEnvironment: name::write(&it.execution_environment),
            member: it.member.into(),
            bootTimestamp: it.boot_time.0,
            initialViewNumber: it.initial_view,
        }
    }
}

/// `SaClmClusterNotificationT` and `_4`: they differ in the node only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Notification<N> {
    /// The node.
    pub clusterNode: N,
    /// `SaClmClusterChangesT`.
    pub clusterChange: u32,
}

/// `SaClmClusterNotificationBufferT` and `_4`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NotificationBuffer<N> {
    /// The number of the membership.
    pub viewNumber: u64,
    /// How many there are, or fit.
    pub numberOfItems: u32,
    /// The caller's, or the library's.
    pub notification: *mut Notification<N>,
}

/// `SaClmClusterTrackCallbackT`.
pub type TrackCallback =
    unsafe extern "C" fn(*const NotificationBuffer<SaClmClusterNodeT>, u32, u32);
/// `SaClmClusterTrackCallbackT_4`.
pub type TrackCallback_4 = unsafe extern "C" fn(
    *const NotificationBuffer<SaClmClusterNodeT_4>,
    u32,
    u64,
    *const SaNameT,
    *const SaNtfCorrelationIdsT,
    u32,
    SaTimeT,
    u32,
);
/// `SaClmClusterNodeGetCallbackT`.
pub type NodeGetCallback = unsafe extern "C" fn(u64, *const SaClmClusterNodeT, u32);
/// `SaClmClusterNodeGetCallbackT_4`.
pub type NodeGetCallback_4 = unsafe extern "C" fn(u64, *const SaClmClusterNodeT_4, u32);

/// `SaClmCallbacksT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SaClmCallbacksT {
    /// For NodeGetAsync.
    pub saClmClusterNodeGetCallback: Option<NodeGetCallback>,
    /// For Track.
    pub saClmClusterTrackCallback: Option<TrackCallback>,
}

/// `SaClmCallbacksT_4`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SaClmCallbacksT_4 {
    /// For NodeGetAsync.
    pub saClmClusterNodeGetCallback: Option<NodeGetCallback_4>,
    /// For Track.
    pub saClmClusterTrackCallback: Option<TrackCallback_4>,
}

/// `SaClmClusterChangesT`.
#[must_use]
pub fn change(it: Change) -> u32 {
    match it {
        Change::NoChange => 1,
        Change::Joined => 2,
        Change::Left => 3,
        Change::Reconfigured => 4,
        Change::Unlock => 5,
        Change::Shutdown => 6,
    }
}

/// `SaClmChangeStepT`.
#[must_use]
pub fn step(it: Step) -> u32 {
    match it {
        Step::Validate => 1,
        Step::Start => 2,
        Step::Aborted => 3,
        Step::Completed => 4,
    }
}

const _: () = {
    assert!(size_of::<SaClmNodeAddressT>() == 72);
    assert!(size_of::<SaClmClusterNodeT>() == 360);
    assert!(size_of::<SaClmClusterNodeT_4>() == 616);
    assert!(size_of::<Notification<SaClmClusterNodeT>>() == 368);
    assert!(size_of::<Notification<SaClmClusterNodeT_4>>() == 624);
    assert!(size_of::<NotificationBuffer<SaClmClusterNodeT>>() == 24);
    assert!(size_of::<SaClmCallbacksT>() == 16);
    assert!(size_of::<SaClmCallbacksT_4>() == 16);
};
