//! Reads and synchronisations: where they are answered, and what they wait for.

use crate::{
    Acknowledge, Content, Message, Output, Replica,
    primary::{Asked, Want},
    replica::State,
};
use ais_types::MemberId;
use alloc::vec::Vec;

impl<C: Content> Replica<C> {
    pub(crate) fn place_asks(&mut self, out: &mut Vec<Output<C>>) {
        for ask in self.requests.asks() {
            self.place_ask(ask, out);
        }
    }

    /// Has a query answered where it may be: here, or at the primary.
    pub(crate) fn place_ask(&mut self, ask: u64, out: &mut Vec<Output<C>>) {
        let Some(it) = self.requests.ask(ask) else { return };
        let query = it.query.clone();
        if self.config.primary() == Some(self.me) {
            return self.asked(self.me, ask, query, out);
        }
        match query {
            Some(query) if self.may_read() => {
                let waited = !self.reads.is_empty();
                self.read_here(ask, &query);
                self.release_reads(out);
                if !waited && !self.reads.is_empty() {
                    self.acknowledge(false, out);
                }
            }
            query => {
                let Some(primary) = self.config.primary() else { return };
                let epoch = self.config.epoch();
                out.push(Output::Send(primary, Message::Ask { epoch, id: ask, query }));
            }
        }
    }

    /// Whether reads are answered from this copy, as far as it is acknowledged.
    fn may_read(&self) -> bool {
        let all = self.options.acknowledge == Acknowledge::All;
        all && self.copy.state == State::Complete && !self.conceding
    }

    /// The primary wants to wait for this copy no longer. Until everybody knows that nothing is
    /// read here any more, it does.
    pub(crate) fn concede(&mut self, out: &mut Vec<Output<C>>) {
        let concedes = self.config.is_doubted(self.me);
        if concedes && !self.conceding {
            self.conceding = true;
            out.push(Output::Conceded { epoch: self.config.epoch() });
            self.forget_reads(out);
        }
        self.conceding = concedes;
    }

    /// Nothing is read here any more.
    pub(crate) fn forget_reads(&mut self, out: &mut Vec<Output<C>>) {
        self.reads.clear();
        self.held_reads.clear();
        self.place_asks(out);
    }

    fn read_here(&mut self, ask: u64, query: &C::Query) {
        self.reads.retain(|it| it.1 != ask);
        match self.copy.content.query(query, self.copy.history()) {
            Some(answer) => {
                self.held_reads.remove(&ask);
                self.reads.push((self.copy.number(), ask, answer));
            }
            None => {
                self.held_reads.insert(ask);
            }
        }
    }

    /// An update was applied here: some reads may have waited for it.
    pub(crate) fn look_at_held_reads(&mut self) {
        if !self.may_read() {
            return;
        }
        for ask in self.held_reads.iter().copied().collect::<Vec<_>>() {
            match self.requests.ask(ask).and_then(|it| it.query.clone()) {
                Some(query) => self.read_here(ask, &query),
                None => {
                    self.held_reads.remove(&ask);
                }
            }
        }
    }

    /// Answers the reads of this node whose every update is acknowledged.
    pub(crate) fn release_reads(&mut self, out: &mut Vec<Output<C>>) {
        let committed = self.copy.committed;
        for (_, ask, answer) in self.reads.extract_if(.., |it| it.0 <= committed) {
            out.extend(self.requests.told(ask).map(|id| Output::Answered(id, answer)));
        }
    }

    /// A question of a member, or of this node, to the primary.
    pub(crate) fn asked(
        &mut self,
        from: MemberId,
        id: u64,
        query: Option<C::Query>,
        out: &mut Vec<Output<C>>,
    ) {
        // After the hand-over somebody else may have newer content; it will be asked again.
        if self.config.next().is_some() {
            return;
        }
        let Some(leading) = &mut self.leading else { return };
        if let Some(recovery) = &mut leading.recovery {
            return recovery.postpone(from, id, query);
        }
        let want = match query {
            None => Want::Everywhere,
            Some(query) => match self.copy.content.query(&query, self.copy.history()) {
                Some(answer) => Want::Acknowledged(answer),
                None => Want::Update(query),
            },
        };
        leading.asked.retain(|it| (it.from, it.id) != (from, id));
        leading.asked.push(Asked { mark: self.copy.number(), from, id, want });
        self.advance(out);
    }

    /// Nobody waits for the answer to this question any more.
    pub(crate) fn unasked(&mut self, from: MemberId, id: u64) {
        let Some(leading) = &mut self.leading else { return };
        leading.asked.retain(|it| (it.from, it.id) != (from, id));
        if let Some(recovery) = &mut leading.recovery {
            recovery.withdraw(from, id);
        }
    }

    /// Updates were applied: some questions may have waited for them.
    pub(crate) fn look_at_held_questions(&mut self) {
        let number = self.copy.number();
        let Some(leading) = &mut self.leading else { return };
        for it in leading.asked.iter_mut().filter(|it| it.mark < number) {
            let Want::Update(query) = &it.want else { continue };
            it.mark = number;
            if let Some(answer) = self.copy.content.query(query, self.copy.history()) {
                it.want = Want::Acknowledged(answer);
            }
        }
    }

    /// The primary has answered a question of this node.
    pub(crate) fn told(&mut self, ask: u64, answer: Option<C::Answer>, out: &mut Vec<Output<C>>) {
        let Some(id) = self.requests.told(ask) else { return };
        out.push(match answer {
            Some(answer) => Output::Answered(id, answer),
            None => Output::Synchronized(id),
        });
    }
}
