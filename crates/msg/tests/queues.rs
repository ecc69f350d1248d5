//! What programs on several nodes see of queues. Sections are those of `SAI-AIS-MSG-B.03.01`.

mod cluster;

use ais_service::Lease;
use ais_types::{
    ErrorCode, Time, Version,
    msg::{AckFlags, Call, Callback, CreationFlags, OpenFlags, Reply},
};
use cluster::{Cluster, Program, attributes, letter, name};
use std::time::Duration;

const P: &str = "safMq=p,safApp=safMsgService";

fn persistent() -> ais_types::msg::CreationAttributes {
    attributes(CreationFlags::PERSISTENT, Time::BEGIN)
}

fn temporary(seconds: i64) -> ais_types::msg::CreationAttributes {
    attributes(CreationFlags::default(), Time(seconds * Time::ONE_SECOND.0))
}

#[track_caller]
fn opened(answer: Result<Reply, ErrorCode>) -> u64 {
    match answer {
        Ok(Reply::Opened(handle)) => handle,
        other => panic!("{other:?}"),
    }
}

fn reopen(timeout: Time) -> Call {
    Call::Open { name: name(P), attributes: None, flags: OpenFlags::default(), timeout }
}

fn open_async(invocation: u64) -> Call {
    let (name, flags) = (name(P), OpenFlags::default());
    Call::OpenAsync { invocation, name, attributes: None, flags }
}

fn drain(cluster: &mut Cluster, program: Program, queue: u64) -> Vec<String> {
    std::iter::from_fn(|| cluster.get(program, queue).ok()).collect()
}

#[test]
fn a_message_crosses_the_cluster() {
    let mut cluster = Cluster::new(3, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(3));
    let queue = opened(cluster.open(receiver, P, persistent()));
    assert_eq!(cluster.send(sender, P, "hello"), Ok(Reply::Done));
    assert_eq!(cluster.get(receiver, queue), Ok("hello".into()));
    assert_eq!(cluster.get(receiver, queue), Err(ErrorCode::Timeout));
}

#[test]
fn who_waits_is_given_the_message_when_it_comes() {
    let mut cluster = Cluster::new(2, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(2));
    let queue = opened(cluster.open(receiver, P, persistent()));
    let get = Call::Get { queue, room: None, timeout: Time::END };
    let waits = cluster.begin(receiver, get);
    cluster.settle();
    assert_eq!(cluster.answers.get(&waits), None);
    cluster.send(sender, P, "late").unwrap();
    assert!(matches!(cluster.answers.remove(&waits), Some(Ok(Reply::Received(_)))));
}

#[test]
fn a_second_open_is_busy_and_other_attributes_exist() {
    let mut cluster = Cluster::new(2, 2);
    let (first, second) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(first, P, persistent()));
    assert_eq!(cluster.reopen(second, P, OpenFlags::default()), Err(ErrorCode::Busy));
    assert_eq!(cluster.reopen(first, P, OpenFlags::default()), Err(ErrorCode::Busy));
    assert_eq!(cluster.open(second, P, temporary(1)), Err(ErrorCode::Exist));
}

#[test]
fn a_killed_receiver_is_followed_at_once_and_its_messages_are_kept() {
    let mut cluster = Cluster::new(3, 2);
    let (first, second, sender) = (cluster.program(1), cluster.program(2), cluster.program(3));
    opened(cluster.open(first, P, temporary(5)));
    for text in ["1", "2", "3"] {
        cluster.send(sender, P, text).unwrap();
    }
    cluster.kill(first);
    let queue = opened(cluster.reopen(second, P, OpenFlags::default()));
    assert_eq!(drain(&mut cluster, second, queue), ["1", "2", "3"]);
}

