//! Checkpoints as a Rust program uses them, on a node in this process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ais_client::{AsyncSession, Ckpt, Endpoint, Event};
use ais_group::{Identity, Solo};
use ais_node::{NoLauncher, Node, NodeConfig, NodeLimits, NodeParts};
use ais_transport::Kind;
use ais_types::{
    Error, ErrorCode, Name, NodeId, Outcome, Role, Time, Version,
    ckpt::{Callbacks, Change, SectionId, WriteElement},
};
use futures::{StreamExt, pin_mut};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// Where a program of this process reaches a new node. The program ends with it.
fn start() -> Endpoint {
    let name = Name::try_from("embedded").unwrap();
    let identity = Identity {
        node: NodeId(1),
        name: name.clone(),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time::BEGIN,
    };
    let (cluster, limits) = ("test".to_owned(), NodeLimits::default());
    let config = NodeConfig { cluster, name, transport: Kind::Memory, socket: None, limits };
    let parts = NodeParts {
        group: Box::new(Solo::new(identity)),
        transport: None,
        launcher: Box::new(NoLauncher::default()),
        services: ais_services::all(NodeId(1), ais_services::Settings::default()),
    };
    let program = Node::start(config, parts).unwrap().program();
    Endpoint::inside(move || program.connect())
}

/// A new node may not be a member yet.
async fn initialize(endpoint: &Endpoint) -> Outcome<Arc<Ckpt<AsyncSession>>> {
    let version = Version::b(2, 2);
    loop {
        match Ckpt::<AsyncSession>::initialize(endpoint, version, Callbacks::default(), "test")
            .await
        {
            Err(Error { code: ErrorCode::TryAgain, .. }) => tokio::task::yield_now().await,
            other => return other.map(Arc::new),
        }
    }
}

#[tokio::test]
async fn sections_are_put_got_and_deleted() {
    let node = start();
    let ckpt = initialize(&node).await.unwrap();
    let checkpoint = ckpt.checkpoint("safCkpt=a").sections(2).kept_for_ever().open().await.unwrap();
    assert_eq!(checkpoint.get("x").await.unwrap(), None);
    checkpoint.put("x", "one").await.unwrap();
    checkpoint.put("x", "two").await.unwrap();
    assert_eq!(checkpoint.get("x").await.unwrap().as_deref(), Some(&b"two"[..]));
    checkpoint.put(b"\x00\xff", "octets").await.unwrap();
    assert_eq!(checkpoint.put("third", "").await.unwrap_err().code, ErrorCode::NoSpace);
    assert!(checkpoint.delete("x").await.unwrap());
    assert!(!checkpoint.delete("x").await.unwrap());
    let status = checkpoint.status().await.unwrap();
    assert_eq!((status.number_of_sections, status.memory_used), (1, 6));
    checkpoint.close().await.unwrap();
    // What was kept is there for whoever takes it as it is, and only to be read.
    let reader = ckpt.checkpoint("safCkpt=a").existing().read_only().open().await.unwrap();
    assert_eq!(reader.get(b"\x00\xff").await.unwrap().as_deref(), Some(&b"octets"[..]));
    assert_eq!(reader.put("x", "").await.unwrap_err().code, ErrorCode::Access);
    let other = ckpt.checkpoint("safCkpt=a").sections(3).open().await.unwrap_err();
    assert_eq!(other.code, ErrorCode::Exist);
    let absent = ckpt.checkpoint("safCkpt=b").existing().within(Duration::from_secs(5));
    assert_eq!(absent.open().await.unwrap_err().code, ErrorCode::NotExist);
    assert!(ckpt.checkpoint(&"x".repeat(300)).open().await.is_err());
}

#[tokio::test]
async fn collocated_checkpoints_have_an_active_replica_to_choose() {
    let node = start();
    let ckpt = initialize(&node).await.unwrap();
    let opening = ckpt.checkpoint("safCkpt=a").asynchronous().collocated();
    let checkpoint = opening.open().await.unwrap();
    assert_eq!(checkpoint.put("x", "").await.unwrap_err().code, ErrorCode::NotExist);
    checkpoint.activate().await.unwrap();
    checkpoint.put("x", "there").await.unwrap();
    checkpoint.synchronize().await.unwrap();
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    count: u64,
    names: Vec<String>,
}

#[tokio::test]
async fn a_typed_section_holds_a_value() {
    let node = start();
    let ckpt = initialize(&node).await.unwrap();
    let checkpoint = ckpt.checkpoint("safCkpt=a").open().await.unwrap();
    let section = checkpoint.section::<State>("state").unwrap();
    assert_eq!(section.get().await.unwrap(), None);
    let state = State { count: 7, names: vec!["seven".to_owned()] };
    section.set(&state).await.unwrap();
    assert_eq!(section.get().await.unwrap(), Some(state));
    let other = checkpoint.section::<bool>("state").unwrap().get().await.unwrap_err();
    assert!(other.to_string().contains("section \"state\" holds something else"), "{other}");
    assert!(section.delete().await.unwrap());
}

#[tokio::test]
async fn a_feed_tells_what_there_is_and_what_is_changed_and_goes_on_from_a_position() {
    let node = start();
    let ckpt = initialize(&node).await.unwrap();
    let checkpoint = ckpt.checkpoint("safCkpt=a").open().await.unwrap();
    // More than one page.
    for number in 0..2_500_u32 {
        checkpoint.create("", number.to_string()).await.unwrap_or_else(|_| SectionId::none());
    }
    let there = checkpoint.status().await.unwrap().number_of_sections;
    let mut feed = checkpoint.follow();
    let mut told = 0;
    loop {
        match feed.next().await.unwrap() {
            Event::Section(..) => told += 1,
            Event::Live => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, there);
    let position = feed.position().expect("nobody has changed anything meanwhile");
    checkpoint.delete(SectionId::new([0]).unwrap()).await.unwrap();
    let Event::Changed { changes, .. } = feed.next().await.unwrap() else { panic!("no change") };
    let section = SectionId::new([0]).unwrap();
    assert_eq!(changes, [Change::Deleted { section: section.clone() }]);
    checkpoint.create(section.clone(), "new").await.unwrap();
    let write = WriteElement { section: section.clone(), offset: 1, data: "EW".into() };
    checkpoint.write(vec![write]).await.unwrap();
    // Another feed, from where the first one was: as a stream.
    let stream = checkpoint.follow_from(position).into_stream();
    pin_mut!(stream);
    let mut all = Vec::new();
    while all.len() < 3 {
        let Event::Changed { changes, .. } = stream.next().await.unwrap().unwrap() else {
            panic!("no change")
        };
        all.extend(changes);
    }
    assert_eq!(all[0], Change::Deleted { section: section.clone() });
    assert!(matches!(&all[1], Change::Created { data, .. } if &**data == b"new"));
    let data = "EW".into();
    assert_eq!(all[2], Change::Written { section, offset: 1, data });
    // A place where nobody has been: everything anew.
    let nowhere = ais_types::Position { epoch: 999, number: 1 };
    let mut lost = checkpoint.follow_from(nowhere);
    assert_eq!(lost.next().await.unwrap(), Event::Reset);
    assert!(matches!(lost.next().await.unwrap(), Event::Section(..)));
}
