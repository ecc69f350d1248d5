//! The bounds of this implementation. The specification sets none.

use crate::error::Refused;

/// Bounds that are the same on every node: equal entries must have equal effects.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Checkpoints in the cluster.
    pub const CHECKPOINTS: usize = 100_000;
    /// Opens in the cluster.
    pub const OPENS: usize = 1_000_000;
    /// Bytes that a checkpoint may cost each of its replicas, ids and bookkeeping included.
    pub const CHECKPOINT_BYTES: u64 = 1 << 30;
    /// Bytes that one call may read.
    pub const CALL_BYTES: u64 = 64 << 20;
    /// Elements in the vector of one call.
    pub const ELEMENTS: usize = 65_536;
    /// What a section costs besides its data and its id, in bytes.
    pub const SECTION_OVERHEAD: u64 = 256;
    /// Calls of one program that wait at the same time.
    pub const WAITING: usize = 4_096;
    /// Iterations of one program at the same time.
    pub const ITERATIONS: usize = 4_096;
}

impl Refused {
    pub(crate) const fn call_too_large() -> Self {
        let remedy = "read less at once";
        Self::Limit { what: "bytes in one call", limit: Limits::CALL_BYTES, remedy }
    }

    pub(crate) const fn checkpoint_too_large() -> Self {
        let remedy = "delete sections";
        Self::Limit { what: "bytes of a checkpoint", limit: Limits::CHECKPOINT_BYTES, remedy }
    }

    pub(crate) const fn too_many(what: &'static str, limit: usize, remedy: &'static str) -> Self {
        Self::Limit { what, limit: limit as u64, remedy }
    }
}
