//! A group of one: no network, no waiting. The embedded default.

use crate::{
    Delivery, Group, GroupError, GroupHandle, Identity, Message, PAYLOAD_MAX, PLUGS_MAX, PlugOrder,
    Priority, Recovery,
    plug::{Change, PLUG_TIMEOUT, Plugs},
    raft::Store,
    room::{Place, Room},
    system_wall,
};
use ais_storage::{Batch, StorageError};
use ais_types::{GroupTime, Incarnation, Member, MemberId, ProcessId, Stamp, Time, View};
use async_trait::async_trait;
use bytes::Bytes;
use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

/// A lease that is always held ends then.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A group of one process, which is its only member and its leader.
///
/// Everything is ordered the moment the owner takes it with [`Group::next`]; view 1, with this
/// member alone, comes first. The lease is always held. What was ordered ends with the process.
#[derive(Debug)]
pub struct Solo {
    me: MemberId,
    orders: mpsc::UnboundedReceiver<Order>,
    handle: Arc<Handle>,
    ready: VecDeque<Delivery>,
    /// Whose order was the last delivery: answered when the owner comes back.
    handled: Option<Waiter>,
    plugs: Plugs,
    /// Until when messages wait for plugs.
    plugged_until: Option<Instant>,
    plug_timeout: Duration,
    /// What waits for plugs.
    held: VecDeque<Order>,
    start: Instant,
    wall: fn() -> Time,
    stamp: Stamp,
    deadline: Option<GroupTime>,
    /// The last group time that was ordered because it was due.
    told: Option<GroupTime>,
    left: bool,
}

/// Whoever waits for an order of his own to be delivered, and the room that it takes until then.
type Waiter = (oneshot::Sender<Result<(), GroupError>>, Place);

/// The one view that there ever is.
const VIEW: u64 = 1;

#[derive(Debug)]
enum Order {
    Message(Priority, Bytes, Waiter),
    Ended(ProcessId, Waiter),
    Barrier(Waiter),
    Plug(String, PlugOrder, Waiter),
    Deadline(Option<GroupTime>),
    Leave,
}

#[derive(Debug)]
struct Handle {
    me: MemberId,
    orders: mpsc::UnboundedSender<Order>,
    /// For recovery traffic, and for the rest.
    rooms: [Room; 2],
    /// What outlives the process.
    store: Option<Store>,
}

/// Where the owner's part is kept.
const KEPT: &[u8] = b"kept";

