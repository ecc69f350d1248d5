//! Sections that several programs write and read at the same time are registers: there is one
//! order of all that was done to each, which agrees with what everybody saw (linearizability).
//!
//! The checker is that of Wing and Gong with Lowe's memory of what was tried before. What was
//! asked and never answered may have been done at any time since, or never.

use std::collections::{BTreeMap, BTreeSet};

/// All registers.
#[derive(Default)]
pub(crate) struct Registers {
    histories: BTreeMap<u64, Vec<Operation>>,
    /// Counts beginnings and ends of operations.
    clock: u64,
    /// Registers of an era are left when something happens that they need not survive.
    era: u64,
}

/// What is done to a register. It holds 0 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Write(u64),
    /// Of which value is known once it is answered.
    Read(Option<u64>),
}

/// Names an operation that is under way: a register, and which one of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Underway {
    register: u64,
    at: usize,
    era: u64,
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    begin: u64,
    /// `None`: it was never answered.
    end: Option<u64>,
    act: Act,
}

impl Registers {
    /// Which era it is: its registers are its own.
    pub(crate) const fn era(&self) -> u64 {
        self.era
    }

    /// What was written may be lost from now on: the history of all registers ends here, with what
    /// is under way.
    pub(crate) const fn interrupt(&mut self) {
        self.era += 1;
    }

    /// Somebody begins to do this.
    pub(crate) fn begin(&mut self, register: u64, act: Act) -> Underway {
        self.clock += 1;
        let history = self.histories.entry(register).or_default();
        history.push(Operation { begin: self.clock, end: None, act });
        Underway { register, at: history.len() - 1, era: self.era }
    }

    /// It is answered; with what was read.
    pub(crate) fn end(&mut self, underway: Underway, read: Option<u64>) {
        if underway.era != self.era {
            return;
        }
        self.clock += 1;
        let history = self.histories.get_mut(&underway.register);
        let Some(it) = history.and_then(|it| it.get_mut(underway.at)) else { return };
        it.end = Some(self.clock);
        if let Act::Read(value) = &mut it.act {
            *value = read;
        }
    }

    /// How many operations were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.histories.values().flatten().filter(|it| it.end.is_some()).count() as u64
    }

    fn wrong(&self) -> Option<String> {
        let wrong = self.histories.iter().find(|(_, history)| !linearizable(history));
        wrong.map(|(register, history)| {
            format!("register {register} was not one register: {history:?}")
        })
    }
}

/// To be called when everything is over.
pub(crate) fn were_registers(world: &mut crate::world::World) {
    if let Some(what) = world.ledger.registers.wrong() {
        world.fail(what);
    }
}

/// Whether there is one order that explains everything.
fn linearizable(history: &[Operation]) -> bool {
    let read: BTreeSet<u64> = history
        .iter()
        .filter_map(|it| match it.act {
            Act::Read(value) => value,
            Act::Write(_) => None,
        })
        .collect();
    let counts = |it: &&Operation| match (it.end, it.act) {
        (Some(_), _) => true,
        // What nobody answered and nobody saw does not matter.
        (None, Act::Write(value)) => read.contains(&value),
        (None, Act::Read(_)) => false,
    };
    let mut operations: Vec<Operation> = history.iter().filter(counts).copied().collect();
    operations.sort_by_key(|it| it.begin);
    Search::new(&operations).find()
}

/// The operations that were put in order so far: all of the first `base`, and these after them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Done {
    base: usize,
    others: BTreeSet<usize>,
}

struct Search<'a> {
    operations: &'a [Operation],
    /// What was tried, with the value that the register had then.
    tried: BTreeSet<(Done, u64)>,
}

impl<'a> Search<'a> {
    const fn new(operations: &'a [Operation]) -> Self {
        Self { operations, tried: BTreeSet::new() }
    }

