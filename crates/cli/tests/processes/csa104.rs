//! The tutorial csa104 with real processes: whoever is active receives.

use crate::site::{Component, Site, kill};
use ais_cli::logs::{received, sending};
use rustix::process::Signal;

const START: &[&str] = &[
    "Component [{me}] : PID [",
    "IOC Address : 0x1",
    "IOC Port : 0x",
    "csa102: Instantiated as component instance {me}.",
    "{me}: Waiting for CSI assignment...",
    "Component [{me}] : PID [",
];

/// A first assignment, as every new process gets it.
const ADDED: &[&str] = &["CSI Flags : [Add One]", "CSI Name : [csa104CSII]"];

const ACTIVE: &[&str] = &[
    "HA state : [Active]",
    "Active Descriptor :",
    "Transition Descriptor : [1]",
    "Active Component : [csa104CompI0]",
    "csa104: ACTIVE state requested; activating message queue receiver service",
];

fn standby_of(active: &str) -> [String; 5] {
    [
        "HA state : [Standby]".to_owned(),
        "Standby Descriptor :".to_owned(),
        "Standby Rank : [1]".to_owned(),
        format!("Active Component : [{active}]"),
        "csa104: Standby state requested".to_owned(),
    ]
}

#[track_caller]
fn becomes_standby_of(it: &mut Component, active: &str) -> u32 {
    it.lines(START);
    it.lines(ADDED);
    let lines = standby_of(active);
    it.lines(&lines.each_ref().map(String::as_str)).pid
}

#[track_caller]
fn becomes_active_anew(it: &mut Component) -> u32 {
    let first = it.line(START[0]);
    assert_eq!(first.number, 1, "the counter of the log starts anew");
    it.lines(&START[1..]);
    it.lines(ADDED);
    it.lines(ACTIVE).pid
}

/// The number of the next message that comes from this sender.
#[track_caller]
fn receive(it: &mut Component, sender: &str) -> (u64, u32) {
    let find = |text: &str| received(text).filter(|(_, from)| from == sender);
    let ((number, _), line) = it.next(&format!("a message of {sender}"), find);
    (number, line.pid)
}

#[track_caller]
fn send(it: &mut Component) -> u64 {
    it.next("a message sent", sending).0.0
}

fn start() -> (Site, Component, Component) {
    let site = Site::new(&["SCNodeI0"], "csa104-1.toml");
    let active = site.log("SCNodeI0", "csa104CompI0");
    let standby = site.log("SCNodeI0", "csa104CompI1");
    (site, active, standby)
}

#[test]
fn b24_and_b25_a_killed_receiver_is_restarted_in_place() {
    let (_site, mut one, mut two) = start();
    // B24.
    let old = becomes_active_anew(&mut one);
    let sender = becomes_standby_of(&mut two, "csa104CompI0");
    let first = receive(&mut one, "csa104CompI1").0;
    for number in first + 1..first + 3 {
        assert_eq!(receive(&mut one, "csa104CompI1"), (number, old));
    }

    // B25.
    kill(old, Signal::TERM);
    let new = becomes_active_anew(&mut one);
    assert_ne!(new, old);
    let (number, pid) = receive(&mut one, "csa104CompI1");
    assert_eq!(pid, new);
    for next in number + 1..number + 3 {
        assert_eq!(receive(&mut one, "csa104CompI1"), (next, new));
    }
    assert_eq!(two.log.last().unwrap().pid, sender);
    assert_eq!(two.count("CSI Set Received"), 1, "the sender was left alone");
    missing_only_what_failed(&mut one, &mut two);
}

/// Every message was received once, but for those that the sender was told are lost.
fn missing_only_what_failed(receiver: &mut Component, sender: &mut Component) {
    let last =
        receiver.log.lines().iter().filter_map(|it| received(&it.text)).next_back().unwrap().0;
    let got = receiver.log.lines().iter().filter_map(|it| received(&it.text));
    let got: Vec<u64> = got.map(|(number, _)| number).collect();
    let mut sent: Vec<u64> = Vec::new();
    for line in sender.log.lines() {
        if let Some((number, _)) = sending(&line.text) {
            sent.push(number);
        } else if line.text.starts_with("Msg saMsgMessageSend to queue") {
            assert!(line.text.ends_with("failed [0xC]"), "{}", line.text);
            sent.pop();
        }
    }
    sent.retain(|number| *number <= last);
    // A message in the queue of a dead opener without retention goes with it: at most one here.
    let lost = sent.iter().filter(|number| !got.contains(number)).count();
    assert!(lost <= 1, "sent {sent:?}, received {got:?}");
}

#[test]
fn b26_and_b27_the_fourth_kill_is_a_fail_over() {
    let (_site, mut one, mut two) = start();
    let mut receiver = becomes_active_anew(&mut one);
    let sender = becomes_standby_of(&mut two, "csa104CompI0");
    send(&mut two);
    for _ in 0..3 {
        kill(receiver, Signal::TERM);
        let new = becomes_active_anew(&mut one);
        assert_ne!(new, receiver);
        receiver = new;
    }
    assert_eq!(two.count("CSI Set Received"), 1);

    // B26: the fourth.
    kill(receiver, Signal::TERM);
    let active = two.lines(&[
        "CSI Flags : [Target All]",
        "HA state : [Active]",
        "Active Descriptor :",
        "Transition Descriptor : [3]",
        "Active Component : [csa104CompI0]",
        "csa104: ACTIVE state requested; activating message queue receiver service",
    ]);
    assert_eq!(active.pid, sender);
    let standby = becomes_standby_of(&mut one, "csa104CompI1");
    assert_ne!(standby, receiver);
    assert_eq!(send(&mut one), 1);
    assert_eq!(receive(&mut two, "csa104CompI0"), (1, sender));

    // B27: both streams go on, each message sent and received once.
    for number in 2..5 {
        assert_eq!(receive(&mut two, "csa104CompI0").0, number);
    }
    let own = two.log.lines().iter().filter(|line| line.number > active.number);
    let (mut sent, mut got) = (Vec::new(), Vec::new());
    for line in own {
        sent.extend(sending(&line.text).map(|(number, _)| number));
        got.extend(received(&line.text).filter(|it| it.1 == "csa104CompI1").map(|it| it.0));
    }
    assert!(got.len() >= 2 && sent.len() - got.len() <= 1, "sent {sent:?}, received {got:?}");
    assert_eq!(got, sent[..got.len()]);
}
