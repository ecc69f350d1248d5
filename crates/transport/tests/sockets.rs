//! What holds over TCP and UDP alike: ends of processes, wrong hellos, certificates, faults.

mod common;

use ais_transport::{
    Cause, Class, Event, Fault, FaultSwitch, Peer, SendError, TlsError, Transport, TransportError,
    net::{Config, NetChannel, NetNode, Protocol},
};
use ais_types::NodeId;
use common::{Authority, config_on};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

const PROTOCOLS: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
const PATIENCE: Duration = Duration::from_secs(60);

const fn peer(node: u32, nonce: u64) -> Peer {
    Peer { node: NodeId(node), nonce }
}
const A: Peer = peer(1, 11);
const B: Peer = peer(2, 22);

async fn event(channel: &mut NetChannel) -> Event {
    timeout(PATIENCE, channel.next()).await.expect("an event").expect("open")
}

async fn bind(config: Config) -> NetNode {
    NetNode::bind(config).await.expect("a loopback port")
}

/// Two nodes with a session for data, the first of which knows the address of the other.
async fn meet(first: Config, second: Config) -> ([NetNode; 2], [NetChannel; 2]) {
    let (me, other) = (first.me, second.me);
    let second = bind(second).await;
    let mut first = first;
    first.peers.insert(other.node, second.address());
    let first = bind(first).await;
    let mut channels = [first.open(Class::Data), second.open(Class::Data)];
    assert_eq!(event(&mut channels[0]).await, Event::Up(other));
    assert_eq!(event(&mut channels[1]).await, Event::Up(me));
    ([first, second], channels)
}