impl Solo {
    /// A group of this node alone, in its first incarnation.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self::with_wall(identity, system_wall)
    }

    /// The same, with another wall clock: for simulations.
    #[must_use]
    pub fn with_wall(identity: Identity, wall: fn() -> Time) -> Self {
        let me = MemberId { node: identity.node, incarnation: Incarnation(1) };
        let (sender, orders) = mpsc::unbounded_channel();
        let start = Instant::now();
        let mut solo = Self {
            me,
            orders,
            handle: Arc::new(Handle {
                me,
                orders: sender,
                rooms: [Room::new(), Room::new()],
                store: None,
            }),
            ready: VecDeque::new(),
            handled: None,
            plugs: Plugs::default(),
            plugged_until: None,
            plug_timeout: PLUG_TIMEOUT,
            held: VecDeque::new(),
            start,
            wall,
            stamp: Stamp::default(),
            deadline: None,
            told: None,
            left: false,
        };
        let stamp = solo.stamp();
        solo.ready.push_back(Delivery::View(stamp, alone(me, identity)));
        solo.ready.push_back(Delivery::Lease(Some((start + FAR).into_std())));
        solo
    }

    /// The same; what the owner keeps is found again in this store.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn keeping(identity: Identity, store: Store) -> Result<Self, StorageError> {
        let kept = store.0.read(KEPT).await?;
        let mut solo = Self::new(identity);
        if let Some(kept) = kept {
            let (first, next) = (solo.stamp, solo.stamp());
            if let Some(Delivery::View(stamp, _)) = solo.ready.front_mut() {
                *stamp = next;
            }
            solo.ready.push_front(Delivery::Kept(first, kept));
        }
        Arc::get_mut(&mut solo.handle).expect("nobody has it yet").store = Some(store);
        Ok(solo)
    }

    /// The same, where messages wait for so long for recovery plugs.
    #[must_use]
    pub fn with_plug_timeout(mut self, timeout: Duration) -> Self {
        self.plug_timeout = timeout;
        self
    }

    /// The stamp of the next entry.
    fn stamp(&mut self) -> Stamp {
        let elapsed = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.stamp = Stamp {
            index: self.stamp.index + 1,
            time: GroupTime(elapsed.max(self.stamp.time.0 + 1)),
            wall: (self.wall)().0,
        };
        self.stamp
    }

    fn take(&mut self, order: Order) -> Option<Delivery> {
        let waits = match &order {
            Order::Message(priority, ..) => !priority.flows_always(),
            Order::Ended(..) => true,
            Order::Barrier(_) | Order::Plug(..) | Order::Deadline(_) | Order::Leave => false,
        };
        if waits && self.plugs.hold() {
            self.held.push_back(order);
            return None;
        }
        match order {
            Order::Message(_, payload, waiter) => {
                self.handled = Some(waiter);
                let stamp = self.stamp();
                Some(Delivery::Message(stamp, Message { from: self.me, payload }))
            }
            Order::Plug(name, order, waiter) => self.plug(&name, order, waiter),
            Order::Ended(process, waiter) => {
                self.handled = Some(waiter);
                let stamp = self.stamp();
                Some(Delivery::ProcessEnded(stamp, process))
            }
            Order::Barrier(waiter) => {
                answer(waiter, Ok(()));
                None
            }
            Order::Deadline(deadline) => {
                self.deadline = deadline;
                None
            }
            Order::Leave => {
                self.left = true;
                self.orders.close();
                self.held.clear();
                self.ready.push_back(Delivery::Left("it said good-bye".into()));
                Some(Delivery::Lease(None))
            }
        }
    }

    fn plug(&mut self, name: &str, order: PlugOrder, waiter: Waiter) -> Option<Delivery> {
        if order == PlugOrder::Create && self.plugs.count(self.me) >= PLUGS_MAX {
            let rule = format!("a member has at most {PLUGS_MAX} plugs");
            answer(waiter, Err(GroupError::Plug { name: name.into(), rule }));
            return None;
        }
        let news = self.change_plugs(Change::Order(self.me, name, order));
        if news.is_some() {
            self.handled = Some(waiter);
        } else {
            answer(waiter, Ok(()));
        }
        news
    }

    fn change_plugs(&mut self, change: Change<'_>) -> Option<Delivery> {
        let news = self.plugs.change(VIEW, change)?;
        let until = Instant::now() + self.plug_timeout;
        self.plugged_until = self.plugs.hold().then(|| self.plugged_until.unwrap_or(until));
        if let Recovery::Overdue { plugs, .. } = &news {
            for plug in plugs {
                tracing::error!(%plug, "goes on without a recovery plug that never came out");
            }
        }
        Some(Delivery::Recovery(self.stamp(), news))
    }

    /// When the group deadline is due, unless it has been told already.
    fn due(&self) -> Option<Instant> {
        let deadline = self.deadline.filter(|it| self.told.is_none_or(|told| *it > told))?;
        self.start.checked_add(Duration::from_nanos(deadline.0))
    }

    fn time(&mut self) -> Delivery {
        let stamp = self.stamp();
        self.told = Some(stamp.time);
        Delivery::Time(stamp)
    }
}

fn answer((waiter, _): Waiter, outcome: Result<(), GroupError>) {
    // Whoever gave up waiting needs no answer.
    let _ = waiter.send(outcome);
}

/// View 1.
fn alone(me: MemberId, identity: Identity) -> View {
    let Identity { name, role, addresses, boot_time, node: _ } = identity;
    let member = Member { id: me, name, role, addresses, boot_time, joined_view: 1 };
    View { number: VIEW, members: vec![member] }
}

