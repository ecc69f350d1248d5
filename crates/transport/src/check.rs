//! The contract of [`Transport`] as one call.

use crate::{Cause, Class, Event, Peer, SendError, Transport};
use ais_types::NodeId;
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// How long anything may take. Far more than any transport needs: then it hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a queue that nobody empties is watched.
const WATCH: Duration = Duration::from_millis(50);

const A: Peer = Peer { node: NodeId(1), nonce: 11 };
const A_AGAIN: Peer = Peer { node: NodeId(1), nonce: 12 };
const B: Peer = Peer { node: NodeId(2), nonce: 21 };
const B_AGAIN: Peer = Peer { node: NodeId(2), nonce: 22 };

/// What [`check`] needs of a transport: two nodes, 1 and 2, that know each other.
#[async_trait]
pub trait Subject: Send {
    /// Its channels.
    type Channel: Transport;

    /// Starts a life of a node and opens its channels of both classes: control, data. The former
    /// life has ended.
    async fn start(&mut self, me: Peer) -> [Self::Channel; 2];

    /// Ends the life of a node, whose channels were dropped just before.
    async fn stop(&mut self, me: Peer);

    /// Breaks the session of the class data between the two, which both live on.
    async fn break_session(&mut self);

    /// The limit of a frame of this class.
    fn frame_max(&self, class: Class) -> usize;
}

/// Checks a transport against the whole contract; a test for authors of transports.
///
/// # Panics
/// At the first sentence of the contract that does not hold.
pub async fn check(subject: &mut impl Subject) {
    let [mut control_a, mut a] = subject.start(A).await.map(Watched::new);
    let [mut control_b, mut b] = subject.start(B).await.map(Watched::new);
    for (one, other) in [(&mut control_a, &mut control_b), (&mut a, &mut b)] {
        assert_eq!((one.up().await, other.up().await), (B, A), "each sees the other");
    }
    carries_frames_in_order(&mut a, &mut b).await;
    carries_frames_in_order(&mut control_b, &mut control_a).await;
    refuses_large_frames(&mut a, &mut b, subject.frame_max(Class::Data)).await;
    refuses_large_frames(&mut control_a, &mut control_b, subject.frame_max(Class::Control)).await;
    pushes_back(&mut a, &mut b).await;
    classes_do_not_wait_for_each_other(&mut a, &mut control_a, &mut control_b).await;
    a.drain_into(&mut b).await;
    survives_dropped_futures(&mut a, &mut b).await;
    breaks_and_comes_back(subject, &mut a, &mut b).await;

    drop((control_a, a));
    subject.stop(A).await;
    let [_control_a, mut a] = subject.start(A_AGAIN).await.map(Watched::new);
    sees_the_next_life(A, A_AGAIN, &mut b).await;
    assert_eq!(a.up().await, B, "the next life sees the other node");
    carries_frames_in_order(&mut a, &mut b).await;
    drop((control_b, b));
    subject.stop(B).await;
    let [_control_b, mut b] = subject.start(B_AGAIN).await.map(Watched::new);
    sees_the_next_life(B, B_AGAIN, &mut a).await;
    assert_eq!(b.up().await, A_AGAIN, "the next life sees the other node");
    carries_frames_in_order(&mut b, &mut a).await;
}

async fn carries_frames_in_order(a: &mut Watched<impl Transport>, b: &mut Watched<impl Transport>) {
    let (to_a, to_b) = (b.only_peer(), a.only_peer());
    for start in (0..600).step_by(100) {
        for number in start..start + 100 {
            a.send(to_b, frame(number)).expect("a short queue has room");
            b.send(to_a, frame(number + 7)).expect("a short queue has room");
        }
        for number in start..start + 100 {
            assert_eq!(a.frame().await, frame(number + 7), "in order, unaltered");
            assert_eq!(b.frame().await, frame(number), "in order, unaltered");
        }
    }
}

