//! Open, close, unlink, retention (§3.6.1 to §3.6.5), by the vectors of the digest's chapter 12.

mod cluster;

use ais_types::{
    ErrorCode, Time, Version,
    ckpt::{Call, Callback, Callbacks, CreationAttributes, CreationFlags, OpenFlags},
};
use cluster::*;
use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[track_caller]
fn refused(call: Call, expected: ErrorCode) {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    assert_eq!(code(c.call(p, call)), expected);
}

#[test]
fn what_open_refuses_before_it_looks() {
    refused(open(N, None, READ), ErrorCode::NotExist); // 3
    refused(open(N, None, CREATE), ErrorCode::InvalidParam); // 4
    refused(open(N, s1(), READ), ErrorCode::InvalidParam); // 5
    refused(open(N, s1(), OpenFlags(0)), ErrorCode::BadFlags); // 10
    refused(open(N, s1(), OpenFlags(8)), ErrorCode::BadFlags); // 11
    refused(open("", None, READ), ErrorCode::InvalidParam);
    refused(open(N, attributes(ACTIVE, 300, 0, 3, 85), CREATE), ErrorCode::InvalidParam); // 12
    refused(open(N, attributes(ACTIVE, 0, 0, 0, 85), CREATE), ErrorCode::InvalidParam);
    refused(open(N, attributes(ACTIVE, 85, -1, 1, 85), CREATE), ErrorCode::InvalidParam);
    refused(
        open(N, attributes(ACTIVE, u64::MAX, 0, 2, u64::MAX / 2), CREATE),
        ErrorCode::InvalidParam,
    );
    refused(open("csa103Ckpt", s1(), CREATE), ErrorCode::InvalidParam); // 28
    refused(open("safMq=x,safApp=safCkptService", s1(), CREATE), ErrorCode::InvalidParam); // 29
    refused(open("csa103Ckpt", None, READ), ErrorCode::NotExist); // 31
}

#[test]
fn exactly_six_creation_flag_words_are_valid() {
    for word in 0..=32 {
        let mut c = Cluster::of(1);
        let p = c.new_program(1);
        let outcome = c.call(p, open(N, attributes(word, 85, 0, 1, 85), CREATE));
        let valid = [1, 2, 4, 9, 10, 12].contains(&word);
        assert_eq!(outcome.is_ok(), valid, "{word}"); // 14 to 20
        if !valid {
            assert_eq!(code(outcome), ErrorCode::InvalidParam);
        }
    }
}

#[test]
fn the_attributes_of_a_second_create_must_be_the_first_ones() {
    let mut c = Cluster::of(1);
    let (p, old) = (c.new_program(1), c.program(1, Version::b(1, 1)));
    c.call(p, open(N, s4(), CREATE)).unwrap();
    let others: [fn(&mut CreationAttributes); 5] = [
        |it| it.creation_flags = CreationFlags(12),
        |it| it.checkpoint_size = 1100,
        |it| it.max_sections = 3,
        |it| it.max_section_size = 800,
        |it| it.max_section_id_size = 5,
    ];
    for change in others {
        let mut other = s4();
        change(&mut other);
        assert_eq!(code(c.call(p, open(N, other, CREATE))), ErrorCode::Exist); // 21 to 25
    }
    let longer = CreationAttributes { retention_duration: Time(20 * SECOND), ..s4() };
    c.call(p, open(N, longer, CREATE)).unwrap(); // 26
    assert_eq!(code(c.call(old, open(N, longer, CREATE))), ErrorCode::Exist); // 27
    c.call(old, open(N, s4(), CREATE)).unwrap();
}

#[test]
fn old_programs_use_plain_names_and_endless_negative_timeouts() {
    let mut c = Cluster::of(1);
    let old = c.program(1, Version::b(1, 1));
    let timed = |name: &str, timeout| Call::Open {
        name: cluster::name(name),
        attributes: Some(s1()),
        flags: CREATE,
        timeout: Time(timeout),
    };
    c.call(old, timed("csa103Ckpt", -1)).unwrap(); // 30, 32
    let p = c.new_program(1);
    assert_eq!(code(c.call(p, timed(N, -1))), ErrorCode::InvalidParam); // 32
    assert_eq!(code(c.call(p, timed(N, 0))), ErrorCode::Timeout);
    assert_eq!(code(c.call(p, open(N, None, READ))), ErrorCode::NotExist, "it was not performed");
}

#[test]
fn racing_creators_all_succeed_and_there_is_one_checkpoint() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let hp = handle(c.call(p, open(N, s1(), CREATE | READ | WRITE)));
    let hq = handle(c.call(q, open(N, s1(), CREATE | READ | WRITE)));
    c.call(p, create(hp, "11", b"x")).unwrap();
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"x"); // 33
    c.assert_agreed();
}

