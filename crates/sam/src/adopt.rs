//! An instance that executes another program, and a program that takes up where it left off.
//!
//! The instance leaves its line open and says in the environment where it is. The program that knows SAM
//! finds it: its `register` does not fork, it is the instance already.

use crate::{
    Error, State,
    library::{Library, lock},
    link::{self, ActiveEnd},
    sys,
    turn::hear,
};
use std::{
    env,
    ffi::OsString,
    os::fd::{AsRawFd, RawFd},
    sync::Arc,
};

/// Where the line is: `PID:PUBLISHED:COMMANDS:ANSWERS:STARTS`.
pub const LINE_VARIABLE: &str = "AIS_SAM_LINE";

/// A line that is open in this process, left by an instance that executed this program.
pub(crate) struct Offer {
    /// Whether the state is published, even if this program does not ask for it.
    published: bool,
    line: ActiveEnd,
}

/// In an instance that is about to execute another program: what to add to its environment.
///
/// # Errors
/// BAD_HANDLE in no instance; LIBRARY if the line cannot be left open.
pub fn offer() -> Result<(&'static str, OsString), Error> {
    let library = lock();
    let help = "only an instance has a supervisor that another program can take over";
    library.expect("offer", &[State::Registered, State::Started], help)?;
    let line = library.line()?;
    line.stay_open_on_exec().map_err(|it| Error::Split(it.into()))?;
    let starts = line.starts.as_ref().ok_or(Error::SupervisorGone)?;
    let fds = [&line.commands, &line.answers, starts].map(|fd| fd.as_raw_fd().to_string());
    let pid = rustix::process::getpid().as_raw_pid();
    let published = u8::from(library.policy.published);
    let value = format!("{pid}:{published}:{}", fds.join(":"));
    Ok((LINE_VARIABLE, value.into()))
}

/// Whether the environment names a line for this very process.
pub(crate) fn is_offered() -> bool {
    parse().is_some()
}

fn parse() -> Option<(bool, [RawFd; 3])> {
    let value = env::var(LINE_VARIABLE).ok()?;
    let numbers: Vec<i32> = value.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [pid, published, fds @ ..] = &numbers[..] else { return None };
    let fds: [RawFd; 3] = fds.try_into().ok()?;
    // A descendant has the variable too, and is not meant.
    let mine = *pid == rustix::process::getpid().as_raw_pid();
    (mine && fds.iter().all(|fd| sys::is_open(*fd))).then_some((*published != 0, fds))
}

/// The line. What the program executes has it no more.
pub(crate) fn take_offer() -> Option<Offer> {
    let (published, fds) = parse()?;
    let [commands, answers, starts] = fds.map(sys::take_over);
    let line = ActiveEnd { commands: commands?, answers: answers?, starts: Some(starts?) };
    Some(Offer { published, line })
}

impl Offer {
    /// Becomes the instance. The supervisor hears what the program asks for, and says what is stored.
    pub(crate) fn accept(self, library: &mut Library) -> Result<u32, Error> {
        let mut command = [link::ADOPT; 9];
        command[1..5].copy_from_slice(&library.interval.to_ne_bytes());
        command[5..].copy_from_slice(&library.policy.number().to_ne_bytes());
        self.line.say(&command)?;
        self.line.answer()?;
        let number = hear(&self.line.answers)?.begin(library);
        library.policy.published |= self.published;
        library.active = Some(Arc::new(self.line));
        library.state = State::Registered;
        Ok(number)
    }
}
