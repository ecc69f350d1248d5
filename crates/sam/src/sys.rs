//! What only the system's own functions can do. Every `unsafe` of the crate that is not about a
//! caller's pointer is here.
#![expect(unsafe_code, reason = "fork, signals and the end of a process have no safe form")]

use rustix::{io::Errno, process::Pid};
use std::{
    fs, io,
    mem::MaybeUninit,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

/// Which process returns from a fork.
pub(crate) enum Forked {
    Child,
    Parent(Pid),
}

/// Forks.
///
/// # Safety
/// Only the calling thread lives on in the child. If there are others, what they hold locked stays
/// locked there for ever, and the caller answers for that.
pub(crate) unsafe fn fork() -> io::Result<Forked> {
    // SAFETY: `fork` touches no memory of ours; what the child may do is the caller's promise.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(Pid::from_raw(pid).expect("a parent gets a number above 0"))),
    }
}

/// How many threads this process has.
pub(crate) fn threads() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

/// Sends a signal that nobody has checked; `false` if the system has no such signal, or no such
/// process.
pub(crate) fn kill(pid: Pid, signal: i32) -> bool {
    // SAFETY: `kill` takes two numbers and touches no memory.
    unsafe { libc::kill(pid.as_raw_pid(), signal) == 0 }
}

/// Ends this process at once, without what was registered for its exit.
pub(crate) fn end_at_once(status: i32) -> ! {
    // SAFETY: `_exit` does not return, and runs nothing of ours.
    unsafe { libc::_exit(status) }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub(crate) struct Signals(libc::sigset_t);

impl Signals {
    pub(crate) fn none() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` fills the set that it is given, and cannot fail.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            Self(set.assume_init())
        }
    }

    /// Those that come from outside; not those that a fault of the program itself raises, which must
    /// not be blocked when they come.
    pub(crate) fn from_outside() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigfillset` fills the set, and `sigdelset` takes numbers that exist out of it.
        unsafe {
            libc::sigfillset(set.as_mut_ptr());
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                libc::sigdelset(set.as_mut_ptr(), fault);
            }
            Self(set.assume_init())
        }
    }

    /// These, and not this one.
    pub(crate) fn without(mut self, signal: i32) -> Self {
        // SAFETY: the set is filled; a number that is none is refused and changes nothing.
        unsafe { libc::sigdelset(&raw mut self.0, signal) };
        self
    }

    pub(crate) fn of(signals: &[i32]) -> Self {
        let mut set = Self::none();
        for signal in signals {
            // SAFETY: the set is filled; a number that is none is refused and changes nothing.
            unsafe { libc::sigaddset(&raw mut set.0, *signal) };
        }
        set
    }

    /// Blocks these in this thread, too; gives back what was blocked before.
    pub(crate) fn block(self) -> Self {
        self.mask(libc::SIG_BLOCK)
    }

    /// Blocks exactly these in this thread.
    pub(crate) fn restore(self) {
        self.mask(libc::SIG_SETMASK);
    }

    fn mask(self, how: i32) -> Self {
        let mut before = Self::none();
        // SAFETY: both sets are filled and live during the call, which cannot fail with these `how`.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, &raw mut before.0) };
        before
    }

    /// Forgets those of these that wait to be delivered. They must be blocked.
    pub(crate) fn forget_pending(self) {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: set and time live during the call; nobody wants to know more of the signal.
        while unsafe { libc::sigtimedwait(&raw const self.0, ptr::null_mut(), &raw const at_once) }
            > 0
        {}
    }

    /// The next of these that waits to be delivered. They must be blocked.
    pub(crate) fn take_pending(self) -> Option<i32> {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: as above.
        let taken =
            unsafe { libc::sigtimedwait(&raw const self.0, ptr::null_mut(), &raw const at_once) };
        (taken > 0).then_some(taken)
    }
}

/// A descriptor that is readable while one of these signals, which must be blocked, waits.
pub(crate) fn signal_fd(signals: Signals) -> io::Result<OwnedFd> {
    // SAFETY: the set lives during the call; -1 asks for a new descriptor.
    let fd =
        unsafe { libc::signalfd(-1, &raw const signals.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether this process has such a descriptor.
pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: `fcntl` says whether there is such a descriptor, and does nothing to it.
    fd >= 0 && unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0
}

/// A descriptor of our own for what is open under this number, which from now on ends with this program.
pub(crate) fn take_over(fd: RawFd) -> Option<OwnedFd> {
    if !is_open(fd) {
        return None;
    }
    // SAFETY: it is open now. Whoever left it open for us keeps no idea of it in this program, so that
    // nobody closes it while it is copied.
    let theirs = unsafe { BorrowedFd::borrow_raw(fd) };
    rustix::io::fcntl_setfd(theirs, rustix::io::FdFlags::CLOEXEC).ok()?;
    rustix::io::fcntl_dupfd_cloexec(theirs, 3).ok()
}

/// Nanoseconds of the monotonic clock, which is one for all processes of the machine.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is room for it. By the C library: rustix finds the kernel's own function for it in
    // memory that tools such as valgrind take away.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Again, as long as a signal interrupts it.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
