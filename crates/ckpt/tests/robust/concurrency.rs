//! Many at once: what one process sees fits what all others saw, as if one call came after the
//! other (linearizability), where the specification promises it: reads and writes of
//! `WR_ALL_REPLICAS`, and of the active replica.

use crate::cluster::*;
use ais_service::Caller;
use ais_types::{Outcome, ckpt::Reply};
use std::collections::BTreeSet;

/// What a process did to the one section, and what it saw.
#[derive(Clone, Copy, Debug)]
enum Act {
    Write(u8),
    Read(u8),
}

/// A call: from when to when.
#[derive(Clone, Copy, Debug)]
struct Done {
    called: u64,
    /// `None`: it was never answered, or by an error that leaves it open.
    answered: Option<u64>,
    act: Act,
}

/// Whether there is an order of all calls, each within its time, in which every read sees the write
/// before it.
fn is_linearizable(history: &[Done], value: u8) -> bool {
    let mut seen = BTreeSet::new();
    search(history, &mut vec![false; history.len()], value, &mut seen)
}

fn search(
    history: &[Done],
    done: &mut Vec<bool>,
    value: u8,
    seen: &mut BTreeSet<(Vec<bool>, u8)>,
) -> bool {
    let open = |it: &(usize, &Done)| !done[it.0];
    if history.iter().enumerate().filter(open).all(|(_, it)| it.answered.is_none()) {
        return true;
    }
    if !seen.insert((done.clone(), value)) {
        return false;
    }
    let end = history.iter().enumerate().filter(open).filter_map(|it| it.1.answered).min();
    let next: Vec<usize> = (0..history.len())
        .filter(|at| !done[*at] && end.is_none_or(|end| history[*at].called <= end))
        .collect();
    next.into_iter().any(|at| {
        let after = match history[at].act {
            Act::Write(new) => Some(new),
            Act::Read(found) => (found == value).then_some(value),
        };
        let Some(after) = after else { return false };
        done[at] = true;
        let fits = search(history, done, after, seen);
        done[at] = false;
        fits
    })
}

#[test]
fn the_checker_tells_right_from_wrong() {
    let write =
        |called, answered, value| Done { called, answered: Some(answered), act: Act::Write(value) };
    let read =
        |called, answered, value| Done { called, answered: Some(answered), act: Act::Read(value) };
    assert!(is_linearizable(&[write(0, 5, 1), read(1, 2, 0), read(3, 4, 1)], 0));
    assert!(!is_linearizable(&[write(0, 5, 1), read(1, 2, 1), read(3, 4, 0)], 0));
    assert!(!is_linearizable(&[write(0, 1, 1), read(2, 3, 0)], 0));
    let lost = Done { called: 0, answered: None, act: Act::Write(1) };
    assert!(is_linearizable(&[lost, read(1, 2, 1)], 0));
    assert!(is_linearizable(&[lost, read(1, 2, 0)], 0));
}

/// One history: programs on three nodes act on one section, in any interleaving; perhaps a node
/// is lost on the way.
fn history(seed: u64, flags: u32) -> Vec<Done> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut c = Cluster::of(3);
    let kind = attributes(flags, 100, SECOND, 2, 50);
    let mut programs = Vec::new();
    for node in 1..=3 {
        let p = c.new_program(node);
        let call = open(N, kind, READ | WRITE | CREATE);
        programs.push((node, p, handle(c.call(p, call))));
    }
    let (_, p, h) = programs[0];
    c.call(p, create(h, "11", &[0])).unwrap();
    let lost = (random.u8(0..3) == 0).then(|| random.u32(1..=3));
    let mut calls: Vec<(Caller, u64, Option<u8>)> = Vec::new();
    for value in 1..=10_u8 {
        let (_, p, h) = *random.choice(&programs).unwrap();
        const VALUES: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        c.clock += 1;
        let written = random.bool().then_some(value);
        let call = match written {
            Some(value) => overwrite(h, "11", &VALUES[usize::from(value)..=usize::from(value)]),
            None => read(h, "11"),
        };
        calls.push((c.put(p, call), c.clock, written));
        for _ in 0..random.usize(0..12) {
            c.run_any(&mut random);
        }
        if value == 5
            && let Some(node) = lost
        {
            c.crash(node);
            programs.retain(|it| it.0 != node);
        }
    }
    while c.run_any(&mut random) {}
    c.pass(std::time::Duration::from_secs(11));
    calls
        .into_iter()
        .filter_map(|(caller, called, written)| {
            let at = c.answered_at(caller);
            let answer: Option<Outcome<Reply>> = c.answer(caller);
            let act = match (written, &answer) {
                (Some(value), _) => Act::Write(value),
                (None, Some(Ok(Reply::Read(data)))) => Act::Read(data[0][0]),
                // A read that was not answered tells nothing.
                (None, _) => return None,
            };
            let answered = at.filter(|_| answer.is_some_and(|it| it.is_ok()));
            Some(Done { called, answered, act })
        })
        .collect()
}

#[track_caller]
fn check(flags: u32) {
    let seeds = std::env::var("AIS_SEEDS").ok().and_then(|it| it.parse().ok()).unwrap_or(200);
    let mut answered = 0;
    for seed in 0..seeds {
        let history = history(seed, flags);
        answered += history.iter().filter(|it| it.answered.is_some()).count();
        assert!(is_linearizable(&history, 0), "flags {flags}, seed {seed}: {history:#?}");
    }
    assert!(answered as u64 > 5 * seeds, "{answered} answers in {seeds} histories");
}

#[test]
fn histories_with_all_replicas_are_linearizable() {
    check(ALL);
}

#[test]
fn histories_with_all_replicas_where_they_are_open_are_linearizable() {
    check(ALL | COLLOCATED);
}

/// Vector 169.
#[test]
fn two_writers_of_different_sections_do_not_disturb_each_other() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s2(), READ | WRITE | CREATE)));
    let hq = handle(c.call(q, open(N, None, READ | WRITE)));
    c.call(p, create(hp, "11", b"0")).unwrap();
    c.call(q, create(hq, "21", b"0")).unwrap();
    let mut random = fastrand::Rng::with_seed(169);
    let mut calls = Vec::new();
    for number in 1..=1000_u32 {
        for (client, h, section) in [(p, hp, "11"), (q, hq, "21")] {
            let data = number.to_string().into_bytes().into();
            let call =
                ais_types::ckpt::Call::Overwrite { checkpoint: h, section: id(section), data };
            calls.push(c.put(client, call));
        }
        for _ in 0..random.usize(0..20) {
            c.run_any(&mut random);
        }
    }
    c.run();
    calls.into_iter().for_each(|it| drop(c.answer(it).expect("answered").unwrap()));
    assert_eq!(bytes(c.call(p, read(hp, "21"))), b"1000");
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"1000");
}
