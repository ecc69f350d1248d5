//! No acknowledged message is lost, none is received twice.
//!
//! A message whose send was acknowledged is handed to a receiver sooner or later; one whose send
//! was refused never is; one whose send has no certain outcome is handed over once at most. It
//! counts as received when the node hands it to a process, even one that is killed at that moment.
//! A get that its own node's stop cuts off may take one message along: it was that process's.

use super::Ledger;
use ais_node::ProcessKey;
use ais_types::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The type of the messages that are numbered, whoever gets them.
pub(crate) const KIND: u32 = 1;
/// For how long a message that a process did not live to see may be on its way back.
const RETURN: Duration = Duration::from_secs(5);

/// What became of the messages.
#[derive(Default)]
pub(crate) struct Messages {
    sent: BTreeMap<u64, Fate>,
    received: BTreeSet<u64>,
    /// Gets not answered yet, and where.
    gets: BTreeMap<ProcessKey, NodeId>,
    /// Gets that nobody waits for any more: where, and since when. A process may leave several.
    abandoned: Vec<(NodeId, Duration)>,
    /// How many messages may have gone with a node.
    forgiven: usize,
    /// Sends acknowledged.
    pub(crate) acknowledged: u64,
    /// The queue is there, and stays.
    pub(crate) kept: bool,
}

/// What a sender knows of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It may be in the queue.
    Unknown,
    /// It is in the queue.
    Acknowledged,
    /// It is not, and never will be.
    Refused,
}

impl Messages {
    /// A sender knows this of a message.
    pub(crate) fn sent(&mut self, number: u64, fate: Fate) -> Result<(), String> {
        self.sent.insert(number, fate);
        match fate {
            Fate::Refused if self.received.contains(&number) => {
                Err(format!("message {number} was refused, and received"))
            }
            Fate::Acknowledged => {
                self.acknowledged += 1;
                Ok(())
            }
            Fate::Refused | Fate::Unknown => Ok(()),
        }
    }

    /// A node hands a message to a process.
    pub(crate) fn handed(&mut self, number: u64) -> Result<(), String> {
        match self.sent.get(&number) {
            None => return Err(format!("message {number} is received, and nobody sent it")),
            Some(Fate::Refused) => {
                return Err(format!("message {number} is received, and was refused"));
            }
            Some(Fate::Unknown | Fate::Acknowledged) => {}
        }
        let first = self.received.insert(number);
        if first { Ok(()) } else { Err(format!("message {number} is received twice")) }
    }

    /// A process waits for a message.
    pub(crate) fn getting(&mut self, process: ProcessKey, node: NodeId) {
        self.gets.insert(process, node);
    }

    /// It was answered.
    pub(crate) fn got(&mut self, process: ProcessKey) {
        self.gets.remove(&process);
    }

    /// It does not live to hear the answer, or does not want to.
    pub(crate) fn gave_up(&mut self, process: ProcessKey, now: Duration) {
        self.abandoned.extend(self.gets.remove(&process).map(|node| (node, now)));
    }

    /// A node may not act any more, or cannot: what it had in its hands is gone.
    pub(crate) fn node_stopped(&mut self, node: NodeId, now: Duration) {
        self.abandoned.retain(|(_, since)| *since + RETURN >= now);
        let all = self.gets.len() + self.abandoned.len();
        self.gets.retain(|_, at| *at != node);
        self.abandoned.retain(|(at, _)| *at != node);
        self.forgiven += all - self.gets.len() - self.abandoned.len();
    }

    /// Everything that was queued is gone, with all queues.
    pub(crate) fn forget_all(&mut self) {
        for fate in self.sent.values_mut().filter(|it| **it == Fate::Acknowledged) {
            *fate = Fate::Unknown;
        }
        self.gets.clear();
        self.abandoned.clear();
        self.forgiven = 0;
        self.kept = false;
    }

    /// How many were received, if not all that were acknowledged were.
    pub(crate) fn unfinished(&self) -> Option<usize> {
        self.lost().is_err().then_some(self.received.len())
    }

    /// Everything has come to rest: what was acknowledged must have been received.
    fn lost(&self) -> Result<(), String> {
        let acknowledged = self.sent.iter().filter(|(_, fate)| **fate == Fate::Acknowledged);
        let lost: Vec<u64> =
            acknowledged.map(|(it, _)| *it).filter(|it| !self.received.contains(it)).collect();
        let forgiven = self.forgiven;
        if lost.len() <= forgiven {
            return Ok(());
        }
        Err(format!("acknowledged and not received: {lost:?}; of these {forgiven} may be missing"))
    }
}

/// To be called when nobody has sent for a while.
pub(crate) fn none_lost(world: &mut crate::world::World) {
    if let Err(what) = world.ledger.messages.lost() {
        world.fail(what);
    }
}

impl Ledger {
    /// A node answers a program: if that hands over a message, which one.
    pub(crate) fn answered(&mut self, frame: &ais_wire::Frame) -> Result<(), String> {
        use ais_types::{Outcome, msg::Reply};
        match ais_wire::decode::<Outcome<Reply>>(frame) {
            Ok(Ok(Reply::Received(it))) if it.message.kind == KIND => {
                let bytes = it.message.data[..].try_into();
                let bytes = bytes.map_err(|_| "a message nobody sent".to_owned())?;
                self.messages.handed(u64::from_be_bytes(bytes))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(format!("an answer that cannot be read: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(1);

    #[test]
    fn a_message_received_twice_or_invented_or_refused_is_noticed() {
        let mut messages = Messages::default();
        messages.sent(1, Fate::Unknown).expect("nothing is wrong yet");
        messages.handed(1).expect("once");
        assert!(messages.handed(1).is_err());
        assert!(messages.handed(2).is_err());
        messages.sent(3, Fate::Refused).expect("nobody has it");
        assert!(messages.handed(3).is_err());
        assert!(messages.sent(1, Fate::Refused).is_err());
    }

    #[test]
    fn a_lost_message_is_noticed_and_one_may_go_with_its_node() {
        let mut messages = Messages::default();
        messages.sent(1, Fate::Acknowledged).expect("fine");
        messages.sent(2, Fate::Unknown).expect("fine");
        assert!(messages.lost().is_err());
        messages.getting(ProcessKey(7), NODE);
        messages.gave_up(ProcessKey(7), Duration::from_secs(1));
        assert!(messages.lost().is_err());
        messages.node_stopped(NODE, Duration::from_secs(2));
        assert_eq!(messages.lost(), Ok(()));
        messages.sent(3, Fate::Acknowledged).expect("fine");
        assert!(messages.lost().is_err());
    }

    #[test]
    fn a_process_that_gave_up_twice_may_lose_two() {
        let mut messages = Messages::default();
        for number in 1..=2 {
            messages.sent(number, Fate::Acknowledged).expect("fine");
            messages.getting(ProcessKey(7), NODE);
            messages.gave_up(ProcessKey(7), Duration::from_secs(number));
            messages.got(ProcessKey(7));
        }
        messages.node_stopped(NODE, Duration::from_secs(3));
        assert_eq!(messages.lost(), Ok(()));
        messages.sent(3, Fate::Acknowledged).expect("fine");
        assert!(messages.lost().is_err());
    }

    #[test]
    fn what_was_given_up_long_ago_does_not_excuse_a_loss() {
        let mut messages = Messages::default();
        messages.sent(1, Fate::Acknowledged).expect("fine");
        messages.getting(ProcessKey(7), NODE);
        messages.gave_up(ProcessKey(7), Duration::from_secs(1));
        messages.node_stopped(NODE, Duration::from_secs(20));
        assert!(messages.lost().is_err());
    }
}
