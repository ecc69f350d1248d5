//! What the owner wants: orders, a good-bye.

use super::{
    lead::Key,
    member::{Command, Done, Member, STOP},
    orders::Lane,
    packet::{Request, Response},
    state::{Op, What},
};
use crate::{GroupError, PLUGS_MAX, PlugOrder};
use tokio::{sync::oneshot, time::Instant};

/// A good-bye.
#[derive(Debug)]
pub(crate) struct Leave {
    pub(crate) done: Vec<oneshot::Sender<()>>,
    pub(crate) until: Instant,
    pub(crate) asked: Option<Instant>,
}

impl Member {
    pub(crate) fn command(&mut self, command: Command) {
        match command {
            Command::Order(priority, what, waiter, place) => {
                if let Some(error) = self.objection(&what) {
                    // Whoever asked may have given up.
                    let _ = waiter.send(Err(error));
                } else {
                    self.orders.put(priority, what, waiter, place);
                }
            }
            Command::Deadline(deadline) => self.deadline = deadline,
            Command::Keep(at, kept, waiter) => self.keep(at, kept, waiter),
            Command::Expect(node, votes, waiter) => self.expect_voter(node, votes, waiter),
            Command::Reform(done) => self.order_reform(done),
            Command::Leave(done) => self.leave(done),
        }
    }

    /// Why this is not ordered at all.
    pub(crate) fn objection(&self, what: &What) -> Option<GroupError> {
        match what {
            What::Plug(name, PlugOrder::Create) => {
                let own = self.me.map_or(0, |me| self.state.plugs.count(me));
                (own >= PLUGS_MAX).then(|| GroupError::Plug {
                    name: name.clone(),
                    rule: format!("a member has at most {PLUGS_MAX} plugs"),
                })
            }
            What::Cluster(order) => self.state.objection(*order).map(GroupError::Refused),
            What::Plug(_, PlugOrder::Unplug(_) | PlugOrder::Destroy)
            | What::Message(_)
            | What::ProcessEnded(_)
            | What::Barrier => None,
        }
    }

    pub(crate) fn leave(&mut self, done: oneshot::Sender<()>) {
        let until = Instant::now() + STOP;
        self.lose_lease();
        let leaving =
            self.leaving.get_or_insert_with(|| Leave { done: Vec::new(), until, asked: None });
        leaving.done.push(done);
        self.tick_leaving(Instant::now());
    }

    pub(crate) fn tick_leaving(&mut self, now: Instant) {
        let again = self.timing.beat;
        let Some(leave) = &mut self.leaving else { return };
        let Some(me) = self.me else { return self.end("it said good-bye") };
        if now >= leave.until {
            return self.end("it said good-bye, and nobody heard");
        }
        if leave.asked.is_some_and(|asked| now < asked + again) {
            return;
        }
        leave.asked = Some(now);
        if self.is_ready() {
            self.propose(Key::Left(me), vec![Op::Left(me), Op::Released(me)]);
        } else if let Some(leader) = self.leader {
            // It is asked again until the leave is delivered.
            let (answer, _) = oneshot::channel();
            self.link.ask_raft(leader, self.group, Request::Leave(me), answer);
        }
    }

    /// Sends the next batch of own orders, or the same again.
    pub(crate) fn send_orders(&mut self, lane: Lane, now: Instant) {
        let Some(me) = self.me else { return };
        if lane == Lane::Ordinary && self.state.plugs.hold() {
            return;
        }
        let ready = self.is_ready();
        if !ready && self.leader.is_none_or(|it| it == self.raft_id) {
            return;
        }
        // A batch is through before the answer to its proposal is here; the next one waits for that.
        if self.leading.as_ref().is_some_and(|it| it.is_proposing(Key::Own(lane))) {
            return;
        }
        let Some(items) = self.orders.next_batch(lane, now) else { return };
        if ready {
            self.propose(Key::Own(lane), vec![Op::Batch { from: me, items }]);
        } else if let Some(leader) = self.leader {
            let (answer, answered) = oneshot::channel();
            self.link.ask_raft(leader, self.group, Request::Submit(me, items), answer);
            self.jobs.spawn(async move {
                Done::Submitted(lane, matches!(answered.await, Ok(Response::Yes)))
            });
        }
    }
}
