//! The library handle: a session with a service, its callbacks, its selection object.

use crate::{Children, Failure, bad_handle, fail};
use ais_client::{Ckpt, Clm, Session};
use ais_types::{DispatchFlags, ErrorCode, Outcome, ckpt, clm};
use rustix::{
    fd::{AsRawFd, BorrowedFd, IntoRawFd, RawFd},
    fs::fstat,
    io::fcntl_dupfd_cloexec,
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a library needs of the client's handle of its service.
pub trait Service {
    /// What a program is told.
    type Callback;

    /// The session below.
    fn session(&self) -> &Session;

    /// Runs pending callbacks in the calling thread.
    ///
    /// # Errors
    /// Those of the session.
    fn dispatch(&self, flags: DispatchFlags, run: &mut dyn FnMut(Self::Callback)) -> Outcome<()>;
}

impl Service for Clm<Session> {
    type Callback = clm::Callback;

    fn session(&self) -> &Session {
        Self::session(self)
    }

    fn dispatch(&self, flags: DispatchFlags, run: &mut dyn FnMut(Self::Callback)) -> Outcome<()> {
        Self::dispatch(self, flags, run)
    }
}

impl Service for Ckpt<Session> {
    type Callback = ckpt::Callback;

    fn session(&self) -> &Session {
        Self::session(self)
    }

    fn dispatch(&self, flags: DispatchFlags, run: &mut dyn FnMut(Self::Callback)) -> Outcome<()> {
        Self::dispatch(self, flags, run)
    }
}

/// What the version that a program was written for decides in every service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// It knows the codes from `SA_AIS_ERR_NO_OP` on, `SA_AIS_ERR_UNAVAILABLE` among them.
    pub later_codes: bool,
}

/// A library handle: `H` is the client's handle of the service, `C` the callbacks of the program.
#[derive(Debug)]
pub struct Library<H, C> {
    service: H,
    callbacks: C,
    rules: Rules,
    selection: Selection,
    children: Children,
}

impl<H: Service, C> Library<H, C> {
    /// Over an open session.
    pub fn new(service: H, callbacks: C, rules: Rules) -> Self {
        let selection = Selection::default();
        Self { service, callbacks, rules, selection, children: Children::default() }
    }

    /// What the program registered.
    pub fn callbacks(&self) -> &C {
        &self.callbacks
    }

    /// The handles that end with this one.
    pub fn children(&self) -> &Children {
        &self.children
    }

    /// Asks the service.
    ///
    /// # Errors
    /// What it says, in words that the program's version knows.
    pub fn ask<T>(&self, ask: impl FnOnce(&H) -> Outcome<T>) -> Result<T, Failure> {
        ask(&self.service).map_err(|error| self.in_known_words(error))
    }

    /// The selection object: the same one each time.
    ///
    /// # Errors
    /// NO_RESOURCES when the process has no file descriptor left; BAD_HANDLE when the handle is
    /// being finalized.
    pub fn selection_object(&self) -> Result<u64, Failure> {
        let object = self.selection.of(self.service.session())?;
        u64::try_from(object).map_err(|_| bad_handle())
    }

    /// Runs pending callbacks in the calling thread.
    ///
    /// # Errors
    /// INVALID_PARAM for unknown flags; what the session says.
    pub fn dispatch(&self, flags: u32, mut run: impl FnMut(H::Callback)) -> Result<(), Failure> {
        let flags = DispatchFlags::from_number(flags)
            .map_err(|code| fail(code, format!("{flags} are no dispatch flags")))?;
        self.ask(|service| service.dispatch(flags, &mut run))
    }

    /// Ends the session. Whoever waits in it, or on the selection object, wakes up.
    pub fn finalize(&self) {
        // It was valid until now; a node that has gone is no error.
        let _ = self.service.session().finalize();
        self.selection.end();
    }

    /// A handle whose session the node has ended is stale for ever. Programs that know
    /// UNAVAILABLE are told so. Others are told TRY_AGAIN while there is no node, and that the
    /// handle is bad once there is one again.
    fn in_known_words(&self, error: Failure) -> Failure {
        let session = self.service.session();
        let code = match error.code {
            ErrorCode::BadHandle if session.is_gone() => match self.rules.later_codes {
                true => ErrorCode::Unavailable,
                false if session.node_answers() => ErrorCode::BadHandle,
                false => ErrorCode::TryAgain,
            },
            code => self.known(code),
        };
        Failure { code, ..error }
    }

    /// The code in words that the program's version knows.
    pub fn known(&self, code: ErrorCode) -> ErrorCode {
        match code {
            _ if self.rules.later_codes || code.number() < ErrorCode::NoOp.number() => code,
            ErrorCode::Unavailable => ErrorCode::TryAgain,
            _ => ErrorCode::Library,
        }
    }
}

/// The file descriptor that a program polls: a duplicate, so that a program that reads the number
/// wrongly for its own and closes it does no harm to the session.
#[derive(Debug, Default)]
pub struct Selection(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    NotAsked,
    Given(Given),
    Ended,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    number: RawFd,
    identity: (u64, u64),
}

impl Given {
    /// Whether the number still stands for the session's connection.
    fn is_there(self) -> bool {
        // SAFETY: only looked at within this function; that it may have been closed, or be
        // something else now, is what is asked.
        let there = unsafe { BorrowedFd::borrow_raw(self.number) };
        identity(there).is_some_and(|it| it == self.identity)
    }
}

fn identity(descriptor: BorrowedFd<'_>) -> Option<(u64, u64)> {
    fstat(descriptor).ok().map(|it| (it.st_dev, it.st_ino))
}

impl Selection {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, session: &Session) -> Result<RawFd, Failure> {
        use std::os::fd::AsFd;
        let mut state = self.lock();
        match *state {
            State::Given(given) if given.is_there() => return Ok(given.number),
            State::Ended => return Err(bad_handle()),
            State::Given(_) | State::NotAsked => {}
        }
        let none_left = || fail(ErrorCode::NoResources, "the process has no descriptor left");
        let duplicate = fcntl_dupfd_cloexec(session.as_fd(), 0).map_err(|_| none_left())?;
        let identity = identity(session.as_fd()).ok_or_else(none_left)?;
        let number = duplicate.as_raw_fd();
        *state = State::Given(Given { number, identity });
        Ok(duplicate.into_raw_fd())
    }

    fn end(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Ended);
        if let State::Given(given) = before
            && given.is_there()
        {
            // SAFETY: `into_raw_fd` gave it to us, and it is still the same socket: the program
            // has not closed it.
            unsafe { libc::close(given.number) };
        }
    }
}

/// What the node's operators see this program as.
#[must_use]
pub fn program() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let path = std::env::current_exe().unwrap_or_default();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "a C program".to_owned())
    })
}