#[test]
fn a_queue_survives_the_node_that_holds_it() {
    let mut cluster = Cluster::new(3, 2);
    let (first, sender) = (cluster.program(1), cluster.program(3));
    opened(cluster.open(first, P, persistent()));
    for text in ["1", "2", "3"] {
        cluster.send(sender, P, text).unwrap();
    }
    cluster.lose(1);
    // Until it has surely stopped it may still receive.
    let second = cluster.program(2);
    let request = cluster.begin(second, reopen(Time::END));
    cluster.settle();
    assert_eq!(cluster.answers.get(&request), None);
    cluster.release(1);
    let queue = opened(cluster.answers.remove(&request).unwrap());
    assert_eq!(drain(&mut cluster, second, queue), ["1", "2", "3"]);
}

#[test]
fn who_opens_what_a_lost_node_holds_waits_first_come_first_served() {
    let mut cluster = Cluster::new(3, 2);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.lose(1);
    let (second, third) = (cluster.program(2), cluster.program(3));
    let ahead = cluster.begin(third, reopen(Time::END));
    cluster.settle();
    let behind = cluster.begin(second, reopen(Time::END));
    let asynchronous = open_async(307);
    assert_eq!(cluster.ask(second, asynchronous), Ok(Reply::Done));
    cluster.pass(Duration::from_secs(60));
    assert!(cluster.answers.is_empty() && cluster.callbacks.is_empty());
    cluster.release(1);
    opened(cluster.answers.remove(&ahead).unwrap());
    assert_eq!(cluster.answers.remove(&behind), Some(Err(ErrorCode::Busy)));
    let outcome = Err(ErrorCode::Busy);
    assert_eq!(cluster.callbacks, [Callback::Open { invocation: 307, outcome }]);
}

#[test]
fn an_asynchronous_open_waits_for_a_lost_node_too() {
    let mut cluster = Cluster::new(3, 2);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.send(first, P, "kept").unwrap();
    cluster.lose(1);
    let second = cluster.program(2);
    assert_eq!(cluster.ask(second, open_async(308)), Ok(Reply::Done));
    assert_eq!(cluster.callbacks, []);
    cluster.release(1);
    let Some(Callback::Open { invocation: 308, outcome: Ok(queue) }) = cluster.callbacks.pop()
    else {
        panic!("opened")
    };
    assert_eq!(drain(&mut cluster, second, queue), ["kept"]);
}

#[test]
fn who_gave_up_waiting_for_a_lost_node_opens_nothing() {
    let mut cluster = Cluster::new(4, 2);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.lose(1);
    let (late, gone) = (cluster.program(2), cluster.program(3));
    let (dead, last) = (cluster.program(3), cluster.program(4));
    let timed = cluster.begin(late, reopen(Time::ONE_SECOND));
    let cancelled = cluster.begin(gone, reopen(Time::END));
    let killed = cluster.begin(dead, reopen(Time::END));
    cluster.settle();
    cluster.pass(Duration::from_secs(2));
    assert_eq!(cluster.answers.remove(&timed), Some(Err(ErrorCode::Timeout)));
    cluster.cancel(gone, cancelled);
    cluster.kill(dead);
    let patient = cluster.begin(last, reopen(Time::END));
    cluster.settle();
    cluster.release(1);
    opened(cluster.answers.remove(&patient).unwrap());
    assert!(!cluster.answers.contains_key(&cancelled) && !cluster.answers.contains_key(&killed));
}

#[test]
fn who_waits_on_a_node_that_is_lost_too_is_passed_over() {
    let mut cluster = Cluster::new(4, 3);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.lose(1);
    let (second, third) = (cluster.program(2), cluster.program(3));
    cluster.begin(second, reopen(Time::END));
    cluster.settle();
    let request = cluster.begin(third, reopen(Time::END));
    cluster.settle();
    cluster.lose(2);
    cluster.release(1);
    opened(cluster.answers.remove(&request).unwrap());
}

