//! An instance that ends at once, however much memory it has.
//!
//! The system frees a dying process's memory before it closes its files and tells its parent: with half
//! a gigabyte that takes many milliseconds. If another process shares the memory, the dying one has
//! nothing to free. That other process is made here: it has the memory and nothing else, sleeps until
//! the instance has ended, and ends then.
#![expect(unsafe_code, reason = "a process that shares memory has no safe form")]

use crate::sys::Signals;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use std::{
    ffi::{c_int, c_void},
    os::fd::{AsRawFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

/// The sharing process calls a few functions of the system and nothing else.
const STACK: usize = 16 << 10;

/// So long after the end of its instance it ends.
const LINGER_MS: c_int = 100;

/// The least urgent of ordinary processes.
const LOWEST: c_int = 19;

/// What the sharing process is given. It lives as long as the memory itself.
struct Sharing {
    pidfd: c_int,
    /// It will touch nothing of the instance any more.
    settled: AtomicBool,
}

/// Shares the memory of this process. Where the system cannot, the end takes its time.
pub(crate) fn keep() {
    let Ok(pidfd) = pidfd_open(getpid(), PidfdFlags::empty()) else { return };
    let Some(top) = stack() else { return };
    let sharing: &'static Sharing =
        Box::leak(Box::new(Sharing { pidfd: pidfd.as_raw_fd(), settled: AtomicBool::new(false) }));
    // Handlers of the program must never run there.
    let mask = Signals::from_outside().block();
    share(top, sharing, &pidfd);
    mask.restore();
}

/// The top of a new stack.
fn stack() -> Option<*mut c_void> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
    // SAFETY: an anonymous mapping at a place of the system's choice touches nothing that exists.
    let base = unsafe { libc::mmap(ptr::null_mut(), STACK, access, kind, -1, 0) };
    if base == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the end of the mapping just made, one past its last byte.
    Some(unsafe { base.byte_add(STACK) })
}

fn share(top: *mut c_void, sharing: &'static Sharing, _until_shared: &OwnedFd) {
    let data = ptr::from_ref(sharing).cast_mut().cast();
    // No signal at its end: the program's `wait` never hears of it.
    // SAFETY: the stack is new, 16-byte aligned, and belongs to the new process alone; `data` lives as
    // long as the memory. The new process has the thread-local storage of this thread, and `sleep_on`
    // touches it (`errno`) only while this thread waits below, or after this process has ended.
    let made = unsafe { libc::clone(sleep_on, top, libc::CLONE_VM, data) };
    if made < 0 {
        return;
    }
    while !sharing.settled.load(Ordering::Acquire) {
        rustix::thread::sched_yield();
    }
}

/// The whole life of the sharing process.
extern "C" fn sleep_on(data: *mut c_void) -> c_int {
    // SAFETY: `data` is the `Sharing` that `share` gave, which is never freed.
    let sharing = unsafe { &*data.cast::<Sharing>() };
    let pidfd = sharing.pidfd;
    // What the instance has open must not stay open here.
    // SAFETY: descriptors of this process, a copy of the instance's, which nothing here uses.
    let closed = unsafe {
        let (first, last) = (pidfd.cast_unsigned(), c_int::MAX.cast_unsigned());
        (pidfd == 0 || libc::syscall(libc::SYS_close_range, 0, first - 1, 0) == 0)
            && libc::syscall(libc::SYS_close_range, first + 1, last, 0) == 0
    };
    sharing.settled.store(true, Ordering::Release);
    // Freeing can wait; the next instance cannot. The call is made without `errno`, and lowering is always
    // allowed.
    let _ = rustix::process::setpriority_process(None, LOWEST);
    if closed {
        let mut fds = [libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 }];
        // SAFETY: one descriptor in one array. All signals are blocked, so that it returns when the
        // instance has ended, and not before. A thread that a debugger stops may be interrupted: the
        // only harm is that the memory is freed by the instance itself.
        unsafe { libc::poll(fds.as_mut_ptr(), 1, -1) };
        // Freeing keeps a processor busy for many milliseconds, and cannot be interrupted: first the
        // next instance gets going.
        // SAFETY: no descriptors at all.
        unsafe { libc::poll(ptr::null_mut(), 0, LINGER_MS) };
    }
    // SAFETY: ends this process alone, without anything that the program registered for its own end.
    unsafe { libc::syscall(libc::SYS_exit_group, 0) };
    0
}
