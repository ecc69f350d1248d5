//! A node over a real socket: calls, callbacks, the selection object, and clients that misbehave.

#![expect(clippy::unwrap_used, reason = "a test")]

mod toy;

use ais_client::{AsyncSession, Endpoint, Node as NodeClient, Patience, Session, Wait};
use ais_group::{Group, Identity, Solo};
use ais_node::{
    Adapter, LaunchNotice, LaunchRequest, Launcher, NoLauncher, Node, NodeConfig, NodeHandle,
    NodeLimits, NodeParts, ShellError, SocketConfig,
};
use ais_service::Exit;
use ais_transport::Kind;
use ais_types::{
    ErrorCode, Hello, Name, NodeId, Outcome, Payload, Role, ServiceId, Time, Version, frame,
};
use ais_wire::{Frame, encode_bytes};
use async_trait::async_trait;
use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use toy::{Call, Callback, Reply, Toy};

/// A node on a thread of its own, which ends with it.
struct Fixture {
    folder: TempDir,
    handle: NodeHandle,
    runtime: tokio::runtime::Handle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Fixture {
    fn new() -> Self {
        Self::with(NodeLimits::default())
    }

    fn with(limits: NodeLimits) -> Self {
        Self::launching(limits, Box::new(NoLauncher::default()))
    }

    fn launching(limits: NodeLimits, launcher: Box<dyn Launcher>) -> Self {
        Self::made_of(limits, launcher, |identity| Box::new(Solo::new(identity)))
    }

    fn on(limits: NodeLimits, group: fn(Identity) -> Box<dyn Group>) -> Self {
        Self::made_of(limits, Box::new(NoLauncher::default()), group)
    }

    fn made_of(
        limits: NodeLimits,
        launcher: Box<dyn Launcher>,
        group: fn(Identity) -> Box<dyn Group>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        let (sender, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            runtime.block_on(async {
                let handle = start(path, limits, launcher, group).unwrap();
                sender.send((handle.clone(), tokio::runtime::Handle::current())).unwrap();
                handle.stopped().await;
            });
        });
        let (handle, runtime) = started.recv().unwrap();
        Self { folder, handle, runtime, thread: Some(thread) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Path(self.path())
    }

    fn session(&self) -> Session {
        open(&self.endpoint()).unwrap()
    }

    /// What the toy has seen, once it satisfies the condition.
    #[track_caller]
    fn wait_until_seen(&self, what: impl Fn(&[String]) -> bool) -> Vec<String> {
        let session = self.session();
        for _ in 0..2000 {
            let Reply::Seen(seen) = session.call(Call::Seen).unwrap() else { panic!() };
            if what(&seen) {
                return seen;
            }
            // Each call lets the node go on; a little rest lets the system do so too.
            rest();
        }
        panic!("never seen: {:?}", session.call::<_, Reply>(Call::Seen));
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let handle = self.handle.clone();
        self.runtime.spawn(async move { handle.stop().await });
        self.thread.take().unwrap().join().unwrap();
    }
}

fn rest() {
    let none: &mut [PollFd<'_>] = &mut [];
    poll(none, Some(&Timespec { tv_sec: 0, tv_nsec: 2_000_000 })).unwrap();
}

fn start(
    path: PathBuf,
    limits: NodeLimits,
    launcher: Box<dyn Launcher>,
    group: fn(Identity) -> Box<dyn Group>,
) -> Result<NodeHandle, ShellError> {
    let name = Name::new("alone").unwrap();
    let identity = Identity {
        node: NodeId(1),
        name: name.clone(),
        role: Role::Voter,
        addresses: vec![],
        boot_time: Time::BEGIN,
    };
    let socket = Some(SocketConfig { path, mode: 0o600, group: None });
    let cluster = "test".to_owned();
    let config = NodeConfig { cluster, name, transport: Kind::Memory, socket, limits };
    let parts = NodeParts {
        group: group(identity),
        transport: None,
        launcher,
        services: vec![Adapter::boxed(Toy::default())],
    };
    Node::start(config, parts)
}

/// A new node may not have a lease yet; that is to try again.
fn open(endpoint: &Endpoint) -> Outcome<Session> {
    loop {
        match Session::open(endpoint, Toy::ID, Version::b(1, 1), "test") {
            Err(error) if error.code == ErrorCode::TryAgain && error.text.contains("member") => {
                rest();
            }
            other => return other,
        }
    }
}

fn put(key: &str, value: impl Into<Payload>) -> Call {
    Call::Put(key.to_owned(), value.into())
}

fn readable(session: &Session, patience: i64) -> bool {
    let fd = session.as_fd();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let limit = Timespec { tv_sec: patience, tv_nsec: 0 };
    poll(&mut fds, Some(&limit)).unwrap() > 0
}

#[test]
fn calls_are_answered_and_the_selection_object_is_readable_only_with_callbacks() {
    let node = Fixture::new();
    let (one, two) = (node.session(), node.session());
    assert_eq!(one.node(), "alone");
    assert_eq!(one.call(Call::Watch), Ok(Reply::Done));
    assert!(!readable(&one, 0));
    for n in 0..3_u8 {
        assert_eq!(two.call(put("a", vec![n])), Ok(Reply::Done));
    }
    for n in 0..3_u8 {
        assert!(readable(&one, 10));
        let callback = one.next_callback(Wait::Now).unwrap();
        assert_eq!(callback, Some(Callback::Changed("a".to_owned(), vec![n].into())));
    }
    assert!(!readable(&one, 0));
    assert_eq!(one.next_callback::<Callback>(Wait::Now), Ok(None));
}

#[test]
fn large_payloads_pass_both_ways() {
    let node = Fixture::new();
    let session = node.session();
    let large = vec![7_u8; 900_000];
    assert_eq!(session.call(put("large", large.clone())), Ok(Reply::Done));
    let reply = session.call(Call::Get("large".to_owned()));
    assert_eq!(reply, Ok(Reply::Value(large.into())));
}

#[test]
fn errors_of_the_service_come_through_with_their_story() {
    let node = Fixture::new();
    let error = node.session().call::<_, Reply>(Call::Find("b".to_owned())).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotExist);
    assert_eq!(error.text, "there is no b; put it first");
}

#[test]
fn a_blocking_call_of_one_thread_does_not_block_another() {
    let node = Fixture::new();
    let session = Arc::new(node.session());
    let blocked = Arc::clone(&session);
    let waiting = thread::spawn(move || {
        blocked.call_within::<_, Reply>(Call::Wait(Time::END), Patience::ENDLESS)
    });
    let watching = Arc::clone(&session);
    let dispatching = thread::spawn(move || watching.next_callback::<Callback>(Wait::Forever));
    assert_eq!(session.call(put("a", "1")), Ok(Reply::Done));
    session.finalize().unwrap();
    assert_eq!(waiting.join().unwrap().unwrap_err().code, ErrorCode::BadHandle);
    assert_eq!(dispatching.join().unwrap().unwrap_err().code, ErrorCode::BadHandle);
    assert_eq!(session.call::<_, Reply>(Call::Watch).unwrap_err().code, ErrorCode::BadHandle);
    assert_eq!(session.finalize().unwrap_err().code, ErrorCode::BadHandle);
    assert!(session.is_finalized());
    assert!(readable(&session, 0), "it hangs up");
    let seen = node.wait_until_seen(|seen| seen.iter().any(|it| it.starts_with("closed")));
    assert!(!seen.iter().any(|it| it.starts_with("ended")), "{seen:?}");
}

#[test]
fn a_call_that_takes_too_long_is_taken_back() {
    let node = Fixture::new();
    let session = node.session();
    let patience = Patience::beyond(Time(-1)); // The usual alone would be too long for a test.
    assert_eq!(patience, Patience::USUAL);
    let short = Patience::at_most(Duration::from_millis(20));
    let error = session.call_within::<_, Reply>(Call::Wait(Time::END), short).unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    node.wait_until_seen(|seen| seen.iter().any(|it| it.starts_with("cancelled")));
    assert_eq!(session.call(Call::Watch), Ok(Reply::Done), "the session lives on");
}

#[test]
fn without_a_node_the_answer_is_to_try_again_and_names_the_socket() {
    let path = Path::new("/nowhere/to/be/found").to_owned();
    let error = open(&Endpoint::Path(path)).unwrap_err();
    assert_eq!(error.code, ErrorCode::TryAgain);
    assert!(error.text.contains("/nowhere/to/be/found"), "{error}");
}

#[test]
fn an_unknown_service_is_not_supported() {
    let node = Fixture::new();
    let session = Session::open(&node.endpoint(), ServiceId(77), Version::b(1, 1), "test");
    assert_eq!(session.unwrap_err().code, ErrorCode::NotSupported);
}

#[test]
fn a_session_may_open_with_its_first_call_and_end_on_the_same_connection() {
    let node = Fixture::new();
    let version = Version::b(1, 1);
    let open_with = |service, call| {
        Session::open_with::<_, Reply>(&node.endpoint(), service, version, "test", call)
    };
    let writer = node.session();
    for _ in 0..50 {
        let (session, reply) = open_with(Toy::ID, Call::Watch).unwrap();
        assert_eq!(reply, Reply::Done);
        assert_eq!(writer.call::<_, Reply>(put("a", "1")).unwrap(), Reply::Done);
        thread::scope(|scope| {
            let dispatch = || {
                while session.next_callback::<Callback>(Wait::Forever)?.is_some() {}
                Outcome::Ok(())
            };
            let dispatching = scope.spawn(dispatch);
            // Callbacks may be pending, or on their way to the other thread.
            session.finalize().unwrap();
            assert_eq!(dispatching.join().unwrap().unwrap_err().code, ErrorCode::BadHandle);
        });
        assert_eq!(session.finalize().unwrap_err().code, ErrorCode::BadHandle);
    }
    let refused = open_with(ServiceId(99), Call::Seen).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotSupported);
    let missing = open_with(Toy::ID, Call::Find("b".to_owned())).unwrap_err();
    assert_eq!(missing.code, ErrorCode::NotExist);
}