#[async_trait]
impl Group for Solo {
    fn handle(&self) -> Arc<dyn GroupHandle> {
        self.handle.clone()
    }

    fn me(&self) -> Option<MemberId> {
        Some(self.me)
    }

    async fn next(&mut self) -> Option<Delivery> {
        if let Some(waiter) = self.handled.take() {
            answer(waiter, Ok(()));
        }
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(delivery);
            }
            if self.left {
                return None;
            }
            if !self.plugs.hold()
                && let Some(order) = self.held.pop_front()
                && let Some(delivery) = self.take(order)
            {
                return Some(delivery);
            }
            let (due, overdue) = (self.due(), self.plugged_until);
            let order = tokio::select! {
                biased;
                order = self.orders.recv() => order,
                () = async { match due { Some(at) => sleep_until(at).await, None => pending().await } } => {
                    return Some(self.time());
                }
                () = async { match overdue { Some(at) => sleep_until(at).await, None => pending().await } } => {
                    if let Some(delivery) = self.change_plugs(Change::Overdue(VIEW)) {
                        return Some(delivery);
                    }
                    continue;
                }
            };
            if let Some(delivery) = self.take(order?) {
                return Some(delivery);
            }
        }
    }
}

impl Handle {
    async fn order(
        &self,
        priority: Priority,
        size: usize,
        order: impl FnOnce(Waiter) -> Order,
    ) -> Result<(), GroupError> {
        let gone = || GroupError::Left("it said good-bye".into());
        let [recovery, ordinary] = &self.rooms;
        let room = if priority.flows_always() { recovery } else { ordinary };
        let place = tokio::select! {
            biased;
            place = room.place(size) => place.ok_or_else(gone)?,
            () = self.orders.closed() => return Err(gone()),
        };
        let (waiter, done) = oneshot::channel();
        self.orders.send(order((waiter, place))).map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl GroupHandle for Handle {
    async fn multicast(&self, priority: Priority, payload: Bytes) -> Result<(), GroupError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(GroupError::TooLarge { size: payload.len(), limit: PAYLOAD_MAX });
        }
        let size = payload.len();
        self.order(priority, size, |waiter| Order::Message(priority, payload, waiter)).await
    }

    async fn order_plug(&self, name: &str, order: PlugOrder) -> Result<(), GroupError> {
        let plug = |waiter| Order::Plug(name.into(), order, waiter);
        self.order(Priority::Recovery, 0, plug).await
    }

    async fn process_ended(&self, process: ProcessId) -> Result<(), GroupError> {
        self.order(Priority::High, 0, |waiter| Order::Ended(process, waiter)).await
    }

    async fn barrier(&self) -> Result<(), GroupError> {
        self.order(Priority::Recovery, 0, Order::Barrier).await
    }

    fn group_deadline(&self, deadline: Option<GroupTime>) {
        let _ = self.orders.send(Order::Deadline(deadline));
    }

    /// Changes nothing: without others nobody could take over.
    async fn keep(&self, _: Stamp, kept: Bytes) -> Result<(), GroupError> {
        let Some(store) = &self.store else { return Ok(()) };
        let written = store.0.write(Batch::new().put(KEPT, kept)).await;
        written.map_err(|error| GroupError::NotSaved(error.to_string()))
    }

    fn alive(&self) {}

    async fn leave(&self) {
        let _ = self.orders.send(Order::Leave);
    }