#[test]
fn an_asynchronous_open_ends_in_one_callback() {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let open_async = |invocation, attributes, flags| Call::OpenAsync {
        invocation,
        name: name(N),
        attributes,
        flags,
    };
    assert_eq!(code(c.call(p, open_async(7, None, CREATE))), ErrorCode::InvalidParam); // 39
    assert_eq!(code(c.call(p, open_async(7, None, OpenFlags(8)))), ErrorCode::BadFlags); // 40
    c.call(p, open_async(7, None, WRITE)).unwrap();
    let not_exist = Callback::Open { invocation: 7, outcome: Err(ErrorCode::NotExist) };
    assert_eq!(c.callbacks(p), [not_exist]); // 37
    c.call(p, open_async(0, Some(s1()), CREATE | READ)).unwrap();
    let called = c.callbacks(p);
    let [Callback::Open { invocation: 0, outcome: Ok(h) }] = called[..] else {
        panic!("{called:?}"); // 35, 36
    };
    c.call(p, Call::StatusGet { checkpoint: h }).unwrap();
    c.call(p, open_async(8, Some(s2()), CREATE)).unwrap();
    let exist = Callback::Open { invocation: 8, outcome: Err(ErrorCode::Exist) };
    assert_eq!(c.callbacks(p), [exist]); // 38
}

#[test]
fn without_a_callback_asynchronous_calls_are_refused() {
    let mut c = Cluster::of(1);
    let p = c.stranger(1);
    let version = Version::b(2, 2);
    c.call(p, Call::Initialize { version, callbacks: Callbacks::default() }).unwrap();
    let call =
        Call::OpenAsync { invocation: 1, name: name(N), attributes: Some(s2()), flags: CREATE };
    assert_eq!(code(c.call(p, call)), ErrorCode::Init); // 34
    let h = handle(c.call(p, open(N, s2(), CREATE | WRITE)));
    let call = Call::SynchronizeAsync { checkpoint: h, invocation: 1 };
    assert_eq!(code(c.call(p, call)), ErrorCode::Init); // 150
}

#[test]
fn a_session_begins_with_initialize_and_a_version_that_is_served() {
    let mut c = Cluster::of(1);
    let p = c.stranger(1);
    assert_eq!(code(c.call(p, open(N, s1(), CREATE))), ErrorCode::BadHandle);
    let ask = |release, major| Call::Initialize {
        version: Version { release, major, minor: 0 },
        callbacks: Callbacks::default(),
    };
    for (release, major) in [(b'A', 1), (b'C', 1), (b'B', 3)] {
        assert_eq!(code(c.call(p, ask(release, major))), ErrorCode::Version);
    }
    assert_eq!(
        outcome_text(&c.call(p, ask(b'B', 1))),
        "Initialized(Version { release: 66, major: 2, minor: 2 })"
    );
    assert_eq!(code(c.call(p, Call::Track)), ErrorCode::Version);
}

#[test]
fn handles_are_independent_and_never_reused() {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let handles: Vec<u64> =
        (0..3).map(|_| handle(c.call(p, open(N, s1(), CREATE | READ | WRITE)))).collect();
    c.call(p, Call::Close { checkpoint: handles[0] }).unwrap();
    assert_eq!(code(c.call(p, Call::Close { checkpoint: handles[0] })), ErrorCode::BadHandle); // 42
    assert_eq!(code(c.call(p, read(handles[0], "11"))), ErrorCode::BadHandle); // 43
    assert_eq!(code(c.call(p, read(0, "11"))), ErrorCode::BadHandle); // 153
    c.call(p, create(handles[1], "11", b"x")).unwrap(); // 41
    assert_eq!(bytes(c.call(p, read(handles[2], "11"))), b"x");
    let again = handle(c.call(p, open(N, None, READ)));
    assert!(!handles.contains(&again));
    assert!(!handles.contains(&0));
}

#[test]
fn retention_starts_at_the_last_close_and_always_anew() {
    let mut c = Cluster::of(2);
    let p = c.new_program(1);
    let keep = attributes(ALL, 169, 2 * SECOND, 2, 85);
    let h = handle(c.call(p, open(N, keep, CREATE | READ | WRITE)));
    c.call(p, create(h, "11", b"data")).unwrap();
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.pass(secs(1));
    let h = handle(c.call(p, open(N, None, READ)));
    assert_eq!(bytes(c.call(p, read(h, "11"))), b"data"); // 46
    c.pass(secs(3));
    c.call(p, Call::Close { checkpoint: h }).unwrap(); // 48
    c.pass(Duration::from_millis(1900));
    let h = handle(c.call(p, open(N, None, READ)));
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.pass(secs(2));
    assert_eq!(code(c.call(p, open(N, None, READ))), ErrorCode::NotExist); // 47
    c.assert_agreed();
}

