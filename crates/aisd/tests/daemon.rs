//! A real daemon, alone: what it tells its supervisor, and what lying programs and wrong files do
//! to it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ais_client::{Endpoint, Node, Session};
use ais_types::{Hello, ServiceId, Version, frame};
use ais_wire::{Frame, encode_bytes};
use bytes::Bytes;
use rustix::{
    net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketType, bind, recv, socket},
    process::{Pid, Signal, kill_process},
};
use std::{
    fs,
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = "\
cluster = \"test\"
node = \"only\"
transport = \"memory\"
socket = { path = \"ais.sock\" }

[[nodes]]
id = 1
name = \"only\"
";

struct Daemon {
    folder: TempDir,
    process: Child,
    notices: UnixDatagram,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisd"));
    command.arg("--config").arg(folder.join("node.toml")).arg("--with-parent");
    command.stdin(Stdio::null());
    command
}

impl Daemon {
    /// A daemon that has said that it is ready.
    fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("node.toml"), configuration).unwrap();
        let supervisor = folder.path().join("notify");
        let notices = UnixDatagram::bind(&supervisor).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let process = command(folder.path()).env("NOTIFY_SOCKET", supervisor).spawn().unwrap();
        let daemon = Self { folder, process, notices };
        assert_eq!(daemon.notice(), "READY=1");
        daemon
    }

    fn notice(&self) -> String {
        let mut bytes = [0; 256];
        let length = self.notices.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("ais.sock")
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Path(self.socket())
    }

    fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// It lives, and answers.
    #[track_caller]
    fn answers(&self) {
        let status = Node::<Session>::open(&self.endpoint(), "test").unwrap().status().unwrap();
        assert_eq!(status.view.members.len(), 1);
    }
}

#[test]
fn a_supervisor_hears_when_it_can_be_reached_and_when_it_ends() {
    let mut daemon = Daemon::new(CONFIG);
    // Ready means that whoever is started after it can connect.
    daemon.answers();
    daemon.terminate();
    assert_eq!(daemon.notice(), "STOPPING=1");
    assert!(daemon.process.wait().unwrap().success());
    assert!(!daemon.socket().exists());
}

#[test]
fn a_supervisor_may_have_an_abstract_socket() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.toml"), CONFIG).unwrap();
    let name = format!("ais-test-{}", std::process::id());
    let notices: OwnedFd = socket(AddressFamily::UNIX, SocketType::DGRAM, None).unwrap();
    bind(&notices, &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap()).unwrap();
    let mut daemon =
        command(folder.path()).env("NOTIFY_SOCKET", format!("@{name}")).spawn().unwrap();
    let mut bytes = [0; 256];
    let (length, _) = recv(&notices, &mut bytes[..], RecvFlags::empty()).unwrap();
    assert_eq!(&bytes[..length], b"READY=1");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn components_do_not_hear_of_the_supervisor() {
    let model = r#"
[[groups]]
name = "SG"
component = { command = ["sh", "-c", "echo \"supervisor=$NOTIFY_SOCKET node=$AIS_NODE\"; exec sleep 1000"] }
units = [{ name = "SU", node = "only", components = ["C"] }]
instances = [{ name = "SI", csis = ["CSI"] }]
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("amf.toml");
    fs::write(&file, model).unwrap();
    let line = format!("model = {:?}\n\n[[nodes]]", file.to_str().unwrap());
    let daemon = Daemon::new(&CONFIG.replace("\n[[nodes]]", &line));
    let printed = until(|| {
        let text = fs::read_to_string(daemon.folder.path().join("var/log/C.out")).ok()?;
        text.ends_with('\n').then_some(text)
    });
    assert_eq!(printed.lines().next(), Some("supervisor= node=only"));
}

/// Looks again and again, until there is something.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let nobody = UnixStream::pair().unwrap();
    nobody.0.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    for _ in 0..PATIENCE.as_millis() / 20 {
        if let Some(found) = look() {
            return found;
        }
        let _ = (&nobody.0).read(&mut [0]);
    }
    panic!("it did not happen");
}

fn hello() -> Bytes {
    let (protocol, service) = (Hello::PROTOCOL, ServiceId::CKPT);
    let (version, program) = (Version::b(2, 2), "liar".to_owned());
    let hello = Hello::Open { protocol, service, version, program };
    Frame::new(frame::HELLO, 0, encode_bytes(&hello)).to_bytes()
}