async fn refuses_large_frames(
    a: &mut Watched<impl Transport>,
    b: &mut Watched<impl Transport>,
    frame_max: usize,
) {
    let to = a.only_peer();
    let largest = Bytes::from(vec![3; frame_max]);
    a.send(to, largest.clone()).expect("a frame at the limit is taken");
    let larger = a.send(to, vec![0; frame_max + 1].into());
    assert_eq!(larger, Err(SendError::TooLarge(frame_max + 1)));
    a.send(to, Bytes::new())
        .or_else(|error| match error {
            SendError::Full(_) => Ok(()),
            SendError::NotConnected(_) | SendError::TooLarge(_) => Err(error),
        })
        .expect("an empty frame is a frame");
    assert!(b.frame().await == largest, "a frame at the limit arrives");
    let ready = a.ready(to);
    bounded(ready, "room after a large frame").await;
    while b.try_frame(WATCH).await.is_some() {}
}

/// Fills the queue of `a` to `b`, which reads nothing.
async fn pushes_back(a: &mut Watched<impl Transport>, b: &mut Watched<impl Transport>) {
    let to = a.only_peer();
    let sent = a.fill().await;
    let ready = a.ready(to);
    let (_, received) = futures::join!(bounded(ready, "room, once the peer reads"), async {
        let mut received = 0;
        while received < sent {
            assert_eq!(b.frame().await, filler(received), "what was taken arrives, in order");
            received += 1;
        }
        received
    });
    assert_eq!(received, sent);
    a.send(to, frame(1)).expect("there is room again");
    assert_eq!(b.frame().await, frame(1));
}

/// With the queue of data full, control still flows.
async fn classes_do_not_wait_for_each_other(
    data: &mut Watched<impl Transport>,
    a: &mut Watched<impl Transport>,
    b: &mut Watched<impl Transport>,
) {
    data.filled = data.fill().await;
    a.send(a.only_peer(), frame(2)).expect("control has its own queue");
    assert_eq!(b.frame().await, frame(2), "control does not wait for data");
}

