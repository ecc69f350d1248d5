//! `cargo run --release -p ais-capi-bench`: how long calls take through the C libraries, beside
//! the blocking Rust client and a raw Unix socket, all in one run against one daemon.
#![forbid(unsafe_code)]

use ais_client::{Ckpt, Clm, Endpoint, Session};
use ais_conformance::Site;
use ais_types::{
    Name, Outcome, Time, Version,
    ckpt::{Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement, SectionId},
    clm::{self, Api, LOCAL_NODE},
};
use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// How often each is measured; what is printed is the middle one of the rounds.
const ROUNDS: usize = 5;
/// Calls in a round.
const CALLS: usize = 4000;
/// Handles opened and finalized in a round.
const LIVES: usize = 500;
/// What is written and read.
const DATA: [u8; 1024] = [b'x'; 1024];
/// The hidden argument by which this program becomes the other end of a raw socket.
const ECHO: &str = "echo";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some(end) = ais_conformance::becomes_another(&arguments) {
        return end;
    }
    let outcome = match arguments.get(1) {
        Some(role) if role == ECHO => echo().map_err(Into::into),
        Some(_) | None => run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends 1 KiB back, again and again.
fn echo() -> io::Result<()> {
    let mut stream = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from)?;
    let mut bytes = [0; 1024];
    while stream.read_exact(&mut bytes).is_ok() {
        stream.write_all(&bytes)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is what is measured")]
fn now() -> Instant {
    Instant::now()
}

fn times(count: usize, mut call: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = now();
        call()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

struct Bench {
    program: PathBuf,
    endpoint: Endpoint,
    socket: PathBuf,
    c: tempfile::TempDir,
}

impl Bench {
    fn raw(&self) -> Result<Vec<Duration>> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut child = Command::new(&self.program)
            .arg(ECHO)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        let mut bytes = [0; 1024];
        let measured = times(CALLS, || {
            (&ours).write_all(&bytes)?;
            Ok((&ours).read_exact(&mut bytes)?)
        });
        drop(ours);
        child.wait()?;
        measured
    }

    fn ckpt(&self) -> Outcome<Ckpt<Session>> {
        let version = Version::b(2, 2);
        Ckpt::<Session>::initialize(&self.endpoint, version, Callbacks::default(), "bench")
    }

    fn clm(&self) -> Outcome<Clm<Session>> {
        Clm::<Session>::initialize(&self.endpoint, "bench", Api::B04, clm::Callbacks::default())
    }

    /// A checkpoint with 1 KiB in its default section.
    fn filled(ckpt: &Ckpt<Session>) -> Result<u64> {
        let name = Name::new("safCkpt=bench,safApp=safCkptService")?;
        let attributes = CreationAttributes {
            creation_flags: CreationFlags::WR_ALL_REPLICAS,
            checkpoint_size: 4096,
            retention_duration: Time::BEGIN,
            max_sections: 1,
            max_section_size: 4096,
            max_section_id_size: 8,
        };
        let it = ckpt.open(name, attributes, OpenFlags(7), Time::END)?;
        ckpt.overwrite(it, SectionId::none(), DATA.to_vec())?;
        Ok(it)
    }

    fn rust(&self, what: What) -> Result<Vec<Duration>> {
        match what {
            What::Overwrite => {
                let ckpt = self.ckpt()?;
                let it = Self::filled(&ckpt)?;
                times(CALLS, || Ok(ckpt.overwrite(it, SectionId::none(), DATA.to_vec())?))
            }
            What::Read => {
                let ckpt = self.ckpt()?;
                let it = Self::filled(&ckpt)?;
                let element =
                    || ReadElement { section: SectionId::none(), offset: 0, size: Some(1024) };
                times(CALLS, || {
                    ckpt.read(it, vec![element()])?;
                    Ok(())
                })
            }
            What::Get => {
                let clm = self.clm()?;
                times(CALLS, || {
                    clm.node_get(LOCAL_NODE, Time::END)?;
                    Ok(())
                })
            }
            What::CkptLife => times(LIVES, || Ok(self.ckpt()?.finalize()?)),
            What::ClmLife => times(LIVES, || Ok(self.clm()?.finalize()?)),
        }
    }

    fn c(&self, what: What) -> Result<Vec<Duration>> {
        let (program, verb, count) = match what {
            What::Overwrite => ("ckpt_bench", "overwrite", CALLS),
            What::Read => ("ckpt_bench", "read", CALLS),
            What::Get => ("clm_bench", "get", CALLS),
            What::CkptLife => ("ckpt_bench", "life", LIVES),
            What::ClmLife => ("clm_bench", "life", LIVES),
        };
        let output = Command::new(self.c.path().join(program))
            .args([verb, &count.to_string()])
            .env("AIS_SOCKET", &self.socket)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{program} {verb}: {}", output.status).into());
        }
        let text = String::from_utf8(output.stdout)?;
        text.lines().map(|it| Ok(Duration::from_nanos(it.parse()?))).collect()
    }
}

#[derive(Clone, Copy)]
enum What {
    Overwrite,
    Read,
    Get,
    CkptLife,
    ClmLife,
}

/// p50 and p99 of the round in the middle.
fn middle(mut rounds: Vec<Vec<Duration>>) -> (f64, f64) {
    let at = |times: &[Duration], percent: usize| {
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e6
    };
    rounds.iter_mut().for_each(|it| it.sort());
    rounds.sort_by_key(|it| it[it.len() / 2]);
    let round = &rounds[rounds.len() / 2];
    (at(round, 50), at(round, 99))
}

/// Compiles the programs in C against the libraries that lie beside this program.
fn compile(program: &Path) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = program.parent().ok_or("a program lies in a folder")?;
    let deps = target.join("deps");
    for (name, library, soname) in
        [("ckpt_bench", "SaCkpt", "libSaCkpt.so.1"), ("clm_bench", "SaClm", "libSaClm.so.0")]
    {
        let built = deps.join(format!("lib{library}.so"));
        for link in [soname.to_owned(), format!("lib{library}.so")] {
            std::os::unix::fs::symlink(&built, folder.path().join(link))?;
        }
        let status = Command::new("cc")
            .args(["-O2", "-std=gnu11"])
            .arg(format!("-I{}", here.join("../include").display()))
            .arg(here.join("c").join(name).with_extension("c"))
            .arg("-o")
            .arg(folder.path().join(name))
            .arg(format!("-L{}", folder.path().display()))
            .arg(format!("-Wl,-rpath,{}", folder.path().display()))
            .arg(format!("-l{library}"))
            .status()?;
        if !status.success() {
            return Err(format!("{name} does not compile").into());
        }
    }
    Ok(folder)
}

fn run() -> Result<()> {
    let program = env::current_exe()?;
    let site = Site::start(&program, &["n1"])?;
    let socket = site.socket("n1").to_owned();
    let bench =
        Bench { endpoint: Endpoint::Path(socket.clone()), socket, c: compile(&program)?, program };
    println!("| what | echo p50 | Rust p50 | C p50 | C p99 | C / Rust | C / echo |");
    println!("|---|---|---|---|---|---|---|");
    for (name, what) in [
        ("ckpt overwrite 1 KiB", What::Overwrite),
        ("ckpt read 1 KiB", What::Read),
        ("clm node get", What::Get),
        ("ckpt initialize + finalize", What::CkptLife),
        ("clm initialize + finalize", What::ClmLife),
    ] {
        let (mut raw, mut rust, mut c) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raw.push(bench.raw()?);
            rust.push(bench.rust(what)?);
            c.push(bench.c(what)?);
        }
        let ((raw, _), (rust, _), (c, c99)) = (middle(raw), middle(rust), middle(c));
        println!(
            "| {name} | {raw:.1} µs | {rust:.1} µs | {c:.1} µs | {c99:.1} µs | {:.2} | {:.2} |",
            c / rust,
            c / raw
        );
    }
    Ok(())
}
