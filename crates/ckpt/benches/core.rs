//! What the core costs: a write and an open, with few and with many sections and checkpoints, and
//! the memory of a small section.
//!
//! `cargo bench -p ais-ckpt --bench core`, on a machine that does nothing else.
//! One node without a network: every step of the service is here, nothing of a shell.
#![allow(clippy::expect_used, reason = "a bench that cannot go on stops")]

use ais_ckpt::{Ckpt, Settings};
use ais_service::{Caller, Entry, Input, Instant, Now, Output, Service};
use ais_types::{
    ClientId, GroupTime, Incarnation, Member, MemberId, Name, NodeId, Outcome, Payload, ProcessId,
    Role, Stamp, Time, Version, View,
    ckpt::{Call, Callbacks, CreationAttributes, CreationFlags, OpenFlags, Reply, SectionId},
};
use std::{fs, time::Duration};

const ME: MemberId = MemberId { node: NodeId(1), incarnation: Incarnation(1) };
const CLIENT: ClientId = ClientId { member: ME, number: 1 };
const PROCESS: ProcessId = ProcessId { member: ME, number: 1 };

/// A cluster of one.
struct Solo {
    core: Ckpt,
    index: u64,
    requests: u64,
    out: Vec<Output<Ckpt>>,
}

impl Solo {
    fn new() -> Self {
        let settings = Settings { memory: 16 << 30, ..Settings::default() };
        let core = Ckpt::new(ME.node, settings);
        let mut solo = Self { core, index: 0, requests: 0, out: Vec::new() };
        let member = Member {
            id: ME,
            name: Name::default(),
            role: Role::Voter,
            addresses: Vec::new(),
            boot_time: Time::BEGIN,
            joined_view: 1,
        };
        let mut view = View::default();
        view.members.push(member);
        let stamp = solo.stamp();
        solo.step(Input::View(stamp, view));
        let (version, callbacks) = (Version::b(2, 2), Callbacks::default());
        solo.call(Call::Initialize { version, callbacks }).expect("served");
        solo
    }

    fn stamp(&mut self) -> Stamp {
        self.index += 1;
        Stamp { index: self.index, time: GroupTime(self.index), wall: 1 }
    }

    fn step(&mut self, input: Input<Ckpt>) {
        let now = Now { at: Instant::START, wall: Time(1) };
        self.core.step(now, input, &mut self.out);
    }

    /// Makes a call; what is ordered is delivered at once.
    fn call(&mut self, call: Call) -> Outcome<Reply> {
        self.requests += 1;
        let caller = Caller { client: CLIENT, process: PROCESS, request: self.requests };
        self.step(Input::Call(caller, call));
        let mut answer = None;
        while !self.out.is_empty() {
            for output in std::mem::take(&mut self.out) {
                match output {
                    Output::Reply(_, outcome) => answer = Some(outcome),
                    Output::Order(command) => {
                        let stamp = self.stamp();
                        self.step(Input::Ordered(Entry { stamp, from: ME, command }));
                    }
                    Output::Barrier(number) => self.step(Input::Barrier(number)),
                    Output::Callback(..) | Output::Send(..) | Output::Perform(..) => {}
                }
            }
        }
        answer.expect("answered at once")
    }

    fn open(&mut self, name: &str) -> u64 {
        let attributes = CreationAttributes {
            creation_flags: CreationFlags::WR_ALL_REPLICAS,
            checkpoint_size: 1 << 30,
            retention_duration: Time::BEGIN,
            max_sections: 2_000_000,
            max_section_size: 1 << 20,
            max_section_id_size: 8,
        };
        let call = Call::Open {
            name: Name::new(name).expect("short"),
            attributes: Some(attributes),
            flags: OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE,
            timeout: Time::END,
        };
        match self.call(call) {
            Ok(Reply::Opened(handle)) => handle,
            other => panic!("not opened: {other:?}"),
        }
    }

    fn create(&mut self, checkpoint: u64, number: u64, data: Payload) {
        let (section, expiration) = (id(number), Time::END);
        self.call(Call::SectionCreate { checkpoint, section, expiration, data }).expect("created");
    }
}

fn id(number: u64) -> SectionId {
    SectionId::new(number.to_be_bytes()).expect("short")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn time(act: impl FnOnce()) -> Duration {
    let begun = std::time::Instant::now();
    act();
    begun.elapsed()
}

/// The median cost of one of `count` acts, over several rounds.
fn median(count: u32, mut act: impl FnMut(u64)) -> Duration {
    let mut number = 0;
    let mut rounds: Vec<Duration> = (0..21)
        .map(|_| {
            let round = time(|| {
                (0..count).for_each(|_| {
                    number += 1;
                    act(number);
                });
            });
            round / count
        })
        .collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a number");
    pages * 4096
}

fn writes() {
    for sections in [10, 1_000, 100_000, 1_000_000] {
        let mut solo = Solo::new();
        let checkpoint = solo.open("safCkpt=bench");
        for number in 0..sections {
            solo.create(checkpoint, number, vec![0; 64].into());
        }
        let data: Payload = vec![1; 64].into();
        let cost = median(10_000, |number| {
            // All over the checkpoint, in no order that a cache would like.
            let section = id(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % sections);
            let call = Call::Overwrite { checkpoint, section, data: data.clone() };
            solo.call(call).expect("overwritten");
        });
        println!("overwrite of 64 B, {sections:>9} sections     {cost:>10.2?}");
    }
}

fn opens() {
    for checkpoints in [10, 1_000, 10_000, 100_000] {
        let mut solo = Solo::new();
        for number in 0..checkpoints - 1 {
            solo.open(&format!("safCkpt={number}"));
        }
        let cost = median(100, |_| {
            let checkpoint = solo.open("safCkpt=another");
            solo.call(Call::Close { checkpoint }).expect("closed");
        });
        println!("open and close,    {checkpoints:>9} checkpoints  {cost:>10.2?}");
    }
}

fn memory() {
    const SECTIONS: u64 = 1_000_000;
    const DATA: u64 = 8;
    let mut solo = Solo::new();
    let checkpoint = solo.open("safCkpt=bench");
    let before = resident();
    for number in 0..SECTIONS {
        // Far apart, as ids are that nobody counts.
        solo.create(checkpoint, number.wrapping_mul(0x9e37_79b9_7f4a_7c15), vec![0; 8].into());
    }
    let used = resident() - before;
    let beyond = used / SECTIONS - DATA - 8;
    println!("memory of a section beyond id and data, of {SECTIONS}: {beyond} B");
    println!("accounted for it: {} B", solo.core.counters().memory / SECTIONS - DATA - 8);
}

fn main() {
    writes();
    opens();
    memory();
}
