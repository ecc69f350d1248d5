//! How a blank member gets the owner's state: a sponsor's owner makes it at the joiner's place in
//! the order, and the joiner fetches it piece by piece; what is delivered meanwhile waits.

use super::{
    member::{Done, Member},
    packet::{Request, Response},
    types::LifeId,
};
use crate::{Delivery, feed::Waiter};
use ais_types::{MemberId, Stamp};
use bytes::{Bytes, BytesMut};
use tokio::{sync::oneshot, time::Instant};

/// The largest piece.
const PIECE: usize = 192 << 10;

/// A member that has been admitted and waits for its state.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) sponsor: Option<MemberId>,
    from: LifeId,
    stamp: Stamp,
    state: BytesMut,
    held: Vec<Held>,
    asking: bool,
    /// When the sponsor last had something for us.
    progress: Instant,
}

#[derive(Debug)]
enum Held {
    Tell(Delivery),
    Done(Waiter),
}

impl Joining {
    pub(crate) fn hold(&mut self, delivery: Delivery) {
        self.held.push(Held::Tell(delivery));
    }

    pub(crate) fn hold_done(&mut self, waiter: Waiter) {
        self.held.push(Held::Done(waiter));
    }
}

impl Member {
    /// Someone is about to be in the view: this member, or one that it sponsors, or another.
    pub(crate) fn someone_joins(
        &mut self,
        member: MemberId,
        life: LifeId,
        sponsor: Option<MemberId>,
        stamp: Stamp,
    ) {
        let now = Instant::now();
        if let Some(leading) = &mut self.leading {
            leading.welcome(member, now);
        }
        if life == self.life {
            self.admitted_as(member, sponsor, stamp, now);
        } else if sponsor.is_some() && sponsor == self.me {
            let (reply, made) = oneshot::channel();
            self.tell(Delivery::Snapshot(reply));
            self.sponsored.insert(life, None);
            self.jobs.spawn(async move { Done::State(life, made.await.ok()) });
        }
    }

    fn admitted_as(&mut self, me: MemberId, sponsor: Option<MemberId>, stamp: Stamp, now: Instant) {
        tracing::info!(%me, ?sponsor, "admitted");
        self.me = Some(me);
        // Set once: a participant is admitted once in its life.
        let _ = self.shared.me.set(me);
        (self.hello_at, self.ping_at) = (now, now);
        let Some(from) = sponsor.and_then(|it| Some(self.state.seats.get(&it)?.life)) else {
            return;
        };
        self.joining = Some(Joining {
            sponsor,
            from,
            stamp,
            state: BytesMut::new(),
            held: Vec::new(),
            asking: false,
            progress: now,
        });
        self.ask_for_state();
    }

    /// Asks for the next piece, unless an answer is on its way.
    fn ask_for_state(&mut self) {
        let Some(joining) = self.joining.as_mut().filter(|it| !it.asking) else { return };
        joining.asking = true;
        let request = Request::State(self.life, joining.state.len() as u64);
        let (answer, answered) = oneshot::channel();
        self.link.ask(joining.from, self.group, request, answer);
        self.jobs.spawn(async { Done::Piece(answered.await.ok()) });
    }

    pub(crate) fn tick_joining(&mut self, now: Instant) {
        let patience = self.timing.failure * 4;
        if self.joining.as_ref().is_some_and(|it| now > it.progress + patience) {
            return self.end("its sponsor does not hand over the state");
        }
        self.ask_for_state();
    }

    pub(crate) fn piece_came(&mut self, response: Option<Response>) {
        let Some(joining) = &mut self.joining else { return };
        joining.asking = false;
        match response {
            Some(Response::State(whole, piece)) => {
                joining.progress = Instant::now();
                joining.state.extend_from_slice(&piece);
                if joining.state.len() as u64 >= whole {
                    self.restored();
                } else {
                    self.ask_for_state();
                }
            }
            // Its owner is making it.
            Some(Response::Yes) => joining.progress = Instant::now(),
            // It has not come that far in the order, or the session broke: asked again.
            Some(_) | None => {}
        }
    }

    fn restored(&mut self) {
        let Some(joining) = self.joining.take() else { return };
        let whole = joining.state.len() as u64;
        self.feed.tell(Delivery::Restore(joining.stamp, joining.state.freeze()));
        for held in joining.held {
            match held {
                Held::Tell(delivery) => self.feed.tell(delivery),
                Held::Done(waiter) => self.feed.done(waiter),
            }
        }
        // So that the sponsor can forget it; if that gets lost, he keeps it a while.
        let (answer, _) = oneshot::channel();
        let request = Request::State(self.life, whole);
        self.link.ask(joining.from, self.group, request, answer);
    }

    /// The owner has made the state for a joiner.
    pub(crate) fn state_made(&mut self, joiner: LifeId, state: Option<Bytes>) {
        match state {
            Some(state) => {
                self.sponsored.entry(joiner).and_modify(|it| *it = Some(state));
            }
            None => drop(self.sponsored.remove(&joiner)),
        }
    }

    /// What to answer a joiner that asks for its state from `offset` on.
    pub(crate) fn piece(&mut self, joiner: LifeId, offset: u64) -> Response {
        let Some(state) = self.sponsored.get(&joiner) else { return Response::No };
        let Some(state) = state else { return Response::Yes };
        let start = usize::try_from(offset).map_or(state.len(), |it| it.min(state.len()));
        let piece = state.slice(start..state.len().min(start + PIECE));
        let response = Response::State(state.len() as u64, piece);
        if start == state.len() && start > 0 {
            self.sponsored.remove(&joiner);
        }
        response
    }
}