/// Waits until somebody has been refused.
async fn refused(node: &NetNode) {
    let seen = async {
        while node.stats().refused == 0 {
            sleep_until(Instant::now() + Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, seen).await.expect("it is refused");
}

#[tokio::test]
async fn one_address_is_enough_on_either_side() {
    for protocol in PROTOCOLS {
        meet(config_on(protocol, A), config_on(protocol, B)).await;
        meet(config_on(protocol, B), config_on(protocol, A)).await;
    }
}

#[tokio::test]
async fn a_node_whose_process_ended_is_closed_at_once() {
    for (protocol, survivor, other) in PROTOCOLS.into_iter().flat_map(|it| [(it, A, B), (it, B, A)])
    {
        let mut doomed = tokio::runtime::Builder::new_multi_thread();
        let doomed = doomed.worker_threads(1).enable_all().build().expect("a runtime");
        let node = doomed.spawn(bind(config_on(protocol, other))).await.expect("it listens");
        let mut config = config_on(protocol, survivor);
        config.peers.insert(other.node, node.address());
        // Nothing but the host's word may end it.
        config.stuck = PATIENCE * 2;
        let survivor_node = bind(config).await;
        let mut channel = survivor_node.open(Class::Control);
        let far = {
            let _guard = doomed.enter();
            node.open(Class::Control)
        };
        assert_eq!(event(&mut channel).await, Event::Up(other));
        // All tasks end without a word, as in a process that is killed.
        doomed.shutdown_background();
        assert_eq!(event(&mut channel).await, Event::Down(other, Cause::Closed));
        drop((far, node));
    }
}

#[tokio::test]
async fn who_goes_says_all_it_had_to_say_and_good_bye() {
    for protocol in PROTOCOLS {
        let (_nodes, [mut at_a, mut at_b]) =
            meet(config_on(protocol, A), config_on(protocol, B)).await;
        for number in 0..500_u32 {
            at_a.send(B, number.to_be_bytes().to_vec().into()).expect("connected");
        }
        at_a.send(B, vec![1; 3 << 20].into()).expect("connected");
        drop(at_a);
        for number in 0..500_u32 {
            let frame = number.to_be_bytes().to_vec().into();
            assert_eq!(event(&mut at_b).await, Event::Frame(A, frame));
        }
        assert_eq!(event(&mut at_b).await, Event::Frame(A, vec![1; 3 << 20].into()));
        assert_eq!(event(&mut at_b).await, Event::Down(A, Cause::Closed));
    }
}

#[tokio::test]
async fn everything_is_counted() {
    for protocol in PROTOCOLS {
        let ([a, b], [mut at_a, mut at_b]) =
            meet(config_on(protocol, A), config_on(protocol, B)).await;
        at_a.send(B, "four".into()).expect("connected");
        assert_eq!(event(&mut at_b).await, Event::Frame(A, "four".into()));
        let mut full = 0;
        while let Err(SendError::Full(_)) | Ok(()) = at_a.send(B, vec![0; 1 << 20].into()) {
            full += 1;
            if full == 200 {
                break;
            }
        }
        let stats = a.stats();
        assert!(stats.pushed_back > 0 && stats.pushed_back < 200, "{stats:?}");
        a.break_session(Class::Data, B.node);
        assert_eq!(event(&mut at_a).await, Event::Down(B, Cause::Broken));
        assert_eq!(event(&mut at_a).await, Event::Up(B));
        let (sent, received) = (a.stats(), b.stats());
        assert_eq!((sent.sessions, sent.reconnects), (2, 1));
        assert!(sent.dropped > 0, "{sent:?}");
        assert!(received.bytes_received >= 4 && received.frames_received >= 1, "{received:?}");
        assert!(sent.bytes_sent >= received.bytes_received, "{sent:?} {received:?}");
    }
}

#[tokio::test]
async fn a_life_that_has_ended_does_not_come_back() {
    for protocol in PROTOCOLS {
        let ([a, b], [at_a, mut at_b]) = meet(config_on(protocol, A), config_on(protocol, B)).await;
        let (address, former) = (b.address(), b.stats());
        drop((at_a, a));
        assert_eq!(event(&mut at_b).await, Event::Down(A, Cause::Closed));
        assert_eq!(former.refused, 0);
        let mut again = config_on(protocol, A);
        again.peers = BTreeMap::from([(B.node, address)]);
        let again = bind(again).await;
        let _at_again = again.open(Class::Data);
        refused(&again).await;
        refused(&b).await;
    }
}

#[tokio::test]
async fn a_name_that_is_not_the_known_one_is_refused() {
    for protocol in PROTOCOLS {
        let mut second = config_on(protocol, B);
        second.names = BTreeMap::from([(A.node, "west".to_owned()), (NodeId(3), "n9".to_owned())]);
        let b = bind(second).await;
        let _at_b = b.open(Class::Data);
        let mut first = config_on(protocol, A);
        first.peers.insert(B.node, b.address());
        let a = bind(first).await;
        let _at_a = a.open(Class::Data);
        refused(&a).await;
        refused(&b).await;
        assert_eq!((a.stats().sessions, b.stats().sessions), (0, 0));
    }
}

#[tokio::test]
async fn with_certificates_only_the_clusters_own_come_in() {
    for protocol in PROTOCOLS {
        let (ours, others) = (Authority::new(), Authority::new());
        let with = |me: Peer, tls| Config { tls, ..config_on(protocol, me) };
        let (a, b) = (Some(ours.tls("n1")), Some(ours.tls("n2")));
        let (_nodes, [mut at_a, mut at_b]) = meet(with(A, a.clone()), with(B, b)).await;
        at_a.send(B, "hello".into()).expect("connected");
        assert_eq!(event(&mut at_b).await, Event::Frame(A, "hello".into()));

        // Of another authority, or without: neither gets a session. The other way round, too.
        for (stranger, tls) in [(peer(1, 5), Some(others.tls("n1"))), (peer(1, 6), None)] {
            let b = bind(with(peer(2, 7), Some(ours.tls("n2")))).await;
            let mut at_b = b.open(Class::Data);
            let mut config = with(stranger, tls.clone());
            config.peers.insert(B.node, b.address());
            let stranger = bind(config).await;
            let mut at_stranger = stranger.open(Class::Data);
            refused(&b).await;
            let mut knocks = with(peer(3, 8), tls.map(|_| others.tls("n3")));
            knocks.peers.insert(B.node, b.address());
            let knocks = bind(knocks).await;
            let _at_knocks = knocks.open(Class::Data);
            // The cluster's own still comes in.
            let mut good = with(A, a.clone());
            good.peers.insert(B.node, b.address());
            let good = bind(good).await;
            let mut at_good = good.open(Class::Data);
            assert_eq!(event(&mut at_good).await, Event::Up(peer(2, 7)));
            assert_eq!(event(&mut at_b).await, Event::Up(A));
            assert!(futures::FutureExt::now_or_never(at_stranger.next()).is_none());
            assert_eq!((stranger.stats().sessions, knocks.stats().sessions), (0, 0));
        }
    }
}

#[tokio::test]
async fn a_node_of_the_cluster_cannot_speak_for_another() {
    for protocol in PROTOCOLS {
        let ours = Authority::new();
        let with = |me: Peer, tls| Config { tls: Some(tls), ..config_on(protocol, me) };
        let b = bind(with(B, ours.tls("n2"))).await;
        let _at_b = b.open(Class::Data);
        // It has a certificate for n7, and says that it is n1: it would not even start with it, so
        // it names itself n7, where n1 is known to be called n1.
        let mut names = with(B, ours.tls("n2"));
        names.names.insert(A.node, "n1".to_owned());
        let knowing = bind(names).await;
        let _at_knowing = knowing.open(Class::Data);
        let mut liar = with(A, ours.tls("n7"));
        let not_started = NetNode::bind(liar.clone()).await.expect_err("refused").to_string();
        assert_eq!(not_started, "the certificate is for n7, and this is node \"n1\": use its own");
        liar.name = "n7".to_owned();
        liar.peers.insert(B.node, knowing.address());
        let liar = bind(liar).await;
        let _at_liar = liar.open(Class::Data);
        refused(&knowing).await;
        assert_eq!(knowing.stats().sessions, 0);
    }
}

#[tokio::test]
async fn files_that_do_not_fit_are_named() {
    let (ours, others) = (Authority::new(), Authority::new());
    let files = ours.files("n1");
    let said = |files: &ais_transport::TlsFiles| files.load().expect_err("refused").to_string();
    assert!(files.load().is_ok());

    let missing = ais_transport::TlsFiles { key: "no/such.key".into(), ..files.clone() };
    assert!(matches!(missing.load(), Err(TlsError::Read { .. })));
    assert!(said(&missing).starts_with("no/such.key: "));

    let foreign = ais_transport::TlsFiles { ca: others.files("n1").ca, ..files.clone() };
    assert!(said(&foreign).contains("it is not good by the authority"), "{}", said(&foreign));

    let other_key = ais_transport::TlsFiles { key: ours.files("n2").key, ..files.clone() };
    assert!(said(&other_key).contains("it is not the key of"), "{}", said(&other_key));

    let no_key = ais_transport::TlsFiles { key: files.cert.clone(), ..files.clone() };
    assert!(said(&no_key).contains("there is no private key in it"), "{}", said(&no_key));

    let no_certificate = ais_transport::TlsFiles { cert: files.key.clone(), ..files.clone() };
    assert!(said(&no_certificate).contains("there is no certificate in it"));

    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).expect("it is ours");
    assert!(said(&files).contains("others may read the key: chmod 600 it"), "{}", said(&files));

    for name in ["", "a b", "ais-node", "ümlaut", "a..b"] {
        assert!(ours.own.issue(name, 1).is_err(), "{name:?}");
    }
    assert!(ours.own.issue("west.plant-1", 1).is_ok());
}

#[tokio::test]
async fn with_certificates_any_address_and_without_only_loopback() {
    let ours = Authority::new();
    for protocol in PROTOCOLS {
        let mut open = config_on(protocol, A);
        open.listen = "0.0.0.0:0".parse().expect("an address");
        let error = NetNode::bind(open.clone()).await.expect_err("refused");
        assert!(matches!(error, TransportError::NotLoopback(_)));
        assert!(error.to_string().starts_with("0.0.0.0:0 is not a loopback address"), "{error}");
        let mut to = config_on(protocol, A);
        to.peers.insert(B.node, "10.0.0.1:7".parse().expect("an address"));
        assert!(matches!(NetNode::bind(to).await, Err(TransportError::NotLoopback(_))));
        open.tls = Some(ours.tls("n1"));
        // Who listens everywhere is found by the address at which it was asked.
        let everywhere = bind(open).await;
        let mut at_a = everywhere.open(Class::Data);
        let mut second = config_on(protocol, B);
        second.tls = Some(ours.tls("n2"));
        let door = ([127, 0, 0, 1], everywhere.address().port()).into();
        second.peers.insert(A.node, door);
        let second = bind(second).await;
        let mut at_b = second.open(Class::Data);
        assert_eq!(event(&mut at_b).await, Event::Up(A));
        assert_eq!(event(&mut at_a).await, Event::Up(B));
    }
}

/// Two nodes, the first of which has a fault switch.
async fn with_switch(
    protocol: Protocol,
    stuck: Duration,
) -> (FaultSwitch, [NetNode; 2], [NetChannel; 2]) {
    let switch = FaultSwitch::new();
    let first =
        Config { faults: Some(switch.clone()), stuck, hello: stuck, ..config_on(protocol, A) };
    let (nodes, channels) = meet(first, config_on(protocol, B)).await;
    (switch, nodes, channels)
}

#[tokio::test]
async fn what_a_short_cut_holds_arrives_after_it() {
    for protocol in PROTOCOLS {
        let (switch, _nodes, [mut at_a, mut at_b]) = with_switch(protocol, PATIENCE).await;
        switch.set(Some(B.node), Some(Fault::Cut));
        at_a.send(B, "from a".into()).expect("it does not know of the cut");
        at_b.send(A, "from b".into()).expect("it does not know of the cut");
        let watch = Duration::from_millis(300);
        assert!(timeout(watch, at_a.next()).await.is_err(), "nothing arrives, nothing closes");
        assert!(timeout(watch, at_b.next()).await.is_err(), "nothing arrives, nothing closes");
        switch.set(None, None);
        assert_eq!(event(&mut at_a).await, Event::Frame(B, "from b".into()));
        assert_eq!(event(&mut at_b).await, Event::Frame(A, "from a".into()));
    }
}

#[tokio::test]
async fn a_one_way_cut_lets_the_other_way_pass() {
    for protocol in PROTOCOLS {
        let (switch, _nodes, [mut at_a, mut at_b]) = with_switch(protocol, PATIENCE).await;
        switch.set(None, Some(Fault::CutOneWay));
        at_a.send(B, "unheard".into()).expect("it does not know of the cut");
        at_b.send(A, "heard".into()).expect("connected");
        assert_eq!(event(&mut at_a).await, Event::Frame(B, "heard".into()));
        assert!(timeout(Duration::from_millis(300), at_b.next()).await.is_err());
        switch.set(Some(B.node), None);
        assert_eq!(event(&mut at_b).await, Event::Frame(A, "unheard".into()));
    }
}

#[tokio::test]
async fn a_long_cut_breaks_the_session_and_healing_brings_it_back() {
    for protocol in PROTOCOLS {
        let stuck = Duration::from_millis(300);
        let (switch, _nodes, [mut at_a, mut at_b]) = with_switch(protocol, stuck).await;
        switch.set(Some(B.node), Some(Fault::Cut));
        at_a.send(B, "lost".into()).expect("it does not know of the cut");
        assert_eq!(event(&mut at_a).await, Event::Down(B, Cause::Broken));
        assert!(timeout(Duration::from_millis(300), at_a.next()).await.is_err(), "no way back");
        switch.set(None, None);
        assert_eq!(event(&mut at_a).await, Event::Up(B));
        assert_eq!(event(&mut at_b).await, Event::Down(A, Cause::Broken));
        assert_eq!(event(&mut at_b).await, Event::Up(A));
        at_a.send(B, "again".into()).expect("connected");
        assert_eq!(event(&mut at_b).await, Event::Frame(A, "again".into()));
    }
}

#[tokio::test]
async fn the_end_of_a_process_is_not_seen_through_a_cut() {
    for protocol in PROTOCOLS {
        let (switch, [_a, b], [mut at_a, at_b]) = with_switch(protocol, PATIENCE).await;
        switch.set(Some(B.node), Some(Fault::Cut));
        drop((at_b, b));
        assert!(timeout(Duration::from_millis(300), at_a.next()).await.is_err());
        switch.set(Some(B.node), None);
        assert_eq!(event(&mut at_a).await, Event::Down(B, Cause::Closed));
    }
}

#[tokio::test]
async fn a_slow_link_takes_its_time() {
    for protocol in PROTOCOLS {
        let (switch, _nodes, [mut at_a, mut at_b]) = with_switch(protocol, PATIENCE).await;
        switch.set(None, Some(Fault::Slow(80)));
        let start = Instant::now();
        for number in 0..20_u8 {
            at_a.send(B, vec![number].into()).expect("connected");
        }
        for number in 0..20_u8 {
            assert_eq!(event(&mut at_b).await, Event::Frame(A, vec![number].into()));
        }
        assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
        let start = Instant::now();
        at_b.send(A, "back".into()).expect("connected");
        assert_eq!(event(&mut at_a).await, Event::Frame(B, "back".into()));
        assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
    }
}
