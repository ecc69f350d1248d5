//! Asking for a node (`SAI-AIS-CLM-B.04.01`, saClmClusterNodeGet), and responses.

use crate::{
    generation::Node,
    objects,
    types::{SaClmClusterNodeT, SaClmClusterNodeT_4, SaClmHandleT, SaClmNodeIdT},
};
use ais_capi::{
    Failure, Out, entry, invalid,
    types::{SaAisErrorT, SaInvocationT, SaTimeT},
};
use ais_types::{
    NodeId, Time,
    clm::{Api, Response},
};

/// # Safety
/// `out` is NULL or has room for a node.
unsafe fn node_get<N: Node>(
    handle: u64,
    node: SaClmNodeIdT,
    timeout: SaTimeT,
    out: *mut N,
) -> Result<(), Failure> {
    // SAFETY: by contract.
    let out = unsafe { Out::new(out, "clusterNode") }?;
    let library = objects::library_of(handle, N::API)?;
    let found = library.ask(|clm| clm.node_get(NodeId(node), Time(timeout)))?;
    out.set(N::from(&found));
    Ok(())
}

/// `saClmClusterNodeGet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNodeGet(
    clmHandle: SaClmHandleT,
    nodeId: SaClmNodeIdT,
    timeout: SaTimeT,
    clusterNode: *mut SaClmClusterNodeT,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterNodeGet", || unsafe { node_get(clmHandle, nodeId, timeout, clusterNode) })
}

/// `saClmClusterNodeGet_4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNodeGet_4(
    clmHandle: SaClmHandleT,
    nodeId: SaClmNodeIdT,
    timeout: SaTimeT,
    clusterNode: *mut SaClmClusterNodeT_4,
) -> SaAisErrorT {
    // SAFETY: the caller's word.
    entry("saClmClusterNodeGet_4", || unsafe { node_get(clmHandle, nodeId, timeout, clusterNode) })
}

/// `saClmClusterNodeGetAsync`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNodeGetAsync(
    clmHandle: SaClmHandleT,
    invocation: SaInvocationT,
    nodeId: SaClmNodeIdT,
) -> SaAisErrorT {
    entry("saClmClusterNodeGetAsync", || {
        let library = objects::library(clmHandle)?;
        library.ask(|clm| clm.node_get_async(invocation, NodeId(nodeId)))
    })
}

/// `saClmResponse_4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmResponse_4(
    clmHandle: SaClmHandleT,
    invocation: SaInvocationT,
    response: u32,
) -> SaAisErrorT {
    entry("saClmResponse_4", || {
        let library = objects::library_of(clmHandle, Api::B04)?;
        let response = match response {
            1 => Response::Ok,
            2 => Response::Rejected,
            3 => Response::Error,
            other => return Err(invalid(format!("{other} is no response"))),
        };
        library.ask(|clm| clm.response(invocation, response))
    })
}