#[test]
fn a_node_that_joins_knows_who_waits() {
    let mut cluster = Cluster::new(3, 2);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.lose(1);
    let second = cluster.program(2);
    let request = cluster.begin(second, reopen(Time::END));
    cluster.settle();
    cluster.join(4, 2);
    cluster.release(1);
    opened(cluster.answers.remove(&request).unwrap());
    let newcomer = cluster.program(4);
    assert_eq!(cluster.reopen(newcomer, P, OpenFlags::default()), Err(ErrorCode::Busy));
    assert_eq!(cluster.list(4), cluster.list(2));
}

#[test]
fn what_goes_with_a_lost_node_is_gone_before_the_next_open() {
    for copies in [1, 2] {
        let mut cluster = Cluster::new(2, copies);
        let first = cluster.program(1);
        opened(cluster.open(first, P, temporary(0)));
        cluster.lose(1);
        let (second, third) = (cluster.program(2), cluster.program(2));
        let absent = cluster.begin(second, reopen(Time::END));
        let (name, attributes) = (name(P), Some(temporary(7)));
        let flags = OpenFlags::CREATE;
        let create = Call::Open { name, attributes, flags, timeout: Time::END };
        let created = cluster.begin(third, create);
        cluster.settle();
        assert!(cluster.answers.is_empty());
        cluster.release(1);
        assert_eq!(cluster.answers.remove(&absent), Some(Err(ErrorCode::NotExist)));
        opened(cluster.answers.remove(&created).unwrap());
    }
}

#[test]
fn the_name_of_what_a_lost_node_holds_can_be_freed_for_who_waits() {
    let mut cluster = Cluster::new(3, 2);
    let first = cluster.program(1);
    opened(cluster.open(first, P, persistent()));
    cluster.lose(1);
    let (second, third) = (cluster.program(2), cluster.program(3));
    let waits = cluster.begin(second, reopen(Time::END));
    cluster.settle();
    let unlink = cluster.begin(third, Call::Unlink { name: name(P) });
    cluster.settle();
    assert_eq!(cluster.answers.remove(&waits), Some(Err(ErrorCode::NotExist)));
    // Whoever held it could still take a message.
    assert_eq!(cluster.answers.get(&unlink), None);
    cluster.release(1);
    assert_eq!(cluster.answers.remove(&unlink), Some(Ok(Reply::Done)));
}

#[test]
fn a_send_under_way_when_the_holder_dies_arrives_once() {
    let mut cluster = Cluster::new(3, 2);
    let (first, sender) = (cluster.program(1), cluster.program(3));
    opened(cluster.open(first, P, persistent()));
    // The holder and its backup have it; the answer is lost with the holder.
    cluster.hold(1, 3);
    let (destination, message) = (name(P), letter("once"));
    let send = Call::Send { destination, message, timeout: Time::END };
    let request = cluster.begin(sender, send);
    cluster.settle();
    cluster.lose(1);
    cluster.release(1);
    assert_eq!(cluster.answers.remove(&request), Some(Ok(Reply::Done)));
    let second = cluster.program(2);
    let queue = opened(cluster.reopen(second, P, OpenFlags::default()));
    assert_eq!(drain(&mut cluster, second, queue), ["once"]);
}

#[test]
fn a_queue_moves_with_its_opener_and_keeps_two_copies() {
    let mut cluster = Cluster::new(4, 2);
    let first = cluster.program(1);
    for node in [1, 4, 3, 2, 1] {
        let program = cluster.program(node);
        let queue = opened(cluster.open(program, P, persistent()));
        cluster.send(first, P, &node.to_string()).unwrap();
        let Ok(Reply::List(list)) = cluster.ask(first, Call::List) else { panic!("a list") };
        assert_eq!(list[0].primary, Some(cluster::member(node)));
        assert_eq!(list[0].replicas.len(), 2, "{list:?}");
        cluster.ask(program, Call::Close { queue }).unwrap();
    }
    let queue = opened(cluster.reopen(first, P, OpenFlags::default()));
    assert_eq!(drain(&mut cluster, first, queue), ["1", "4", "3", "2", "1"]);
}

