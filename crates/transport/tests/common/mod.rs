//! What the tests over TCP share.
#![allow(dead_code, clippy::unwrap_used, reason = "test code, of which each test uses some")]

use ais_transport::{
    Certified, Peer, Tls, TlsFiles,
    net::{Config, Protocol},
    new_authority,
};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
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

pub(crate) fn config_on(protocol: Protocol, me: Peer) -> Config {
    Config { protocol, ..config(me) }
}

/// A cluster's authority, and a folder for what it makes.
pub(crate) struct Authority {
    pub(crate) own: Certified,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let own = new_authority(1).unwrap();
        Self { own, folder: tempfile::tempdir().unwrap() }
    }

    /// The files of a node, written anew.
    pub(crate) fn files(&self, name: &str) -> TlsFiles {
        let made = self.own.issue(name, 1).unwrap();
        let write = |name: String, text: &str| -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        TlsFiles {
            ca: write("ca.pem".to_owned(), &self.own.certificate),
            cert: write(format!("{name}.pem"), &made.certificate),
            key: write(format!("{name}.key"), &made.key),
        }
    }

    pub(crate) fn tls(&self, name: &str) -> Tls {
        self.files(name).load().unwrap()
    }
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
