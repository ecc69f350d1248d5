//! The queue as the tutorial uses it: one name, one priority, text.

use crate::{Component, Failure, Log};
use ais_client::{Msg, Session};
use ais_types::{
    ErrorCode, Name, Time, Version,
    msg::{Callbacks, CreationAttributes, CreationFlags, Message, OpenFlags},
};
use std::{env, sync::Arc};

/// The queue's name.
const QUEUE: &str = "csa104msgqueue";
/// Bytes for each of the first three priorities. The original leaves the fourth uninitialised;
/// any number is good there, since sizes are declared and not reserved.
const SIZES: [u64; 4] = [2048, 2048, 2048, 0x7fff_c0de];
/// How long the queue outlives its receiver, in milliseconds; 0 (as in the original) if not set.
const RETENTION: &str = "CSA104_RETENTION_MS";

pub(crate) struct Messages {
    msg: Msg<Session>,
    component: Name,
    log: Arc<Log>,
}

impl Messages {
    pub(crate) fn initialize(component: &Component) -> Result<Self, Failure> {
        let version = Version::b(1, 1);
        let callbacks = Callbacks::default();
        let msg = Msg::<Session>::initialize(&component.endpoint, version, callbacks, "csa104")
            .inspect_err(|error| {
                component.log.error(format!("Init failed [0x{:X}]", error.code.number()));
            })?;
        Ok(Self { msg, component: component.name.clone(), log: Arc::clone(&component.log) })
    }

    /// Opens the queue for receiving, and creates it if it is not there.
    pub(crate) fn open(&self) -> Option<u64> {
        let retention = env::var(RETENTION).ok().and_then(|it| it.parse().ok()).unwrap_or(0_i64);
        let attributes = CreationAttributes {
            flags: CreationFlags::default(),
            sizes: SIZES,
            retention: Time(retention.saturating_mul(Time::ONE_MILLISECOND.0)),
        };
        let opened = self.msg.open(queue(), attributes, OpenFlags::CREATE, Time::END);
        opened
            .inspect_err(|error| {
                self.log.error(format!("Msg QueueOpen failed [0x{:X}]", error.code.number()));
            })
            .ok()
    }

    /// Receives until the queue is closed.
    pub(crate) fn receive(&self, queue: u64) {
        loop {
            match self.msg.get(queue, Time::END) {
                Ok(received) => {
                    if let Some(sender) = received.message.sender.filter(|it| !it.is_empty()) {
                        self.log.info(format!("Sender Name : {sender}"));
                    }
                    let text = String::from_utf8_lossy(&received.message.data);
                    self.log.info(format!("Received Message : {}", text.trim_end_matches('\0')));
                }
                // Closed by our own main thread: not a failure.
                Err(error) if error.code == ErrorCode::BadHandle => return,
                Err(error) => {
                    let code = error.code.number();
                    self.log.error(format!("Msg saMsgMessageGet failed [0x{code:X}]"));
                    self.close(queue);
                    return;
                }
            }
        }
    }

    /// Lets another component open the queue.
    pub(crate) fn close(&self, queue: u64) {
        if let Err(error) = self.msg.close(queue) {
            self.log.error(format!("Msg Queue Close failed [0x{:X}]", error.code.number()));
        }
    }

    /// Sends message number `count` to whoever is active.
    pub(crate) fn send(&self, count: u32) {
        let text = format!("Msg {count:4} from {}", self.component);
        self.log.info(format!("csa104: Sending Message: {text}"));
        // With its terminating zero, as a C program sends a string.
        let data = format!("{text}\0").into_bytes();
        let message = Message { kind: 0, version: 0, priority: 0, sender: None, data: data.into() };
        if let Err(error) = self.msg.send(queue(), message, Time::END) {
            let code = error.code.number();
            self.log.error(format!("Msg saMsgMessageSend to queue [{QUEUE}] failed [0x{code:X}]"));
        }
    }
}

fn queue() -> Name {
    Name::new(QUEUE).expect("it is short enough")
}
