//! A program that does what it is told, a line at a time, and says what came of it.
//!
//! It has one thread, since it is forked, and reads its orders byte by byte, since every instance goes on
//! reading where the one before it stopped. `c.rs` has the functions of SAM; here is the rest.
#![expect(unsafe_code, reason = "signals, forks and descriptors, as programs in C use them")]

mod calls;
mod face;
mod fake;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read, write},
};
use std::{
    process::exit,
    sync::atomic::{AtomicU32, Ordering},
};

/// How often a signal handler ran, in this process and those that it was forked from.
static HANDLED: AtomicU32 = AtomicU32::new(0);

fn main() {
    fake::use_if_named();
    while let Some(line) = order() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = calls::call(&words).or_else(|| face::call(&words)).or_else(|| act(&words));
        say(&answer.unwrap_or_else(|| format!("what is {line:?}?")));
    }
}

/// Says a line in one piece.
fn say(line: &str) {
    let _ = write(rustix::stdio::stdout(), format!("{line}\n").as_bytes());
}

/// The next line, and not a byte more; `None` at the end.
fn order() -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        match read(rustix::stdio::stdin(), &mut byte) {
            Ok(0) => return None,
            Ok(_) if byte == *b"\n" => {
                return Some(String::from_utf8(line).expect("orders are text"));
            }
            Ok(_) => line.push(byte[0]),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Whether the next order is there before so many milliseconds are over.
fn ordered_within(milliseconds: u64) -> bool {
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::from_borrowed_fd(stdin, PollFlags::IN)];
    let limit = Timespec {
        tv_sec: i64::try_from(milliseconds / 1000).expect("short"),
        tv_nsec: i64::try_from(milliseconds % 1000 * 1_000_000).expect("short"),
    };
    poll(&mut fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not the number that was awaited"))
}

/// What is no call of SAM.
fn act(words: &[&str]) -> Option<String> {
    Some(match *words {
        ["pid"] => format!("{}", std::process::id()),
        ["exit", status] => exit(number(status)),
        ["raise", signal] => {
            // SAFETY: it sends a signal to this process.
            unsafe { libc::raise(number(signal)) };
            "survived".to_owned()
        }
        ["crash"] => {
            // A program in Rust has a handler for this.
            set_handler(libc::SIGSEGV, libc::SIG_DFL);
            // SAFETY: it sends a signal to this process.
            unsafe { libc::raise(libc::SIGSEGV) };
            "survived".to_owned()
        }
        ["beat", every] => beat(number(every)),
        ["ignore", signal] => set_handler(number(signal), libc::SIG_IGN),
        ["default", signal] => set_handler(number(signal), libc::SIG_DFL),
        ["report", signal] => set_handler(number(signal), report as *const () as usize),
        ["count", signal] => set_handler(number(signal), count as *const () as usize),
        ["handled"] => format!("{}", HANDLED.load(Ordering::SeqCst)),
        ["at-exit"] => {
            // SAFETY: `at_exit` is a function without arguments that lives for ever.
            unsafe { libc::atexit(at_exit) };
            "done".to_owned()
        }
        ["close-all"] => {
            // SAFETY: nothing of this program uses a descriptor above 2 afterwards.
            let done = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
            format!("{done}")
        }
        ["files-to-spare", count] => limit(libc::RLIMIT_NOFILE, limit_that_spares(number(count))),
        ["open-files"] => {
            format!("{}", std::fs::read_dir("/proc/self/fd").expect("proc").count() - 1)
        }
        ["processes", most] => limit(libc::RLIMIT_NPROC, number(most)),
        ["user", id] => {
            // SAFETY: it gives up rights.
            format!("{}", unsafe { libc::setuid(number(id)) })
        }
        ["descend"] => descend(),
        ["execute", ref command @ ..] => {
            use std::os::unix::process::CommandExt;
            let error = std::process::Command::new(command[0]).args(&command[1..]).exec();
            format!("{error}")
        }
        ["become", ref command @ ..] => {
            use std::os::unix::process::CommandExt;
            let (variable, line) = ais_sam::adopt::offer().expect("an instance");
            assert_eq!(ais_sam::c::start(), ais_sam::c::OK);
            let error = std::process::Command::new(command[0])
                .args(&command[1..])
                .env(variable, line)
                .exec();
            let _ = ais_sam::c::stop();
            format!("{error}")
        }
        ["hc-and-stay"] => {
            assert_eq!(ais_sam::c::hc_send(), ais_sam::c::OK);
            loop {
                std::thread::park();
            }
        }
        ["touch", megabytes] => touch(number(megabytes)),
        ["thread"] => {
            std::thread::spawn(std::thread::park);
            "done".to_owned()
        }
        ["wait-any"] => {
            // SAFETY: no status is wanted.
            let waited = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
            format!("{waited}")
        }
        ["blocked"] => blocked(),
        _ => return None,
    })
}

/// Says that all is well until the next order comes.
fn beat(every: u64) -> String {
    let mut sent = 0;
    loop {
        let code = ais_sam::c::hc_send();
        if code != ais_sam::c::OK {
            return format!("{code} after {sent}");
        }
        sent += 1;
        if ordered_within(every) {
            // Whatever it is, it means: enough.
            let _ = order();
            return "beaten".to_owned();
        }
    }
}

fn set_handler(signal: i32, handler: usize) -> String {
    // SAFETY: the handlers below do only what a handler may.
    let before = unsafe { libc::signal(signal, handler) };
    if before == libc::SIG_ERR { "no such signal".to_owned() } else { "done".to_owned() }
}

/// Says that it came.
extern "C" fn report(signal: i32) {
    let line = [b's', b'i', b'g', b'n', b'a', b'l', b' ', digit(signal / 10), digit(signal), b'\n'];
    let _ = write(rustix::stdio::stdout(), &line);
}

fn digit(number: i32) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

/// Counts, and stores the count: SAM may be called from a handler.
extern "C" fn count(signal: i32) {
    let handled = HANDLED.fetch_add(1, Ordering::SeqCst) + 1;
    let text = [digit(i32::try_from(handled).unwrap_or(0))];
    // SAFETY: one byte that lives during the call.
    let _ = unsafe { ais_sam::c::data_store(text.as_ptr().cast(), 1) };
    report(signal);
}

extern "C" fn at_exit() {
    say(&format!("at exit of {}", std::process::id()));
}

fn limit(what: libc::__rlimit_resource_t, most: u64) -> String {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit lives during the call.
    format!("{}", unsafe { libc::setrlimit(what, &raw const limit) })
}

/// The limit below which so many numbers of descriptors are free.
fn limit_that_spares(count: usize) -> u64 {
    let is_free = |fd: &i32| {
        // SAFETY: it only asks.
        unsafe { libc::fcntl(*fd, libc::F_GETFD) < 0 }
    };
    let first_not_to_have = (0..).filter(is_free).nth(count).expect("numbers do not end");
    u64::try_from(first_not_to_have).expect("no less than 0")
}

/// A descendant that holds all descriptors until it hears the word, or its ancestor's test ends.
fn descend() -> String {
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => {
            let mut byte = [0];
            // The error output is the test's, and closed when it ends.
            let mut fds = [PollFd::from_borrowed_fd(rustix::stdio::stderr(), PollFlags::empty())];
            let _ = poll(&mut fds, None);
            let _ = read(rustix::stdio::stdin(), &mut byte[..0]);
            // SAFETY: it ends this process.
            unsafe { libc::_exit(0) }
        }
        pid => format!("{pid}"),
    }
}

/// So much memory, every page of it written, and kept.
fn touch(megabytes: usize) -> String {
    let memory: &'static mut [u8] = vec![0_u8; megabytes << 20].leak();
    memory.iter_mut().step_by(4096).for_each(|page| *page = 1);
    "done".to_owned()
}

/// Which signals are blocked.
fn blocked() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("proc");
    status.lines().find(|line| line.starts_with("SigBlk")).unwrap_or("none").to_owned()
}
