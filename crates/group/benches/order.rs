//! What one order costs: from a multicast to its own delivery, in a group of three processes, beside
//! a bare echo over TCP in the same run.
//!
//! `cargo bench -p ais-group --bench order [-- --udp]`, on a machine that does nothing else.
//! `taskset -c 0` before it keeps all of it on one processor: what the software itself costs,
//! without what it costs to wake another processor.
#![expect(clippy::expect_used, reason = "a bench that cannot go on stops")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use ais_group::{
    Delivery, Group, GroupHandle, Identity, Priority,
    raft::{Config, Raft},
};
use ais_transport::{
    Class, Peer,
    net::{Config as NetConfig, NetNode, Protocol},
};
use ais_types::{NodeId, Role, Time};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::interval};

const MEMBERS: u32 = 3;
const ONE_BY_ONE: usize = 20_000;
const AT_ONCE: usize = 400_000;
const LANES: usize = 64;
const SMALL: usize = 64;
const LARGE: usize = 1024;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["echo", address] => echo(address),
        ["member", node, protocol, ports @ ..] => member(node, protocol, ports),
        [] => compare("tcp"),
        ["--udp"] => compare("udp"),
        other => eprintln!("what is {other:?}? Usage: order [--udp]"),
    }
}

fn compare(protocol: &str) {
    println!("{}", bare_echo());
    let ports: Vec<String> = (0..MEMBERS).map(|_| free_port(protocol)).collect();
    let (sender, heard) = mpsc::channel();
    let mut members: Vec<Member> =
        (1..=MEMBERS).map(|node| Member::start(node, protocol, &ports, sender.clone())).collect();
    let mut leader = None;
    for _ in 0..MEMBERS {
        let (node, line) = heard.recv().expect("members live");
        if line == "leads" {
            leader = Some(node);
        }
    }
    let leader = leader.expect("one leads");
    let other = if leader == 1 { 2 } else { 1 };
    for (node, whose) in [(leader, "the leader"), (other, "another member")] {
        for what in ["small", "large"] {
            members[node as usize - 1].tell(what);
            let (_, line) = heard.recv().expect("members live");
            println!("{protocol}, from {whose}: {line}");
        }
    }
}

/// What a child that is not needed any more leaves behind: nothing.
struct Member(Child, ChildStdin);

impl Member {
    fn start(
        node: u32,
        protocol: &str,
        ports: &[String],
        heard: mpsc::Sender<(u32, String)>,
    ) -> Self {
        let mut command = Command::new(env::current_exe().expect("Linux knows"));
        command.args(["member", &node.to_string(), protocol]).args(ports);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = heard.send((node, line));
            }
        });
        let input = child.stdin.take().expect("piped");
        Self(child, input)
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.1, "{what}").expect("it lives");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port(protocol: &str) -> String {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let port = match protocol {
        "udp" => std::net::UdpSocket::bind(any).and_then(|it| it.local_addr()),
        _ => TcpListener::bind(any).and_then(|it| it.local_addr()),
    };
    port.expect("loopback").port().to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn member(node: &str, protocol: &str, ports: &[&str]) {
    let node = NodeId(node.parse().expect("a number"));
    let peers: Vec<(NodeId, SocketAddr)> = (1..)
        .map(NodeId)
        .zip(ports.iter().map(|port| ([127, 0, 0, 1], port.parse().expect("a port")).into()))
        .collect();
    let at = peers[node.0 as usize - 1].1;
    let mut net = NetConfig::new("bench", Peer { node, nonce: fastrand::u64(..) }, at);
    net.protocol = if protocol == "udp" { Protocol::Udp } else { Protocol::Tcp };
    net.peers = peers.into_iter().filter(|it| it.0 != node).collect();
    let net = NetNode::bind(net).await.expect("the port is free");
    let identity = Identity {
        node,
        name: "member".try_into().expect("short"),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time(0),
    };
    let config = Config::new("bench", identity, (1..=MEMBERS).map(NodeId));
    let open = move || async move { Ok(net.open(Class::Control)) };
    let group = Raft::on_thread(config, open).expect("a thread");
    let (handle, (views, mut members)) = (group.handle(), watch::channel(0));
    tokio::spawn(own(group, views));
    tokio::spawn(be_well(Arc::clone(&handle)));
    members.wait_for(|it| *it == MEMBERS as usize).await.expect("the owner lives");
    handle.barrier().await.expect("a member");
    let leads = handle.leader().is_some_and(|it| it.node == node);
    println!("{}", if leads { "leads" } else { "follows" });
    let (sender, mut wishes) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
    });
    while let Some(wish) = wishes.recv().await {
        let line = if wish == "small" { one_by_one(&handle).await } else { at_once(&handle).await };
        println!("{line}");
    }
}

