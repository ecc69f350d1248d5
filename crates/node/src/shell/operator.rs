//! What operators order about the cluster: answered by the group, lease or not.

use super::{Asked, Shell, server::draw_token};
use crate::ConnectionId;
use ais_group::{ClusterOrder, GroupError, GroupHandle};
use ais_service::Lease;
use ais_transport::Kind;
use ais_types::{
    Error, ErrorCode, NodeId, Outcome, frame,
    node::{Call, Cluster, GroupCall, Invitation, Known, Reply},
};
use ais_wire::{Frame, decode, encode};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Orders of operators that are not answered yet.
const ASKED_MAX: usize = 64;
/// So long an operator waits for an order without a quorum.
const ORDER_MAX: Duration = Duration::from_secs(30);

impl Shell {
    /// Takes a call about the cluster. `false`: it is none.
    pub(super) fn administer(&mut self, connection: ConnectionId, frame: &Frame) -> bool {
        if frame.kind != frame::CALL {
            return false;
        }
        let Ok(Call::Group(call)) = decode::<Call>(frame) else { return false };
        self.administering += 1;
        let tag = frame.tag;
        let ordered = match &call {
            GroupCall::AddVoter(_) | GroupCall::RemoveVoter(_) | GroupCall::Invite { .. } => true,
            GroupCall::Cluster | GroupCall::Reform => false,
        };
        if ordered && self.core.lease() == Lease::Lost {
            let text = "the group has no quorum here, and orders nothing: wait for it, or, if the \
                        majority of the voters is lost for good, `ais cluster reform`";
            self.administered(connection, tag, Err(Error::new(ErrorCode::TryAgain, text)));
            return true;
        }
        if self.administering > ASKED_MAX {
            let text = "too many orders about the cluster are not answered yet";
            self.administered(connection, tag, Err(Error::new(ErrorCode::TryAgain, text)));
            return true;
        }
        let (handle, cluster) = (Arc::clone(&self.handle), (self.cluster.clone(), self.wire));
        let issuer = self.core.me().map(|it| it.node);
        self.ask(async move {
            let outcome = answer(&*handle, cluster, issuer, call).await;
            Asked::Administered(connection, tag, outcome)
        });
        true
    }

    pub(super) fn administered(
        &mut self,
        connection: ConnectionId,
        tag: u64,
        mut outcome: Outcome<Reply>,
    ) {
        self.administering -= 1;
        self.server.send(connection, &encode(frame::REPLY, tag, &mut outcome));
    }
}

async fn answer(
    handle: &dyn GroupHandle,
    (cluster, transport): (String, Kind),
    issuer: Option<NodeId>,
    call: GroupCall,
) -> Outcome<Reply> {
    let order = |order| async move {
        let ordered = timeout(ORDER_MAX, handle.order_cluster(order)).await;
        ordered.map_err(|_| no_quorum())?.map_err(refused)?;
        Ok(Reply::Done)
    };
    match call {
        GroupCall::Cluster => Ok(Reply::Cluster(known(handle))),
        GroupCall::AddVoter(node) => order(ClusterOrder::AddVoter(node)).await,
        GroupCall::RemoveVoter(node) => order(ClusterOrder::RemoveVoter(node)).await,
        GroupCall::Reform => {
            handle.reform().await.map_err(refused)?;
            Ok(Reply::Done)
        }
        GroupCall::Invite { node, valid_s } => {
            let nodes = known(handle).nodes;
            let free = nodes.iter().map(|it| it.id.0 + 1).max().unwrap_or(1);
            let (node, secret) = (node.unwrap_or(NodeId(free)), draw_token()?);
            order(ClusterOrder::Invite { node, secret, valid_s }).await?;
            let again = || Error::new(ErrorCode::TryAgain, "this node is no member yet");
            let issuer = issuer.ok_or_else(again)?;
            let ais_group::Cluster { failure_timeout, durable, .. } = handle.cluster();
            let timeout = failure_timeout.as_millis();
            let failure_timeout_ms = u64::try_from(timeout).unwrap_or(u64::MAX);
            Ok(Reply::Invited(Invitation {
                cluster,
                issuer,
                node,
                secret,
                failure_timeout_ms,
                durable,
                transport: transport.to_string(),
                nodes,
            }))
        }
    }
}

fn known(handle: &dyn GroupHandle) -> Cluster {
    let ais_group::Cluster { voters, nodes, failure_timeout: _, durable: _ } = handle.cluster();
    let known = |(id, it): (NodeId, ais_group::Known)| Known {
        id,
        name: it.name,
        role: it.role,
        addresses: it.addresses,
    };
    Cluster { voters, nodes: nodes.into_iter().map(known).collect() }
}

fn no_quorum() -> Error {
    let text = "the group has not ordered it yet: it has no quorum. It does when it has one, unless \
                this node ends before";
    Error::new(ErrorCode::Timeout, text)
}

fn refused(error: GroupError) -> Error {
    let code = match &error {
        GroupError::Left(_) => ErrorCode::TryAgain,
        GroupError::TooLarge { .. } | GroupError::NotSaved(_) => ErrorCode::NoResources,
        GroupError::Pending(_) => ErrorCode::Timeout,
        GroupError::Refused(_) | GroupError::Plug { .. } => ErrorCode::BadOperation,
    };
    Error::new(code, error.to_string())
}
