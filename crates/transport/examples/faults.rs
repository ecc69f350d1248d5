//! What a cut looks like to a node, in simulated time:
//! `cargo run -p ais-transport --example faults`.

use ais_transport::{
    Class, Event, Transport,
    memory::{Conditions, Network},
};
use ais_types::NodeId;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let conditions = Conditions { patience: Duration::from_millis(50), ..Conditions::default() };
    let network = Network::with(42, conditions);
    let (a, b) = (NodeId(1), NodeId(2));
    let mut at_a = network.node(a, 100).open(Class::Control);
    let _at_b = network.node(b, 200).open(Class::Control);
    let mut ups = 0;
    while let Some(event) = at_a.next().await {
        println!("{event:?}");
        match event {
            Event::Up(_) if ups == 1 => return,
            Event::Up(peer) => {
                ups += 1;
                network.cut(a, b);
                at_a.send(peer, "into the void".into()).expect("the session does not know yet");
            }
            Event::Down(..) => network.heal(a, b),
            Event::Frame(..) => {}
        }
    }
}
