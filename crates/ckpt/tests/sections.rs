//! Sections and their data (§3.7, §3.8), by the vectors of the digest's chapter 12.

mod cluster;

use ais_types::{
    Error, ErrorCode, Time, Version,
    ckpt::{
        Call, Callback, ReadElement, Reply, SectionDescriptor, SectionId, SectionState,
        SectionsChosen,
    },
};
use cluster::*;
use std::time::Duration;

/// A cluster of one node, a program, and a handle to read and write.
fn opened(attributes: ais_types::ckpt::CreationAttributes) -> (Cluster, Client, u64) {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let h = handle(c.call(p, open(N, attributes, CREATE | READ | WRITE)));
    (c, p, h)
}

fn read_some(checkpoint: u64, section: &str, offset: u64, size: u64) -> Call {
    let elements = vec![ReadElement { section: id(section), offset, size: Some(size) }];
    Call::Read { checkpoint, elements }
}

fn iterate(c: &mut Cluster, p: Client, h: u64, chosen: u32, time: i64) -> Vec<SectionDescriptor> {
    let call = Call::SectionIterationInitialize {
        checkpoint: h,
        chosen: SectionsChosen(chosen),
        expiration: Time(time),
    };
    let iteration = handle(c.call(p, call));
    let mut found = Vec::new();
    loop {
        match c.call(p, Call::SectionIterationNext { iteration }) {
            Ok(Reply::Section(section)) => found.push(section),
            Err(Error { code: ErrorCode::NoSections, .. }) => break,
            other => panic!("{other:?}"),
        }
    }
    let again = c.call(p, Call::SectionIterationNext { iteration });
    assert_eq!(code(again), ErrorCode::NoSections);
    assert_eq!(c.call(p, Call::SectionIterationFinalize { iteration }), Ok(Reply::Done));
    let gone = c.call(p, Call::SectionIterationNext { iteration });
    assert_eq!(code(gone), ErrorCode::BadHandle); // 113
    found
}

#[test]
fn creation_checks_the_id_the_size_and_the_room() {
    let (mut c, p, h) = opened(s1());
    c.call(p, create(h, "11", b"thirteen byte")).unwrap(); // 79
    assert_eq!(code(c.call(p, create(h, "11", b"x"))), ErrorCode::Exist); // 80
    assert_eq!(code(c.call(p, create(h, "12345678", b"x"))), ErrorCode::InvalidParam); // 85
    assert_eq!(code(c.call(p, create(h, "12", &[0; 86]))), ErrorCode::InvalidParam); // 89
    c.call(p, create(h, "21", b"")).unwrap(); // 88
    assert_eq!(code(c.call(p, create(h, "31", b"x"))), ErrorCode::NoSpace); // 81
    assert_eq!(code(c.call(p, create(h, "21", b"x"))), ErrorCode::Exist, "before NO_SPACE");
}

#[test]
fn the_size_of_the_checkpoint_is_kept() {
    let (mut c, p, h) = opened(attributes(ALL, 100, 0, 3, 85));
    c.call(p, create(h, "1", &[1; 85])).unwrap();
    assert_eq!(code(c.call(p, create(h, "2", &[2; 16]))), ErrorCode::NoSpace);
    c.call(p, create(h, "2", &[2; 15])).unwrap();
    let grown = c.call(p, write(h, &[("1", 0, b"x"), ("2", 15, b"y")])).unwrap_err();
    assert_eq!((grown.code, grown.index), (ErrorCode::NoResources, Some(1)));
    assert_eq!(bytes(c.call(p, read(h, "1"))), [1; 85], "nothing was written");
    assert_eq!(code(c.call(p, overwrite(h, "2", &[0; 16]))), ErrorCode::NoResources);
    c.call(p, overwrite(h, "1", b"")).unwrap();
    c.call(p, overwrite(h, "2", &[0; 85])).unwrap();
}

