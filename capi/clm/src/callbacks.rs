//! From what a program is told to the C function that it registered for it.

use crate::{
    generation::{items, shown},
    objects::{ClmLibrary, Registered},
    types::{SaClmClusterNodeT, SaClmClusterNodeT_4, step},
};
use ais_capi::{name, number_of, types::SaNtfCorrelationIdsT};
use ais_types::{
    ErrorCode,
    clm::{Callback, ClusterNode, TrackCallback},
};
use std::ptr;

/// Runs one callback in this thread. No lock is held; what is shown lives until it returns.
pub(crate) fn run(library: &ClmLibrary, callback: &Callback) {
    match callback {
        Callback::NodeGet { invocation, node } => {
            let node = node.as_ref().map_err(|code| library.known(*code));
            node_get(library.callbacks().registered, *invocation, node);
        }
        Callback::Track(it) => {
            let error = number_of(it.error.map(|code| library.known(code)));
            track(library.callbacks().registered, it, error);
        }
    }
}

fn node_get(to: Registered, invocation: u64, node: Result<&ClusterNode, ErrorCode>) {
    let error = number_of(node.err());
    match to {
        Registered::B01(callbacks) => {
            let node = node.ok().map(SaClmClusterNodeT::from);
            if let Some(run) = callbacks.saClmClusterNodeGetCallback {
                // SAFETY: the program registered it for this.
                unsafe { run(invocation, pointer(node.as_ref()), error) };
            }
        }
        Registered::B04(callbacks) => {
            let node = node.ok().map(SaClmClusterNodeT_4::from);
            if let Some(run) = callbacks.saClmClusterNodeGetCallback {
                // SAFETY: the program registered it for this.
                unsafe { run(invocation, pointer(node.as_ref()), error) };
            }
        }
    }
}

fn track(to: Registered, it: &TrackCallback, error: u32) {
    let (view, members) = (it.notification.view, it.members);
    match to {
        Registered::B01(callbacks) => {
            let mut items = items::<SaClmClusterNodeT>(&it.notification);
            let buffer = shown(view, &mut items);
            if let Some(run) = callbacks.saClmClusterTrackCallback {
                // SAFETY: the program registered it for this.
                unsafe { run(&raw const buffer, members, error) };
            }
        }
        Registered::B04(callbacks) => {
            let mut items = items::<SaClmClusterNodeT_4>(&it.notification);
            let buffer = shown(view, &mut items);
            let cause = it.root_cause.as_ref().map(name::write);
            let none = SaNtfCorrelationIdsT::default();
            if let Some(run) = callbacks.saClmClusterTrackCallback {
                // SAFETY: the program registered it for this.
                unsafe {
                    run(
                        &raw const buffer,
                        members,
                        it.invocation,
                        pointer(cause.as_ref()),
                        &raw const none,
                        step(it.step),
                        it.time_supervision.0,
                        error,
                    );
                }
            }
        }
    }
}

fn pointer<T>(it: Option<&T>) -> *const T {
    it.map_or(ptr::null(), ptr::from_ref)
}
