//! The bounds of this implementation. The specification sets none.

use crate::error::Refused;

/// Bounds that are the same on every node: equal entries and updates must have equal effects.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Bytes that a checkpoint may cost each of its replicas, ids and bookkeeping included.
    pub const CHECKPOINT_BYTES: u64 = 4 << 30;
    /// Bytes that one call may read, and bytes in one section that can be written at once.
    pub const CALL_BYTES: u64 = 64 << 20;
    /// Elements in the vector of one call.
    pub const ELEMENTS: usize = 65_536;
    /// What a section costs besides its data and its id, in bytes; `benches/core.rs` is there to measure it.
    pub const SECTION_OVERHEAD: u64 = 200;
    /// What a replica costs besides its sections and its history, in bytes.
    pub const REPLICA_OVERHEAD: u64 = 2048;
    /// Calls of one program that wait at the same time.
    pub const WAITING: usize = 4_096;
    /// Iterations of one program at the same time.
    pub const ITERATIONS: usize = 4_096;
    /// Sections that go by themselves at once; the next ones follow.
    pub const EXPIRING: usize = 1_000;
    /// Bytes of data in one answer to a scan or about changes; a single section, or the changes of
    /// a single call, may be more.
    pub const PAGE_BYTES: usize = 256 * 1024;
    /// Sections in one answer to a scan, or changes in one answer about them.
    pub const PAGE_ITEMS: usize = 1_000;
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