#[test]
fn a_message_on_its_way_to_a_caller_who_is_gone_goes_back() {
    let mut cluster = Cluster::new(2, 2);
    let receiver = cluster.program(1);
    let queue = opened(cluster.open(receiver, P, persistent()));
    cluster.send(receiver, P, "kept").unwrap();
    cluster.send(receiver, P, "next").unwrap();
    // The backup's acknowledgement waits, so the message is on its way.
    cluster.hold(1, 2);
    let get = Call::Get { queue, room: None, timeout: Time::ONE_SECOND };
    let request = cluster.begin(receiver, get);
    cluster.settle();
    cluster.cancel(receiver, request);
    cluster.let_go(1, 2);
    assert_eq!(cluster.answers.get(&request), None);
    assert_eq!(drain(&mut cluster, receiver, queue), ["kept", "next"]);
}

#[test]
fn a_message_on_its_way_when_time_runs_out_is_still_given() {
    let mut cluster = Cluster::new(2, 2);
    let receiver = cluster.program(1);
    let queue = opened(cluster.open(receiver, P, persistent()));
    cluster.send(receiver, P, "kept").unwrap();
    cluster.hold(1, 2);
    let get = Call::Get { queue, room: None, timeout: Time::ONE_SECOND };
    let request = cluster.begin(receiver, get);
    cluster.settle();
    cluster.pass(Duration::from_secs(2));
    assert_eq!(cluster.answers.get(&request), None);
    cluster.let_go(1, 2);
    assert!(matches!(cluster.answers.remove(&request), Some(Ok(Reply::Received(_)))));
}

#[test]
fn retention_runs_from_the_close_and_stops_with_an_open() {
    let mut cluster = Cluster::new(2, 2);
    let program = cluster.program(1);
    let queue = opened(cluster.open(program, P, temporary(3)));
    cluster.ask(program, Call::Close { queue }).unwrap();
    cluster.pass(Duration::from_secs(1));
    let queue = opened(cluster.reopen(program, P, OpenFlags::default()));
    cluster.pass(Duration::from_secs(5));
    assert!(cluster.ask(program, Call::StatusGet { name: name(P) }).is_ok());
    cluster.ask(program, Call::Close { queue }).unwrap();
    cluster.pass(Duration::from_secs(4));
    let absent = cluster.ask(program, Call::StatusGet { name: name(P) });
    assert_eq!(absent, Err(ErrorCode::NotExist));
}

#[test]
fn without_retention_a_queue_goes_with_its_process() {
    let mut cluster = Cluster::new(2, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(receiver, P, temporary(0)));
    cluster.kill(receiver);
    assert_eq!(cluster.send(sender, P, "nobody"), Err(ErrorCode::NotExist));
    let again = cluster.program(1);
    opened(cluster.open(again, P, temporary(0)));
}

#[test]
fn an_unlinked_queue_takes_nothing_and_gives_what_it_has() {
    let mut cluster = Cluster::new(3, 2);
    let (receiver, other) = (cluster.program(1), cluster.program(3));
    let queue = opened(cluster.open(receiver, P, persistent()));
    cluster.send(other, P, "old").unwrap();
    cluster.ask(other, Call::Unlink { name: name(P) }).unwrap();
    assert_eq!(cluster.send(other, P, "new"), Err(ErrorCode::NotExist));
    // The name is free for an independent queue.
    let second = opened(cluster.open(other, P, persistent()));
    cluster.send(receiver, P, "second").unwrap();
    assert_eq!(drain(&mut cluster, receiver, queue), ["old"]);
    assert_eq!(drain(&mut cluster, other, second), ["second"]);
}

