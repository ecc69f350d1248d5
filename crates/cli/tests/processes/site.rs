//! A cluster of real processes for a test, and what the tutorials' logs must say.

use ais_cli::{
    dev::{Cluster, Lifetime, PATIENCE, Plan},
    logs::{Line, Log},
};
use ais_types::{amf, clm};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard},
    time::Duration,
};
use tempfile::TempDir;

/// For a line that is to come soon. Machines that run tests may be slow.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// One cluster at a time, so that they do not slow each other down.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    folder: Option<TempDir>,
    _turn: MutexGuard<'static, ()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.cluster.down();
        if std::thread::panicking() {
            // For whoever wants to know why.
            let kept = self.folder.take().map(TempDir::keep);
            eprintln!("the logs are in {kept:?}");
        }
    }
}

impl Site {
    /// A running cluster with a model of the examples.
    pub(crate) fn new(hosts: &[&str], model: &str) -> Self {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/models");
        Self::with_model(hosts, fs::read_to_string(models.join(model)).unwrap())
    }

    /// A running cluster with a model of its own.
    pub(crate) fn with_model(hosts: &[&str], model: String) -> Self {
        Self::planned(Plan { model: Some(model), ..Plan::new(hosts.iter().copied()) })
    }

    /// A running cluster after a plan, its failure timeout long enough for machines that run tests.
    pub(crate) fn planned(plan: Plan) -> Self {
        Self::exactly(Plan { failure_timeout_ms: 2000, ..plan })
    }

    /// A running cluster exactly after a plan.
    pub(crate) fn exactly(plan: Plan) -> Self {
        let turn = TURN.lock().unwrap_or_else(|failed| failed.into_inner());
        let plan = Plan { program: Some(env!("CARGO_BIN_EXE_ais").into()), ..plan };
        let folder = TempDir::new().unwrap();
        let cluster = Cluster::create(folder.path(), &plan).unwrap();
        let site = Self { cluster, folder: Some(folder), _turn: turn };
        for node in &site.cluster.nodes {
            site.cluster.start(&node.name, Lifetime::Parent).unwrap();
        }
        site.cluster.wait_formed(PATIENCE).unwrap();
        site
    }

    /// `ais` that asks a node, not yet started.
    pub(crate) fn asks(&self, node: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ais"));
        command.arg("--json").arg("--dir").arg(&self.cluster.folder).args(["--node", node]);
        command.args(arguments);
        command
    }

    /// `ais` asks a node; it must not fail. What it says, as JSON.
    #[track_caller]
    pub(crate) fn ais(&self, node: &str, arguments: &[&str]) -> serde_json::Value {
        let output = self.asks(node, arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "ais {arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `ais` asks a node, and must be refused. Why, in its words.
    #[track_caller]
    pub(crate) fn refused(&self, node: &str, arguments: &[&str]) -> String {
        let output = self.asks(node, arguments).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!output.status.success(), "ais {arguments:?}: {said}");
        said["error"].as_str().unwrap().to_owned()
    }

    /// How the cluster is configured, as a node has it.
    #[track_caller]
    pub(crate) fn membership(&self, node: &str) -> clm::Configuration {
        serde_json::from_value(self.ais(node, &["clm", "nodes"])).unwrap()
    }

    /// What AMF keeps available, as a node has it.
    #[track_caller]
    pub(crate) fn availability(&self, node: &str) -> amf::State {
        serde_json::from_value(self.ais(node, &["amf", "state"])).unwrap()
    }

    /// What a node has logged.
    pub(crate) fn said(&self, node: &str) -> String {
        fs::read_to_string(self.cluster.node_folder(node).join("node.log")).unwrap()
    }

    /// Starts a node, and does not wait for it.
    pub(crate) fn start(&self, node: &str) {
        self.cluster.start(node, Lifetime::Parent).unwrap();
    }

    pub(crate) fn log(&self, node: &str, component: &str) -> Component {
        let folder: PathBuf = self.cluster.node_folder(node);
        Component { name: component.to_owned(), log: Log::new(&folder, component) }
    }
}

/// A component, as its log shows it.
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) log: Log,
}

impl Component {
    /// Waits for a line that begins with this text; blanks collapse.
    #[track_caller]
    pub(crate) fn line(&mut self, text: &str) -> Line {
        let text = collapsed(&text.replace("{me}", &self.name));
        let found = self.log.wait(&text, SOON, |line| {
            collapsed(&line.text).starts_with(&text).then(|| line.clone())
        });
        found.unwrap_or_else(|overdue| panic!("{overdue}"))
    }

    /// Waits for these lines, in this order.
    #[track_caller]
    pub(crate) fn lines(&mut self, texts: &[&str]) -> Line {
        texts.iter().map(|text| self.line(text)).last().expect("some lines")
    }

    /// Waits for the next line of which `find` makes something.
    #[track_caller]
    pub(crate) fn next<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> (T, Line) {
        let found = self.log.wait(what, SOON, |line| Some((find(&line.text)?, line.clone())));
        found.unwrap_or_else(|overdue| panic!("{overdue}"))
    }

    /// How many lines so far are like this.
    pub(crate) fn count(&mut self, text: &str) -> usize {
        let text = text.replace("{me}", &self.name);
        self.log.lines().iter().filter(|line| line.text.contains(&text)).count()
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Asks again and again. Machines that run tests may be slow.
pub(crate) fn wait_until(holds: impl Fn() -> bool) -> bool {
    (0..600).any(|_| {
        std::thread::park_timeout(Duration::from_millis(50));
        holds()
    })
}