#[test]
fn a_checkpoint_of_one_section_has_it_from_the_beginning() {
    let (mut c, p, h) = opened(s3());
    let Ok(Reply::Status(status)) = c.call(p, Call::StatusGet { checkpoint: h }) else { panic!() };
    assert_eq!((status.number_of_sections, status.memory_used), (1, 0)); // 74
    assert_eq!(status.attributes, s3());
    assert_eq!(bytes(c.call(p, read_some(h, "", 0, 12))), b""); // 144
    c.call(p, overwrite(h, "", b"hello")).unwrap(); // 132
    c.call(p, write(h, &[("", 5, b" you")])).unwrap();
    assert_eq!(bytes(c.call(p, read(h, ""))), b"hello you");
    assert_eq!(code(c.call(p, create(h, "1", b""))), ErrorCode::Exist); // 82
    assert_eq!(code(c.call(p, create(h, "", b""))), ErrorCode::Exist);
    let delete = |section| Call::SectionDelete { checkpoint: h, section: id(section) };
    assert_eq!(code(c.call(p, delete(""))), ErrorCode::InvalidParam); // 96
    assert_eq!(code(c.call(p, delete("1"))), ErrorCode::InvalidParam);
    let expire = Call::SectionExpirationTimeSet {
        checkpoint: h,
        section: SectionId::none(),
        expiration: Time::END,
    };
    assert_eq!(code(c.call(p, expire)), ErrorCode::InvalidParam); // 101
    assert_eq!(code(c.call(p, read(h, "1"))), ErrorCode::NotExist);
}

#[test]
fn ids_are_made_up_until_none_is_left() {
    let mut tight = attributes(ACTIVE, 0, 0, 300, 1);
    tight.max_section_id_size = 1;
    let (mut c, p, h) = opened(tight);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..256 {
        let Ok(Reply::SectionCreated(id)) = c.call(p, create(h, "", b"")) else { panic!() };
        assert_eq!(id.as_bytes().len(), 1); // 90
        assert!(seen.insert(id), "91");
    }
    assert_eq!(code(c.call(p, create(h, "", b""))), ErrorCode::NoResources);
    let free = seen.first().unwrap().clone();
    c.call(p, Call::SectionDelete { checkpoint: h, section: free.clone() }).unwrap(); // 92
    assert_eq!(c.call(p, create(h, "", b"")), Ok(Reply::SectionCreated(free)));
}

#[test]
fn reading_needs_read_and_changing_needs_write() {
    let (mut c, p, h) = opened(s2());
    let old = c.program(1, Version::b(1, 1));
    c.call(p, create(h, "11", b"x")).unwrap();
    let r = handle(c.call(p, open(N, None, READ)));
    let w = handle(c.call(p, open(N, None, WRITE)));
    let section = || id("11");
    for call in [
        create(r, "21", b""),                                      // 83
        Call::SectionDelete { checkpoint: r, section: section() }, // 97
        Call::SectionExpirationTimeSet { checkpoint: r, section: section(), expiration: Time::END },
        write(r, &[("11", 0, b"y")]),                            // 127
        overwrite(r, "11", b"y"),                                // 136
        Call::Synchronize { checkpoint: r, timeout: Time::END }, // 147
        read(w, "11"),                                           // 142
        Call::StatusGet { checkpoint: w },                       // 78
        Call::SectionIterationInitialize {
            checkpoint: w,
            chosen: SectionsChosen::ANY,
            expiration: Time::BEGIN,
        }, // 111
    ] {
        let text = format!("{call:?}");
        assert_eq!(code(c.call(p, call)), ErrorCode::Access, "{text}");
    }
    let wo = handle(c.call(old, open(N, None, WRITE)));
    c.call(old, Call::StatusGet { checkpoint: wo }).unwrap();
    assert_eq!(iterate(&mut c, old, wo, 5, 0).len(), 1);
}

#[test]
fn sections_go_when_their_time_has_come() {
    let (mut c, p, h) = opened(attributes(ALL, 169, 100 * SECOND, 9, 85));
    let at = |seconds| Time(WALL + seconds * SECOND);
    let created = |section, expiration| Call::SectionCreate {
        checkpoint: h,
        section: id(section),
        expiration,
        data: "x".into(),
    };
    c.call(p, created("1", at(1))).unwrap();
    c.call(p, created("2", at(1))).unwrap();
    c.call(p, created("3", at(5))).unwrap();
    let set = |section, expiration| Call::SectionExpirationTimeSet {
        checkpoint: h,
        section: id(section),
        expiration,
    };
    c.call(p, set("2", Time::END)).unwrap();
    assert_eq!(code(c.call(p, set("222", Time::END))), ErrorCode::NotExist); // 103
    assert_eq!(code(c.call(p, set("2", at(-1)))), ErrorCode::InvalidParam);
    c.pass(Duration::from_secs(2));
    let delete = |section| Call::SectionDelete { checkpoint: h, section: id(section) };
    assert_eq!(code(c.call(p, delete("1"))), ErrorCode::NotExist); // 98
    c.call(p, read(h, "2")).unwrap(); // 100
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    c.pass(Duration::from_secs(4));
    let h = handle(c.call(p, open(N, None, READ | WRITE)));
    assert_eq!(iterate(&mut c, p, h, 5, 0).len(), 1); // 99
    let past =
        Call::SectionCreate { checkpoint: h, section: id("4"), expiration: at(0), data: "".into() };
    c.call(p, past).unwrap();
    c.pass(Duration::from_millis(1));
    assert_eq!(code(c.call(p, read(h, "4"))), ErrorCode::NotExist);
}