async fn own(mut group: Raft, members: watch::Sender<usize>) {
    while let Some(delivery) = group.next().await {
        match delivery {
            Delivery::View(_, view) => drop(members.send_replace(view.members.len())),
            Delivery::Snapshot(reply) => drop(reply.send(Bytes::new())),
            Delivery::Left(reason) => eprintln!("left: {reason}"),
            Delivery::Restore(..)
            | Delivery::Kept(..)
            | Delivery::Message(..)
            | Delivery::ProcessEnded(..)
            | Delivery::Released(..)
            | Delivery::Time(_)
            | Delivery::Recovery(..)
            | Delivery::Lease(_)
            | Delivery::Refused(_) => {}
        }
    }
}

async fn be_well(handle: Arc<dyn GroupHandle>) {
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        handle.alive();
    }
}

async fn one_by_one(handle: &Arc<dyn GroupHandle>) -> String {
    let payload = Bytes::from(vec![7; SMALL]);
    let mut each = Vec::with_capacity(ONE_BY_ONE);
    for _ in 0..ONE_BY_ONE {
        let begun = Instant::now();
        handle.multicast(Priority::Medium, payload.clone()).await.expect("a member");
        each.push(begun.elapsed());
    }
    format!("{SMALL} B, one outstanding, {}", told(each))
}

async fn at_once(handle: &Arc<dyn GroupHandle>) -> String {
    let payload = Bytes::from(vec![7; LARGE]);
    let begun = Instant::now();
    let orders = stream::iter(0..AT_ONCE)
        .map(|_| handle.multicast(Priority::Medium, payload.clone()))
        .buffer_unordered(LANES);
    orders.for_each(|it| async move { it.expect("a member") }).await;
    let rate = AT_ONCE as f64 / begun.elapsed().as_secs_f64();
    format!("{LARGE} B, {LANES} outstanding, {rate:.0}/s")
}

fn told(mut each: Vec<Duration>) -> String {
    each.sort_unstable();
    let at = |part: usize| each[each.len() * part / 100].as_secs_f64() * 1e6;
    format!("p50 {:.1} µs, p99 {:.1} µs", at(50), at(99))
}

fn bare_echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let at = listener.local_addr().expect("bound").to_string();
    let mut command = Command::new(env::current_exe().expect("Linux knows"));
    let mut child = command.args(["echo", &at]).spawn().expect("a process");
    let (mut stream, _) = listener.accept().expect("it connects");
    stream.set_nodelay(true).expect("TCP");
    let mut bytes = [7; SMALL];
    let mut each = Vec::with_capacity(ONE_BY_ONE);
    for _ in 0..ONE_BY_ONE {
        let begun = Instant::now();
        stream.write_all(&bytes).expect("it lives");
        stream.read_exact(&mut bytes).expect("it lives");
        each.push(begun.elapsed());
    }
    drop(stream);
    child.wait().expect("ours");
    format!("tcp-echo {SMALL} B, {}", told(each))
}

fn echo(address: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("TCP");
    let mut bytes = [0; SMALL];
    while stream.read_exact(&mut bytes).is_ok() {
        stream.write_all(&bytes).expect("it lives");
    }
}