    fn leader(&self) -> Option<MemberId> {
        Some(self.me)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_types::{NodeId, Role};

    fn solo() -> Solo {
        Solo::new(Identity {
            node: NodeId(7),
            name: "alone".try_into().unwrap(),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time(1),
        })
    }

    async fn start() -> Solo {
        let mut group = solo();
        let Some(Delivery::View(stamp, view)) = group.next().await else { panic!("no view") };
        assert_eq!((stamp.index, view.number), (1, 1));
        assert!(view.contains(group.me().unwrap()));
        assert!(matches!(group.next().await, Some(Delivery::Lease(Some(_)))));
        group
    }

    #[tokio::test]
    async fn an_order_is_answered_when_its_delivery_has_been_handled() {
        let mut group = start().await;
        let handle = group.handle();
        let mut order =
            tokio::spawn(async move { handle.multicast(Priority::Medium, "x".into()).await });
        let Some(Delivery::Message(stamp, message)) = group.next().await else { panic!() };
        assert_eq!((stamp.index, &message.payload[..]), (2, &b"x"[..]));
        tokio::task::yield_now().await;
        assert!(!order.is_finished());
        tokio::select! {
            biased;
            done = &mut order => assert_eq!(done.unwrap(), Ok(())),
            _ = group.next() => panic!("nothing else was ordered"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_comes_once_when_it_is_due() {
        let mut group = start().await;
        let due = GroupTime(5_000_000_000);
        group.handle().group_deadline(Some(due));
        let Some(Delivery::Time(stamp)) = group.next().await else { panic!("no time") };
        assert!(stamp.time >= due && stamp.time.0 < due.0 + 10_000_000);
        let more = tokio::time::timeout(Duration::from_secs(60), group.next()).await;
        assert!(more.is_err(), "the same deadline twice");
    }

    #[tokio::test(start_paused = true)]
    async fn a_plug_holds_ordinary_messages_until_it_is_out_or_overdue() {
        let mut group = start().await;
        let handle: Arc<dyn GroupHandle> = group.handle();
        let say = |priority, text: &'static str| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.multicast(priority, text.into()).await })
        };
        let created = tokio::spawn({
            let handle = handle.clone();
            async move { handle.recovery_plug("state").await }
        });
        let Some(Delivery::Recovery(_, Recovery::Held { view: 1, plugs })) = group.next().await
        else {
            panic!("not held")
        };
        assert_eq!(plugs[0].name, "state");
        say(Priority::Low, "ordinary");
        say(Priority::Recovery, "state of mine");
        let Some(Delivery::Message(_, message)) = group.next().await else { panic!() };
        assert_eq!(&message.payload[..], b"state of mine");
        let plug = created.await.unwrap().unwrap();
        tokio::spawn(async move { plug.unplug(1).await });
        let flows = Some(Recovery::Flows { view: 1 });
        assert_eq!(recovery(group.next().await), flows);
        let Some(Delivery::Message(_, message)) = group.next().await else { panic!() };
        assert_eq!(&message.payload[..], b"ordinary");
        // One that never comes out.
        let before = Instant::now();
        tokio::spawn(async move { handle.recovery_plug("forgotten").await });
        assert!(matches!(recovery(group.next().await), Some(Recovery::Held { .. })));
        let overdue = recovery(group.next().await);
        assert!(
            matches!(overdue, Some(Recovery::Overdue { view: 1, plugs }) if plugs[0].name == "forgotten")
        );
        assert_eq!(before.elapsed().as_secs(), PLUG_TIMEOUT.as_secs());
    }

    fn recovery(delivery: Option<Delivery>) -> Option<Recovery> {
        match delivery {
            Some(Delivery::Recovery(_, news)) => Some(news),
            _other => None,
        }
    }

    #[tokio::test]
    async fn nothing_follows_a_good_bye() {
        let mut group = start().await;
        let handle = group.handle();
        handle.leave().await;
        assert!(matches!(group.next().await, Some(Delivery::Lease(None))));
        assert!(matches!(group.next().await, Some(Delivery::Left(_))));
        assert!(group.next().await.is_none());
        assert!(matches!(handle.barrier().await, Err(GroupError::Left(_))));
    }

    #[tokio::test]
    async fn a_payload_has_a_limit() {
        let group = start().await;
        let large = Bytes::from(vec![0; PAYLOAD_MAX + 1]);
        let refused = group.handle().multicast(Priority::Low, large).await;
        assert!(matches!(refused, Err(GroupError::TooLarge { .. })));
    }
}
