//! Starting a process that cannot outlive its keeper.

use super::Task;
use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
    },
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

/// Starts the task in a process group of its own.
///
/// The end of the *thread* that calls this kills the process: call it from the main thread.
pub(super) fn start(task: &Task) -> Result<(Pid, OwnedFd), String> {
    let Some((program, arguments)) = task.command.split_first() else {
        return Err("the command is empty: name a program in the model".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(task.environment.iter().map(|(key, value)| (key, value)));
    command.env_remove("NOTIFY_SOCKET").current_dir(&task.folder).process_group(0);
    let output = open_output(Path::new(&task.output)).map_err(|error| {
        format!("cannot write {}: {error}; see to its folder and its rights", task.output)
    })?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    die_with(&mut command, getpid());
    let child = command.spawn().map_err(|error| {
        format!("cannot start {program} in {}: {error}; see to its path and rights", task.folder)
    })?;
    let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = number.expect("the system numbers processes from 1");
    // Nobody else reaps our children, so the number still means this one.
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        format!("cannot watch {program}: {error}; the system needs pidfds (Linux 5.3)")
    })?;
    Ok((pid, pidfd))
}

fn open_output(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// The process is killed when `keeper` ends.
#[expect(unsafe_code, reason = "the one way to say so between fork and exec")]
fn die_with(command: &mut Command, keeper: Pid) {
    let arm = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The keeper may have ended before the line above.
        if getppid() == Some(keeper) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec the closure makes two system calls and touches no memory but
    // its own stack; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(arm);
    }
}
