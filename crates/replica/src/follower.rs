//! A backup's side: applying in order, and being filled.

use crate::{
    Content, Message, Output, Part, Position, Replica, Update, log::Log, replica::State,
    results::Stored,
};
use alloc::vec::Vec;

impl<C: Content> Replica<C> {
    /// The primary has applied an update.
    pub(crate) fn follow(&mut self, update: Update<C>, parts: u64, out: &mut Vec<Output<C>>) {
        let in_order = match self.copy.state {
            State::Blank => return,
            State::Filling { parts: mine, .. } => mine == parts,
            State::Filled | State::Complete => true,
        };
        let next = self.copy.number() + 1;
        if update.number == next && in_order {
            self.copy.apply(update);
            self.look_at_held_reads();
            self.acknowledge(false, out);
        } else if matches!(self.copy.state, State::Complete | State::Filled) {
            // Something was lost in between: asked for once, until it comes.
            let gap = update.number > next;
            if !(gap && self.copy.gap) {
                self.copy.gap = gap;
                self.acknowledge(gap, out);
            }
        }
    }

    /// The primary says how far everyone has got.
    pub(crate) fn mark(&mut self, committed: u64, stable: u64, out: &mut Vec<Output<C>>) {
        self.copy.committed = self.copy.committed.max(committed.min(self.copy.number()));
        self.copy.prune(stable, self.options.keep);
        self.release_reads(out);
    }

    /// A transfer begins: whatever was here before is void.
    pub(crate) fn begin_filling(&mut self, transfer: u64, at: Position) {
        if !self.config.is_filling(self.me) {
            return;
        }
        self.begun = transfer;
        self.copy.content.clear();
        self.copy.clear();
        self.copy.log = Log::new(at);
        self.copy.state = State::Filling { transfer, parts: 0 };
    }

    /// Whether nothing was lost before this part. If something was, the transfer begins anew.
    pub(crate) fn expects_part(&self, transfer: u64, index: u64, number: u64) -> bool {
        let expected = State::Filling { transfer, parts: index.wrapping_sub(1) };
        self.copy.state == expected && self.copy.number() == number
    }

    /// A part of the transfer is here, in its order.
    pub(crate) fn absorb(
        &mut self,
        transfer: u64,
        parts: u64,
        part: Part<C>,
        out: &mut Vec<Output<C>>,
    ) {
        self.copy.state = State::Filling { transfer, parts };
        match part {
            Part::Chunk(chunk) => self.copy.content.absorb(chunk),
            Part::Requester { requester, next, done } => {
                self.copy.results.absorb_requester(requester, next, done);
            }
            Part::Stored { requester, request, number, place, answer } => {
                let stored = Stored { number, place, answer };
                self.copy.results.absorb_stored(requester, request, stored);
            }
            Part::End => self.copy.state = State::Filled,
        }
        let epoch = self.config.epoch();
        self.say_primary(Message::Taken { epoch, transfer, parts }, out);
    }

    pub(crate) fn acknowledge(&self, again: bool, out: &mut Vec<Output<C>>) {
        let (epoch, number) = (self.config.epoch(), self.copy.number());
        let waits = !self.reads.is_empty();
        self.say_primary(Message::Applied { epoch, number, again, waits }, out);
    }

    fn say_primary(&self, message: Message<C>, out: &mut Vec<Output<C>>) {
        out.extend(self.config.primary().map(|primary| Output::Send(primary, message)));
    }
}
