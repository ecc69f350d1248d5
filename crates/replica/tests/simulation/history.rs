//! What programs have seen, and what they may rely on because of it.

use crate::journal::Value;
use ais_replica::{Acknowledge, RequestId};
use ais_types::MemberId;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct History {
    acknowledge: Acknowledge,
    /// Writes on their way.
    writes: BTreeMap<RequestId, Value>,
    /// Answered writes, and in which epoch.
    acknowledged: BTreeMap<Value, u64>,
    /// What must never be lost: answered under ALL, or answered and then synchronised.
    kept: BTreeSet<Value>,
    /// What each read, or synchronisation, must have in it.
    owed: BTreeMap<RequestId, BTreeSet<Value>>,
    /// The longest list that anybody has read, if reads are to agree.
    seen: Vec<Value>,
    primaries: BTreeMap<u64, MemberId>,
    pub(crate) answered: u64,
    /// How often there was something to rely on.
    pub(crate) checked: u64,
}

impl History {
    pub(crate) fn new(acknowledge: Acknowledge) -> Self {
        Self {
            acknowledge,
            writes: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            kept: BTreeSet::new(),
            owed: BTreeMap::new(),
            seen: Vec::new(),
            primaries: BTreeMap::new(),
            answered: 0,
            checked: 0,
        }
    }

    pub(crate) fn wrote(&mut self, id: RequestId, value: Value) {
        self.writes.insert(id, value);
    }

    pub(crate) fn written(&mut self, id: RequestId, epoch: u64) {
        let value = self.writes.remove(&id).expect("a request is answered once");
        self.answered += 1;
        self.acknowledged.insert(value, epoch);
        if self.acknowledge == Acknowledge::All {
            self.kept.insert(value);
        }
    }

    /// Two primaries never acknowledge in the same epoch.
    pub(crate) fn acknowledges(&mut self, epoch: u64, primary: MemberId) {
        let first = *self.primaries.entry(epoch).or_insert(primary);
        assert_eq!(first, primary, "two primaries acknowledge in epoch {epoch}");
    }

    pub(crate) fn reads(&mut self, id: RequestId) {
        let owed = self.kept.iter().chain(&self.seen).copied().collect();
        self.owed.insert(id, owed);
    }

    /// A read has everything that was acknowledged, or read by anybody, before it was asked for.
    pub(crate) fn read(&mut self, id: RequestId, list: &[Value], trusted: bool) {
        let owed = self.owed.remove(&id).expect("a read is answered once");
        self.answered += 1;
        if self.acknowledge == Acknowledge::Active || !trusted {
            return;
        }
        self.checked += owed.len() as u64;
        let there: BTreeSet<Value> = list.iter().copied().collect();
        let missing: Vec<_> = owed.difference(&there).collect();
        assert!(missing.is_empty(), "a read misses {missing:?}");
        let common = list.len().min(self.seen.len());
        assert_eq!(list[..common], self.seen[..common], "two readers see different orders");
        if list.len() > self.seen.len() {
            self.seen = list.to_vec();
        }
    }

    /// A feed tells each writer's values in order, none twice.
    pub(crate) fn fed(&mut self, told: &[Value]) {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for &Value(writer, number) in told {
            let before = last.insert(writer, number).unwrap_or(0);
            assert!(before < number, "a feed tells write {number} of {writer} after {before}");
        }
        self.checked += told.len() as u64;
    }

    pub(crate) fn synchronizes(&mut self, id: RequestId) {
        self.owed.insert(id, self.acknowledged.keys().copied().collect());
    }

    /// Under ACTIVE what a lost primary has acknowledged alone is said again by whoever wrote it,
    /// unless that one is lost too.
    pub(crate) fn synchronized(&mut self, id: RequestId, epoch: u64, writers: &BTreeSet<u64>) {
        let mut owed = self.owed.remove(&id).expect("a synchronisation is answered once");
        self.answered += 1;
        if self.acknowledge == Acknowledge::All {
            assert!(owed.is_subset(&self.kept));
        }
        owed.retain(|it| self.acknowledged[it] == epoch || writers.contains(&it.0));
        self.kept.extend(owed);
    }

    /// A complete copy has all that must be kept, nothing twice, each writer's in order.
    pub(crate) fn check_copy(&mut self, member: MemberId, list: &[Value]) {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for &Value(writer, number) in list {
            let before = last.insert(writer, number).unwrap_or(0);
            assert!(before < number, "{member}: write {number} of {writer} comes after {before}");
        }
        let there: BTreeSet<Value> = list.iter().copied().collect();
        let lost: Vec<_> = self.kept.difference(&there).collect();
        assert!(lost.is_empty(), "{member} has lost {lost:?}");
        self.checked += self.kept.len() as u64;
    }
}
