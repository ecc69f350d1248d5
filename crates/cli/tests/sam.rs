//! `ais sam` with real programs and a real node.
#![expect(clippy::unwrap_used, reason = "a test")]

use ais_cli::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

fn ais() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ais"));
    command.env_remove("AIS_SOCKET");
    command
}

/// A cluster of one node.
struct Node {
    folder: TempDir,
    process: Child,
}

impl Node {
    fn new(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("node.toml");
        let text = format!(
            "cluster = \"test\"\nnode = \"n1\"\ntransport = \"memory\"\n{more}\n\
             socket = {{ path = \"ais.sock\" }}\n[[nodes]]\nid = 1\nname = \"n1\"\n"
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = ais()
            .args(["node", "--with-parent", "--config"])
            .arg(&config)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let node = Self { folder, process };
        let ready = || node.try_ask(&["status"]).filter(|status| status["lease"] == true);
        until("the node's start", PATIENCE, ready).unwrap();
        node
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("ais.sock")
    }

    fn try_ask(&self, arguments: &[&str]) -> Option<Value> {
        let mut command = ais();
        command.arg("--json").arg("--socket").arg(self.socket()).args(arguments);
        let output = command.output().unwrap();
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    fn objects(&self) -> Vec<Value> {
        self.try_ask(&["sam", "list"]).unwrap().as_array().unwrap().clone()
    }

    /// Waits until this supervisor has published this state.
    #[track_caller]
    fn wait_for(&self, pid: u32, state: &str) -> Value {
        let look = || {
            let of_it = |object: &Value| object["pid"] == pid && object["state"] == state;
            self.objects().into_iter().find(of_it)
        };
        until(format!("process {pid} to be {state}"), PATIENCE, look).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `ais sam run`.
struct Run {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Run {
    fn new(node: Option<&Node>, arguments: &[&str], script: &str) -> Self {
        let mut command = ais();
        if let Some(node) = node {
            command.arg("--socket").arg(node.socket());
        }
        command.args(["sam", "run"]).args(arguments).args(["--", "sh", "-c", script]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    #[track_caller]
    fn line(&mut self) -> String {
        self.lines.next().expect("it lives").unwrap()
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn end(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Run {
    /// The program is bound to its supervisor.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn signal(pid: &str, signal: Signal) {
    kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), signal).unwrap();
}

/// Says its process number and its own number, and waits.
const WAITS: &str = "echo $$ $AIS_SAM_INSTANCE $AIS_SAM_LAST_DEATH; read line";

#[test]
fn a_program_is_started_anew_until_it_is_told_to_end() {
    let mut run = Run::new(None, &[], WAITS);
    let first = run.line();
    let (pid, number) = first.split_once(' ').unwrap();
    assert_eq!(number.trim(), "1");
    signal(pid, Signal::KILL);
    assert!(run.line().ends_with(" 2 killed by signal 9"));
    // Waiting for a process closes its input, by which the program would end of itself.
    let _input = run.process.stdin.take();
    signal(&run.pid().to_string(), Signal::TERM);
    assert_eq!(run.end().code(), Some(143));
}

#[test]
fn statuses_are_passed_on() {
    assert_eq!(Run::new(None, &["--quit"], "exit 7").end().code(), Some(7));
    assert_eq!(Run::new(None, &["--quit"], "kill -9 $$").end().code(), Some(137));
    assert_eq!(Run::new(None, &["--until-success"], "exit 0").end().code(), Some(0));
    let mut limited = Run::new(None, &["--restarts", "2"], "echo $AIS_SAM_INSTANCE; exit 5");
    assert_eq!([limited.line(), limited.line(), limited.line()], ["1", "2", "3"]);
    assert_eq!(limited.end().code(), Some(5));
    let missing = ais().args(["sam", "run", "/no/such/program"]).status().unwrap();
    assert_eq!(missing.code(), Some(127));
    // A mistyped option is no program.
    let mistyped = ais().args(["sam", "run", "--restart", "--no-such-option", "true"]).output();
    let mistyped = mistyped.unwrap();
    assert_eq!(mistyped.status.code(), Some(2), "{mistyped:?}");
}

#[test]
fn without_a_node_what_needs_one_says_so() {
    for flag in ["--quorum", "--publish"] {
        let nowhere = ["--socket", "/no/such/socket", "sam", "run", flag, "true"];
        let output = ais().args(nowhere).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no node answers at /no/such/socket"), "{said}");
        // One code, and that is the call's own.
        let code = if flag == "--quorum" { "LIBRARY" } else { "BAD_HANDLE" };
        assert_eq!(said.matches("SA_AIS_ERR_").count(), 1, "{said}");
        assert!(said.contains(&format!("(SA_AIS_ERR_{code})")), "{said}");
    }
}

#[test]
fn what_is_published_can_be_seen_and_goes_with_the_program() {
    let node = Node::new("");
    let mut run = Run::new(Some(&node), &["--publish", "--quorum"], WAITS);
    let first = run.line();
    let object = node.wait_for(run.pid(), "Running");
    assert_eq!((&object["recovery"], &object["poll_period"]), (&"Restart".into(), &0.into()));
    assert!(object["last_updated"].as_u64().unwrap() > 0);
    let shown = node.try_ask(&["sam", "show", &run.pid().to_string()]).unwrap();
    assert_eq!(shown["state"], "Running");
    let listed = ais().arg("--socket").arg(node.socket()).args(["sam", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let expected = format!("{}  running  restart  unchecked  heard ", run.pid());
    assert!(listed.starts_with(&expected) && listed.ends_with(" s ago\n"), "{listed:?}");
    signal(first.split(' ').next().unwrap(), Signal::KILL);
    run.line();
    node.wait_for(run.pid(), "Running");
    signal(&run.pid().to_string(), Signal::TERM);
    run.end();
    until("the object's end", PATIENCE, || node.objects().is_empty().then_some(())).unwrap();
    assert_eq!(node.try_ask(&["sam", "show", "1"]), None);
}

#[test]
fn the_watchdog_stops_a_node_on_which_a_program_failed_for_good() {
    let mut node = Node::new("watchdog = { action = \"stop\" }");
    // Under restart it is left alone.
    let limits = ["--publish", "--restarts", "0"];
    let mut run = Run::new(Some(&node), &["--publish", "--restart"], WAITS);
    run.line();
    node.wait_for(run.pid(), "Running");
    let mut failing = Run::new(Some(&node), &limits, "exit 3");
    assert_eq!(failing.end().code(), Some(3));
    assert_eq!(node.process.wait().unwrap().code(), Some(1));
    let said = format!("supervised process {} has failed for good", failing.pid());
    assert!(node.log().contains(&said), "{}", node.log());
}

#[test]
fn what_failed_stays_until_it_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let told = folder.path().join("told");
    let script = format!("echo $0 >{}", told.display());
    let watchdog =
        format!("watchdog = {{ action = \"command\", command = [\"sh\", \"-c\", '{script}'] }}");
    let node = Node::new(&watchdog);
    let mut run = Run::new(Some(&node), &["--publish", "--quit"], "exit 3");
    run.end();
    let object = node.wait_for(run.pid(), "Failed");
    assert_eq!(object["recovery"], "Quit");
    let read = || fs::read_to_string(&told).ok().filter(|text| text.ends_with('\n'));
    let pid = until("the command", PATIENCE, read).unwrap();
    assert_eq!(pid.trim(), run.pid().to_string());
    node.try_ask(&["sam", "forget", pid.trim()]).unwrap();
    assert!(node.objects().is_empty());
}