    fn find(&mut self) -> bool {
        let mut open = vec![(Done { base: 0, others: BTreeSet::new() }, 0)];
        while let Some((done, value)) = open.pop() {
            if self.is_over(&done) {
                return true;
            }
            if !self.tried.insert((done.clone(), value)) {
                continue;
            }
            for next in self.candidates(&done) {
                let value = match self.operations[next].act {
                    Act::Write(value) => value,
                    Act::Read(read) if read.is_none_or(|it| it == value) => value,
                    Act::Read(_) => continue,
                };
                open.push((done.with(next), value));
            }
        }
        false
    }

    /// What nobody answered need not have been done.
    fn is_over(&self, done: &Done) -> bool {
        let rest = self.operations[done.base..].iter().enumerate();
        rest.filter(|(at, _)| !done.others.contains(&(done.base + at)))
            .all(|(_, it)| it.end.is_none())
    }

    /// What may come next: what began before the first of the others ended.
    fn candidates(&self, done: &Done) -> Vec<usize> {
        let rest = (done.base..self.operations.len()).filter(|it| !done.others.contains(it));
        let mut first_end = u64::MAX;
        let mut found = Vec::new();
        for at in rest {
            let it = &self.operations[at];
            if it.begin > first_end {
                break;
            }
            first_end = first_end.min(it.end.unwrap_or(u64::MAX));
            found.push(at);
        }
        found.retain(|at| self.operations[*at].begin < first_end);
        found
    }
}

impl Done {
    fn with(&self, next: usize) -> Self {
        let mut done = self.clone();
        done.others.insert(next);
        while done.others.remove(&done.base) {
            done.base += 1;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is one operation: when it began and ended (0: never), and what it was.
    fn check(history: &[(u64, u64, Act)]) -> bool {
        let operation = |&(begin, end, act): &(u64, u64, Act)| Operation {
            begin,
            end: (end > 0).then_some(end),
            act,
        };
        linearizable(&history.iter().map(operation).collect::<Vec<_>>())
    }

    const fn read(value: u64) -> Act {
        Act::Read(Some(value))
    }

    #[test]
    fn what_one_register_can_do_is_explained() {
        assert!(check(&[]));
        assert!(check(&[(1, 2, read(0)), (3, 4, Act::Write(1)), (5, 6, read(1))]));
        // A write at the same time as the reads, seen by the later one.
        assert!(check(&[(1, 8, Act::Write(1)), (2, 3, read(0)), (4, 5, read(1))]));
        // Two writes at the same time, in either order.
        assert!(check(&[(1, 4, Act::Write(1)), (2, 3, Act::Write(2)), (5, 6, read(1))]));
        assert!(check(&[(1, 4, Act::Write(1)), (2, 3, Act::Write(2)), (5, 6, read(2))]));
    }

    #[test]
    fn what_no_register_can_do_is_noticed() {
        // A lost write.
        assert!(!check(&[(1, 2, Act::Write(1)), (3, 4, read(0))]));
        // Seen, and then not any more.
        assert!(!check(&[(1, 8, Act::Write(1)), (2, 3, read(1)), (4, 5, read(0))]));
        // Nobody wrote it.
        assert!(!check(&[(1, 2, read(7))]));
        // Two readers see two writes in different orders.
        let both = [(1, 20, Act::Write(1)), (2, 21, Act::Write(2))];
        let first = [(3, 4, read(1)), (5, 6, read(2))];
        let second = [(7, 8, read(1))];
        assert!(!check(&[&both[..], &first, &second].concat()));
    }

    #[test]
    fn what_was_never_answered_was_done_or_not() {
        assert!(check(&[(1, 0, Act::Write(1)), (3, 4, read(0))]));
        assert!(check(&[(1, 0, Act::Write(1)), (3, 4, read(0)), (5, 6, read(1))]));
        assert!(!check(&[(1, 0, Act::Write(1)), (3, 4, read(1)), (5, 6, read(0))]));
        assert!(check(&[(1, 0, Act::Read(None)), (2, 3, Act::Write(1)), (4, 5, read(1))]));
    }
}
