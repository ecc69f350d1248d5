//! How long a restart takes, beside corosync's libsam where that is installed:
//! `cargo bench -p ais-sam --bench restart [-- killed|missed|idle]`.
//!
//! The bench starts itself as the supervised program, in one of a few ways.
#![expect(unsafe_code, reason = "the program is forked")]

use ais_sam::{Options, raw};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
    time::{ClockId, Timespec, clock_gettime},
};
use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("program") => program(&arguments[2..]),
        Some(_) | None => bench(&|part| {
            let named: Vec<_> =
                PARTS.iter().filter(|it| arguments.iter().any(|a| a == *it)).collect();
            named.is_empty() || named.contains(&&part)
        }),
    }
}

/// What can be measured alone.
const PARTS: [&str; 3] = ["killed", "missed", "idle"];

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn sleep(milliseconds: u32) {
    let limit = Timespec {
        tv_sec: i64::from(milliseconds / 1000),
        tv_nsec: i64::from(milliseconds % 1000) * 1_000_000,
    };
    let _ = poll(&mut [], Some(&limit));
}

/// So much memory, every page of it written.
fn touch(megabytes: usize) {
    let memory: &'static mut [u8] = vec![0_u8; megabytes << 20].leak();
    memory.iter_mut().step_by(4096).for_each(|page| *page = 1);
}

