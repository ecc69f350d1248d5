//! What the tests over TCP share.
#![allow(dead_code, clippy::unwrap_used, reason = "test code, of which each test uses some")]

use ais_transport::{Peer, tcp::Config};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A node on any port of this host.
pub(crate) fn config(me: Peer) -> Config {
    Config::new("test", me, "127.0.0.1:0".parse().unwrap())
}

/// Carries connections to a node, and can break them.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, connections) = (Arc::default(), Arc::default());
        let proxy = Self { address, target, connections };
        let (target, connections) = (proxy.target.clone(), proxy.connections.clone());
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let to = *target.lock().unwrap();
                let task = tokio::spawn(carry(near, to));
                connections.lock().unwrap().push(task.abort_handle());
            }
        });
        proxy
    }

    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = Some(target);
    }

    pub(crate) fn break_all(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            connection.abort();
        }
    }
}

async fn carry(mut near: TcpStream, to: Option<SocketAddr>) {
    let Some(to) = to else { return };
    if let Ok(mut far) = TcpStream::connect(to).await {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}