#[test]
fn a_node_that_has_not_heard_of_the_unlink_cannot_send_after_it() {
    let mut cluster = Cluster::new(3, 2);
    let (receiver, other) = (cluster.program(1), cluster.program(3));
    opened(cluster.open(receiver, P, persistent()));
    // Unlink is not answered before the holder has heard of it.
    cluster.hold(1, 3);
    let request = cluster.begin(other, Call::Unlink { name: name(P) });
    cluster.settle();
    assert_eq!(cluster.answers.get(&request), None);
    cluster.let_go(1, 3);
    assert_eq!(cluster.answers.remove(&request), Some(Ok(Reply::Done)));
}

#[test]
fn older_programs_may_wait_without_limit_and_use_any_name() {
    let mut cluster = Cluster::new(2, 2);
    let old = cluster.program_of(1, Version::b(1, 1));
    let mut garbage = temporary(0);
    garbage.sizes[3] = 0xdead_beef_dead_beef;
    let (name, attributes) = (name("csa104msgqueue"), Some(garbage));
    let flags = OpenFlags::CREATE;
    let open = Call::Open { name, attributes, flags, timeout: Time(-1) };
    let queue = opened(cluster.ask(old, open));
    let get = cluster.begin(old, Call::Get { queue, room: None, timeout: Time(-1) });
    cluster.pass(Duration::from_secs(1_000));
    assert_eq!(cluster.answers.get(&get), None);
    cluster.send(old, "csa104msgqueue", "Msg    1").unwrap();
    assert!(matches!(cluster.answers.remove(&get), Some(Ok(Reply::Received(_)))));
}

#[test]
fn every_message_is_announced_once() {
    let mut cluster = Cluster::new(2, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(2));
    let queue = opened(cluster.open(receiver, P, persistent()));
    cluster.send(sender, P, "before").unwrap();
    cluster.ask(receiver, Call::Close { queue }).unwrap();
    let queue = opened(cluster.reopen(receiver, P, OpenFlags::RECEIVE_CALLBACK));
    for _ in 0..3 {
        cluster.send(sender, P, "more").unwrap();
    }
    assert_eq!(cluster.callbacks, vec![Callback::Received { queue }; 4]);
}

#[test]
fn an_acknowledged_asynchronous_send_is_told_once() {
    let mut cluster = Cluster::new(2, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(receiver, P, persistent()));
    for (invocation, ack) in [(307, AckFlags::default()), (308, AckFlags::DELIVERED)] {
        let (destination, message) = (name(P), letter("x"));
        let call = Call::SendAsync { invocation, destination, message, ack };
        assert_eq!(cluster.ask(sender, call), Ok(Reply::Done));
    }
    assert_eq!(cluster.callbacks, [Callback::Delivered { invocation: 308, outcome: Ok(()) }]);
}

#[test]
fn with_one_copy_a_persistent_queue_goes_with_its_node() {
    let mut cluster = Cluster::new(2, 1);
    let (receiver, other) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(receiver, P, persistent()));
    cluster.lose(1);
    cluster.release(1);
    assert_eq!(cluster.send(other, P, "nobody"), Err(ErrorCode::NotExist));
    opened(cluster.open(other, P, persistent()));
}

#[test]
fn what_is_said_to_a_node_without_a_lease_waits_for_the_lease() {
    let mut cluster = Cluster::new(3, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(3));
    let queue = opened(cluster.open(receiver, P, persistent()));
    cluster.lease(1, Lease::Lost);
    let (destination, message) = (name(P), letter("patient"));
    let send = Call::Send { destination, message, timeout: Time::END };
    let request = cluster.begin(sender, send);
    cluster.settle();
    assert_eq!(cluster.answers.get(&request), None);
    // No link has broken meanwhile: nobody says it again.
    cluster.lease(1, Lease::Held);
    assert_eq!(cluster.answers.remove(&request), Some(Ok(Reply::Done)));
    assert_eq!(drain(&mut cluster, receiver, queue), ["patient"]);
}
