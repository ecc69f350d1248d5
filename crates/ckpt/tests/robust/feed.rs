//! Following a checkpoint: a scan, and what is changed from then on.

use crate::cluster::*;
use ais_types::{
    Position, Time,
    ckpt::{Call, Change, Changes, Reply, Scanned, SectionId},
};
use std::collections::BTreeMap;

type Copy = BTreeMap<SectionId, Vec<u8>>;

fn scan(c: &mut Cluster, client: Client, checkpoint: u64) -> (Copy, Position) {
    match c.call(client, Call::Scan { checkpoint, after: None }) {
        Ok(Reply::Scanned(Scanned { position, sections, end: true })) => {
            let copy = sections.into_iter().map(|(it, data)| (it.section, data.to_vec()));
            (copy.collect(), position)
        }
        other => panic!("{other:?}"),
    }
}

fn follow(copy: &mut Copy, changes: Changes) {
    assert!(!changes.lost);
    for change in changes.sets.into_iter().flat_map(|it| it.changes) {
        match change {
            Change::Created { section, data, .. } | Change::Overwritten { section, data } => {
                copy.insert(section, data.to_vec());
            }
            Change::Written { section, offset, data } => {
                let bytes = copy.get_mut(&section).expect("it is there");
                let from = usize::try_from(offset).unwrap();
                bytes.resize(bytes.len().max(from + data.len()), 0);
                bytes[from..from + data.len()].copy_from_slice(&data);
            }
            Change::Deleted { section } | Change::Expired { section } => {
                copy.remove(&section);
            }
            Change::ExpirationSet { .. } | Change::Corrupted { .. } => {}
        }
    }
}

/// A copy that follows from another node is the same as the checkpoint in the end, also when the
/// node that leads is lost on the way.
#[test]
fn a_copy_that_follows_is_like_its_checkpoint() {
    for flags in [ALL, ACTIVE] {
        let mut random = fastrand::Rng::with_seed(u64::from(flags));
        let mut c = Cluster::of(3);
        let (p, q, r) = (c.new_program(1), c.new_program(2), c.new_program(3));
        let kind = attributes(flags, 2_000, 0, 20, 100);
        handle(c.call(p, open(N, kind, READ | WRITE | CREATE)));
        let hq = handle(c.call(q, open(N, None, READ | WRITE)));
        let hr = handle(c.call(r, open(N, None, READ)));
        c.call(q, create(hq, "0", b"before")).unwrap();
        let (mut copy, mut position) = scan(&mut c, r, hr);
        for round in 0..200 {
            let section = random.u8(0..9).to_string();
            let _ = match random.u8(0..5) {
                0 => c.call(q, create(hq, &section, b"created")),
                1 => c.call(q, Call::SectionDelete { checkpoint: hq, section: id(&section) }),
                2 => c.call(q, overwrite(hq, &section, b"overwritten")),
                _ => c.call(q, write(hq, &[(&section, u64::from(random.u8(0..20)), b"some")])),
            };
            if round == 100 {
                if flags == ACTIVE {
                    c.call(q, Call::Synchronize { checkpoint: hq, timeout: Time::END }).unwrap();
                }
                c.crash(1);
            }
            if random.bool() {
                let call =
                    Call::Changes { checkpoint: hr, after: Some(position), timeout: Time::END };
                let caller = c.begin(r, call);
                match c.answer(caller) {
                    Some(Ok(Reply::Changes(changes))) => {
                        position = changes.position;
                        if changes.lost {
                            (copy, position) = scan(&mut c, r, hr);
                        } else {
                            follow(&mut copy, changes);
                        }
                    }
                    None => c.cancel(caller),
                    other => panic!("{other:?}"),
                }
            }
        }
        let last =
            c.begin(r, Call::Changes { checkpoint: hr, after: Some(position), timeout: Time::END });
        if let Some(Ok(Reply::Changes(changes))) = c.answer(last) {
            follow(&mut copy, changes);
        }
        assert_eq!(copy, scan(&mut c, r, hr).0);
        assert!(!copy.is_empty());
    }
}

#[test]
fn a_question_about_changes_waits_until_there_is_one_or_its_time_is_over() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s2(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ)));
    let ask = |after| Call::Changes { checkpoint: hq, after, timeout: Time::ONE_SECOND };
    let Ok(Reply::Changes(Changes { position, .. })) = c.call(q, ask(None)) else { panic!() };
    let first = c.begin(q, ask(Some(position)));
    assert!(c.answer(first).is_none());
    c.pass(std::time::Duration::from_secs(2));
    assert_eq!(code(c.answer(first).unwrap()), ais_types::ErrorCode::Timeout);
    let second = c.begin(q, ask(Some(position)));
    c.call(p, create(hp, "11", b"x")).unwrap();
    let Some(Ok(Reply::Changes(changes))) = c.answer(second) else { panic!("no changes") };
    assert_eq!(changes.sets.len(), 1);
    assert!(changes.position > position);
}
