//! What operators see, and what the service notifies.

use crate::{
    CheckpointId, Ckpt, Command, Content, Message,
    calls::{Asked, Checked, Go},
    error::Refused,
    registry::Checkpoint,
    waiting::{Task, Ticket, To},
};
use ais_replica::Replica;
use ais_service::{Caller, Figure, Output};
use ais_types::{
    MemberId, Name, Time,
    ckpt::{
        Callback, CheckpointStatus, Counters, Follower, LISTED_MAX, Listed, ListedReplica,
        Notification, OpenFlags, Progress, Reply, Shown, Transfer,
    },
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How long a primary may take to say how far it is.
const PATIENCE: Time = Time(2 * Time::ONE_SECOND.0);

impl Ckpt {
    pub(crate) fn list(&self, after: CheckpointId) -> Vec<Listed> {
        let listed = self.registry.after(after).take(LISTED_MAX);
        listed.map(|(id, it)| self.listed(id, it)).collect()
    }

    fn listed(&self, id: CheckpointId, it: &Checkpoint) -> Listed {
        let flags = |flags| {
            let opens = it.opens.iter().filter_map(|open| self.registry.open_of(*open));
            u32::try_from(opens.filter(|open| open.flags.has(flags)).count()).unwrap_or(u32::MAX)
        };
        let replica = |member| ListedReplica {
            member,
            active: it.serves() && it.configuration.primary() == Some(member),
            complete: it.configuration.is_complete(member),
        };
        let content = self.replicas.get(&id).and_then(Replica::content);
        Listed {
            id: id.0,
            name: it.name.clone(),
            unlinked: it.unlinked,
            created: it.created,
            attributes: it.attributes,
            replicas: it.configuration.replicas().into_iter().map(replica).collect(),
            users: flags(OpenFlags(0)),
            readers: flags(OpenFlags::READ),
            writers: flags(OpenFlags::WRITE),
            content: content.map(|it| it.sections().status()),
        }
    }

    /// The checkpoint of this name, and those that had it and are still open.
    pub(crate) fn show(&mut self, caller: Caller, name: &Name) -> Checked {
        let all: Vec<_> = self.registry.called(name).collect();
        if all.is_empty() {
            return Err(Refused::NoCheckpoint { name: name.clone() }.into());
        }
        let (mut shown, mut questions) = (Vec::new(), Vec::new());
        for (id, primary) in all {
            let listed = self.listed(id, self.registry.get(id).expect("it was called so"));
            let progress = self.progress(id);
            let asks = progress.is_none().then_some(primary).flatten();
            questions.extend(asks.map(|primary| (id, primary, shown.len())));
            shown.push(Shown { listed, progress });
        }
        let Some(&(checkpoint, primary, index)) = questions.first() else {
            return Ok(Go::Answer(Reply::Shown(shown)));
        };
        // Only one is asked for: of those that have lost their name only their own node tells.
        let to = To::Caller(caller);
        let question = self.wait(to, Task::Show { shown, index }, Some(PATIENCE)).0;
        self.out.push(Output::Send(primary, Message::HowFar { checkpoint, question }));
        Ok(Go::Waits)
    }

    /// A primary has said how far it is, or has not in time.
    pub(crate) fn shown(&mut self, ticket: Ticket, progress: Option<Progress>) {
        if !matches!(self.waiting.get(ticket).map(|it| &it.task), Some(Task::Show { .. })) {
            return;
        }
        let waiting = self.waiting.leave(ticket).expect("looked up just now");
        if let Task::Show { mut shown, index } = waiting.task {
            if let Some(it) = shown.get_mut(index) {
                it.progress = progress;
            }
            self.answer(waiting.to, Ok(Reply::Shown(shown)));
        }
    }

    /// Somebody wants to know.
    pub(crate) fn how_far(&mut self, from: MemberId, checkpoint: CheckpointId, question: u64) {
        let progress = self.progress(checkpoint);
        self.out.push(Output::Send(from, Message::SoFar { question, progress }));
    }

    /// How far this node's replica and the others are, if it leads.
    fn progress(&self, id: CheckpointId) -> Option<Progress> {
        let replica = self.replicas.get(&id)?;
        if replica.configuration().primary() != self.me {
            return None;
        }
        let sections = replica.content()?.sections();
        let follower = |it: ais_replica::Progress| Follower {
            member: it.member,
            behind: it.behind,
            transfer: it.transfer.map(|(sent, arrived)| Transfer {
                sent,
                arrived,
                total: sections.weight().max(sent),
            }),
        };
        Some(Progress {
            position: replica.position(),
            content: sections.status(),
            corrupted: sections.corrupted(),
            followers: replica.progress().into_iter().map(follower).collect(),
        })
    }

    /// What this node's service has done and holds: for a metrics endpoint.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            replicas: self.replicas.values().filter(|it| it.content().is_some()).count() as u64,
            memory: self.memory,
            memory_max: self.settings.memory,
            sessions: self.clients.len() as u64,
            waiting: self.waiting.len() as u64,
            ..self.counters
        }
    }

    /// The counters, and how far replicas elsewhere are behind this node's.
    pub(crate) fn all_figures(&self) -> Vec<Figure> {
        let it = self.counters();
        let mut figures = alloc::vec![
            Figure::counter("ckpt_writes", "Changes that programs here had done", it.writes),
            Figure::counter("ckpt_written_bytes", "Bytes in them", it.bytes_written),
            Figure::counter("ckpt_reads", "Questions of programs here answered", it.reads),
            Figure::counter("ckpt_read_bytes", "Bytes in the answers", it.bytes_read),
            Figure::counter("ckpt_refused_memory", "Calls without memory", it.refused_memory),
            Figure::counter("ckpt_refused_busy", "Calls told to come again", it.refused_busy),
            Figure::counter(
                "ckpt_transfers_begun",
                "Replicas filled from here",
                it.transfers_begun
            ),
            Figure::counter("ckpt_transfers_done", "Those that were filled", it.transfers_done),
            Figure::counter("ckpt_transfers_stalled", "Those given up", it.transfers_stalled),
            Figure::counter(
                "ckpt_resumed",
                "Replicas that went on from where they were",
                it.resumed
            ),
            Figure::counter("ckpt_lagging", "Replicas that did not keep up", it.lagging),
            Figure::gauge("ckpt_replicas", "Replicas here", it.replicas),
            Figure::gauge("ckpt_memory_bytes", "What they cost", it.memory),
            Figure::gauge("ckpt_memory_max_bytes", "What they may cost", it.memory_max),
            Figure::gauge("ckpt_sessions", "Sessions of programs here", it.sessions),
            Figure::gauge("ckpt_waiting", "Their calls that wait", it.waiting),
        ];
        let mut behind: BTreeMap<MemberId, u64> = BTreeMap::new();
        for (_, follower) in self.lags() {
            *behind.entry(follower.member).or_default() += follower.behind;
        }
        let lag = |(member, behind): (MemberId, u64)| {
            let help = "Updates that replicas elsewhere have not acknowledged";
            Figure::gauge("ckpt_behind", help, behind).of("member", alloc::format!("{member}"))
        };
        figures.extend(behind.into_iter().map(lag));
        figures
    }

    /// How many updates each replica elsewhere lacks of the checkpoints that this node leads, for
    /// a metrics endpoint; those that lack none are left out.
    pub fn lags(&self) -> impl Iterator<Item = (&Name, Follower)> {
        let of = |(id, replica): (&CheckpointId, &Replica<Content>)| {
            let name = self.registry.get(*id).map(|it| &it.name)?;
            let lags = replica.progress().into_iter().filter(|it| it.behind > 0);
            Some(lags.map(move |it| {
                (name, Follower { member: it.member, behind: it.behind, transfer: None })
            }))
        };
        self.replicas.iter().filter_map(of).flatten()
    }

    /// From now on this session hears what the service notifies.
    pub(crate) fn observe(&mut self, asked: Asked) -> Checked {
        self.observers.insert(asked.caller.client);
        Ok(Go::Answer(Reply::Done))
    }

    /// Tells everyone when the room for sections of a checkpoint that this node leads has run out,
    /// or not any more.
    pub(crate) fn watch_exhaustion(&mut self, id: CheckpointId) {
        let (Some(me), Some(it)) = (self.me, self.registry.get(id)) else { return };
        let Some(replica) = self.replicas.get(&id) else { return };
        if replica.configuration().primary() != Some(me) {
            return;
        }
        let count = replica.content().map_or(0, |it| it.sections().exhaustions());
        let said = self.exhaustions.get(&id).copied().unwrap_or(0).max(it.exhaustions);
        if count > said {
            self.exhaustions.insert(id, count);
            self.order(Command::Exhaustions { checkpoint: id, count });
        }
    }

    /// Digest §8.3: strictly in turn, whoever leads meanwhile.
    pub(crate) fn notify(&mut self, id: CheckpointId, count: u64) {
        let Some((name, new)) = self.registry.exhaustions(id, count) else { return };
        for number in new {
            let status = match number % 2 {
                1 => CheckpointStatus::SectionResourcesExhausted,
                _ => CheckpointStatus::SectionResourcesAvailable,
            };
            for client in &self.observers {
                let notification = Notification { name: name.clone(), status };
                let callback = Callback::Notification(notification);
                self.out.push(Output::Callback(*client, callback));
            }
        }
    }
}

/// What is noted of a primary.
pub(crate) const fn count(counters: &mut Counters, note: ais_replica::Note) {
    use ais_replica::Note;
    match note {
        Note::TransferBegun(_) => counters.transfers_begun += 1,
        Note::TransferDone(_) => counters.transfers_done += 1,
        Note::Resumed(_) => counters.resumed += 1,
        Note::TransferStalled(_) => counters.transfers_stalled += 1,
    }
}
