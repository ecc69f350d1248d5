//! A real daemon's numbers over HTTP, and what it tells the supervisor of services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rustix::{
    fs::{Mode, stat},
    process::{Pid, Signal, kill_process},
};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

struct Daemon {
    folder: TempDir,
    supervisor: UnixDatagram,
    process: Child,
    watchers: SocketAddr,
}

impl Daemon {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let watchers = free.local_addr().unwrap();
        drop(free);
        let config = format!(
            "cluster = \"watched\"\nnode = \"n1\"\ntransport = \"memory\"\n\
             socket = {{ path = \"ais.sock\", mode = \"0620\" }}\n\
             metrics = {{ listen = \"{watchers}\" }}\n\
             [[nodes]]\nid = 1\nname = \"n1\"\n"
        );
        fs::write(folder.path().join("node.toml"), config).unwrap();
        let notified = folder.path().join("notify.sock");
        let supervisor = UnixDatagram::bind(&notified).unwrap();
        supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_aisd"));
        command.arg("--with-parent").arg("--config").arg(folder.path().join("node.toml"));
        command.env("NOTIFY_SOCKET", &notified).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        Self { folder, supervisor, process, watchers }
    }

    fn told(&self) -> String {
        let mut text = [0; 64];
        let length = self.supervisor.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    fn ask(&self, what: &str) -> String {
        let mut stream = TcpStream::connect(self.watchers).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(what.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_daemon_says_when_it_is_ready_shows_its_numbers_and_says_when_it_stops() {
    let mut daemon = Daemon::start();
    assert_eq!(daemon.told(), "READY=1");
    let mode = stat(daemon.folder.path().join("ais.sock")).unwrap().st_mode;
    assert_eq!(Mode::from_raw_mode(mode), Mode::from_raw_mode(0o620));

    let answer = daemon.get("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text"), "{answer}");
    assert!(answer.contains("\n# TYPE ais_node_sessions gauge\nais_node_sessions "), "{answer}");
    assert!(answer.contains("\n# TYPE ais_node_calls counter\nais_node_calls_total 0\n"));
    assert!(answer.ends_with("# EOF\n"), "{answer}");

    assert!(daemon.get("/").starts_with("HTTP/1.1 404 "));
    let posted =
        "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(daemon.ask(posted).starts_with("HTTP/1.1 405 "));
    assert!(daemon.ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));

    let pid = Pid::from_raw(i32::try_from(daemon.process.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(daemon.told(), "STOPPING=1");
    assert!(daemon.process.wait().unwrap().success());
    assert!(!daemon.folder.path().join("ais.sock").exists());
}