#[test]
fn whoever_sends_garbage_is_cut_off_and_nobody_else_notices() {
    let daemon = Daemon::new(CONFIG);
    let good = Node::<Session>::open(&daemon.endpoint(), "good").unwrap();
    let hello = hello();
    let huge = [&hello[..], &[0xff; 64]].concat();
    let garbage: [Bytes; 5] = [
        Bytes::from_static(&[0xff; 4096]),
        Bytes::from_static(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Frame::new(frame::HELLO, 0, Bytes::from_static(b"\xff")).to_bytes(),
        huge.into(),
        [&hello[..], &Frame::new(frame::CALL, 1, Bytes::from_static(b"\xff")).to_bytes()[..]]
            .concat()
            .into(),
    ];
    for bytes in garbage {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may hang up before all is written.
        let _ = stream.write_all(&bytes);
        let ended = stream.read_to_end(&mut Vec::new());
        let reset = |it: &std::io::Error| it.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(ended.is_ok() || ended.as_ref().is_err_and(reset), "not cut off: {ended:?}");
        daemon.answers();
    }
    assert!(good.status().is_ok(), "a session of somebody else goes on");
}

/// The child of another test: connects, says half of what it has to say, and waits to be killed.
#[test]
#[ignore = "the child of another test"]
fn a_child_that_stops_half_way() {
    let mut stream = UnixStream::connect(std::env::var_os("AIS_SOCKET").unwrap()).unwrap();
    let hello = hello();
    let call = Frame::new(frame::CALL, 1, Bytes::from_static(&[0xa0; 200])).to_bytes();
    stream.write_all(&hello).unwrap();
    stream.write_all(&call[..call.len() / 2]).unwrap();
    println!("ready");
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn a_program_that_dies_half_way_through_a_frame_leaves_nothing() {
    let daemon = Daemon::new(CONFIG);
    let sessions = || {
        let node = Node::<Session>::open(&daemon.endpoint(), "test").unwrap();
        node.status().unwrap().sessions
    };
    let before = sessions();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["a_child_that_stops_half_way", "--exact", "--ignored", "--nocapture"])
        .env("AIS_SOCKET", daemon.socket())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut output, mut said) = (child.stdout.take().unwrap(), String::new());
    while !said.contains("ready\n") {
        let mut byte = [0];
        assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended early: {said}");
        said.push(byte[0] as char);
    }
    until(|| (sessions() == before + 1).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    until(|| (sessions() == before).then_some(()));
}

/// What a daemon says that cannot start.
fn refused(configuration: &str, model: Option<&str>) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.toml"), configuration).unwrap();
    if let Some(model) = model {
        fs::write(folder.path().join("amf.toml"), model).unwrap();
    }
    (command(folder.path()).output().unwrap(), folder)
}

/// The text says where; nothing of the daemon is left.
#[track_caller]
fn check_refused(configuration: &str, model: Option<&str>, place: &str, said: &[&str]) {
    let (output, folder) = refused(configuration, model);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let first = text.lines().next().unwrap_or_default();
    let place = format!("{}/{place}", folder.path().display());
    assert!(first.starts_with(&place), "{first:?} does not begin with {place:?}");
    for part in said {
        assert!(text.contains(part), "{part:?} is not said: {text}");
    }
    assert!(!folder.path().join("ais.sock").exists());
}

#[test]
fn a_wrong_configuration_is_refused_by_file_line_and_key() {
    for (line, by, place, said) in [
        ("id = 1", "id = \"one\"", "node.toml:7", ["nodes", "id"]),
        (
            "transport = \"memory\"",
            "transport = \"pigeon\"",
            "node.toml:3",
            ["transport", "pigeon"],
        ),
        ("node = \"only\"\n", "node = \"other\"\n", "node.toml:2", ["node", "other"]),
        ("cluster = \"test\"", "cluster = \"test", "node.toml:1", ["cluster", "test"]),
        ("id = 1", "id = 1\nweight = 5", "node.toml:8", ["weight", "node.toml"]),
    ] {
        assert!(CONFIG.contains(line), "{line}");
        check_refused(&CONFIG.replacen(line, by, 1), None, place, &said);
    }
}

#[test]
fn a_wrong_model_is_refused_by_file_line_and_key() {
    const MODEL: &str = "\
[[groups]]
name = \"SG\"
component = { command = [\"true\"] }
units = [
  { name = \"SU\", node = \"only\", components = [\"C\"] },
]
instances = [{ name = \"SI\", csis = [\"CSI\"] }]
";
    let configuration = CONFIG.replace("\n[[nodes]]", "model = \"amf.toml\"\n\n[[nodes]]");
    for (line, by, place, said) in [
        ("node = \"only\"", "node = \"elsewhere\"", "amf.toml:5", ["node", "elsewhere"]),
        ("name = \"SG\"", "name = \"SG\"\nadmin = \"MAYBE\"", "amf.toml:3", ["admin", "MAYBE"]),
        ("[\"true\"]", "[]", "amf.toml:3", ["command", "amf.toml"]),
        ("component = {", "comporent = {", "amf.toml:3", ["comporent", "amf.toml"]),
    ] {
        assert!(MODEL.contains(line), "{line}");
        check_refused(&configuration, Some(&MODEL.replacen(line, by, 1)), place, &said);
    }
    // It says too that the file is not there.
    let (output, _folder) = refused(&configuration, None);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("amf.toml"), "{text}");
}
