//! TCP: who is let in, and what a bad peer can do.

mod common;

use ais_transport::{
    Cause, Class, Event, Peer, SendError, Transport, TransportError,
    net::{Config, NetChannel, NetNode},
};
use ais_types::NodeId;
use common::config;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const fn peer(node: u32, nonce: u64) -> Peer {
    Peer { node: NodeId(node), nonce }
}
const A: Peer = peer(1, 11);
const B: Peer = peer(2, 22);

async fn event(channel: &mut NetChannel) -> Event {
    timeout(Duration::from_secs(20), channel.next()).await.expect("an event").expect("open")
}

async fn bind(config: Config) -> NetNode {
    NetNode::bind(config).await.expect("a loopback port")
}

/// Two nodes, of which only `knows` knows the address of the other.
async fn meet(knows: Peer, other: Peer) -> ([NetNode; 2], [NetChannel; 2]) {
    let second = bind(config(other)).await;
    let mut first = config(knows);
    first.peers.insert(other.node, second.address());
    let first = bind(first).await;
    let mut channels = [first.open(Class::Data), second.open(Class::Data)];
    assert_eq!(event(&mut channels[0]).await, Event::Up(other));
    assert_eq!(event(&mut channels[1]).await, Event::Up(knows));
    ([first, second], channels)
}

/// The hello of node 1 to node 2, as `docs/wire.md` has it.
fn hello(cluster: &str, from: u32, to: u32) -> Vec<u8> {
    let mut body = b"AISt\x00\x01\x01\x01".to_vec();
    body.extend(from.to_be_bytes());
    body.extend(7_u64.to_be_bytes());
    body.extend(to.to_be_bytes());
    for text in ["127.0.0.1:9", cluster, "raw"] {
        body.push(text.len() as u8);
        body.extend(text.as_bytes());
    }
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

/// Sends bytes to a node and returns what it answers until it closes.
async fn say(node: &NetNode, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(node.address()).await.expect("it listens");
    stream.write_all(bytes).await.expect("it hears");
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("it closes the connection");
    answer
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn an_address_can_be_learned_later() {
    let (a, b) = (bind(config(A)).await, bind(config(B)).await);
    let (mut at_a, mut at_b) = (a.open(Class::Control), b.open(Class::Control));
    assert_eq!(at_a.send(B, "x".into()), Err(SendError::NotConnected(B)));
    a.add_peer(B.node, b.address()).expect("loopback");
    assert_eq!(event(&mut at_a).await, Event::Up(B));
    assert_eq!(event(&mut at_b).await, Event::Up(A));
}

#[tokio::test]
async fn classes_may_live_on_different_threads() {
    let ([a, b], [mut at_a, mut at_b]) = meet(A, B).await;
    let thread = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (mut at_a, mut at_b) = (a.open(Class::Control), b.open(Class::Control));
            assert_eq!(event(&mut at_a).await, Event::Up(B));
            assert_eq!(event(&mut at_b).await, Event::Up(A));
            at_a.send(B, "control".into()).expect("connected");
            assert_eq!(event(&mut at_b).await, Event::Frame(A, "control".into()));
        });
        (a, b)
    });
    at_a.send(B, "data".into()).expect("connected");
    assert_eq!(event(&mut at_b).await, Event::Frame(A, "data".into()));
    tokio::task::spawn_blocking(|| thread.join()).await.expect("joined").expect("no panic");
}

