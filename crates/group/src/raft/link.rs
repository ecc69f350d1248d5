//! The control channel: sessions with peers, packets, requests and their answers.

use super::{
    packet::{Assembly, Hello, Packet, Request, Response, frames},
    types::{LifeId, RaftId, node_of},
};
use ais_transport::{Cause, Event, Peer, SendError, Transport};
use ais_types::NodeId;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use tokio::{sync::oneshot, time::Instant};

/// How many bytes may wait for one peer; what is over is dropped, and asked again by who needs it.
const QUEUE_MAX: usize = 64 << 20;

/// The channel, and what is known of the peers.
pub(crate) struct Link {
    transport: Box<dyn Transport>,
    sides: BTreeMap<NodeId, Side>,
    asked: BTreeMap<u64, Asked>,
    tags: u64,
    /// Lives that have surely ended, and when that was noticed.
    pub(crate) ended: BTreeMap<LifeId, Instant>,
    /// Whom we last had a session with, and when it was last heard.
    gone: BTreeMap<NodeId, (LifeId, Instant)>,
}

/// A session.
struct Side {
    peer: Peer,
    assembly: Assembly,
    queue: VecDeque<Bytes>,
    queued: usize,
    hello: Option<Hello>,
    heard: Instant,
}

struct Asked {
    node: NodeId,
    answer: oneshot::Sender<Response>,
}

/// What came in.
pub(crate) enum Came {
    /// A session began.
    Up(NodeId),
    /// A peer that has said hello says something.
    Packet(NodeId, LifeId, Box<Packet>),
    /// The session with this life of a node ended.
    Down(Option<LifeId>),
    Nothing,
    /// The channel is no more.
    Closed,
}

