//! Daemons with real sockets and real processes, in a folder of their own.

use super::{
    addresses::addresses,
    cluster::{Host, RealCluster},
    components::{Components, model_text},
    remote::{Body, Remote},
};
use crate::services;
use ais_client::{Endpoint, Node, SOCKET_VARIABLE, Session};
use ais_conformance_core::{Cluster, Feature, Implementation, NodeSpec, Setup, Trouble};
use ais_transport::net::Protocol;
use ais_types::{Name, node};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsString,
    fmt::Write,
    fs::{self, File},
    net::SocketAddr,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// The hidden argument by which the program becomes a daemon.
pub(crate) const DAEMON: &str = "daemon";
/// The hidden argument by which the program becomes a program under test.
pub(crate) const HELPER: &str = "helper";

/// A node not heard of for so long is lost.
const FAILURE_MS: u32 = 1000;
/// The file of the scenario's AMF model, if it has one.
const MODEL: &str = "model.toml";
/// How long a daemon may take to start over.
const START_OVER: Duration = Duration::from_secs(10);
/// How long a daemon may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// The daemon of this implementation.
#[derive(Clone, Debug)]
pub struct Aisd {
    /// A program that becomes what `daemon` and `helper` say: `ais-conformance` itself.
    pub program: PathBuf,
    /// How the daemons talk to each other.
    pub protocol: Protocol,
}

impl Implementation for Aisd {
    fn name(&self) -> String {
        format!("aisd over {}", word(self.protocol))
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        match feature {
            Feature::Service(service) => services::supports(service),
            Feature::KillProcess
            | Feature::KillNode
            | Feature::StopNode
            | Feature::StartNode
            | Feature::Cut
            | Feature::Witness
            | Feature::Components => Ok(()),
        }
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let mut daemons = Daemons::new(self.program.clone(), vec![HELPER.into()], setup)?;
        daemons.protocol = self.protocol;
        Ok(Box::new(RealCluster::start(daemons, &setup.nodes)?))
    }
}

/// As configurations say it.
fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

fn broken(error: std::io::Error) -> Trouble {
    Trouble::Broken(error.to_string())
}

pub(super) struct Daemons {
    program: PathBuf,
    /// What makes the program a program under test.
    helper: Vec<OsString>,
    protocol: Protocol,
    specs: Vec<NodeSpec>,
    addresses: Vec<SocketAddr>,
    running: Vec<Option<Child>>,
    components: Option<Components>,
    // Goes last: daemons have files in it.
    folder: TempDir,
}

impl Daemons {
    /// Daemons that are not started yet, and will talk over TCP.
    pub(super) fn new(
        program: PathBuf,
        helper: Vec<OsString>,
        setup: &Setup,
    ) -> Result<Self, Trouble> {
        let folder = TempDir::with_prefix("ais-conformance-").map_err(broken)?;
        let mut components = None;
        if let Some(model) = &setup.model {
            let place = Components::listen(folder.path()).map_err(broken)?;
            let model = model_text(model, &program, place.socket())?;
            fs::write(folder.path().join(MODEL), model).map_err(broken)?;
            components = Some(place);
        }
        Ok(Self {
            program,
            helper,
            protocol: Protocol::Tcp,
            addresses: addresses(setup.nodes.len())?,
            specs: setup.nodes.clone(),
            running: setup.nodes.iter().map(|_| None).collect(),
            components,
            folder,
        })
    }

    pub(super) fn socket(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("{}.sock", self.specs[at].name))
    }

    fn configuration(&self, at: usize) -> String {
        let mut text = format!(
            "cluster = \"conformance\"\nnode = {:?}\ntransport = {:?}\ndata = \"data-{}\"\n\
             dev = {{ faults = true }}\n\
             socket = {{ path = {:?} }}\nfailure_timeout_ms = {FAILURE_MS}\n",
            self.specs[at].name,
            word(self.protocol),
            self.specs[at].name,
            self.socket(at),
        );
        if self.components.is_some() {
            let _ = writeln!(text, "model = {MODEL:?}");
        }
        // Scenarios may corrupt sections.
        text.push_str("\n[ckpt]\nfaults = true\n");
        for (number, (spec, address)) in (1..).zip(self.specs.iter().zip(&self.addresses)) {
            let role = if spec.witness { "witness" } else { "voter" };
            let name = &spec.name;
            let _ = write!(
                text,
                "\n[[nodes]]\nid = {number}\nname = {name:?}\nrole = {role:?}\naddress = \"{address}\"\n"
            );
        }
        text
    }

    fn launch(&self, at: usize) -> std::io::Result<Child> {
        let name = &self.specs[at].name;
        let configuration = self.folder.path().join(format!("{name}.toml"));
        fs::write(&configuration, self.configuration(at))?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{name}.log")))?;
        Command::new(&self.program)
            .arg(DAEMON)
            .arg("--config")
            .arg(configuration)
            .arg("--with-parent")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    /// The end of the log, for those who wonder why a daemon ended.
    fn last_words(&self, at: usize) -> String {
        let path = self.folder.path().join(format!("{}.log", self.specs[at].name));
        let log = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        (0..self.running.len()).for_each(|at| self.kill(at));
    }
}

impl Host for Daemons {
    fn start(&mut self, at: usize) -> Result<(), Trouble> {
        self.kill(at);
        self.running[at] = Some(self.launch(at).map_err(broken)?);
        Ok(())
    }

    fn kill(&mut self, at: usize) {
        if let Some(mut daemon) = self.running[at].take() {
            // SIGKILL; it may have ended already.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    fn stop(&mut self, at: usize) {
        let pid = self.running[at].as_ref().map(Child::id);
        let pid = pid.and_then(|it| i32::try_from(it).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
            super::clock::until(STOP, || self.has_ended(at));
        }
        self.kill(at);
    }

    fn cut(&mut self, at: usize, cut: bool) -> Result<(), Trouble> {
        let endpoint = Endpoint::Path(self.socket(at));
        let set = || {
            let node = Node::<Session>::open(&endpoint, "conformance")?;
            node.set_fault(None, cut.then_some(node::Fault::Cut))
        };
        // It may be starting over at the moment.
        match super::clock::until(START_OVER, || set().is_ok()) {
            true => Ok(()),
            false => Err(Trouble::Broken(format!("{} takes no faults", self.specs[at].name))),
        }
    }

    fn starts_over(&self) -> bool {
        true
    }

    fn has_ended(&mut self, at: usize) -> bool {
        self.running[at].as_mut().is_none_or(|it| !matches!(it.try_wait(), Ok(None)))
    }

    fn why(&mut self, at: usize) -> String {
        match self.has_ended(at) {
            true => format!("daemon {} has ended: {}", self.specs[at].name, self.last_words(at)),
            false => String::new(),
        }
    }

    fn endpoint(&self, at: usize) -> Option<Endpoint> {
        self.running[at].as_ref().map(|_| Endpoint::Path(self.socket(at)))
    }

    fn program(&mut self, at: usize) -> Result<Remote, Trouble> {
        let (ours, theirs) = UnixStream::pair().map_err(broken)?;
        let child = Command::new(&self.program)
            .args(&self.helper)
            .env(SOCKET_VARIABLE, self.socket(at))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(broken)?;
        Remote::new(ours, Body::Process(child)).map_err(broken)
    }

    fn name(&self, at: usize) -> Name {
        let name = format!("safNode={},safCluster=conformance", self.specs[at].name);
        Name::new(name).expect("scenario names are short")
    }

    fn components(&mut self) -> Option<&mut Components> {
        self.components.as_mut()
    }
}
