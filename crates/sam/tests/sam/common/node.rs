//! The node that a test plays. See `probe/fake.rs`.

use super::PATIENCE;
use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};
use tempfile::TempDir;

/// A node that answers as the test likes.
pub(crate) struct Node {
    folder: TempDir,
    shared: Arc<Shared>,
    said: Receiver<String>,
}

struct Shared {
    state: Mutex<State>,
    said: Sender<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    quorate: bool,
    /// The code for requests that begin so.
    refusal: Option<(String, u8)>,
    links: Vec<UnixStream>,
    trackers: Vec<UnixStream>,
}

impl Node {
    pub(crate) fn new(quorate: bool) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (sender, said) = channel();
        let state = State { quorate, refusal: None, links: Vec::new(), trackers: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), said: sender });
        let node = Self { folder, shared, said };
        node.open();
        node
    }

    /// For the environment of a probe.
    pub(crate) fn path(&self) -> String {
        self.socket().to_str().expect("text").to_owned()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    /// Takes links from now on.
    pub(crate) fn open(&self) {
        let listener = UnixListener::bind(self.socket()).expect("a socket");
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
    }

    /// Goes: links break, and no new ones can be made.
    pub(crate) fn die(&self) {
        std::fs::remove_file(self.socket()).expect("the socket was there");
        let mut state = self.shared.lock();
        for stream in state.links.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        for stream in state.trackers.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// There is quorum, or there is none.
    pub(crate) fn quorate(&self, quorate: bool) {
        self.shared.lock().quorate = quorate;
        self.tell(if quorate { b"1" } else { b"0" });
    }

    /// The next dispatch is a passing weakness.
    pub(crate) fn weaken(&self) {
        self.tell(b"?");
    }

    fn tell(&self, event: &[u8]) {
        for tracker in &mut self.shared.lock().trackers {
            let _ = tracker.write_all(event);
        }
    }

    /// Requests that begin so are answered with this code from now on.
    pub(crate) fn refuse(&self, beginning: &str, code: u8) {
        self.shared.lock().refusal = Some((beginning.to_owned(), code));
    }

    /// The next request that is no `last_updated`.
    #[track_caller]
    pub(crate) fn asked(&self) -> String {
        loop {
            let said = self.asked_anything();
            if said != "publish last_updated" {
                return said;
            }
        }
    }

    /// The next request.
    #[track_caller]
    pub(crate) fn asked_anything(&self) -> String {
        self.said.recv_timeout(PATIENCE).expect("the node was asked")
    }

    #[track_caller]
    pub(crate) fn expect(&self, requests: &[&str]) {
        for request in requests {
            assert_eq!(self.asked(), *request);
        }
    }
}

fn serve(mut stream: UnixStream, shared: &Shared) {
    let lines = BufReader::new(stream.try_clone().expect("a copy")).lines();
    for line in lines.map_while(Result::ok) {
        let code = {
            let mut state = shared.lock();
            if line == "quorum" {
                let first = if state.quorate { b"1" } else { b"0" };
                let _ = stream.write_all(first);
                state.trackers.push(stream.try_clone().expect("a copy"));
                let _ = shared.said.send(line);
                continue;
            }
            if line == "link" {
                state.links.push(stream.try_clone().expect("a copy"));
            }
            match &state.refusal {
                Some((beginning, code)) if line.starts_with(beginning) => *code,
                _ => 1,
            }
        };
        let _ = shared.said.send(line);
        if stream.write_all(&[code]).is_err() {
            return;
        }
    }
}
