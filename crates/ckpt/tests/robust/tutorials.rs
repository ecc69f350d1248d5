//! What the tutorials csa103 (csa203) and the server-based example do, call by call: a counter in a
//! checkpoint, written for B.01.01, taken over by another process on the same node or another one.

use crate::cluster::*;
use ais_types::{
    ErrorCode, Time, Version,
    ckpt::{Call, CreationAttributes, CreationFlags},
};

const OLD: Version = Version::b(1, 1);
const SECTION: &str = "1";

/// As csa103 creates it: retention is 10 nanoseconds.
fn csa103(retention: i64, section_size: u64) -> CreationAttributes {
    CreationAttributes {
        creation_flags: CreationFlags::WR_ACTIVE_REPLICA_WEAK | CreationFlags::COLLOCATED,
        checkpoint_size: 4,
        retention_duration: Time(retention),
        max_sections: 2,
        max_section_size: section_size,
        max_section_id_size: 64,
    }
}

fn endless(text: &str, attributes: impl Into<Option<CreationAttributes>>) -> Call {
    match open(text, attributes, READ | WRITE | CREATE) {
        Call::Open { name, attributes, flags, .. } => {
            Call::Open { name, attributes, flags, timeout: Time(-1) }
        }
        other => other,
    }
}

fn number(checkpoint: u64, number: u32) -> Call {
    let data = number.to_be_bytes().to_vec().into();
    Call::Overwrite { checkpoint, section: id(SECTION), data }
}

fn synchronize(checkpoint: u64) -> Call {
    Call::Synchronize { checkpoint, timeout: Time::END }
}

/// Opens as the first generation does: the first creates the section, the other finds it.
fn start(
    c: &mut Cluster,
    node: u32,
    text: &str,
    attributes: CreationAttributes,
) -> (Client, u64, bool) {
    let p = c.program(node, OLD);
    let h = handle(c.call(p, endless(text, attributes)));
    c.call(p, Call::ActiveReplicaSet { checkpoint: h }).unwrap();
    let zero = Call::SectionCreate {
        checkpoint: h,
        section: id(SECTION),
        expiration: Time::END,
        data: vec![0; 4].into(),
    };
    match c.call(p, zero) {
        Ok(_) => (p, h, true),
        Err(error) => {
            assert_eq!(error.code, ErrorCode::Exist);
            (p, h, false)
        }
    }
}

/// CSI ACTIVE: takes the active replica and reads where to go on.
fn activate(c: &mut Cluster, client: Client, checkpoint: u64) -> u32 {
    c.call(client, Call::ActiveReplicaSet { checkpoint }).unwrap();
    u32::from_be_bytes(bytes(c.call(client, read(checkpoint, SECTION))).try_into().unwrap())
}

fn count(c: &mut Cluster, client: Client, checkpoint: u64, from: u32, to: u32) {
    for next in from + 1..=to {
        c.call(client, number(checkpoint, next)).unwrap();
        c.call(client, synchronize(checkpoint)).unwrap();
    }
}

/// C5 to C28, on one node and on two.
#[test]
fn csa103_counts_on_after_each_kill() {
    for nodes in [[1, 1], [1, 2]] {
        let mut c = Cluster::of(2);
        let (p, hp, first) = start(&mut c, nodes[0], "csa103Ckpt", csa103(10, 4));
        let (q, hq, second) = start(&mut c, nodes[1], "csa103Ckpt", csa103(10, 4));
        assert!(first && !second, "exactly one of them creates the section");
        let begin = activate(&mut c, p, hp);
        assert_eq!(begin, 0);
        count(&mut c, p, hp, 0, 456);
        c.kill(p);
        assert_eq!(activate(&mut c, q, hq), 456);
        // The killed one is started again, finds the section, and is the standby.
        let (r, hr, created) = start(&mut c, nodes[0], "csa103Ckpt", csa103(10, 4));
        assert!(!created);
        activate(&mut c, q, hq);
        count(&mut c, q, hq, 456, 1225);
        c.kill(q);
        assert_eq!(activate(&mut c, r, hr), 1225);
        // When both are gone the checkpoint is gone, 10 nanoseconds later.
        c.kill(r);
        c.pass(std::time::Duration::from_millis(1));
        let (s, hs, created) = start(&mut c, nodes[1], "csa103Ckpt", csa103(10, 4));
        assert!(created);
        assert_eq!(activate(&mut c, s, hs), 0);
    }
}

/// C7, C9, C10, C11: csa203 looks first and creates then; the writer makes the section.
#[test]
fn csa203_looks_before_it_creates_and_its_writer_makes_the_section() {
    let mut c = Cluster::of(2);
    let p = c.program(1, OLD);
    assert_eq!(code(c.call(p, open("csa203Ckpt", None, READ | WRITE))), ErrorCode::NotExist);
    let h = handle(c.call(p, endless("csa203Ckpt", csa103(0, 8))));
    // No active replica, and then no section: both are NOT_EXIST.
    assert_eq!(code(c.call(p, number(h, 1))), ErrorCode::NotExist);
    c.call(p, Call::ActiveReplicaSet { checkpoint: h }).unwrap();
    assert_eq!(code(c.call(p, number(h, 1))), ErrorCode::NotExist);
    let first = Call::SectionCreate {
        checkpoint: h,
        section: id(SECTION),
        expiration: Time::END,
        data: 1_u32.to_be_bytes().to_vec().into(),
    };
    c.call(p, first).unwrap();
    for invocation in 0..30 {
        c.call(p, number(h, invocation)).unwrap();
        let call = Call::SynchronizeAsync { checkpoint: h, invocation: u64::from(invocation) };
        c.call(p, call).unwrap();
    }
    assert_eq!(c.callbacks(p).len(), 30);
    let q = c.program(2, OLD);
    let hq = handle(c.call(q, open("csa203Ckpt", None, READ | WRITE)));
    assert_eq!(activate(&mut c, q, hq), 29);
}

/// D1 to D14: the node of the active is lost.
#[test]
fn the_server_based_example_goes_on_after_the_loss_of_a_node() {
    let mut c = Cluster::of(3);
    let (p, hp, _) = start(&mut c, 1, "SampleCkptTest", csa103(0, 4));
    let before = activate(&mut c, p, hp);
    count(&mut c, p, hp, before, 5);
    // D12: the standby's start moves the active replica; the writer goes on all the same.
    let (q, hq, created) = start(&mut c, 2, "SampleCkptTest", csa103(0, 4));
    assert!(!created);
    count(&mut c, p, hp, 5, 20);
    c.call(p, Call::ActiveReplicaSet { checkpoint: hp }).unwrap();
    count(&mut c, p, hp, 20, 40);
    c.crash(1);
    // D13: until somebody is active every access is NOT_EXIST.
    assert_eq!(code(c.call(q, read(hq, SECTION))), ErrorCode::NotExist);
    assert_eq!(activate(&mut c, q, hq), 40);
    count(&mut c, q, hq, 40, 50);
    c.assert_agreed();
}

/// D11: a section of one byte is read as one byte, whatever the reader asks for.
#[test]
fn nothing_is_read_beyond_the_end_of_a_section() {
    let mut c = Cluster::of(1);
    let p = c.program(1, OLD);
    let h = handle(c.call(p, endless("SampleCkptTest", csa103(0, 4))));
    c.call(p, Call::ActiveReplicaSet { checkpoint: h }).unwrap();
    c.call(p, create(h, SECTION, &[0])).unwrap();
    assert_eq!(bytes(c.call(p, read(h, SECTION))), [0]);
}
