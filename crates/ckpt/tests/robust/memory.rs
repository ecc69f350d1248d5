//! Memory that is bounded by configuration.

use crate::cluster::*;
use ais_ckpt::Settings;
use ais_types::{
    ErrorCode,
    ckpt::{Call, Reply, SectionId, WriteElement},
};
use std::collections::BTreeMap;

const KIB: u64 = 1024;

fn settings(memory: u64) -> Settings {
    Settings { memory, ..Settings::default() }
}

fn large(checkpoint: u64, section: &str) -> Call {
    let data = vec![7; 10 * 1024];
    Call::SectionCreate {
        checkpoint,
        section: id(section),
        expiration: ais_types::Time::END,
        data: data.into(),
    }
}

#[test]
fn what_does_not_fit_is_refused_and_fits_again_later() {
    let mut c = Cluster::with(1, settings(100 * KIB));
    let p = c.new_program(1);
    let h = handle(
        c.call(p, open(N, attributes(ALL, 1000 << 20, 0, 1000, 1 << 20), READ | WRITE | CREATE)),
    );
    let created = (0..20).take_while(|it| c.call(p, large(h, &it.to_string())).is_ok()).count();
    assert!((3..10).contains(&created), "{created} sections of 10 KiB fit into 100 KiB");
    assert_eq!(code(c.call(p, large(h, "x"))), ErrorCode::NoResources);
    let growth = WriteElement { section: id("0"), offset: 500 * KIB, data: vec![1].into() };
    let call = Call::Write { checkpoint: h, elements: vec![growth] };
    assert_eq!(code(c.call(p, call)), ErrorCode::NoResources);
    let counters = c.node(1).counters();
    assert_eq!(counters.refused_memory, 3);
    assert!(counters.memory <= counters.memory_max + 20 * KIB, "{counters:?}");
    // What needs no memory is done, and what is deleted makes room.
    c.call(p, overwrite(h, "0", b"small")).unwrap();
    for it in 1..created {
        let section = id(&it.to_string());
        c.call(p, Call::SectionDelete { checkpoint: h, section }).unwrap();
    }
    c.call(p, large(h, "x")).unwrap();
    c.finalize(p);
    assert_eq!(c.node(1).counters().memory, 0);
}

/// The node of another replica has less memory: it gives its replica up, and the service makes up
/// for it where there is memory.
#[test]
fn a_replica_that_its_node_has_no_memory_for_is_placed_elsewhere() {
    let nodes =
        BTreeMap::from([(1, settings(1 << 30)), (2, settings(50 * KIB)), (3, settings(1 << 30))]);
    let mut c = Cluster::of_each(nodes);
    let p = c.new_program(1);
    // The second copy of the first or of the second checkpoint is on node 2.
    let open =
        |text| open(text, attributes(ALL, 1000 << 20, 0, 1000, 1 << 20), READ | WRITE | CREATE);
    let handles = [handle(c.call(p, open("safCkpt=1"))), handle(c.call(p, open("safCkpt=2")))];
    for h in handles {
        for section in 0..10 {
            c.call(p, large(h, &section.to_string())).unwrap();
        }
    }
    let Ok(Reply::List(all)) = c.call(p, Call::List { after: 0 }) else { panic!("no list") };
    for it in all {
        let replicas: Vec<_> = it.replicas.iter().map(|it| it.member.node.0).collect();
        assert_eq!(replicas, [1, 3], "{}", it.name);
        assert!(it.replicas.iter().all(|it| it.complete));
    }
    assert!(c.node(2).counters().memory < 60 * KIB);
    c.assert_agreed();
}