/// Arguments: interval, megabytes touched before register and after it, ignore SIGTERM, options.
fn program(arguments: &[String]) {
    let number = |at: usize| -> usize { arguments[at].parse().expect("a number") };
    touch(number(1));
    if number(3) != 0 {
        // SAFETY: nothing of ours depends on the signal.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    }
    let has = |option: &str| arguments[4..].iter().any(|it| it == option);
    let options =
        Options { spare: has("spare"), keep_memory: has("keep-memory"), ..Options::default() };
    raw::set_options(options).expect("options");
    raw::initialize(i32::try_from(number(0)).expect("small"), 2).expect("initialize");
    // SAFETY: this process has one thread.
    let instance = unsafe { raw::register() }.expect("register");
    let registered = now();
    touch(number(2));
    raw::start().expect("start");
    println!("{registered} {} {} {instance}", now(), std::process::id());
    loop {
        let _ = poll(&mut [], None);
    }
}

/// A supervised program.
struct Program {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    last: u32,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        Self { process, lines, last: 0 }
    }

    /// When the next instance was past register, and when it was started; its process number.
    fn next(&mut self) -> (u64, u64, Pid) {
        let line = self.lines.next().expect("an instance").expect("a line");
        let numbers: Vec<u64> = line.split(' ').map(|it| it.parse().expect("a number")).collect();
        self.last = u32::try_from(numbers[2]).expect("a process");
        (numbers[0], numbers[1], Pid::from_raw(self.last.cast_signed()).expect("a process"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(pid) = Pid::from_raw(self.last.cast_signed()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn bench(wanted: &dyn Fn(&'static str) -> bool) {
    let libsam = libsam();
    if libsam.is_none() {
        println!("libsam is not installed (apt-get install corosync libsam-dev): no comparison");
    }
    let ways = [
        ("ais-sam", Some(vec![])),
        ("ais-sam, spare", Some(vec!["spare"])),
        ("ais-sam, kept memory", Some(vec!["keep-memory"])),
        ("ais-sam, spare, kept memory", Some(vec!["spare", "keep-memory"])),
        ("libsam", None),
    ];
    let command = |options: &Option<Vec<&str>>, arguments: [usize; 4]| {
        let mut command = match (options, &libsam) {
            (Some(_), _) => {
                let mut command = Command::new(env::current_exe().expect("this program"));
                command.arg("program");
                command
            }
            (None, Some(libsam)) => Command::new(libsam),
            (None, None) => return None,
        };
        command.args(arguments.map(|it| it.to_string())).args(options.iter().flatten());
        Some(command)
    };
    let each = |arguments: [usize; 4], tell: &dyn Fn(&str, Command)| {
        for (name, options) in &ways {
            if let Some(command) = command(options, arguments) {
                tell(name, command);
            }
        }
    };
    if wanted("killed") {
        println!("kill -9 of the active -> next instance past register, in ms");
        show("no memory", "the system alone", floor(100));
        for (what, before, after, rounds) in [
            ("small heap", 0, 0, 100),
            ("500 MB before register", 500, 0, 40),
            ("500 MB in each instance", 0, 500, 15),
        ] {
            each([0, before, after, 0], &|name, command| {
                show(what, name, killed(command, rounds, before + after));
            });
        }
    }
    if wanted("missed") {
        println!("last sign of life -> next instance past register, interval 100 ms, in ms");
        for (what, ignore) in [("the warning kills", 0), ("the warning is ignored", 1)] {
            each([100, 0, 0, ignore], &|name, command| show(what, name, missed(command, 30)));
        }
    }
    if wanted("idle") {
        println!("wake-ups of an idle supervisor in 5 s, interval 0");
        each([0, 0, 0, 0], &|name, command| println!("  {name:<30} {}", wake_ups(command)));
    }
}

fn show(what: &str, name: &str, mut times: Vec<u64>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100] as f64 / 1e6;
    println!("  {what:<26} {name:<30} p50 {:8.3}  p90 {:8.3}  max {:8.3}", at(50), at(90), at(100));
}

fn killed(command: Command, rounds: usize, megabytes: usize) -> Vec<u64> {
    let mut program = Program::start(command);
    let (_, _, mut pid) = program.next();
    let mut times = Vec::new();
    for _ in 0..rounds {
        // Until everything is quiet: a spare is forked, old memory is freed.
        sleep(if megabytes > 0 { 250 } else { 50 });
        let began = now();
        kill_process(pid, Signal::KILL).expect("it lives");
        let (registered, _, next) = program.next();
        times.push(registered - began);
        pid = next;
    }
    times
}

/// What the system itself takes when nothing but waking up is done: the active one dies, who waits
/// for that is told, and tells who waits for its turn.
fn floor(rounds: usize) -> Vec<u64> {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        // SAFETY: this process has one thread; the child only waits, and ends.
        let active = unsafe { libc::fork() };
        if active == 0 {
            let _ = poll(&mut [], None);
        }
        // SAFETY: as above.
        let spare = unsafe { libc::fork() };
        if spare == 0 {
            let _ = theirs.read(&mut [0]);
            let _ = theirs.write_all(&now().to_ne_bytes());
            // SAFETY: it ends this process.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: as above.
        let supervisor = unsafe { libc::fork() };
        let pid = Pid::from_raw(active).expect("a process");
        if supervisor == 0 {
            let ended = pidfd_open(pid, PidfdFlags::empty()).expect("it lives");
            let _ = poll(&mut [PollFd::new(&ended, PollFlags::IN)], None);
            let _ = (&ours).write_all(&[1]);
            // SAFETY: it ends this process.
            unsafe { libc::_exit(0) };
        }
        sleep(50);
        let began = now();
        kill_process(pid, Signal::KILL).expect("it lives");
        let mut at = [0; 8];
        (&ours).read_exact(&mut at).expect("the time");
        times.push(u64::from_ne_bytes(at) - began);
        for child in [active, spare, supervisor] {
            // SAFETY: no status is wanted.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        }
    }
    times
}

fn missed(command: Command, rounds: usize) -> Vec<u64> {
    let mut program = Program::start(command);
    let (_, mut started, _) = program.next();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let (registered, next_started, _) = program.next();
        times.push(registered - started);
        started = next_started;
    }
    times
}

fn wake_ups(command: Command) -> u64 {
    let mut program = Program::start(command);
    program.next();
    sleep(200);
    let file = format!("/proc/{}/status", program.process.id());
    let switches = || -> u64 {
        let status = fs::read_to_string(&file).expect("it lives");
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).expect("a count");
        line.rsplit('\t').next().expect("a value").parse().expect("a number")
    };
    let before = switches();
    sleep(5000);
    switches() - before
}

/// The same program over libsam, if it can be built.
fn libsam() -> Option<PathBuf> {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/libsam.c");
    let built = env::temp_dir().join(format!("ais-libsam-{}", std::process::id()));
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut command = Command::new(compiler);
    command.args(["-O2", "-o"]).arg(&built).arg(source).arg("-lsam").stderr(Stdio::null());
    command.status().ok()?.success().then_some(built)
}
