//! An owner of a member that writes down what it is told.

use crate::{Delivery, Group, GroupError, GroupHandle, Priority, Recovery};
use ais_types::{MemberId, Stamp, View};
use bytes::Bytes;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// What an owner was told.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) me: Option<MemberId>,
    /// Everything that has a place in the order, as text.
    pub(super) order: Vec<(Stamp, String)>,
    pub(super) messages: Vec<Bytes>,
    pub(super) view: View,
    pub(super) views: Vec<u64>,
    pub(super) released: Vec<MemberId>,
    pub(super) times: Vec<Stamp>,
    pub(super) recovery: Vec<Recovery>,
    pub(super) restored: Option<(Stamp, Bytes)>,
    lease: Option<std::time::Instant>,
    /// Whether the first delivery came before the member had a name.
    pub(super) nameless: bool,
    pub(super) left: bool,
    pub(super) ended: bool,
}

impl Record {
    /// Whether a lease is held now.
    pub(super) fn leased(&self) -> bool {
        self.lease.is_some_and(|until| until > Instant::now().into_std())
    }

    /// The index of the last thing delivered: the state that this owner hands to joiners.
    pub(super) fn last(&self) -> u64 {
        let restored = self.restored.as_ref().map_or(0, |(stamp, _)| stamp.index);
        self.order.last().map_or(restored, |(stamp, _)| stamp.index)
    }
}

/// A member under test.
pub(super) struct Owner {
    pub(super) handle: Arc<dyn GroupHandle>,
    record: Arc<Mutex<Record>>,
    tasks: [JoinHandle<()>; 2],
}

impl Owner {
    pub(super) fn new(group: Box<dyn Group>) -> Self {
        let (handle, record) = (group.handle(), Arc::new(Mutex::new(Record::default())));
        let well = tokio::spawn(be_well(handle.clone()));
        let listens = tokio::spawn(listen(group, record.clone()));
        Self { handle, record, tasks: [listens, well] }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nothing panics while it holds the record")
    }

    /// Orders without waiting.
    pub(super) fn order(&self, payload: &str) -> JoinHandle<Result<(), GroupError>> {
        let (handle, payload) = (self.handle.clone(), Bytes::copy_from_slice(payload.as_bytes()));
        tokio::spawn(async move { handle.multicast(Priority::Medium, payload).await })
    }

    /// The owner is not well any more.
    pub(super) fn falls_ill(&self) {
        self.tasks[1].abort();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn be_well(handle: Arc<dyn GroupHandle>) {
    loop {
        handle.alive();
        sleep_until(Instant::now() + Duration::from_millis(50)).await;
    }
}

async fn listen(mut group: Box<dyn Group>, record: Arc<Mutex<Record>>) {
    let record = || record.lock().expect("nothing panics while it holds the record");
    while let Some(delivery) = group.next().await {
        let mut record = record();
        let left = matches!(delivery, Delivery::Left(_) | Delivery::Refused(_));
        record.me = group.me();
        record.nameless |= record.me.is_none() && !left;
        record.write(delivery);
    }
    record().ended = true;
}

impl Record {
    fn write(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Restore(stamp, state) => self.restored = Some((stamp, state)),
            Delivery::View(stamp, view) => {
                self.views.push(view.number);
                self.order.push((stamp, format!("{view:?}")));
                self.view = view;
            }
            Delivery::Message(stamp, message) => {
                self.order.push((stamp, format!("{message:?}")));
                self.messages.push(message.payload);
            }
            Delivery::ProcessEnded(stamp, process) => {
                self.order.push((stamp, format!("end of {process}")));
            }
            Delivery::Released(stamp, member) => {
                self.released.push(member);
                self.order.push((stamp, format!("release of {member}")));
            }
            Delivery::Time(stamp) => {
                self.times.push(stamp);
                self.order.push((stamp, "time".into()));
            }
            Delivery::Kept(stamp, kept) => self.order.push((stamp, format!("kept {kept:?}"))),
            Delivery::Recovery(stamp, news) => {
                self.order.push((stamp, format!("{news:?}")));
                self.recovery.push(news);
            }
            Delivery::Snapshot(reply) => {
                // The engine may have changed its mind.
                let _ = reply.send(Bytes::from(self.last().to_string()));
            }
            Delivery::Lease(until) => self.lease = until,
            Delivery::Left(_) | Delivery::Refused(_) => self.left = true,
        }
    }
}
