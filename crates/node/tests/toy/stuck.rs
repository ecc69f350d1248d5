//! A group that has stopped delivering.

use ais_group::{Delivery, Group, GroupError, GroupHandle, PlugOrder, Priority, Solo};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// A group that takes what is ordered, and delivers nothing of it until its end.
pub struct Stuck(pub Solo);

struct StuckHandle(Arc<dyn GroupHandle>);

#[async_trait]
impl Group for Stuck {
    fn handle(&self) -> Arc<dyn GroupHandle> {
        Arc::new(StuckHandle(self.0.handle()))
    }
    fn me(&self) -> Option<ais_types::MemberId> {
        self.0.me()
    }
    async fn next(&mut self) -> Option<Delivery> {
        self.0.next().await
    }
}

#[async_trait]
impl GroupHandle for StuckHandle {
    async fn multicast(&self, _: Priority, _: Bytes) -> Result<(), GroupError> {
        std::future::pending().await
    }
    async fn order_plug(&self, _: &str, _: PlugOrder) -> Result<(), GroupError> {
        std::future::pending().await
    }
    async fn process_ended(&self, _: ais_types::ProcessId) -> Result<(), GroupError> {
        Ok(())
    }
    async fn barrier(&self) -> Result<(), GroupError> {
        self.0.barrier().await
    }
    fn group_deadline(&self, deadline: Option<ais_types::GroupTime>) {
        self.0.group_deadline(deadline);
    }
    fn alive(&self) {}
    async fn leave(&self) {
        self.0.leave().await;
    }
    fn leader(&self) -> Option<ais_types::MemberId> {
        self.0.leader()
    }
}
