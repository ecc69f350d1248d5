//! Whatever bytes come from peers or from the disk: they are understood or refused, and nothing
//! panics or grows.

use super::{
    log::{self, Log},
    packet::{
        Assembly, Hello, Packet, PacketError, Ping, Pong, Request, Response, Verdict, frames,
    },
    rules::Rules,
    saved::Saved,
    state::{Applicant, Former, Item, Op, State, What},
    types::{LogEntry, Proposal},
};
use crate::{ClusterOrder, Identity, Known, PlugOrder, Priority};
use ais_storage::{Batch, MemoryStorage, Storage, StorageError};
use ais_types::{GroupTime, Incarnation, MemberId, NodeId, ProcessId, Role, Time};
use ais_wire::{damaged, encode_bytes};
use bytes::Bytes;
use openraft::{
    CommittedLeaderId, EntryPayload, LogId, Membership, StoredMembership, Vote,
    raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest, VoteResponse},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How often each sample is damaged.
const TIMES: usize = 2_000;

fn member(node: u32) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(3) }
}

fn identity(node: u32) -> Identity {
    Identity {
        node: NodeId(node),
        name: "west".try_into().unwrap(),
        role: Role::Voter,
        addresses: vec!["127.0.0.1:7001".into()],
        boot_time: Time(5),
    }
}

fn applicant() -> Applicant {
    Applicant { raft: 1 << 32 | 7, life: 1 << 32 | 7, identity: identity(1) }
}

fn log_id(index: u64) -> LogId<u64> {
    LogId::new(CommittedLeaderId::new(4, 1 << 32 | 7), index)
}

fn items() -> Vec<Item> {
    let whats = [
        What::Message(Bytes::from_static(b"entry")),
        What::ProcessEnded(ProcessId { member: member(1), number: 9 }),
        What::Barrier,
        What::Plug("state".into(), PlugOrder::Unplug(4)),
        What::Cluster(ClusterOrder::Invite { node: NodeId(4), secret: 5, valid_s: 60 }),
    ];
    let item = |(number, what)| Item { priority: Priority::High, number, what };
    (1..).zip(whats).map(item).collect()
}

fn state() -> State {
    let mut state = State::default();
    let former = Former {
        generation: 2,
        voters: BTreeSet::from([NodeId(1), NodeId(2)]),
        nodes: BTreeMap::from([(NodeId(1), Known::from(&identity(1)))]),
        kept: Bytes::from_static(b"kept"),
    };
    let ops = vec![
        Op::Formed { members: vec![applicant()], former },
        Op::Batch { from: MemberId { incarnation: Incarnation(1), ..member(1) }, items: items() },
    ];
    state.apply(Proposal { time: 8, wall: 9, ops }, &mut Vec::new());
    state
}

fn entries() -> Vec<LogEntry> {
    let ops = vec![
        Op::Joined { applicant: applicant(), sponsor: Some(member(2)), kept: None },
        Op::Left(member(2)),
        Op::Released(member(2)),
        Op::Time,
        Op::Overdue(7),
        Op::Reformed(member(1), Box::new(state())),
        Op::Batch { from: member(1), items: items() },
    ];
    let membership = Membership::new(vec![BTreeSet::from([1 << 32, 2 << 32])], None);
    let payloads = [
        EntryPayload::Normal(Proposal { time: 1, wall: 2, ops }),
        EntryPayload::Membership(membership),
        EntryPayload::Blank,
    ];
    let entry = |(index, payload)| LogEntry { log_id: log_id(index), payload };
    (1..).zip(payloads).map(entry).collect()
}

fn saved() -> Saved {
    Saved {
        generation: 2,
        index: 40,
        voters: BTreeSet::from([NodeId(1)]),
        nodes: BTreeMap::from([(NodeId(1), Known::from(&identity(1)))]),
        kept_at: (2, 39),
        kept: Bytes::from_static(b"the model"),
    }
}

fn meta() -> super::types::Meta {
    let membership = Membership::new(vec![BTreeSet::from([1 << 32])], None);
    let last_membership = StoredMembership::new(Some(log_id(1)), membership);
    super::types::Meta { last_log_id: Some(log_id(9)), last_membership, snapshot_id: "nine".into() }
}

/// One of each.
fn packets() -> Vec<Packet> {
    let vote = Vote::new_committed(4, 1 << 32 | 7);
    let hello = Hello {
        protocol: super::packet::PROTOCOL,
        cluster: "plant".into(),
        rules: Rules { failure_timeout_ms: 500, durable: Some(true) },
        applicant: applicant(),
        group: Some(4),
        member: Some(member(1)),
        reforms: 1,
        saved: Some(((1, 2), BTreeSet::from([NodeId(1)]))),
        unserved: false,
        secret: Some(u128::MAX),
    };
    let hears = vec![1, 2, 3];
    let ping = Ping { at: 3, alive: true, leased: true, applied: 9, member: None, hears };
    let append = AppendEntriesRequest {
        vote,
        prev_log_id: Some(log_id(3)),
        entries: entries(),
        leader_commit: None,
    };
    let state = encode_bytes(&state());
    let requests = [
        Request::Append(append),
        Request::Vote(VoteRequest::new(vote, Some(log_id(3)))),
        Request::Install(vote, meta(), state.clone()),
        Request::Submit(member(1), items()),
        Request::Leave(member(1)),
        Request::State(7, 100),
        Request::Form(7),
    ];
    let responses = [
        Response::Append(AppendEntriesResponse::PartialSuccess(Some(log_id(3)))),
        Response::Append(AppendEntriesResponse::HigherVote(vote)),
        Response::Vote(VoteResponse::new(vote, Some(log_id(3)), true), true),
        Response::Install(vote),
        Response::Founder(Some(Box::new(saved()))),
        Response::Yes,
        Response::No,
        Response::State(1_000, state),
    ];
    let said = [
        Packet::Hello(hello),
        Packet::Ping(ping),
        Packet::Pong(Pong { at: 3, verdict: Verdict::Lease, purge: 5 }),
        Packet::TurnedAway("its token has run out".into()),
    ];
    let asked = requests.into_iter().map(|it| Packet::Ask(1, Some(2), it));
    let answered = responses.into_iter().map(|it| Packet::Answer(1, it));
    said.into_iter().chain(asked).chain(answered).collect()
}

