//! What each process costs the node at the moment, so that none starves the others.

use super::{CoreLimits, ProcessKey};
use ais_types::{Error, ErrorCode, Outcome};
use std::collections::BTreeMap;

/// Sums over the sessions of each process.
#[derive(Default)]
pub(super) struct Usage(BTreeMap<ProcessKey, Sum>);

#[derive(Clone, Copy, Default)]
struct Sum {
    sessions: usize,
    calls: usize,
    bytes: usize,
}

impl Usage {
    pub(super) fn session_opened(&mut self, of: ProcessKey) {
        self.0.entry(of).or_default().sessions += 1;
    }

    pub(super) fn session_closed(&mut self, of: ProcessKey) {
        self.change(of, |sum| sum.sessions -= 1);
    }

    pub(super) fn call_began(&mut self, of: ProcessKey, bytes: usize) {
        let sum = self.0.entry(of).or_default();
        sum.calls += 1;
        sum.bytes += bytes;
    }

    pub(super) fn call_ended(&mut self, of: ProcessKey, bytes: usize) {
        self.change(of, |sum| {
            sum.calls -= 1;
            sum.bytes -= bytes;
        });
    }

    /// Whether the process may open one more session.
    pub(super) fn admits_session(&self, of: ProcessKey, limits: &CoreLimits) -> Outcome<()> {
        let (has, limit) = (self.of(of).sessions, limits.process_sessions);
        if has < limit {
            return Ok(());
        }
        let text = format!("this process has {has} sessions already; finalize one of them first");
        Err(Error::new(ErrorCode::NoResources, text))
    }

    /// Whether the process may make one more call, of so many bytes. A single call is never too
    /// large here: frames have a limit of their own.
    pub(super) fn admits_call(
        &self,
        of: ProcessKey,
        bytes: usize,
        limits: &CoreLimits,
    ) -> Outcome<()> {
        let sum = self.of(of);
        let text = if sum.calls >= limits.process_calls {
            format!("{} calls of this process are not answered yet", sum.calls)
        } else if sum.calls > 0 && sum.bytes.saturating_add(bytes) > limits.process_bytes {
            format!("calls of this process with {} bytes are not answered yet", sum.bytes)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::TryAgain, text))
    }

    fn of(&self, process: ProcessKey) -> Sum {
        self.0.get(&process).copied().unwrap_or_default()
    }

    fn change(&mut self, of: ProcessKey, by: impl FnOnce(&mut Sum)) {
        let Some(sum) = self.0.get_mut(&of) else { return };
        by(sum);
        if sum.sessions == 0 && sum.calls == 0 {
            self.0.remove(&of);
        }
    }
}
