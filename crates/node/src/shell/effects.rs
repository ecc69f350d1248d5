//! Doing what the core asks for, in its order, without waiting.

use super::{Asked, LaunchRequest, Shell, ShellError, processes::INSIDE};
use crate::{Done, Effect, Event, ProcessKey, Task};
use ais_group::Priority;
use ais_service::{ActionId, Exit, Link};
use ais_types::{
    Error, ErrorCode, MemberId, NodeId, Outcome, ServiceId, frame,
    node::{Fault, Reply},
};
use ais_wire::encode;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::time::Instant;

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
            Effect::SetFault { connection, tag, peer, fault } => {
                let mut outcome = self.set_fault(peer, fault);
                self.server.send(connection, &encode(frame::REPLY, tag, &mut outcome));
            }
            Effect::GroupDeadline(deadline) => self.handle.group_deadline(deadline),
            Effect::Keep(number, at, kept) => {
                let handle = Arc::clone(&self.handle);
                self.ask(async move {
                    if let Err(error) = handle.keep(at, kept).await {
                        tracing::error!(%error, "what operators configured is in memory only");
                    }
                    Asked::Kept(number)
                });
            }
            Effect::Fatal(reason) => self.stop = Some(ShellError::Fatal(reason)),
        }
    }

    fn set_fault(&self, peer: Option<NodeId>, fault: Option<Fault>) -> Outcome<Reply> {
        let switch = self.transport.as_deref().and_then(|it| it.faults()).ok_or_else(|| {
            let text =
                "this node has no fault switch: only nodes of a development cluster have one";
            Error::new(ErrorCode::NotSupported, text)
        })?;
        tracing::warn!(?peer, ?fault, "the fault switch was set");
        switch.set(peer, fault);
        Ok(Reply::Done)
    }

    /// Asks the group for something. The first poll is here and now: the group takes what it is
    /// asked in the order of the calls, and a future does nothing before it is polled.
    pub(super) fn ask(&mut self, asking: impl Future<Output = Asked> + Send + 'static) {
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
        self.launch(request);
    }

    fn launch(&mut self, request: LaunchRequest) {
        if let Some(launcher) = &mut self.launcher {
            launcher.request(request);
        }
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
            return self.launch(LaunchRequest::Kill { id });
        }
        process.kills.push((service, action));
        if key.0 & INSIDE == 0 {
            process.kill();
        } else {
            // A program inside this process cannot be killed; its connections can.
            self.cut_off(key);
        }
    }
}