#[test]
fn damaged_packets_are_understood_or_refused() {
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut refused, mut other) = (0, 0);
    for packet in packets() {
        let frames = frames(&packet);
        let [frame] = &frames[..] else { panic!("a small packet is one frame") };
        let sound = Assembly::default().take(frame).expect("a sound packet is understood");
        let text = format!("{packet:?}");
        assert_eq!(sound.map(|it| format!("{it:?}")), Some(text), "it comes back as it was");
        for _ in 0..TIMES {
            let damaged = damaged(frame, &mut |below| rng.usize(..below));
            match Assembly::default().take(&damaged) {
                // Another packet, which can be said again.
                Ok(Some(packet)) => other += super::packet::frames(&packet).len(),
                Ok(None) => other += 1,
                Err(PacketError::Empty | PacketError::TooLarge | PacketError::Malformed(_)) => {
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > TIMES && other > TIMES, "{refused} refused, {other} understood");
}

/// A peer that never ends its packet gets no more room than the largest one.
#[test]
fn frames_without_an_end_are_refused_at_the_limit() {
    let mut assembly = Assembly::default();
    let frame = [&[1][..], &[0x41; 250 << 10]].concat();
    let taken = (0..200).take_while(|_| assembly.take(&frame).is_ok()).count();
    assert!(taken < 70, "{taken} frames of 250 KiB were kept");
    assert!(matches!(assembly.take(&[0, 0x01]), Err(PacketError::Malformed(_))), "begun anew");
}

/// A disk with something of everything.
fn records() -> Vec<(Vec<u8>, Bytes)> {
    let vote: super::types::Vote = Vote::new_committed(4, 1 << 32 | 7);
    let key = |entry: &LogEntry| [log::ENTRIES, &entry.log_id.index.to_be_bytes()].concat();
    let entries = entries();
    let entries = entries.iter().map(|entry| (key(entry), encode_bytes(entry)));
    [
        (log::SAVED.to_vec(), encode_bytes(&saved())),
        (log::ID.to_vec(), encode_bytes(&(1_u64 << 32 | 7))),
        (log::GROUP.to_vec(), encode_bytes(&4_u64)),
        (log::VOTE.to_vec(), encode_bytes(&vote)),
        (log::PURGED.to_vec(), encode_bytes(&Some(log_id(0)))),
        (log::SNAPSHOT.to_vec(), encode_bytes(&(meta(), encode_bytes(&state())))),
    ]
    .into_iter()
    .chain(entries)
    .collect()
}

async fn open(records: &[(Vec<u8>, Bytes)]) -> Result<(), StorageError> {
    let store = Arc::new(MemoryStorage::new());
    let put = |batch: Batch, (key, value): &(Vec<u8>, Bytes)| batch.put(key.clone(), value.clone());
    store.write(records.iter().fold(Batch::new(), put)).await?;
    Log::open(Some(store), true).await.map(drop)
}

#[test]
fn damaged_records_are_understood_or_refused_by_name() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut rng = fastrand::Rng::with_seed(2);
        let records = records();
        open(&records).await.expect("a sound disk is read");
        let mut refused = 0;
        for place in 0..records.len() {
            for _ in 0..TIMES / 4 {
                let mut records = records.clone();
                let value = damaged(&records[place].1, &mut |below| rng.usize(..below));
                records[place].1 = value.into();
                match open(&records).await {
                    Ok(()) => {}
                    Err(StorageError::Corrupt { file, reason }) => {
                        assert!(!file.is_empty() && !reason.is_empty());
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
        assert!(refused > TIMES / 4, "{refused} refused");
    });
}

/// What a hostile or broken member could have ordered: each entry does something or nothing.
#[test]
fn damaged_entries_do_something_or_nothing() {
    let mut rng = fastrand::Rng::with_seed(3);
    let ops = vec![Op::Batch {
        from: MemberId { incarnation: Incarnation(1), ..member(1) },
        items: items(),
    }];
    let sound = encode_bytes(&Proposal { time: 1, wall: 2, ops });
    let mut state = state();
    state.stamp.time = GroupTime(1);
    let mut applied = 0;
    for _ in 0..TIMES * 4 {
        let bytes = damaged(&sound, &mut |below| rng.usize(..below));
        if let Ok(proposal) = ais_wire::decode_bytes::<Proposal>(&bytes) {
            let mut next = state.clone();
            next.apply(proposal, &mut Vec::new());
            applied += 1;
        }
    }
    assert!(applied > 100, "{applied} applied");
}
