//! What was lost, by the components' own logs.

use crate::logs::{Line, hello, received, sending};
use std::collections::BTreeMap;

/// The numbers that one process printed while it was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What a process has counted, by the log of its component.
pub(crate) fn counted(log: &[Line], pid: u32) -> Option<Counted> {
    let mut numbers = log.iter().filter(|line| line.pid == pid).filter_map(|it| hello(&it.text));
    let first = numbers.next()?;
    Some(Counted { first, last: numbers.next_back().unwrap_or(first) })
}

/// How many synchronized updates the actives, one after the other, did not find.
///
/// A process that prints a number has saved it before; it saves the next one after. So its
/// successor begins with the last number printed, or with the one after it.
pub(crate) fn lost_updates(actives: &[Counted]) -> u64 {
    let handovers = actives.iter().zip(actives.iter().skip(1));
    let lost = handovers.map(|(old, new)| {
        let forgotten = old.last.saturating_sub(new.first);
        let skipped = new.first.saturating_sub(old.last + 1);
        forgotten + skipped
    });
    lost.sum()
}

/// What became of the messages of csa104.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Messages {
    /// Sent, and acknowledged by the service.
    pub(crate) acknowledged: u64,
    /// Received by whoever was active.
    pub(crate) received: u64,
    /// Acknowledged and not received.
    pub(crate) lost: u64,
    /// Received more often than sent.
    pub(crate) repeated: u64,
}

/// Counts the messages in the logs of all components.
///
/// A message counts as acknowledged when its sender went on to the next one without complaint.
pub(crate) fn messages(logs: &[&[Line]]) -> Messages {
    let mut tally: BTreeMap<(String, u64), Tally> = BTreeMap::new();
    for log in logs {
        for line in *log {
            if let Some((number, from)) = received(&line.text) {
                tally.entry((from, number)).or_default().received += 1;
            }
        }
        sent(log, |key, acknowledged| {
            let it = tally.entry(key).or_default();
            it.sent += 1;
            it.acknowledged += u64::from(acknowledged);
        });
    }
    tally.values().fold(Messages::default(), |all, it| Messages {
        acknowledged: all.acknowledged + it.acknowledged,
        received: all.received + it.received,
        lost: all.lost + it.acknowledged.saturating_sub(it.received),
        repeated: all.repeated + it.received.saturating_sub(it.sent),
    })
}

#[derive(Default)]
struct Tally {
    sent: u64,
    acknowledged: u64,
    received: u64,
}

/// Each message of a log, and whether it was acknowledged.
fn sent(log: &[Line], mut each: impl FnMut((String, u64), bool)) {
    let mut open: BTreeMap<u32, ((String, u64), bool)> = BTreeMap::new();
    for line in log {
        if let Some((number, from)) = sending(&line.text) {
            if let Some((key, failed)) = open.insert(line.pid, ((from, number), false)) {
                each(key, !failed);
            }
        } else if line.text.starts_with("Msg saMsgMessageSend to queue [") {
            open.entry(line.pid).and_modify(|(_, failed)| *failed = true);
        }
    }
    open.into_values().for_each(|(key, _)| each(key, false));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Vec<Line> {
        let line = |(number, line): (u32, &str)| {
            let (pid, text) = line.trim().split_once(' ').unwrap();
            let (pid, node, severity) = (pid.parse().unwrap(), "n".into(), "INFO".into());
            Line { node, pid, number, severity, text: text.into() }
        };
        (1..).zip(text.trim().lines()).map(line).collect()
    }

    #[track_caller]
    fn check_updates(actives: &[(u64, u64)], lost: u64) {
        let counted = |(first, last): &(u64, u64)| Counted { first: *first, last: *last };
        let actives: Vec<Counted> = actives.iter().map(counted).collect();
        assert_eq!(lost_updates(&actives), lost);
    }

    #[test]
    fn a_successor_begins_with_the_last_number_or_the_next() {
        check_updates(&[(0, 7), (8, 9), (9, 20)], 0);
        check_updates(&[(0, 7), (6, 9)], 1);
        check_updates(&[(0, 7), (0, 9), (10, 10)], 7);
        check_updates(&[(0, 7), (10, 11)], 2);
        check_updates(&[], 0);
    }

    #[test]
    fn numbers_are_counted_by_process() {
        let log = log("1 c: Hello World! (seq=0)
                       1 c: Hello World! (seq=1)
                       2 c: Hello World! (seq=2)");
        assert_eq!(counted(&log, 1), Some(Counted { first: 0, last: 1 }));
        assert_eq!(counted(&log, 2), Some(Counted { first: 2, last: 2 }));
        assert_eq!(counted(&log, 3), None);
    }

    #[test]
    fn a_message_is_lost_when_it_was_acknowledged_and_nobody_got_it() {
        let sender = log("5 csa104: Sending Message: Msg    1 from I1
                          5 csa104: Sending Message: Msg    2 from I1
                          5 Msg saMsgMessageSend to queue [q] failed [0xC]
                          5 csa104: Sending Message: Msg    3 from I1
                          5 csa104: Sending Message: Msg    4 from I1");
        let receiver = log("6 Received Message : Msg    1 from I1
                            7 Received Message : Msg    1 from I1");
        let found = messages(&[&sender, &receiver]);
        // The second failed, the fourth may be under way; the third is gone.
        assert_eq!(found, Messages { acknowledged: 2, received: 2, lost: 1, repeated: 1 });
    }

    #[test]
    fn a_restarted_sender_counts_anew() {
        let sender = log("5 csa104: Sending Message: Msg    1 from I1
                          5 csa104: Sending Message: Msg    2 from I1
                          8 csa104: Sending Message: Msg    1 from I1
                          8 csa104: Sending Message: Msg    2 from I1");
        let receiver = log("6 Received Message : Msg    1 from I1
                            6 Received Message : Msg    2 from I1
                            6 Received Message : Msg    1 from I1");
        assert_eq!(messages(&[&sender, &receiver]).lost, 0);
    }
}