#[test]
fn who_opens_where_there_is_no_memory_for_a_replica_is_refused() {
    let nodes = BTreeMap::from([(1, settings(1 << 30)), (2, settings(50 * KIB))]);
    let mut c = Cluster::of_each(nodes);
    let (p, q) = (c.new_program(1), c.new_program(2));
    let attributes = attributes(ALL | COLLOCATED, 1000 << 20, 0, 1000, 1 << 20);
    let h = handle(c.call(p, open(N, attributes, READ | WRITE | CREATE)));
    for section in 0..20 {
        c.call(p, large(h, &section.to_string())).unwrap();
    }
    assert_eq!(code(c.call(q, open(N, None, READ))), ErrorCode::NoResources);
    // The others notice nothing.
    c.call(p, overwrite(h, "0", b"x")).unwrap();
    for section in 0..20 {
        c.call(p, Call::SectionDelete { checkpoint: h, section: id(&section.to_string()) })
            .unwrap();
    }
    let again = handle(c.call(q, open(N, None, READ)));
    assert!(c.call(q, read(again, "0")).is_err());
    c.assert_agreed();
}

#[test]
fn calls_under_way_hold_a_bounded_number_of_bytes() {
    let settings = Settings { in_flight: 64 * KIB, ..Settings::default() };
    let mut c = Cluster::with(2, settings);
    let p = c.new_program(1);
    let h = handle(
        c.call(p, open(N, attributes(ALL, 1000 << 20, 0, 1000, 1 << 20), READ | WRITE | CREATE)),
    );
    c.call(p, create(h, "11", b"")).unwrap();
    c.hold = true;
    let data: Vec<u8> = vec![1; 40 * 1024];
    let call = || Call::Overwrite { checkpoint: h, section: id("11"), data: data.clone().into() };
    let first = c.begin(p, call());
    assert_eq!(code(c.call(p, call())), ErrorCode::TryAgain);
    c.release_held();
    c.answer(first).unwrap().unwrap();
    c.call(p, call()).unwrap();
    assert_eq!(c.node(1).counters().refused_busy, 1);
}

#[test]
fn the_number_of_checkpoints_and_of_opens_is_bounded() {
    let settings = Settings { checkpoints: 2, opens: 3, ..Settings::default() };
    let mut c = Cluster::with(1, settings);
    let p = c.new_program(1);
    for text in ["safCkpt=1", "safCkpt=2"] {
        handle(c.call(p, open(text, s1(), READ | CREATE)));
    }
    assert_eq!(code(c.call(p, open("safCkpt=3", s1(), CREATE))), ErrorCode::NoResources);
    let h = handle(c.call(p, open("safCkpt=1", None, READ)));
    assert_eq!(code(c.call(p, open("safCkpt=1", None, READ))), ErrorCode::NoResources);
    c.call(p, Call::Close { checkpoint: h }).unwrap();
    handle(c.call(p, open("safCkpt=1", None, READ)));
}

/// A million sections, and sections of 64 MiB.
#[test]
fn there_is_room_for_many_sections_and_for_large_ones() {
    let mut c = Cluster::of(1);
    let p = c.new_program(1);
    let mut wide = attributes(ALL, 1 << 40, 0, 2_000_000, 64 << 20);
    wide.max_section_id_size = 8;
    let h = handle(c.call(p, open(N, wide, READ | WRITE | CREATE)));
    for _ in 0..200_000 {
        c.call(p, create(h, "", b"8 bytes.")).unwrap();
        c.trace.clear();
    }
    let data: Vec<u8> = vec![9; 64 << 20];
    let call =
        Call::Overwrite { checkpoint: h, section: SectionId::new([0]).unwrap(), data: data.into() };
    c.call(p, call).unwrap();
    c.trace.clear();
    assert_eq!(
        bytes(c.call(
            p,
            Call::Read {
                checkpoint: h,
                elements: vec![ais_types::ckpt::ReadElement {
                    section: SectionId::new([0]).unwrap(),
                    offset: (64 << 20) - 1,
                    size: Some(1)
                }]
            }
        )),
        [9]
    );
    let Ok(Reply::Status(status)) = c.call(p, Call::StatusGet { checkpoint: h }) else { panic!() };
    assert_eq!(status.number_of_sections, 200_000);
}