async fn survives_dropped_futures(
    a: &mut Watched<impl Transport>,
    b: &mut Watched<impl Transport>,
) {
    let to = a.only_peer();
    for number in 0..200 {
        // Asks many times, and mostly too early.
        while let Some(event) = b.channel.next().now_or_never() {
            assert!(event.is_none(), "nothing was sent: {event:?}");
        }
        a.send(to, frame(number)).expect("a short queue has room");
        let event = loop {
            match timeout(Duration::from_micros(1), b.channel.next()).await {
                Ok(event) => break event,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(event, Some(Event::Frame(b.only_peer(), frame(number))));
    }
}

async fn breaks_and_comes_back(
    subject: &mut impl Subject,
    a: &mut Watched<impl Transport>,
    b: &mut Watched<impl Transport>,
) {
    let (to_a, to_b) = (b.only_peer(), a.only_peer());
    for number in 0..50 {
        a.send(to_b, frame(number)).expect("a short queue has room");
    }
    subject.break_session().await;
    assert_eq!(a.down().await, (to_b, Cause::Broken), "both live");
    let mut arrived = 0;
    let down = loop {
        match b.event().await {
            Event::Frame(_, it) => {
                assert_eq!(it, frame(arrived), "what arrives before the break has no gap");
                arrived += 1;
            }
            Event::Down(peer, cause) => break (peer, cause),
            Event::Up(peer) => panic!("up without down: {peer:?}"),
        }
    };
    assert_eq!(down, (to_a, Cause::Broken), "both live");
    assert_eq!(a.send(to_b, frame(0)), Err(SendError::NotConnected(to_b)));
    bounded(a.ready(to_b), "without a session, nothing to wait for").await;
    assert_eq!((a.up().await, b.up().await), (to_b, to_a), "they reconnect by themselves");
    carries_frames_in_order(a, b).await;
}

async fn sees_the_next_life(former: Peer, next: Peer, other: &mut Watched<impl Transport>) {
    assert_eq!(other.down().await, (former, Cause::Closed), "its life has ended");
    assert_eq!(other.up().await, next, "a new nonce is a new peer");
    let late = other.send(former, frame(0));
    assert_eq!(late, Err(SendError::NotConnected(former)), "nothing for a former life");
}

/// A frame of its own content, and now and then a long one.
fn frame(number: usize) -> Bytes {
    let length = if number % 100 == 99 { 70_000 } else { number * 13 % 300 };
    (0..length).map(|at| (at * 31 + number) as u8).collect()
}

fn filler(number: usize) -> Bytes {
    let mut bytes = vec![9; 16 << 10];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    bytes.into()
}

async fn bounded<T>(future: impl Future<Output = T>, what: &str) -> T {
    match timeout(PATIENCE, future).await {
        Ok(it) => it,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// A channel whose events are checked as they come.
struct Watched<T> {
    channel: T,
    /// Nodes with a session, and with which life.
    up: BTreeMap<NodeId, Peer>,
    /// Fillers sent and not received.
    filled: usize,
}

impl<T: Transport> Watched<T> {
    fn new(channel: T) -> Self {
        Self { channel, up: BTreeMap::new(), filled: 0 }
    }

    fn only_peer(&self) -> Peer {
        *self.up.values().next().expect("a session")
    }

    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError> {
        self.channel.send(to, frame)
    }

    fn ready(&self, to: Peer) -> impl Future<Output = ()> + use<T> {
        self.channel.ready(to)
    }

    async fn event(&mut self) -> Event {
        let event = bounded(self.channel.next(), "an event").await.expect("the channel is open");
        match &event {
            Event::Up(peer) => {
                let before = self.up.insert(peer.node, *peer);
                assert_eq!(before, None, "Up only after Down");
            }
            Event::Frame(peer, _) => {
                assert_eq!(self.up.get(&peer.node), Some(peer), "frames only while up");
            }
            Event::Down(peer, _) => {
                assert_eq!(self.up.remove(&peer.node), Some(*peer), "Down only after Up");
            }
        }
        event
    }

    async fn up(&mut self) -> Peer {
        match self.event().await {
            Event::Up(peer) => peer,
            other => panic!("not up but {other:?}"),
        }
    }

    async fn down(&mut self) -> (Peer, Cause) {
        match self.event().await {
            Event::Down(peer, cause) => (peer, cause),
            other => panic!("not down but {other:?}"),
        }
    }

    async fn frame(&mut self) -> Bytes {
        match self.event().await {
            Event::Frame(_, frame) => frame,
            other => panic!("no frame but {other:?}"),
        }
    }

    async fn try_frame(&mut self, within: Duration) -> Option<Bytes> {
        match timeout(within, self.channel.next()).await {
            Ok(Some(Event::Frame(_, frame))) => Some(frame),
            Ok(other) => panic!("no frame but {other:?}"),
            Err(_) => None,
        }
    }

    /// Sends until the queue stays full, however long one waits.
    async fn fill(&mut self) -> usize {
        let to = self.only_peer();
        for number in 0.. {
            loop {
                match self.send(to, filler(number)) {
                    Ok(()) => break,
                    Err(SendError::Full(_)) => {}
                    Err(other) => panic!("not full but {other:?}"),
                }
                if timeout(WATCH, self.ready(to)).await.is_err() {
                    return number;
                }
            }
            assert!(number < 1 << 20, "a queue that nobody empties has a bound");
        }
        unreachable!("numbers do not end")
    }

    /// Lets the other side take what [`Self::fill`] left.
    async fn drain_into(&mut self, other: &mut Self) {
        for number in 0..std::mem::take(&mut self.filled) {
            assert_eq!(other.frame().await, filler(number), "what was taken arrives, in order");
        }
    }
}
