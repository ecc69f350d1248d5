//! Which process is which: one [`ProcessId`] for each, whether it was started here, came by
//! itself, or both.

use super::{Core, Effect, ProcessKey};
use ais_service::Now;
use ais_types::ProcessId;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Processes {
    living: BTreeMap<ProcessKey, Process>,
    keys: BTreeMap<u64, ProcessKey>,
    counted: u64,
}

struct Process {
    /// Its number on this node.
    number: u64,
    pid: u32,
    /// A service had it started.
    ours: bool,
}

impl Processes {
    /// This process was started, or talks to a service.
    pub(super) fn started(&mut self, key: ProcessKey, pid: u32) -> u64 {
        if let Some(known) = self.living.get(&key) {
            return known.number;
        }
        self.counted += 1;
        self.living.insert(key, Process { number: self.counted, pid, ours: false });
        self.keys.insert(self.counted, key);
        self.counted
    }

    /// A service had it started.
    pub(super) fn is_ours(&mut self, key: ProcessKey) {
        if let Some(it) = self.living.get_mut(&key) {
            it.ours = true;
        }
    }

    /// What services had started, and lives.
    pub(super) fn ours(&self) -> Vec<(ProcessKey, u32)> {
        self.living.iter().filter(|(_, it)| it.ours).map(|(key, it)| (*key, it.pid)).collect()
    }

    /// The living process of this number.
    pub(super) fn find(&self, number: u64) -> Option<(ProcessKey, u32)> {
        let key = self.keys.get(&number)?;
        Some((*key, self.living.get(key)?.pid))
    }

    fn ended(&mut self, key: ProcessKey) -> Option<u64> {
        let process = self.living.remove(&key)?;
        self.keys.remove(&process.number);
        Some(process.number)
    }
}

impl Core {
    /// Its sessions end here and now; what it had open is closed everywhere, in order.
    pub(super) fn process_exited(&mut self, now: Now, key: ProcessKey, out: &mut Vec<Effect>) {
        for session in self.sessions.of_process(key) {
            self.cancel_calls(session, None);
            self.sessions.remove(session);
            out.push(Effect::CloseSession(session, None));
        }
        // What its calls had taken is given back before anyone hears that it is gone.
        self.drain_work(now, out);
        if let (Some(number), Some(member)) = (self.processes.ended(key), self.me) {
            out.push(Effect::OrderProcessEnded(ProcessId { member, number }));
        }
    }
}