#[test]
fn the_node_tells_how_it_is() {
    let node = Fixture::new();
    let session = node.session();
    let status = NodeClient::<Session>::open(&node.endpoint(), "test").unwrap().status().unwrap();
    assert_eq!((status.lease, status.sessions, status.view.members.len()), (true, 2, 1));
    assert_eq!(status.leader, status.id);
    drop(session);
}

#[test]
fn a_node_that_stops_leaves_stale_handles_and_removes_its_socket() {
    let node = Fixture::new();
    let session = node.session();
    let path = node.path();
    assert_eq!(session.call(Call::Watch), Ok(Reply::Done));
    let waiting = Arc::new(session);
    let blocked = Arc::clone(&waiting);
    let call = thread::spawn(move || {
        blocked.call_within::<_, Reply>(Call::Wait(Time::END), Patience::ENDLESS)
    });
    // The second call on the session proves that the first one is on its way or answered.
    assert_eq!(waiting.call(put("a", "1")), Ok(Reply::Done));
    drop(node);
    let code = call.join().unwrap().unwrap_err().code;
    assert!([ErrorCode::Timeout, ErrorCode::BadHandle].contains(&code), "{code}");
    assert_eq!(waiting.call::<_, Reply>(Call::Watch).unwrap_err().code, ErrorCode::BadHandle);
    assert_eq!(
        waiting.next_callback::<Callback>(Wait::Forever).unwrap_err().code,
        ErrorCode::BadHandle
    );
    assert!(!path.exists());
}

