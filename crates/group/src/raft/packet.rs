//! What members say to each other on the control channel.
//!
//! A packet is one CBOR value. One that is larger than a fragment is cut; the first byte of each
//! frame says whether more follows.

use super::{
    rules::Rules,
    saved::{Age, Saved},
    state::{Applicant, Item},
    types::{LifeId, Meta, RaftId, Types, Vote},
};
use ais_types::{MemberId, NodeId};
use ais_wire::{DecodeError, decode_bytes, encode_bytes};
use bytes::{Bytes, BytesMut};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest, VoteResponse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of this protocol; who speaks another is not listened to.
pub(crate) const PROTOCOL: u16 = 4;
/// The largest frame.
const FRAGMENT: usize = 256 << 10;
/// The largest packet that is put together again.
const PACKET_MAX: usize = 16 << 20;

/// Something said to a peer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// Who I am, to everyone, again and again: also the sign of life between members.
    Hello(Hello),
    /// A member to its leader.
    Ping(Ping),
    /// The leader's answer, after a quorum has confirmed that it leads.
    Pong(Pong),
    /// Wants the answer with the same number.
    Ask(u64, Option<u64>, Request),
    /// The answer.
    Answer(u64, Response),
    /// The leader to who is no member: you are not admitted as you are, and why.
    TurnedAway(String),
}

/// Who I am.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u16,
    pub(crate) cluster: String,
    pub(crate) rules: Rules,
    pub(crate) applicant: Applicant,
    /// The group it takes part in; `None` while it is blank.
    pub(crate) group: Option<u64>,
    /// Which member it is, once admitted.
    pub(crate) member: Option<MemberId>,
    /// How often an operator has formed its group anew.
    pub(crate) reforms: u64,
    /// How new what it saved of its group is, and who voted then.
    pub(crate) saved: Option<(Age, BTreeSet<NodeId>)>,
    /// Whether its leader leaves it without a lease.
    pub(crate) unserved: bool,
    /// What it was invited with.
    pub(crate) secret: Option<u128>,
}

/// A sign of life to the leader, and the wish for a lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ping {
    /// The sender's own monotonic clock, in nanoseconds.
    pub(crate) at: u64,
    /// Whether its owner is well and wants a lease.
    pub(crate) alive: bool,
    /// Whether it holds a lease.
    pub(crate) leased: bool,
    /// The last log index it has applied.
    pub(crate) applied: u64,
    /// Which member it thinks it is.
    pub(crate) member: Option<MemberId>,
    /// Whom it hears.
    pub(crate) hears: Vec<LifeId>,
}

/// The leader's answer to a ping.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pong {
    /// From the ping.
    pub(crate) at: u64,
    pub(crate) verdict: Verdict,
    /// Everyone has the log up to here.
    pub(crate) purge: u64,
}

/// What a ping has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// The lease holds for its full length from `at` on.
    Lease,
    /// No lease this time.
    None,
    /// You are no member any more.
    Out,
}

/// What is asked of a peer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<RaftId>),
    Install(Vote, Meta, Bytes),
    /// To the leader: order these.
    Submit(MemberId, Vec<Item>),
    /// To the leader: I go.
    Leave(MemberId),
    /// To the sponsor: the state made for this joiner, from here on.
    State(LifeId, u64),
    /// To a blank voter: take part in forming this group.
    Form(u64),
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Response {
    Append(AppendEntriesResponse<RaftId>),
    /// And whether a vote that is given comes after the refusal of another leader had its time, or
    /// sooner, since the former has surely ended.
    Vote(VoteResponse<RaftId>, bool),
    Install(Vote),
    /// It takes part in forming the group, and this is what it saved of a former one.
    Founder(Option<Box<Saved>>),
    /// Done, or on its way.
    Yes,
    /// Not here, or not now.
    No,
    /// A piece of the state, and the length of the whole.
    State(u64, Bytes),
}

/// The frames of a packet.
pub(crate) fn frames(packet: &Packet) -> Vec<Bytes> {
    let bytes = encode_bytes(packet);
    let count = bytes.len().div_ceil(FRAGMENT);
    let frame = |(number, piece): (usize, &[u8])| {
        let mut frame = BytesMut::with_capacity(1 + piece.len());
        frame.extend_from_slice(&[u8::from(number + 1 < count)]);
        frame.extend_from_slice(piece);
        frame.freeze()
    };
    bytes.chunks(FRAGMENT).enumerate().map(frame).collect()
}

/// Puts frames of one session together again.
#[derive(Debug, Default)]
pub(crate) struct Assembly(BytesMut);

/// A peer that is broken or hostile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PacketError {
    #[error("an empty frame")]
    Empty,
    #[error("a packet of more than {PACKET_MAX} bytes")]
    TooLarge,
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

impl Assembly {
    /// Takes one frame; gives the packet if it is whole.
    pub(crate) fn take(&mut self, frame: &[u8]) -> Result<Option<Packet>, PacketError> {
        let (more, piece) = frame.split_first().ok_or(PacketError::Empty)?;
        if self.0.len() + piece.len() > PACKET_MAX {
            self.0.clear();
            return Err(PacketError::TooLarge);
        }
        if *more == 0 && self.0.is_empty() {
            return Ok(Some(decode_bytes(piece)?));
        }
        self.0.extend_from_slice(piece);
        if *more != 0 {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.0);
        Ok(Some(decode_bytes(&whole)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_packet_is_cut_and_put_together() {
        let state = Bytes::from(vec![7; 3 * FRAGMENT]);
        let frames = frames(&Packet::Answer(4, Response::State(9, state.clone())));
        assert!(frames.len() == 4 && frames.iter().all(|it| it.len() <= FRAGMENT + 1));
        let mut assembly = Assembly::default();
        let mut packets = frames.iter().filter_map(|frame| assembly.take(frame).unwrap());
        let Some(Packet::Answer(4, Response::State(9, got))) = packets.next() else { panic!() };
        assert_eq!(got, state);
        assert!(packets.next().is_none());
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Assembly::default().take(&[]).is_err());
        assert!(Assembly::default().take(&[0, 0xff, 0x17]).is_err());
    }
}
