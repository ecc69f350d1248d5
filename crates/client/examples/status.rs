//! Asks the node of this machine how it is.
//!
//! `AIS_SOCKET=/path/to/node.sock cargo run -p ais-client --example status`

use ais_client::{Endpoint, Node, Session};
use ais_types::Outcome;

fn main() -> Outcome<()> {
    let status = Node::<Session>::open(&Endpoint::from_env(), "status")?.status()?;
    println!("{} of cluster {}, view {}", status.name, status.cluster, status.view.number);
    for member in &status.view.members {
        println!("  {} {} ({:?})", member.id, member.name, member.role);
    }
    println!("services: {}; sessions: {}", status.services.join(", "), status.sessions);
    println!("lease: {}", if status.lease { "held" } else { "lost: calls wait" });
    Ok(())
}
