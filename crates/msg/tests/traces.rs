//! What goes through the order and over the links, in order: read before it is accepted.

mod cluster;

use ais_types::{
    Time,
    msg::{Call, CreationFlags, OpenFlags, Reply},
};
use cluster::{Answer, Cluster, attributes, name};

const P: &str = "safMq=p,safApp=safMsgService";

fn trace(cluster: &mut Cluster) -> String {
    core::mem::take(&mut cluster.trace).join("\n")
}

#[track_caller]
fn opened(answer: Answer) -> u64 {
    match answer {
        Ok(Reply::Opened(handle)) => handle,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_sent_and_received() {
    let mut cluster = Cluster::new(3, 2);
    let (receiver, sender) = (cluster.program(1), cluster.program(3));
    cluster.trace.clear();
    let queue = opened(cluster.open(receiver, P, attributes(CreationFlags::PERSISTENT, Time(0))));
    insta::assert_snapshot!("create", trace(&mut cluster));
    cluster.send(sender, P, "hello").expect("sent");
    insta::assert_snapshot!("send", trace(&mut cluster));
    assert_eq!(cluster.get(receiver, queue), Ok("hello".into()));
    insta::assert_snapshot!("get", trace(&mut cluster));
}

#[test]
fn a_process_ends_and_another_takes_over() {
    let mut cluster = Cluster::new(3, 2);
    let (first, second) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(first, P, attributes(CreationFlags::PERSISTENT, Time(0))));
    cluster.send(first, P, "kept").expect("sent");
    cluster.trace.clear();
    cluster.kill(first);
    insta::assert_snapshot!("process_end", trace(&mut cluster));
    let queue = opened(cluster.reopen(second, P, OpenFlags::default()));
    assert_eq!(cluster.get(second, queue), Ok("kept".into()));
    insta::assert_snapshot!("take_over_after_process_end", trace(&mut cluster));
}

#[test]
fn a_node_is_lost_and_another_takes_over() {
    let mut cluster = Cluster::new(3, 2);
    let (first, second) = (cluster.program(1), cluster.program(2));
    opened(cluster.open(first, P, attributes(CreationFlags::PERSISTENT, Time(0))));
    cluster.send(first, P, "kept").expect("sent");
    cluster.trace.clear();
    cluster.lose(1);
    let (name, flags) = (name(P), OpenFlags::default());
    let open = Call::Open { name, attributes: None, flags, timeout: Time::END };
    let request = cluster.begin(second, open);
    cluster.settle();
    insta::assert_snapshot!("node_lost", trace(&mut cluster));
    cluster.release(1);
    let queue = opened(cluster.answers.remove(&request).expect("answered"));
    assert_eq!(cluster.get(second, queue), Ok("kept".into()));
    insta::assert_snapshot!("take_over_after_node_loss", trace(&mut cluster));
}