impl Link {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            sides: BTreeMap::new(),
            asked: BTreeMap::new(),
            tags: 0,
            ended: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    /// Waits for the next event of the channel. Dropping the future loses none.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        self.transport.next().await
    }

    /// Takes an event of the channel.
    pub(crate) fn came(&mut self, event: Option<Event>, cluster: &str, now: Instant) -> Came {
        match event {
            None => Came::Closed,
            Some(Event::Up(peer)) => {
                self.up(peer, now);
                Came::Up(peer.node)
            }
            Some(Event::Down(peer, cause)) => Came::Down(self.down(peer, cause, now)),
            Some(Event::Frame(peer, frame)) => self.frame(peer, &frame, cluster, now),
        }
    }

    /// Says something to this life of a node, if there is a session with it.
    pub(crate) fn say(&mut self, to: LifeId, packet: &Packet) -> bool {
        let known = self.hello(to).is_some();
        if known {
            self.put(node_of(to), packet);
        }
        known
    }

    /// Says something to whoever that node is.
    pub(crate) fn put(&mut self, node: NodeId, packet: &Packet) {
        let Some(side) = self.sides.get_mut(&node) else { return };
        let frames = frames(packet);
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        if side.queued + bytes > QUEUE_MAX {
            tracing::warn!(%node, bytes, "queue full: a control packet is dropped");
            return;
        }
        side.queued += bytes;
        side.queue.extend(frames);
    }

    /// Asks a participant in consensus, whichever life of its node it is.
    pub(crate) fn ask_raft(
        &mut self,
        to: RaftId,
        group: Option<u64>,
        request: Request,
        answer: oneshot::Sender<Response>,
    ) {
        if let Some(life) = self.life_of(to) {
            self.ask(life, group, request, answer);
        }
    }

    /// Asks a life of a node; without a session, or when it ends, `answer` is dropped.
    pub(crate) fn ask(
        &mut self,
        to: LifeId,
        group: Option<u64>,
        request: Request,
        answer: oneshot::Sender<Response>,
    ) {
        if self.hello(to).is_none() {
            return;
        }
        self.tags += 1;
        self.asked.insert(self.tags, Asked { node: node_of(to), answer });
        self.put(node_of(to), &Packet::Ask(self.tags, group, request));
    }

    /// An answer has come.
    pub(crate) fn answered(&mut self, node: NodeId, tag: u64, response: Response) {
        if self.asked.get(&tag).is_some_and(|asked| asked.node == node)
            && let Some(asked) = self.asked.remove(&tag)
        {
            // Whoever asked may have given up.
            let _ = asked.answer.send(response);
        }
    }

    /// Forgets requests for which nobody waits any more.
    pub(crate) fn sweep(&mut self) {
        self.asked.retain(|_, asked| !asked.answer.is_closed());
    }

    /// Hands what is queued to the channel, as far as it has room. `false`: something is left.
    pub(crate) fn flush(&mut self) -> bool {
        let mut all = true;
        for side in self.sides.values_mut() {
            while let Some(frame) = side.queue.front() {
                match self.transport.send(side.peer, frame.clone()) {
                    Ok(()) => {}
                    Err(SendError::Full(_)) => {
                        all = false;
                        break;
                    }
                    // Its `Down` is on the way.
                    Err(SendError::NotConnected(_)) => {}
                    Err(error @ SendError::TooLarge(_)) => tracing::error!(%error, "control frame"),
                }
                side.queued -= frame.len();
                side.queue.pop_front();
            }
        }
        all
    }

    /// What a life of a node has said of itself, while there is a session with it.
    pub(crate) fn hello(&self, life: LifeId) -> Option<&Hello> {
        self.hello_at(node_of(life)).filter(|hello| hello.applicant.life == life)
    }

    /// What whoever is there of that node has said of itself.
    pub(crate) fn hello_at(&self, node: NodeId) -> Option<&Hello> {
        self.sides.get(&node)?.hello.as_ref()
    }

    /// The life that takes part in consensus as this, while there is a session with it.
    pub(crate) fn life_of(&self, raft: RaftId) -> Option<LifeId> {
        let applicant = &self.hello_at(node_of(raft))?.applicant;
        (applicant.raft == raft).then_some(applicant.life)
    }

    /// Everyone there is a session with, and has said hello.
    pub(crate) fn hellos(&self) -> impl Iterator<Item = &Hello> {
        self.sides.values().filter_map(|side| side.hello.as_ref())
    }

    /// Whom we have heard since then.
    pub(crate) fn heard_since(&self, moment: Instant) -> Vec<LifeId> {
        let fresh = self.sides.values().filter(|side| side.heard >= moment);
        fresh.filter_map(|side| Some(side.hello.as_ref()?.applicant.life)).collect()
    }

    /// When this life of a node was last heard, if ever.
    pub(crate) fn last_heard(&self, life: LifeId) -> Option<Instant> {
        let node = node_of(life);
        if self.hello(life).is_some() {
            return self.sides.get(&node).map(|side| side.heard);
        }
        self.gone.get(&node).filter(|(it, _)| *it == life).map(|(_, heard)| *heard)
    }

    /// Every node there is a session with.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.sides.keys().copied().collect()
    }

    fn up(&mut self, peer: Peer, now: Instant) {
        let side = Side {
            peer,
            assembly: Assembly::default(),
            queue: VecDeque::new(),
            queued: 0,
            hello: None,
            heard: now,
        };
        self.sides.insert(peer.node, side);
    }

    fn down(&mut self, peer: Peer, cause: Cause, now: Instant) -> Option<LifeId> {
        if self.sides.get(&peer.node)?.peer != peer {
            return None;
        }
        self.asked.retain(|_, asked| asked.node != peer.node);
        let side = self.sides.remove(&peer.node)?;
        let life = side.hello?.applicant.life;
        self.gone.insert(peer.node, (life, side.heard));
        match cause {
            Cause::Closed => drop(self.ended.insert(life, now)),
            Cause::Broken => {}
        }
        Some(life)
    }

    fn frame(&mut self, peer: Peer, frame: &[u8], cluster: &str, now: Instant) -> Came {
        let Some(side) = self.sides.get_mut(&peer.node).filter(|side| side.peer == peer) else {
            return Came::Nothing;
        };
        let packet = match side.assembly.take(frame) {
            Ok(Some(packet)) => packet,
            Ok(None) => return Came::Nothing,
            Err(error) => {
                tracing::warn!(node = %peer.node, %error, "a control packet is not understood");
                return Came::Nothing;
            }
        };
        side.heard = now;
        if let Packet::Hello(hello) = packet {
            if !fits(&hello, peer.node, cluster) {
                tracing::warn!(node = %peer.node, ?hello, "not one of this cluster");
                return Came::Nothing;
            }
            side.hello = Some(hello);
            return Came::Nothing;
        }
        match &side.hello {
            Some(hello) => Came::Packet(peer.node, hello.applicant.life, Box::new(packet)),
            None => Came::Nothing,
        }
    }
}

/// Whether a peer speaks our language, of our cluster, for itself.
fn fits(hello: &Hello, node: NodeId, cluster: &str) -> bool {
    hello.protocol == super::packet::PROTOCOL
        && hello.cluster == cluster
        && hello.applicant.identity.node == node
        && node_of(hello.applicant.raft) == node
        && node_of(hello.applicant.life) == node
}