#[tokio::test]
async fn strangers_are_told_why_they_are_refused_and_hurt_nobody() {
    let ([_a, b], [mut at_a, mut at_b]) = meet(A, B).await;
    let other_cluster = text(&say(&b, &hello("other", 1, 2)).await);
    assert!(other_cluster.contains("this is cluster \"test\", not \"other\""), "{other_cluster}");
    let wrong_door = text(&say(&b, &hello("test", 1, 3)).await);
    assert!(wrong_door.contains("this is node n2, not n3"), "{wrong_door}");
    let twin = text(&say(&b, &hello("test", 2, 2)).await);
    assert!(twin.contains("two nodes have the id n2"), "{twin}");
    let higher = text(&say(&b, &hello("test", 3, 2)).await);
    assert!(higher.contains("the node with the lower id dials"), "{higher}");
    let stranger = text(&say(&b, b"\x00\x10GET / HTTP/1.1\r\n").await);
    assert!(stranger.contains("magic number is wrong"), "{stranger}");
    let newer = text(&say(&b, b"\x00\x08AISt\x00\x02\x01\x01").await);
    assert!(newer.contains("protocol version 2 where we speak 1"), "{newer}");
    let long = text(&say(&b, b"\xff\xff").await);
    assert!(long.contains("too long"), "{long}");
    assert_eq!(b.stats().refused, 7);
    at_a.send(B, "still here".into()).expect("connected");
    assert_eq!(event(&mut at_b).await, Event::Frame(A, "still here".into()));
}

#[tokio::test]
async fn a_silent_stranger_is_put_out_in_time() {
    let mut impatient = config(B);
    impatient.hello = Duration::from_millis(50);
    let b = bind(impatient).await;
    let answer = text(&say(&b, b"\x00\x20AI").await);
    assert!(answer.contains("no hello in time"), "{answer}");
}

#[tokio::test]
async fn a_malformed_frame_ends_its_session_alone() {
    let b = bind(config(B)).await;
    let mut at_b = b.open(Class::Data);
    let mut good = config(peer(0, 5));
    good.peers.insert(B.node, b.address());
    let good = bind(good).await;
    let mut at_good = good.open(Class::Data);
    assert_eq!(event(&mut at_b).await, Event::Up(peer(0, 5)));
    assert_eq!(event(&mut at_good).await, Event::Up(B));

    let mut bytes = hello("test", 1, 2);
    bytes.extend([0, 0, 0, 2, b'o', b'k', 0xff, 0, 0, 0]);
    say(&b, &bytes).await;
    assert_eq!(event(&mut at_b).await, Event::Up(peer(1, 7)));
    assert_eq!(event(&mut at_b).await, Event::Frame(peer(1, 7), "ok".into()));
    assert_eq!(event(&mut at_b).await, Event::Down(peer(1, 7), Cause::Broken));
    assert_eq!(b.stats().malformed, 1);
    at_good.send(B, "unhurt".into()).expect("connected");
    assert_eq!(event(&mut at_b).await, Event::Frame(peer(0, 5), "unhurt".into()));
}

#[tokio::test]
async fn a_write_that_is_stuck_breaks_the_session() {
    // A peer that says hello and then reads nothing.
    let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut impatient = config(A);
    impatient.stuck = Duration::from_millis(100);
    impatient.peers.insert(B.node, door.local_addr().expect("bound"));
    let a = bind(impatient).await;
    let mut at_a = a.open(Class::Data);
    let (mut stream, _) = door.accept().await.expect("it dials");
    let length = stream.read_u16().await.expect("a hello");
    let mut theirs = vec![0; usize::from(length)];
    stream.read_exact(&mut theirs).await.expect("a hello");
    let mut welcome = hello("test", 2, 1);
    welcome[8] = 2;
    stream.write_all(&welcome).await.expect("it hears");
    assert_eq!(event(&mut at_a).await, Event::Up(peer(2, 7)));
    for _ in 0..4 {
        let _ = at_a.send(peer(2, 7), vec![0; 8 << 20].into());
    }
    assert_eq!(event(&mut at_a).await, Event::Down(peer(2, 7), Cause::Broken));
    assert_eq!(a.stats().stuck, 1);
}

#[tokio::test]
async fn without_certificates_only_loopback() {
    let a = bind(config(A)).await;
    let refused = a.add_peer(B.node, "10.0.0.1:1".parse().unwrap());
    assert!(matches!(refused, Err(TransportError::NotLoopback(_))));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let a = bind(config(A)).await;
    let twice = NetNode::bind(Config::new("test", B, a.address())).await;
    let error = twice.expect_err("taken").to_string();
    assert!(error.contains(&a.address().to_string()), "{error}");
}
