//! Which process is which: one [`ProcessId`] for each, whether it was started here, came by
//! itself, or both.

use super::{Core, Effect, ProcessKey};
use ais_service::Now;
use ais_types::{MemberId, ProcessId};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Processes {
    living: BTreeMap<ProcessKey, Process>,
    keys: BTreeMap<ProcessId, ProcessKey>,
    counted: u64,
}

struct Process {
    id: ProcessId,
    pid: u32,
}

impl Processes {
    /// This process was started, or talks to a service.
    pub(super) fn started(&mut self, me: MemberId, key: ProcessKey, pid: u32) -> ProcessId {
        if let Some(known) = self.living.get(&key) {
            return known.id;
        }
        self.counted += 1;
        let id = ProcessId { member: me, number: self.counted };
        self.living.insert(key, Process { id, pid });
        self.keys.insert(id, key);
        id
    }

    /// The living process of this name.
    pub(super) fn find(&self, id: ProcessId) -> Option<(ProcessKey, u32)> {
        let key = self.keys.get(&id)?;
        Some((*key, self.living.get(key)?.pid))
    }

    fn ended(&mut self, key: ProcessKey) -> Option<ProcessId> {
        let process = self.living.remove(&key)?;
        self.keys.remove(&process.id);
        Some(process.id)
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
        if let Some(process) = self.processes.ended(key) {
            out.push(Effect::OrderProcessEnded(process));
        }
    }
}