#[test]
fn iteration_meets_what_was_chosen_once() {
    let (mut c, p, h) = opened(attributes(ALL, 169, 0, 9, 85));
    let hour = 3600 * SECOND;
    c.call(p, create(h, "1", b"never")).unwrap();
    let call = Call::SectionCreate {
        checkpoint: h,
        section: id("2"),
        expiration: Time(WALL + hour),
        data: "later".into(),
    };
    c.call(p, call).unwrap();
    let mut ids = |chosen, time| -> Vec<String> {
        let found = iterate(&mut c, p, h, chosen, time);
        found.iter().map(|it| it.section.to_string()).collect()
    };
    assert_eq!(ids(5, 0), ["1", "2"]); // 104
    assert_eq!(ids(1, 0), ["1"]); // 105
    assert_eq!(ids(2, WALL + 2 * hour), ["2"]); // 106
    assert_eq!(ids(3, WALL + hour / 2), ["1", "2"]); // 107
    assert_eq!(ids(4, 0), [""; 0]); // 108
    for (chosen, time) in [(0, 0), (6, 0), (5, -1)] {
        let call = Call::SectionIterationInitialize {
            checkpoint: h,
            chosen: SectionsChosen(chosen),
            expiration: Time(time),
        };
        assert_eq!(code(c.call(p, call)), ErrorCode::InvalidParam); // 109
    }
}

#[test]
fn iterations_end_with_their_handle() {
    let (mut c, p, h) = opened(s1());
    let call = Call::SectionIterationInitialize {
        checkpoint: h,
        chosen: SectionsChosen::ANY,
        expiration: Time::BEGIN,
    };
    let iteration = handle(c.call(p, call));
    let next = Call::SectionIterationNext { iteration };
    assert_eq!(code(c.call(p, next.clone())), ErrorCode::NoSections); // 115
    assert_eq!(code(c.call(p, Call::Close { checkpoint: iteration })), ErrorCode::BadHandle);
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    assert_eq!(code(c.call(p, next)), ErrorCode::BadHandle); // 114
    let finalize = Call::SectionIterationFinalize { iteration };
    assert_eq!(code(c.call(p, finalize)), ErrorCode::BadHandle);
}

#[test]
fn a_write_grows_and_never_shrinks_and_is_all_or_nothing() {
    let (mut c, p, h) = opened(s1());
    c.call(p, create(h, "11", b"thirteen byte")).unwrap();
    c.call(p, write(h, &[("11", 30, &[7; 25])])).unwrap(); // 119
    let grown = bytes(c.call(p, read(h, "11")));
    assert_eq!((grown.len(), &grown[13..30]), (55, &[0; 17][..]));
    c.call(p, write(h, &[("11", 0, b"abc")])).unwrap(); // 120
    assert_eq!(bytes(c.call(p, read(h, "11"))).len(), 55);
    c.call(p, write(h, &[("11", 0, &[1; 85])])).unwrap(); // 121
    let beyond = c.call(p, write(h, &[("11", 85, b"x")])).unwrap_err();
    assert_eq!((beyond.code, beyond.index), (ErrorCode::InvalidParam, Some(0)));
    let far = c.call(p, write(h, &[("11", u64::MAX, b"x")])).unwrap_err();
    assert_eq!(far.code, ErrorCode::InvalidParam);
    let missing = c.call(p, write(h, &[("11", 0, b"A"), ("11", 1, b"B"), ("222", 0, b"C")]));
    let missing = missing.unwrap_err();
    assert_eq!((missing.code, missing.index), (ErrorCode::NotExist, Some(2))); // 124
    assert_eq!(bytes(c.call(p, read(h, "11"))), [1; 85]);
    assert_eq!(code(c.call(p, write(h, &[]))), ErrorCode::InvalidParam);
    c.call(p, overwrite(h, "11", b"")).unwrap();
    c.call(p, write(h, &[("11", 0, b"AAAA"), ("11", 2, b"BB")])).unwrap();
    assert_eq!(bytes(c.call(p, read(h, "11"))), b"AABB"); // 126
}