#[test]
fn actions_fail_clearly_on_a_node_that_starts_no_processes() {
    let node = Fixture::new();
    let reply = node.session().call(Call::Run(vec!["true".to_owned()])).unwrap();
    assert!(matches!(reply, Reply::Exit(Exit::Failed(reason)) if reason.contains("aisd")));
}

#[test]
fn programs_inside_the_process_are_processes_to_the_node() {
    let node = Fixture::new();
    let program = Arc::new(node.handle.program());
    let connects = Arc::clone(&program);
    let endpoint = Endpoint::inside(move || connects.connect());
    let session = open(&endpoint).unwrap();
    assert_eq!(session.call(Call::Watch), Ok(Reply::Done));
    drop((endpoint, program));
    // The session still holds the program, by its own copy of the endpoint.
    assert_eq!(session.call(put("a", "1")), Ok(Reply::Done));
    drop(session);
    node.wait_until_seen(|seen| seen.iter().any(|it| it.starts_with("ended")));
}

/// Another process of this test, which runs one test function to be killed in.
fn child(node: &Fixture, function: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([function, "--exact", "--ignored", "--nocapture"])
        .env("AIS_SOCKET", node.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut said = String::new();
    while !said.contains("ready\n") {
        let mut byte = [0];
        assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended early: {said}");
        said.push(byte[0] as char);
    }
    child
}

#[test]
#[ignore = "the child of another test"]
fn a_child_that_waits() {
    let session = open(&Endpoint::from_env()).unwrap();
    session.call::<_, Reply>(put("child", "lives")).unwrap();
    println!("ready");
    let _ = session.call_within::<_, Reply>(Call::Wait(Time::END), Patience::ENDLESS);
}

#[test]
fn a_killed_client_is_one_ended_process() {
    let node = Fixture::new();
    let session = node.session();
    let mut child = child(&node, "a_child_that_waits");
    assert_eq!(session.call(Call::Get("child".to_owned())), Ok(Reply::Value("lives".into())));
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = node.wait_until_seen(|seen| seen.iter().any(|it| it.starts_with("ended")));
    let of_child = |it: &&String| it.starts_with("closed") || it.starts_with("ended");
    let told: Vec<&String> = seen.iter().filter(of_child).collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn clients_that_lie_or_stop_half_way_hurt_only_themselves() {
    let node = Fixture::new();
    let good = node.session();
    let hello = Frame::new(
        frame::HELLO,
        0,
        encode_bytes(&Hello::Open {
            protocol: Hello::PROTOCOL,
            service: Toy::ID,
            version: Version::b(1, 1),
            program: "liar".to_owned(),
        }),
    )
    .to_bytes();
    let garbage: [Bytes; 6] = [
        Bytes::from_static(&[0xff; 64]),
        Frame::new(frame::HELLO, 0, Bytes::from_static(b"\xff")).to_bytes(),
        Frame::new(frame::CALL, 0, Bytes::new()).to_bytes(),
        hello.slice(..hello.len() - 3),
        [&hello[..], &[0xff; 64]].concat().into(),
        [&hello[..], &Frame::new(frame::CALL, 1, Bytes::from_static(b"\xff")).to_bytes()[..]]
            .concat()
            .into(),
    ];
    for (n, bytes) in garbage.into_iter().enumerate() {
        let mut stream = UnixStream::connect(node.path()).unwrap();
        stream.write_all(&bytes).unwrap();
        if n == 3 {
            drop(stream);
        } else {
            // The node hangs up, having said why if it could; what it did not read resets.
            let _ = stream.read_to_end(&mut Vec::new());
        }
        assert_eq!(good.call(Call::Watch), Ok(Reply::Done));
    }
}

#[test]
fn nobody_attaches_with_a_token_he_was_not_given() {
    let node = Fixture::new();
    let _session = node.session();
    let mut stream = UnixStream::connect(node.path()).unwrap();
    let hello = Hello::Attach { protocol: Hello::PROTOCOL, token: 1 };
    stream.write_all(&Frame::new(frame::HELLO, 0, encode_bytes(&hello)).to_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("no session of that token"));
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_others_do_not_notice() {
    let node = Fixture::with(NodeLimits { outbound_bytes: 1 << 20, ..NodeLimits::default() });
    let (slow, good) = (node.session(), node.session());
    slow.call::<_, Reply>(Call::Watch).unwrap();
    for _ in 0..8 {
        assert_eq!(good.call(put("a", vec![0; 500_000])), Ok(Reply::Done));
    }
    loop {
        match slow.next_callback::<Callback>(Wait::Forever) {
            Ok(_) => {}
            Err(error) => break assert_eq!(error.code, ErrorCode::BadHandle),
        }
    }
}

#[test]
fn many_async_calls_share_a_connection() {
    let node = Fixture::new();
    drop(node.session());
    let endpoint = node.endpoint();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let session = AsyncSession::open(&endpoint, Toy::ID, Version::b(1, 1), "test");
        let session = session.await.unwrap();
        assert_eq!(session.call(Call::Watch).await, Ok(Reply::Done));
        assert_eq!(session.next_callback::<Callback>(Wait::Now).await, Ok(None));
        let calls = (0..50).map(|n| session.call::<_, Reply>(put(&format!("{n}"), "x")));
        for outcome in futures::future::join_all(calls).await {
            assert_eq!(outcome, Ok(Reply::Done));
        }
        // Calls at the same time have no order; each is done once.
        let mut changed = BTreeSet::new();
        for _ in 0..50 {
            let callback = session.next_callback(Wait::Forever).await.unwrap();
            let Some(Callback::Changed(key, _)) = callback else { panic!("{callback:?}") };
            assert!(changed.insert(key.parse::<u32>().unwrap()));
        }
        assert_eq!(changed, (0..50).collect());
        let taken_back = session.call::<_, Reply>(Call::Wait(Time::END));
        let short = Duration::from_millis(20);
        tokio::time::timeout(short, taken_back).await.unwrap_err();
        let Reply::Seen(seen) = session.call(Call::Seen).await.unwrap() else { panic!() };
        assert!(seen.last().unwrap().starts_with("cancelled"), "{seen:?}");
        session.finalize().await.unwrap();
        let late = session.call::<_, Reply>(Call::Watch).await.unwrap_err();
        assert_eq!(late.code, ErrorCode::BadHandle);
        let status = NodeClient::<AsyncSession>::open(&endpoint, "test").await.unwrap();
        assert_eq!(status.status().await.unwrap().sessions, 1);
    });
}

#[test]
fn two_nodes_do_not_share_a_socket() {
    let node = Fixture::new();
    let path = node.path();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let launcher = Box::new(NoLauncher::default());
    let second = runtime.block_on(async {
        start(path, NodeLimits::default(), launcher, |identity| Box::new(Solo::new(identity)))
    });
    assert!(matches!(second, Err(ShellError::Socket { .. })), "{second:?}");
}

/// A launcher whose processes end when the test says so.
struct Slow {
    /// Hears what the node wants of it.
    heard: mpsc::Sender<&'static str>,
    notices: tokio::sync::mpsc::UnboundedReceiver<LaunchNotice>,
}

#[async_trait]
impl Launcher for Slow {
    fn request(&mut self, _: LaunchRequest) {
        let _ = self.heard.send("request");
    }

    fn lease(&mut self, until: Option<std::time::Instant>) {
        let _ = self.heard.send(if until.is_some() { "lease" } else { "no lease" });
    }

    fn end(&mut self) {
        let _ = self.heard.send("end");
    }

    async fn next(&mut self) -> Option<LaunchNotice> {
        self.notices.recv().await
    }
}

type Slowly =
    (Fixture, mpsc::Receiver<&'static str>, tokio::sync::mpsc::UnboundedSender<LaunchNotice>);

fn slow(limits: NodeLimits) -> Slowly {
    let ((heard, hears), (sender, notices)) =
        (mpsc::channel(), tokio::sync::mpsc::unbounded_channel());
    let node = Fixture::launching(limits, Box::new(Slow { heard, notices }));
    drop(node.session());
    (node, hears, sender)
}

/// Asks the node to stop, and returns when it has told its launcher.
fn ask_to_stop(node: &Fixture, hears: &mpsc::Receiver<&'static str>) {
    let handle = node.handle.clone();
    node.runtime.spawn(async move { handle.stop().await });
    while hears.recv_timeout(Duration::from_secs(30)).unwrap() != "end" {}
}

/// Why the node has stopped.
fn end_of(node: &Fixture) -> ShellError {
    let handle = node.handle.clone();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    waiting.block_on(async move { handle.stopped().await })
}

#[test]
fn a_node_that_stops_waits_for_the_end_of_its_processes() {
    let (node, hears, notices) = slow(NodeLimits::default());
    ask_to_stop(&node, &hears);
    // It goes on, so it answers whoever looks inside; and it starts and promises nothing any more.
    let looked = node.handle.clone();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(waiting.block_on(looked.inspect(|core| core.me())).is_some());
    notices.send(LaunchNotice::Gone { id: 7 }).unwrap();
    assert!(waiting.block_on(looked.inspect(|core| core.me())).is_some(), "one end is not all");
    notices.send(LaunchNotice::Nobody).unwrap();
    assert!(matches!(end_of(&node), ShellError::Stopped));
    let after: Vec<&str> = hears.try_iter().collect();
    assert_eq!(after, ["no lease"]);
}

#[test]
fn a_node_that_stops_does_not_wait_for_ever() {
    let limits = NodeLimits { farewell: Duration::from_millis(50), ..NodeLimits::default() };
    let (node, hears, _notices) = slow(limits);
    ask_to_stop(&node, &hears);
    assert!(matches!(end_of(&node), ShellError::Stopped));
}

#[test]
fn a_launcher_that_is_gone_has_taken_its_processes_with_it() {
    let (node, hears, notices) = slow(NodeLimits::default());
    ask_to_stop(&node, &hears);
    drop(notices);
    assert!(matches!(end_of(&node), ShellError::Stopped));
}

#[test]
fn programs_wait_while_the_group_owes_too_many_answers_and_operators_do_not() {
    let limits = NodeLimits { asked: 2, ..NodeLimits::default() };
    let node = Fixture::on(limits, |identity| Box::new(toy::stuck::Stuck(Solo::new(identity))));
    let (asked, free) = (node.session(), node.session());
    let short = Patience::at_most(Duration::from_millis(300));
    // Three orders are one too many.
    for key in ["a", "b", "c"] {
        let call = asked.call_within::<_, Reply>(put(key, "1"), short);
        assert_eq!(call.unwrap_err().code, ErrorCode::Timeout);
    }
    let late = free.call_within::<_, Reply>(Call::Get("a".into()), short);
    assert_eq!(late.unwrap_err().code, ErrorCode::Timeout, "nobody listens");
    let status = NodeClient::<Session>::open(&node.endpoint(), "operator").unwrap().status();
    assert!(status.unwrap().lease, "operators are heard");
}
