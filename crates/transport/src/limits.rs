//! What bounds a session.

use crate::Class;

/// What bounds the sessions of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest frame, in bytes.
    pub frame_max: usize,
    /// How many frames may wait for one peer.
    pub queue_frames: usize,
    /// How many bytes may wait for one peer. A single frame may always wait.
    pub queue_bytes: usize,
}

impl Limits {
    /// What a class has unless configured otherwise: frames of 1 MiB for control, of 66 MiB for
    /// data.
    #[must_use]
    pub const fn of(class: Class) -> Self {
        match class {
            Class::Control => {
                Self { frame_max: 1 << 20, queue_frames: 4096, queue_bytes: 16 << 20 }
            }
            Class::Data => Self { frame_max: 66 << 20, queue_frames: 4096, queue_bytes: 64 << 20 },
        }
    }

    /// Whether a queue of that many frames and bytes has room for `more` bytes.
    pub(crate) const fn room(&self, frames: usize, bytes: usize, more: usize) -> bool {
        frames == 0 || (frames < self.queue_frames && bytes + more <= self.queue_bytes)
    }
}
