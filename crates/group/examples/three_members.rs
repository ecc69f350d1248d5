//! Three members of one group in one process, agreeing on who is in and what was said.
//!
//! `cargo run -p ais-group --example three_members`
#![expect(clippy::print_stdout, reason = "an example")]

use ais_group::{
    Delivery, Group, GroupHandle, Identity, Priority,
    raft::{Config, Raft},
};
use ais_transport::{Class, memory::Network};
use ais_types::{NodeId, Role, Time};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::interval};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let network = Network::new(1);
    let mut members = JoinSet::new();
    for node in 1..=3 {
        let node = NodeId(node);
        let channel = network.node(node, fastrand::u64(1..)).open(Class::Control);
        let config = Config::new("example", identity(node), (1..=3).map(NodeId));
        let (group, run) = Raft::start(config, channel).expect("the configuration is right");
        tokio::spawn(run);
        tokio::spawn(stay_well(group.handle()));
        members.spawn(member(node, group));
    }
    // Who has heard everyone stays until all have.
    let _groups = members.join_all().await;
}

fn identity(node: NodeId) -> Identity {
    Identity {
        node,
        name: node.to_string().as_str().try_into().expect("a short name"),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time(0),
    }
}

/// Says hello, prints what it hears, until everyone has been heard.
async fn member(node: NodeId, mut group: Raft) -> Raft {
    let mut heard = 0;
    while let Some(delivery) = group.next().await {
        match delivery {
            Delivery::View(stamp, view) => {
                let ids: Vec<String> = view.members.iter().map(|it| it.id.to_string()).collect();
                println!("{node} #{}: view {} is {}", stamp.index, view.number, ids.join(" "));
                if view.members.len() == 3 {
                    tokio::spawn(say_hello(node, group.handle()));
                }
            }
            Delivery::Message(stamp, message) => {
                let text = String::from_utf8_lossy(&message.payload).into_owned();
                println!("{node} #{}: {} says {text:?}", stamp.index, message.from);
                heard += 1;
            }
            Delivery::Snapshot(reply) => drop(reply.send("nothing to remember".into())),
            _other => {}
        }
        if heard == 3 {
            break;
        }
    }
    group
}

async fn say_hello(node: NodeId, handle: Arc<dyn GroupHandle>) {
    let hello = format!("hello from {node}");
    if let Err(error) = handle.multicast(Priority::Medium, hello.into()).await {
        println!("{node}: {error}");
    }
}

async fn stay_well(handle: Arc<dyn GroupHandle>) {
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        handle.alive();
    }
}
