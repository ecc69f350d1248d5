//! An operator's word that the majority is lost for good: this member goes on alone, with what it
//! has, in a new group of which it is the only voter. Whoever comes back joins it.

use super::{
    config::Timing,
    machine::Machine,
    member::{Member, STOP, Sources},
    network::Network,
};
use crate::GroupError;
use std::{collections::BTreeSet, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout},
};

impl Member {
    pub(crate) fn order_reform(&mut self, done: oneshot::Sender<Result<(), GroupError>>) {
        let leased = self.lease.until.is_some_and(|until| until > Instant::now());
        let refusal = if leased {
            Some("the group has a quorum: there is nothing to mend")
        } else if self.joining.is_some() || self.leaving.is_some() {
            Some("this node is just joining or leaving")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            // Whoever asked may have given up.
            let _ = done.send(Err(GroupError::Refused(refusal.into())));
        } else if self.group.is_none() {
            tracing::warn!("an operator lets this node form the group alone");
            self.form_alone();
            let _ = done.send(Ok(()));
        } else {
            self.reforming = Some(done);
        }
    }

    /// Begins consensus anew, alone.
    pub(crate) async fn rebuild(&mut self, sources: &mut Sources) -> Result<(), GroupError> {
        let failed = |error: String| GroupError::Refused(format!("it cannot begin anew: {error}"));
        tracing::warn!("an operator lets this node go on without the majority");
        let _ = timeout(STOP, self.raft.shutdown()).await;
        self.log = self.log.cleared().await.map_err(|error| failed(error.to_string()))?;
        self.log.begin(self.raft_id).await.map_err(|error| failed(error.to_string()))?;
        let (agreed_sender, agreed) = mpsc::unbounded_channel();
        let (outgoing_sender, outgoing) = mpsc::unbounded_channel();
        (sources.agreed, sources.outgoing) = (agreed, outgoing);
        self.jobs = JoinSet::new();
        let machine = Machine::new(agreed_sender, self.log.clone(), None);
        let network = Network { outgoing: outgoing_sender, backoff: self.timing.ping / 2 };
        let library = Arc::new(Timing::library(&self.timing, &self.config.cluster));
        let raft = openraft::Raft::new(self.raft_id, library, network, self.log.clone(), machine);
        self.raft = raft.await.map_err(|error| failed(error.to_string()))?;
        let now = Instant::now();
        (self.applied, self.leader, self.leading, self.followed) = (None, None, None, None);
        (self.contact, self.campaign_at, self.purge) = (now, now, 0);
        // What a former leader granted to others may hold until then.
        (self.led, self.rushed) = (true, true);
        self.sponsored.clear();
        self.orders.again();
        if self.me.is_none() {
            // Of a former life only the log is here, and nobody has its state.
            (self.state, self.group) = (super::state::State::default(), None);
            self.form_alone();
            return Ok(());
        }
        self.reformed = true;
        let group = self.rng.u64(1..);
        self.enter_group(group);
        let begun = self.raft.initialize(BTreeSet::from([self.raft_id])).await;
        begun.map_err(|error| failed(error.to_string()))
    }
}
