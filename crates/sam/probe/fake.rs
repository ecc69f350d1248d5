//! A node that the test plays: every link is a connection to the test's own socket.
//!
//! The link says `link`, then `quorum` or `publish KEY VALUE` or `withdraw`, a line each, and is answered
//! with a code each: one byte. On a link that has said `quorum` the test writes `1` or `0` when it likes.

use ais_sam::{Connector, NodeLink, raw};
use ais_types::{
    Error, ErrorCode, Outcome,
    resources::{Entry, ProcessState, Recovery},
};
use std::{
    env,
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};

pub(crate) fn use_if_named() {
    if let Ok(path) = env::var("FAKE_NODE") {
        raw::set_connector(Arc::new(Fake { path })).expect("nothing was called before");
    }
}

struct Fake {
    path: String,
}

struct Link {
    path: String,
    asks: UnixStream,
    quorum: Option<UnixStream>,
    quorate: bool,
}

fn broken(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Library, error.to_string())
}

impl Connector for Fake {
    fn connect(&self) -> Outcome<Box<dyn NodeLink>> {
        let asks = UnixStream::connect(&self.path).map_err(broken)?;
        let mut link = Link { path: self.path.clone(), asks, quorum: None, quorate: false };
        link.ask("link")?;
        Ok(Box::new(link))
    }
}

impl Link {
    fn ask(&mut self, line: &str) -> Outcome<()> {
        // No SIGPIPE: a std program ignores it.
        self.asks.write_all(format!("{line}\n").as_bytes()).map_err(broken)?;
        let mut code = [0];
        self.asks.read_exact(&mut code).map_err(broken)?;
        match code[0] {
            1 => Ok(()),
            code => Err(Error::new(
                ErrorCode::from_number(u32::from(code)).expect("a code"),
                "the test says so",
            )),
        }
    }
}

impl NodeLink for Link {
    fn track_quorum(&mut self) -> Outcome<bool> {
        let mut quorum = UnixStream::connect(&self.path).map_err(broken)?;
        quorum.write_all(b"quorum\n").map_err(broken)?;
        let mut first = [0];
        quorum.read_exact(&mut first).map_err(broken)?;
        quorum.set_nonblocking(true).map_err(broken)?;
        self.quorate = first == *b"1";
        self.quorum = Some(quorum);
        Ok(self.quorate)
    }

    fn quorum_fd(&self) -> Option<BorrowedFd<'_>> {
        self.quorum.as_ref().map(AsFd::as_fd)
    }

    fn dispatch_quorum(&mut self) -> Outcome<bool> {
        let mut events = [0; 64];
        let quorum = self.quorum.as_mut().expect("tracked");
        match quorum.read(&mut events) {
            Ok(0) => Err(Error::new(ErrorCode::Library, "the node has gone")),
            Ok(count) if events[count - 1] == b'?' => {
                Err(Error::new(ErrorCode::TryAgain, "a passing weakness"))
            }
            Ok(count) => {
                self.quorate = events[count - 1] == b'1';
                Ok(self.quorate)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(self.quorate),
            Err(error) => Err(broken(error)),
        }
    }

    fn publish(&mut self, entry: Entry) -> Outcome<()> {
        self.ask(&match entry {
            Entry::Recovery(Recovery::Quit) => "publish recovery quit".to_owned(),
            Entry::Recovery(Recovery::Restart) => "publish recovery restart".to_owned(),
            Entry::PollPeriod(period) => format!("publish poll_period {period}"),
            Entry::LastUpdated(_) => "publish last_updated".to_owned(),
            Entry::State(ProcessState::Stopped) => "publish state stopped".to_owned(),
            Entry::State(ProcessState::Running) => "publish state running".to_owned(),
            Entry::State(ProcessState::WaitingForQuorum) => {
                "publish state waiting for quorum".to_owned()
            }
            Entry::State(ProcessState::Failed) => "publish state failed".to_owned(),
        })
    }

    fn withdraw(&mut self) -> Outcome<()> {
        self.ask("withdraw")
    }

    fn abandon(self: Box<Self>) {}
}
