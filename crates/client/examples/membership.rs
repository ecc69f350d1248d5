//! Watches the membership of the cluster.
//!
//! ```sh
//! cargo run --bin ais -- dev up --nodes 3
//! AIS_SOCKET=ais-dev/n1/run/ais.sock cargo run -p ais-client --example membership
//! cargo run --bin ais -- clm lock n3      # meanwhile, somewhere else
//! cargo run --bin ais -- dev kill n2
//! ```

use ais_client::{AsyncSession, Endpoint, Watch};
use ais_types::Outcome;
use futures::StreamExt;
use std::pin::pin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let watch = Watch::<AsyncSession>::open(&Endpoint::from_env(), "membership").await?;
    let mut changes = pin!(watch.into_stream());
    while let Some(changed) = changes.next().await {
        let changed = changed?;
        let names: Vec<String> = changed.members.values().map(|it| it.name.to_string()).collect();
        println!("view {}: {}", changed.view, names.join("  "));
        for it in &changed.changes {
            let cause = changed.cause.as_ref().map_or_else(String::new, |it| format!(", by {it}"));
            println!("    {} {:?}{cause}", it.node.name, it.change);
        }
    }
    Ok(())
}
