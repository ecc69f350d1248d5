//! Doing what the core asks for, in its order, without waiting.

use super::{Asked, LaunchRequest, Shell, ShellError, processes::INSIDE};
use crate::{Done, Effect, Event, ProcessKey, Task};
use ais_group::Priority;
use ais_service::{ActionId, Exit, Link};
use ais_types::{MemberId, ServiceId};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

/// How long a node that leaves waits for others to hear that it does.
const FAREWELL: Duration = Duration::from_millis(500);

impl Shell {
    pub(super) fn perform_effects(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut barriers = Vec::new();
        for effect in effects.drain(..) {
            match effect {
                // One barrier does for all of a step.
                Effect::Barrier(number) => barriers.push(number),
                other => self.perform_effect(other),
            }
        }
        self.effects = effects;
        if !barriers.is_empty() {
            let handle = Arc::clone(&self.handle);
            self.ask(async move { Asked::Barriers(barriers, handle.barrier().await) });
        }
    }

    fn perform_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Welcome(session) => self.server.welcome(session, &self.node_name),
            Effect::Reply(_, connection, frame) => self.server.send(connection, &frame),
            Effect::Callback(session, frame) => self.server.callback(session, &frame),
            Effect::CloseSession(session, error) => self.close_session(session, error),
            Effect::Order(entry) => {
                let handle = Arc::clone(&self.handle);
                self.ask(
                    async move { Asked::Ordered(handle.multicast(Priority::Medium, entry).await) },
                );
            }
            Effect::OrderProcessEnded(process) => {
                let handle = Arc::clone(&self.handle);
                self.ask(async move { Asked::Ordered(handle.process_ended(process).await) });
            }
            // Collected by the caller.
            Effect::Barrier(_) => {}
            Effect::ToPeer(member, bytes) => self.send_to_peer(member, bytes),
            Effect::BreakLink(member) => self.break_link(member),
            Effect::Perform(service, action, task) => self.perform(service, action, task),
            Effect::GroupDeadline(deadline) => self.handle.group_deadline(deadline),
            Effect::Fatal(reason) => self.stop = Some(ShellError::Fatal(reason)),
        }
    }

    /// Asks the group for something. The first poll is here and now: the group takes what it is
    /// asked in the order of the calls, and a future does nothing before it is polled.
    fn ask(&mut self, asking: impl Future<Output = Asked> + Send + 'static) {
        let mut asking: BoxFuture<'static, Asked> = Box::pin(asking);
        match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => self.answered(answer),
            Poll::Pending => self.asked.push(asking),
        }
    }

    fn send_to_peer(&mut self, member: MemberId, bytes: Bytes) {
        let Some(transport) = self.transport.as_deref_mut() else { return };
        if !self.peers.send(member, bytes, transport) {
            tracing::warn!(%member, "broke the data path: too much waits for it");
            self.events.push_back(Event::Link(member, Link::Down));
            self.break_link(member);
        }
    }

    fn break_link(&mut self, member: MemberId) {
        self.peers.break_link(member, Instant::now());
    }

    fn perform(&mut self, service: ServiceId, action: ActionId, task: Task) {
        let (id, request) = match task {
            Task::Spawn(spawn) => {
                let id = self.next_launch();
                (id, LaunchRequest::Spawn { id, spawn })
            }
            Task::Run(run) => {
                let id = self.next_launch();
                (id, LaunchRequest::Run { id, run })
            }
            Task::Kill(key, _) => return self.kill(service, action, key),
        };
        self.launches.insert(id, (service, action));
        self.launcher.request(request);
    }

    fn next_launch(&mut self) -> u64 {
        self.launched += 1;
        self.launched
    }

    fn kill(&mut self, service: ServiceId, action: ActionId, key: ProcessKey) {
        let Some(process) = self.server.processes.get(key) else {
            let done = Done::Ended(Exit::Code(0));
            return self.events.push_back(Event::ActionDone(service, action, done));
        };
        if let Some(id) = process.launch {
            self.kills.entry(id).or_default().push((service, action));
            return self.launcher.request(LaunchRequest::Kill { id });
        }
        process.kills.push((service, action));
        if key.0 & INSIDE == 0 {
            process.kill();
        } else {
            // A program inside this process cannot be killed; its connections can.
            self.cut_off(key);
        }
    }

    /// Leaves the group; the end of it all follows.
    pub(super) fn leave(&mut self, stopped: oneshot::Sender<()>) {
        self.launcher.lease(None);
        self.server.end();
        self.listener = None;
        if self.stopping.is_empty() {
            let handle = Arc::clone(&self.handle);
            let farewell = self.core.farewell();
            self.ask(async move {
                let said = farewell.into_iter().map(|it| handle.multicast(Priority::Medium, it));
                // Without quorum nobody hears it.
                let _ = timeout(FAREWELL, futures::future::join_all(said)).await;
                handle.leave().await;
                Asked::Left
            });
        }
        self.stopping.push(stopped);
    }
}
