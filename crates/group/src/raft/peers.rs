//! What peers say and ask.

use super::{
    lead::Key,
    member::{Done, Member},
    packet::{Packet, Request, Response},
    state::Op,
    types::{LifeId, Snapshot},
};
use ais_types::NodeId;
use tokio::time::Instant;

impl Member {
    pub(crate) fn packet(&mut self, node: NodeId, from: LifeId, packet: Packet, now: Instant) {
        match packet {
            // Kept by the link.
            Packet::Hello(_) => {}
            Packet::Ping(ping) => self.ping(from, ping, now),
            Packet::Pong(pong) => self.pong(from, &pong, now),
            Packet::Ask(tag, group, request) => self.asked(node, from, tag, group, request),
            Packet::TurnedAway(why) => self.turned_away(&why),
            Packet::Answer(tag, response) => {
                self.rushed |= matches!(response, Response::Vote(_, false));
                self.link.answered(node, tag, response);
            }
        }
    }

    fn asked(
        &mut self,
        node: NodeId,
        from: LifeId,
        tag: u64,
        group: Option<u64>,
        request: Request,
    ) {
        let raft = self.raft.clone();
        let fits = self.link.hello(from).is_some_and(|it| self.clash(it).is_none());
        let refused = match request {
            _ if !fits => true,
            Request::Append(_) | Request::Vote(_) | Request::Install(..) if !self.takes(group) => {
                true
            }
            Request::Vote(_) if self.refuses_votes(Instant::now()) => true,
            // Consensus, too, is to take it for silent.
            Request::Append(_) if self.is_useless(from) => true,
            Request::Append(request) => {
                (self.contact, self.led) = (Instant::now(), true);
                self.jobs.spawn(async move {
                    let response = raft.append_entries(request).await;
                    Done::Answer(node, tag, response.map_or(Response::No, Response::Append))
                });
                false
            }
            Request::Vote(request) => {
                let waited = self.has_waited(Instant::now());
                self.forget_round();
                self.jobs.spawn(async move {
                    let response = raft.vote(request).await;
                    let response = response.map(|it| Response::Vote(it, waited));
                    Done::Answer(node, tag, response.unwrap_or(Response::No))
                });
                // Someone else is at it: this one's turn comes later.
                self.campaign_at = self.campaign_at.max(Instant::now() + self.timing.step * 2);
                false
            }
            Request::Install(vote, meta, state) => {
                (self.contact, self.led) = (Instant::now(), true);
                let snapshot = Snapshot { meta, snapshot: Box::new(state) };
                self.jobs.spawn(async move {
                    let response = raft.install_full_snapshot(vote, snapshot).await;
                    let vote = response.map(|it| it.vote);
                    Done::Answer(node, tag, vote.map_or(Response::No, Response::Install))
                });
                false
            }
            Request::Submit(member, items) => {
                let key = Key::Answer(node, tag);
                let held = self.state.plugs.hold()
                    && items.iter().any(|item| !item.priority.flows_always());
                held || !self.propose_for(from, member, key, Op::Batch { from: member, items })
            }
            Request::Leave(member) => {
                let own = self.is_ready() && self.state.member(from) == Some(member);
                if own {
                    let ops = vec![Op::Left(member), Op::Released(member)];
                    self.propose(Key::Answer(node, tag), ops);
                }
                !own
            }
            Request::State(joiner, offset) => {
                let response = self.piece(joiner, offset);
                self.link.put(node, &Packet::Answer(tag, response));
                false
            }
            Request::Form(group) => {
                let response = match self.promise(group, from) {
                    true => Response::Founder(self.saved.clone().map(Box::new)),
                    false => Response::No,
                };
                self.link.put(node, &Packet::Answer(tag, response));
                false
            }
        };
        if refused {
            self.link.put(node, &Packet::Answer(tag, Response::No));
        }
    }
}