#[test]
fn without_retention_the_last_close_deletes_and_not_the_first() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let gone = attributes(ALL, 169, 0, 2, 85);
    let hp = handle(c.call(p, open(N, gone, CREATE | WRITE)));
    let hq = handle(c.call(q, open(N, None, READ)));
    c.call(p, create(hp, "11", b"x")).unwrap();
    c.kill(p);
    assert_eq!(bytes(c.call(q, read(hq, "11"))), b"x"); // 163
    c.kill(q);
    let r = c.new_program(1);
    assert_eq!(code(c.call(r, open(N, None, READ))), ErrorCode::NotExist); // 45, 162
}

#[test]
fn endless_retention_ends_by_unlink() {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, attributes(ALL, 1, i64::MAX, 1, 1), CREATE)));
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.pass(secs(1_000_000));
    let h = handle(c.call(p, open(N, None, READ))); // 49
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.call(p, Call::Unlink { name: name(N) }).unwrap();
    assert_eq!(code(c.call(p, open(N, None, READ))), ErrorCode::NotExist); // 54
}

#[test]
fn unlink_frees_the_name_and_leaves_the_old_instance_to_its_openers() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let h = handle(c.call(p, open(N, s1(), CREATE | READ | WRITE)));
    c.call(p, create(h, "11", b"old")).unwrap();
    c.call(q, Call::Unlink { name: name(N) }).unwrap(); // 58
    assert_eq!(code(c.call(q, open(N, None, READ))), ErrorCode::NotExist); // 50
    assert_eq!(code(c.call(q, Call::Unlink { name: name(N) })), ErrorCode::NotExist); // 55, 56
    let h2 = handle(c.call(q, open(N, s2(), CREATE | READ | WRITE))); // 52
    c.call(q, create(h2, "11", b"new")).unwrap();
    assert_eq!(bytes(c.call(p, read(h, "11"))), b"old"); // 51
    let retain =
        |checkpoint, duration| Call::RetentionDurationSet { checkpoint, duration: Time(duration) };
    assert_eq!(code(c.call(p, retain(h, 1))), ErrorCode::BadOperation); // 61
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    assert_eq!(bytes(c.call(q, read(h2, "11"))), b"new");
    c.assert_agreed();
}

#[test]
fn the_retention_duration_is_the_checkpoints_own() {
    let mut c = Cluster::of(1);
    let (p, old) = (c.new_program(1), c.program(1, Version::b(1, 1)));
    let retain =
        |checkpoint, duration| Call::RetentionDurationSet { checkpoint, duration: Time(duration) };
    let h = handle(c.call(p, open(N, s1(), CREATE | WRITE)));
    assert_eq!(code(c.call(p, retain(h, -1))), ErrorCode::InvalidParam); // 63
    c.call(p, retain(h, 0)).unwrap();
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    assert_eq!(code(c.call(p, open(N, None, READ))), ErrorCode::NotExist); // 59
    let h = handle(c.call(p, open(N, attributes(ALL, 1, 0, 1, 1), CREATE | READ)));
    assert_eq!(code(c.call(p, retain(h, 5))), ErrorCode::Access); // 62
    let ho = handle(c.call(old, open(N, None, READ)));
    c.call(old, retain(ho, 5 * SECOND)).unwrap(); // 62
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.call(old, Call::Close { checkpoint: ho }).unwrap();
    c.pass(secs(1));
    c.call(p, open(N, None, READ)).unwrap(); // 60
}

#[test]
fn an_open_that_nobody_waits_for_leaves_nothing_open() {
    let mut c = Cluster::of(2);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let gone = attributes(ALL | COLLOCATED, 169, 0, 2, 85);
    let h = handle(c.call(p, open(N, gone, CREATE)));
    c.hold = true; // The replica on node 2 cannot be filled.
    let timeout = Time::ONE_SECOND;
    let call = Call::Open { name: name(N), attributes: None, flags: READ, timeout };
    let timed = c.begin(q, call);
    let cancelled = c.begin(q, open(N, None, READ));
    c.cancel(cancelled);
    c.pass(secs(2));
    assert_eq!(code(c.answer(timed).unwrap()), ErrorCode::Timeout);
    assert_eq!(c.answer(cancelled), None);
    c.release_held();
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    assert_eq!(code(c.call(p, open(N, None, READ))), ErrorCode::NotExist);
}

#[test]
fn finalize_closes_what_is_open_and_what_is_being_opened() {
    let mut c = Cluster::of(1);
    let (p, q) = (c.new_program(1), c.new_program(1));
    let gone = attributes(ALL, 1, 0, 1, 1);
    let call =
        Call::OpenAsync { invocation: 1, name: name(N), attributes: Some(gone), flags: CREATE };
    c.call(p, call).unwrap();
    c.finalize(p);
    assert_eq!(code(c.call(q, open(N, None, READ))), ErrorCode::NotExist); // 64
}
