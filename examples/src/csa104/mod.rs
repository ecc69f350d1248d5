//! csa104: receives from a queue while it is active; as standby, sends to it.
//!
//! The queue's name stands for whoever is active now: the sender needs to know nothing else, and
//! tries again. No callback is used; receiver and sender have threads of their own.

mod messages;

use crate::{Component, Failure};
use ais_client::Wait;
use ais_types::amf::{Callback, CsiDescriptor, HaState};
use messages::Messages;
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

/// Between two messages of a standby.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs the component until AMF ends it.
///
/// # Errors
/// When it cannot start, or its node is gone.
pub fn run() -> Result<(), Failure> {
    let component = Component::start("csa104", "csa104Comp")?;
    let name = component.name.clone();
    let messages = Messages::initialize(&component)?;
    // The original names its sibling here; so do we, since readers look for the line.
    component.log.info(format!("csa102: Instantiated as component instance {name}."));
    component.log.info(format!("{name}: Waiting for CSI assignment..."));
    Csa104 {
        component: Arc::new(component),
        messages: Arc::new(messages),
        standby: Arc::new(AtomicBool::new(false)),
        queue: None,
        sender: None,
    }
    .serve()
}

struct Csa104 {
    component: Arc<Component>,
    messages: Arc<Messages>,
    /// Whether the sender goes on. Not cleared by a fail-over: the new active hears its own
    /// messages beside those of its new standby, as in the original.
    standby: Arc<AtomicBool>,
    /// The queue that is open for receiving.
    queue: Option<u64>,
    /// Wakes the sender when it is to end.
    sender: Option<mpsc::Sender<()>>,
}

impl Csa104 {
    fn serve(mut self) -> Result<(), Failure> {
        loop {
            if let Some(callback) = self.component.amf.next_callback(Wait::Forever)?
                && self.told(callback)?.is_break()
            {
                return Ok(());
            }
        }
    }

    fn told(&mut self, callback: Callback) -> Result<ControlFlow<()>, Failure> {
        match callback {
            Callback::CsiSet { invocation, state, csi, .. } => {
                self.take(state, &csi);
                self.component.amf.response(invocation, None)?;
                if state == HaState::Quiescing {
                    self.component.log.info("csa104: Signaling completion of QUIESCING");
                    self.component.amf.csi_quiescing_complete(invocation, None)?;
                }
            }
            Callback::CsiRemove { invocation, .. } => {
                self.stop();
                self.component.amf.response(invocation, None)?;
            }
            Callback::Healthcheck { invocation, .. } => {
                self.component.amf.response(invocation, None)?;
            }
            Callback::Terminate { invocation, .. } => {
                self.stop();
                self.component.amf.response(invocation, None)?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take(&mut self, state: HaState, csi: &CsiDescriptor) {
        let log = &self.component.log;
        self.component.log_assignment(state, csi);
        match state {
            HaState::Active => {
                log.info(
                    "csa104: ACTIVE state requested; activating message queue receiver service",
                );
                self.receive();
            }
            HaState::Standby => {
                log.info("csa104: Standby state requested");
                self.stop_receiving();
                self.send();
            }
            HaState::Quiesced => {
                log.info("csa104: Acknowledging new state quiesced");
                self.stop();
            }
            HaState::Quiescing => self.stop(),
        }
    }

    fn receive(&mut self) {
        let Some(queue) = self.messages.open() else { return };
        self.queue = Some(queue);
        let messages = Arc::clone(&self.messages);
        thread::spawn(move || messages.receive(queue));
    }

    fn stop_receiving(&mut self) {
        if let Some(queue) = self.queue.take() {
            // The receiver, if it waits, is woken by this and ends.
            self.messages.close(queue);
        }
    }

    fn send(&mut self) {
        if self.standby.swap(true, Ordering::Relaxed) {
            return;
        }
        let (messages, standby) = (Arc::clone(&self.messages), Arc::clone(&self.standby));
        let (sender, stopped) = mpsc::channel();
        self.sender = Some(sender);
        thread::spawn(move || {
            for count in 1_u32.. {
                if !standby.load(Ordering::Relaxed) {
                    return;
                }
                messages.send(count);
                if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
    }

    fn stop(&mut self) {
        self.standby.store(false, Ordering::Relaxed);
        self.sender = None;
        self.stop_receiving();
    }
}
