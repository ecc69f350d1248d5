//! What an instance is told that did not get it with the memory of its supervisor.

use crate::{Death, Error, library::Library, link::fill, sys};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{SendFlags, send},
};
use std::os::fd::OwnedFd;

/// What an instance is told.
pub(crate) struct Turn {
    number: u32,
    warn_signal: i32,
    last_death: Option<Death>,
    data: Vec<u8>,
}

impl Turn {
    /// Begins it; the number.
    pub(crate) fn begin(self, library: &mut Library) -> u32 {
        library.instance = self.number;
        library.warn_signal = self.warn_signal;
        library.last_death = self.last_death;
        library.data = self.data;
        self.number
    }
}

const HEAD: usize = 4 + 4 + 1 + Death::BYTES + 8;

/// What the record says, for an instance that has none of it.
pub(crate) fn turn(library: &Library) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + library.data.len());
    bytes.extend_from_slice(&library.instance.to_ne_bytes());
    bytes.extend_from_slice(&library.warn_signal.to_ne_bytes());
    bytes.push(u8::from(library.last_death.is_some()));
    bytes.extend_from_slice(&library.last_death.map_or([0; Death::BYTES], Death::to_bytes));
    bytes.extend_from_slice(&(library.data.len() as u64).to_ne_bytes());
    bytes.extend_from_slice(&library.data);
    bytes
}

/// The next so many bytes of a head, which is as long as its parts.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (part, after) = rest.split_first_chunk().expect("a head is as long as its parts");
    *rest = after;
    *part
}

/// Hears it.
pub(crate) fn hear(from: &OwnedFd) -> Result<Turn, Error> {
    let mut head = [0; HEAD];
    fill(from, &mut head)?;
    let mut rest = &head[..];
    let number = take(&mut rest);
    let warn_signal = take(&mut rest);
    let died: [u8; 1] = take(&mut rest);
    let death = take(&mut rest);
    let size = take(&mut rest);
    let size = usize::try_from(u64::from_ne_bytes(size)).unwrap_or(usize::MAX);
    let mut data = Vec::new();
    data.try_reserve_exact(size).map_err(|_| Error::Memory(size))?;
    data.resize(size, 0);
    fill(from, &mut data)?;
    Ok(Turn {
        number: u32::from_ne_bytes(number),
        warn_signal: i32::from_ne_bytes(warn_signal),
        last_death: (died == [1]).then(|| Death::from_bytes(death)).flatten(),
        data,
    })
}

/// Tells it. An instance that does not listen for 5 s is not there.
pub(crate) fn tell(to: &OwnedFd, mut turn: &[u8]) -> Result<(), Errno> {
    let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
    while !turn.is_empty() {
        match send(to, turn, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(count) => turn = &turn[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::new(to, PollFlags::OUT)];
                if sys::uninterrupted(|| poll(&mut fds, Some(&limit)))? == 0 {
                    return Err(Errno::TIMEDOUT);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
