//! The data path: which life of which node is which member, and what waits to be sent.
//!
//! Each side says hello when a link comes up, and from then on frames flow. A side that finds the
//! link useless (nonsense came, or too much waits) forgets what waits, ignores what comes, and
//! after a while says hello again: to the other side that is a link that broke and came back, and
//! it answers with a hello of its own.

use ais_transport::{Peer, SendError, Transport};
use ais_types::MemberId;
use ais_wire::{Frame, Limits, decode_bytes, encode_bytes};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How long a broken link rests before we say hello again.
const REST: Duration = Duration::from_millis(500);

/// The frame kind of a hello.
const HELLO: u8 = 34;

/// Who says hello.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    cluster: String,
    member: MemberId,
}

pub(super) struct Peers {
    cluster: String,
    me: Option<MemberId>,
    up: BTreeMap<Peer, Link>,
    peers: BTreeMap<MemberId, Peer>,
    queue_max: usize,
}

#[derive(Default)]
struct Link {
    /// Who it is, once it has said so.
    member: Option<MemberId>,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// It is broken, and we say hello again then.
    resting: Option<Instant>,
}

/// What a frame from a peer was.
pub(super) enum Heard {
    /// A hello: the link to the first is gone, if there was one; the one to the second is there.
    Hello(Option<MemberId>, MemberId),
    /// From this member.
    Frame(MemberId, Bytes),
    /// Nothing of interest: the link is broken.
    Nothing,
}

impl Peers {
    pub(super) fn new(cluster: String, queue_max: usize) -> Self {
        Self { cluster, me: None, up: BTreeMap::new(), peers: BTreeMap::new(), queue_max }
    }

    /// We know who we are: everyone who is connected hears it.
    pub(super) fn admitted(&mut self, me: MemberId, transport: &mut dyn Transport) {
        self.me = Some(me);
        for peer in self.up.keys().copied().collect::<Vec<_>>() {
            self.say_hello(peer, transport);
        }
    }

    pub(super) fn came_up(&mut self, peer: Peer, transport: &mut dyn Transport) {
        self.up.insert(peer, Link::default());
        self.say_hello(peer, transport);
    }

    /// The member whose link is gone, if it had said who it is.
    pub(super) fn went_down(&mut self, peer: Peer) -> Option<MemberId> {
        let member = self.up.remove(&peer)?.member?;
        self.peers.remove(&member);
        Some(member)
    }

    pub(super) fn heard(
        &mut self,
        peer: Peer,
        bytes: Bytes,
        transport: &mut dyn Transport,
    ) -> Heard {
        let Some(link) = self.up.get_mut(&peer) else { return Heard::Nothing };
        match (read_hello(&bytes, peer, &self.cluster), link.member) {
            (Ok(Some(member)), before) => {
                link.member = Some(member);
                let answers = before.is_some() || link.resting.take().is_some();
                before.and_then(|before| self.peers.remove(&before));
                self.peers.insert(member, peer);
                if answers {
                    link.forget();
                    self.say_hello(peer, transport);
                }
                Heard::Hello(before, member)
            }
            (Ok(None), Some(member)) => Heard::Frame(member, bytes),
            (Ok(None), None) => Heard::Nothing,
            (Err(reason), _) => {
                tracing::warn!(?peer, reason, "ignores a peer");
                Heard::Nothing
            }
        }
    }

    /// Sends, or queues while the transport is full. `false`: too much waits, the link is useless.
    pub(super) fn send(
        &mut self,
        to: MemberId,
        bytes: Bytes,
        transport: &mut dyn Transport,
    ) -> bool {
        let Some(peer) = self.peers.get(&to).copied() else { return true };
        let Some(link) = self.up.get_mut(&peer) else { return true };
        link.push(bytes, peer, transport);
        link.queued <= self.queue_max
    }

    /// Tries again what waits; says hello where a broken link has rested.
    pub(super) fn tend(&mut self, now: Instant, transport: &mut dyn Transport) {
        for peer in self.up.keys().copied().collect::<Vec<_>>() {
            let Some(link) = self.up.get_mut(&peer) else { continue };
            link.flush(peer, transport);
            if link.resting.is_some_and(|until| until <= now) {
                link.resting = None;
                self.say_hello(peer, transport);
            }
        }
    }

    /// Says and hears nothing more until both have said hello again.
    pub(super) fn break_link(&mut self, member: MemberId, now: Instant) {
        let Some(peer) = self.peers.remove(&member) else { return };
        if let Some(link) = self.up.get_mut(&peer) {
            *link = Link { resting: Some(now + REST), ..Link::default() };
        }
    }

    fn say_hello(&mut self, peer: Peer, transport: &mut dyn Transport) {
        let (Some(member), Some(link)) = (self.me, self.up.get_mut(&peer)) else { return };
        let hello = Hello { cluster: self.cluster.clone(), member };
        let frame = Frame::new(HELLO, 0, encode_bytes(&hello)).to_bytes();
        link.push(frame, peer, transport);
    }
}

impl Link {
    fn push(&mut self, frame: Bytes, peer: Peer, transport: &mut dyn Transport) {
        self.queued += frame.len();
        self.queue.push_back(frame);
        self.flush(peer, transport);
    }

    fn flush(&mut self, peer: Peer, transport: &mut dyn Transport) {
        while let Some(frame) = self.queue.front() {
            match transport.send(peer, frame.clone()) {
                Ok(()) => {}
                Err(SendError::Full(_)) => return,
                // Its `Down` is on the way.
                Err(SendError::NotConnected(_)) => return self.forget(),
                Err(error @ SendError::TooLarge(_)) => {
                    tracing::error!(?peer, %error, "a message is lost");
                }
            }
            self.queued -= self.queue.pop_front().map_or(0, |it| it.len());
        }
    }

    fn forget(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }
}

/// Who says hello; `None` if it is something else.
fn read_hello(bytes: &Bytes, peer: Peer, cluster: &str) -> Result<Option<MemberId>, String> {
    let Ok(frame) = Frame::from_bytes(bytes.clone(), &Limits::default()) else { return Ok(None) };
    if frame.kind != HELLO {
        return Ok(None);
    }
    let hello: Hello = decode_bytes(&frame.header).map_err(|it| it.to_string())?;
    if hello.cluster != cluster {
        return Err(format!("it belongs to the cluster {}, we to {cluster}", hello.cluster));
    }
    if hello.member.node != peer.node {
        return Err(format!("it calls itself {}", hello.member));
    }
    Ok(Some(hello.member))
}