#[test]
fn overwriting_replaces_the_size_too() {
    let (mut c, p, h) = opened(s1());
    c.call(p, create(h, "11", &[0; 46])).unwrap();
    c.pass(Duration::from_secs(3));
    c.call(p, overwrite(h, "11", b"short")).unwrap(); // 131
    let [section] = &iterate(&mut c, p, h, 5, 0)[..] else { panic!() };
    assert_eq!((section.size, section.state), (5, SectionState::Valid)); // 117
    assert_eq!(section.last_update, Time(WALL + 3 * SECOND));
    assert_eq!(code(c.call(p, overwrite(h, "11", &[0; 86]))), ErrorCode::InvalidParam); // 133
    assert_eq!(code(c.call(p, overwrite(h, "222", b""))), ErrorCode::NotExist); // 135
}

#[test]
fn reading_stops_at_the_end_of_the_section() {
    let (mut c, p, h) = opened(s1());
    c.call(p, create(h, "11", b"0123456789")).unwrap();
    assert_eq!(bytes(c.call(p, read_some(h, "11", 0, 50))), b"0123456789"); // 137
    assert_eq!(bytes(c.call(p, read_some(h, "11", 10, 50))), b""); // 138
    assert_eq!(bytes(c.call(p, read_some(h, "11", 8, 85))), b"89");
    for (section, offset, size, expected) in [
        ("11", 11, 5, ErrorCode::InvalidParam),    // 139
        ("11", 10240, 5, ErrorCode::InvalidParam), // 139
        ("11", 0, 1024, ErrorCode::InvalidParam),  // 140
        ("11", 0, 0, ErrorCode::InvalidParam),
        ("222", 0, 5, ErrorCode::NotExist), // 143
    ] {
        let error = c.call(p, read_some(h, section, offset, size)).unwrap_err();
        assert_eq!((error.code, error.index), (expected, Some(0)), "{section} {offset} {size}");
    }
    assert_eq!(
        code(c.call(p, Call::Read { checkpoint: h, elements: vec![] })),
        ErrorCode::InvalidParam
    );
}

#[test]
fn synchronize_is_for_asynchronous_checkpoints() {
    let (mut c, p, h) = opened(s2());
    let synchronize =
        |checkpoint, timeout| Call::Synchronize { checkpoint, timeout: Time(timeout) };
    c.call(p, synchronize(h, 10 * SECOND)).unwrap(); // 145
    assert_eq!(code(c.call(p, synchronize(h, -1))), ErrorCode::InvalidParam);
    c.call(p, Call::SynchronizeAsync { checkpoint: h, invocation: 2116 }).unwrap();
    let called = Callback::Synchronize { invocation: 2116, checkpoint: h, outcome: Ok(()) };
    assert_eq!(c.callbacks(p), [called]); // 149
    let other = "safCkpt=other";
    let all = handle(c.call(p, open(other, s1(), CREATE | WRITE)));
    assert_eq!(code(c.call(p, synchronize(all, 1))), ErrorCode::BadOperation); // 146
    let call = Call::SynchronizeAsync { checkpoint: all, invocation: 1 };
    assert_eq!(code(c.call(p, call)), ErrorCode::BadOperation); // 151
    assert_eq!(c.callbacks(p), []);
    let set = Call::ActiveReplicaSet { checkpoint: h };
    assert_eq!(code(c.call(p, set)), ErrorCode::BadOperation); // 69
}

#[test]
fn a_close_drops_the_callbacks_of_its_own_handle() {
    let mut c = Cluster::of(2);
    let p = c.new_program(1);
    let h1 = handle(c.call(p, open(N, s2(), CREATE | WRITE)));
    let h2 = handle(c.call(p, open(N, None, WRITE)));
    c.hold = true;
    c.call(p, create(h1, "11", b"x")).unwrap();
    c.call(p, Call::SynchronizeAsync { checkpoint: h1, invocation: 1 }).unwrap();
    c.call(p, Call::SynchronizeAsync { checkpoint: h2, invocation: 2 }).unwrap();
    let waiting = c.begin(p, Call::Synchronize { checkpoint: h1, timeout: Time::END });
    c.call(p, Call::Close { checkpoint: h1 }).unwrap();
    assert_eq!(code(c.answer(waiting).unwrap()), ErrorCode::BadHandle);
    assert_eq!(c.callbacks(p), []);
    c.release_held();
    let called = Callback::Synchronize { invocation: 2, checkpoint: h2, outcome: Ok(()) };
    assert_eq!(c.callbacks(p), [called]); // 152
}
