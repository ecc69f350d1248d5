//! A service that must recover its state before anybody sends: it holds the group back with a
//! plug, says what it needs with recovery priority, and takes the plug out.
//!
//! `cargo run -p ais-group --example recovery_plug`
#![expect(clippy::print_stdout, reason = "an example")]

use ais_group::{Delivery, Group, GroupHandle, Identity, Priority, Recovery, Solo};
use ais_types::{NodeId, Role, Time};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut group = Solo::new(Identity {
        node: NodeId(1),
        name: "one".try_into().expect("a short name"),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time(0),
    });
    tokio::spawn(recover(group.handle()));
    while let Some(delivery) = group.next().await {
        match delivery {
            Delivery::View(_, view) => println!("view {}", view.number),
            Delivery::Recovery(_, Recovery::Held { plugs, .. }) => {
                let plugs: Vec<String> = plugs.iter().map(ToString::to_string).collect();
                println!("messages wait for {}", plugs.join(", "));
            }
            Delivery::Recovery(_, news) => println!("{news:?}"),
            Delivery::Message(_, message) => {
                let text = String::from_utf8_lossy(&message.payload).into_owned();
                println!("message: {text}");
                if text == "an ordinary message" {
                    return;
                }
            }
            _other => {}
        }
    }
}

async fn recover(handle: Arc<dyn GroupHandle>) {
    let plug = handle.recovery_plug("state").await.expect("a member may have plugs");
    let ordinary = {
        let handle = handle.clone();
        tokio::spawn(async move {
            handle.multicast(Priority::Medium, "an ordinary message".into()).await
        })
    };
    let state = handle.multicast(Priority::Recovery, "what I have of the state".into()).await;
    state.expect("recovery messages always flow");
    plug.unplug(1).await.expect("it is still a member");
    let _ = ordinary.await;
}
