//! What somebody remembers of what he has left: what both who leave a checkpoint and who leave a
//! queue do.

use super::Io;
use crate::invariants::Closed;
use std::time::Duration;

/// Something is left and looked for again.
#[derive(Default)]
pub(super) struct Stay {
    /// When the call under way was made.
    asked: Duration,
    closed: Option<Closed>,
    retention: Duration,
}

impl Stay {
    /// A call is made.
    pub(super) fn asks(&mut self, io: &Io<'_>) {
        self.asked = io.now;
    }

    /// For how long it is to be kept this time.
    pub(super) fn begins(&mut self, io: &mut Io<'_>) -> Duration {
        self.retention = Duration::from_secs(io.rng.u64(0..3));
        self.retention
    }

    /// The close is answered. `true`: the name is to be unlinked, too.
    pub(super) fn left(&mut self, io: &mut Io<'_>) -> bool {
        self.closed_for(self.retention, io);
        io.rng.u8(0..4) == 0
    }

    /// The unlink is answered: from now on there is none of that name.
    pub(super) fn unlinked(&mut self, io: &mut Io<'_>) {
        self.found(io, true);
        self.closed_for(Duration::ZERO, io);
    }

    fn closed_for(&mut self, retention: Duration, io: &Io<'_>) {
        self.closed = Some(Closed { retention, asked: self.asked, answered: io.now });
    }

    /// It is there, or not, after it was left.
    pub(super) fn found(&self, io: &mut Io<'_>, there: bool) {
        let Some(closed) = self.closed else { return };
        if let Err(what) = io.ledger.found(closed, self.asked, io.now, there) {
            io.fail(what);
        }
    }

    /// Nobody knows what has become of it.
    pub(super) fn forget(&mut self) {
        self.closed = None;
    }
}
