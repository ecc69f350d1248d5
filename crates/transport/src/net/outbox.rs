//! What waits to be written to one peer.

use crate::Limits;
use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// The queue between the owner of a channel and the writer of a session.
#[derive(Debug)]
pub(super) struct Outbox {
    limits: Limits,
    queue: Mutex<Queue>,
    /// Something to write, or the end.
    more: Notify,
    /// Room, or the end.
    room: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// Queued or being written.
    bytes: usize,
    writing: (usize, usize),
    closed: bool,
}

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Closed,
    Full,
}

impl Outbox {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, queue: Mutex::default(), more: Notify::new(), room: Notify::new() }
    }

    pub(super) fn push(&self, frame: Bytes) -> Result<(), Refused> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(Refused::Closed);
        }
        if !self.has_room(&queue, frame.len()) {
            return Err(Refused::Full);
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        drop(queue);
        self.more.notify_one();
        Ok(())
    }

    /// Waits for room, or the end.
    pub(super) async fn ready(&self) {
        loop {
            let room = self.room.notified();
            {
                let queue = self.queue();
                if queue.closed || self.has_room(&queue, 1) {
                    return;
                }
            }
            room.await;
        }
    }

    /// The next frames to write: about `bytes` of them, at least one. What was taken before has
    /// been written. `None`: closed, and nothing is left.
    pub(super) async fn take(&self, bytes: usize) -> Option<Vec<Bytes>> {
        loop {
            {
                let mut queue = self.queue();
                self.written(&mut queue);
                let batch = queue.batch(bytes);
                if !batch.is_empty() {
                    return Some(batch);
                }
                if queue.closed {
                    return None;
                }
            }
            self.more.notified().await;
        }
    }

    /// Takes no more frames. What is queued may still be written.
    pub(super) fn close(&self) {
        self.queue().closed = true;
        self.more.notify_one();
        self.room.notify_waiters();
    }

    /// How many frames have not been written, when nothing is written any more.
    pub(super) fn left(&self) -> usize {
        let queue = self.queue();
        queue.frames.len() + queue.writing.0
    }

    fn written(&self, queue: &mut Queue) {
        let (frames, bytes) = std::mem::take(&mut queue.writing);
        queue.bytes -= bytes;
        if frames > 0 {
            self.room.notify_waiters();
        }
    }

    fn has_room(&self, queue: &Queue, more: usize) -> bool {
        self.limits.room(queue.frames.len() + queue.writing.0, queue.bytes, more)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing panics while it holds the queue")
    }
}

impl Queue {
    fn batch(&mut self, limit: usize) -> Vec<Bytes> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < limit
            && let Some(frame) = self.frames.pop_front()
        {
            bytes += frame.len();
            batch.push(frame);
        }
        self.writing = (batch.len(), bytes);
        batch
    }
}
