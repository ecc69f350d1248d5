//! What breaks, and what the group makes of it.

use super::world::World;
use ais_conformance_core::Trouble;
use ais_node::Event;
use ais_service::Lease;
use ais_types::MemberId;
use std::time::Duration;

/// After so long without a sign a node counts as lost; after so long again it has surely stopped.
const FAILURE: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn form(&mut self) {
        (0..self.nodes.len()).for_each(|at| self.boot(at));
        self.relink();
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.install(&all);
    }

    pub(super) fn kill(&mut self, at: usize) {
        self.nodes[at].core = None;
        self.notice();
    }

    /// As its operator does it: it says good-bye.
    pub(super) fn stop(&mut self, at: usize) {
        self.say_farewell(at);
        self.settle();
        self.kill(at);
    }

    pub(super) fn start(&mut self, at: usize) -> Result<(), Trouble> {
        if self.nodes[at].core.is_some() {
            return Err(Trouble::Broken("the node is up already".to_owned()));
        }
        self.boot(at);
        self.notice();
        Ok(())
    }

    pub(super) fn cut(&mut self, at: usize) {
        self.nodes[at].cut = true;
        self.notice();
    }

    pub(super) fn heal(&mut self, at: usize) {
        self.nodes[at].cut = false;
        // Ordered out in the meantime: its daemon starts over.
        if self.nodes[at].core.is_some() && !self.nodes[at].admitted {
            self.nodes[at].core = None;
            self.relink();
            self.boot(at);
        }
        self.notice();
    }

    /// The members find out who is there, and go on if they are a majority of the nodes.
    fn notice(&mut self) {
        self.relink();
        self.advance(self.now + FAILURE);
        let reachable = |at: &usize| self.nodes[*at].core.is_some() && !self.nodes[*at].cut;
        let reached: Vec<usize> = (0..self.nodes.len()).filter(reachable).collect();
        // A node that was started anew has forgotten what it voted for.
        let with_memory = reached.iter().filter(|at| self.nodes[**at].admitted).count();
        // Nobody remembers anything: a majority of blank ones begins anew.
        let anew = with_memory == 0 && reached.len() * 2 > self.nodes.len();
        if anew {
            self.forget();
        }
        self.quorum = anew || with_memory * 2 > self.nodes.len();
        if !self.quorum {
            return self.tell_all(Lease::Lost, &(0..self.nodes.len()).collect::<Vec<_>>());
        }
        let cut_off: Vec<usize> =
            (0..self.nodes.len()).filter(|at| !reached.contains(at)).collect();
        self.tell_all(Lease::Lost, &cut_off);
        let ids: Vec<MemberId> = reached.iter().map(|at| self.nodes[*at].member_id()).collect();
        let known: Vec<MemberId> = self.view.members.iter().map(|it| it.id).collect();
        if ids != known {
            self.install(&reached);
        }
        self.tell_all(Lease::Held, &reached);
        self.flush_held();
        self.settle();
        self.advance(self.now + FAILURE);
        for gone in known.into_iter().filter(|it| !ids.contains(it)) {
            self.release(gone);
        }
    }

    fn tell_all(&mut self, lease: Lease, nodes: &[usize]) {
        nodes.iter().for_each(|at| self.happen(*at, Event::Lease(lease)));
        self.settle();
    }
}
