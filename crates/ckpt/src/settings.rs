//! What an operator can set.

use ais_types::Time;

/// Settings of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many replicas to keep of a checkpoint that is created here and not collocated; at
    /// least 1, and never more than there are members.
    pub copies: u32,
    /// Bytes of memory that the replicas of this node may cost. Beyond, updates that need more are
    /// refused (NO_RESOURCES); a replica that others fill beyond it, by an eighth, is given up.
    pub memory: u64,
    /// Bytes of changes that this node's programs have asked for and that are not answered yet.
    /// Beyond, the next is told to come again (TRY_AGAIN).
    pub in_flight: u64,
    /// How many checkpoints there may be in the cluster when a program of this node creates one.
    pub checkpoints: u32,
    /// How many opens there may be in the cluster when a program of this node opens a checkpoint.
    pub opens: u32,
    /// How long a replica may be silent while others wait for it; the failure timeout.
    pub patience: Time,
    /// Whether programs may corrupt sections, for tests.
    pub faults: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            copies: 2,
            memory: 2 << 30,
            in_flight: 256 << 20,
            checkpoints: 100_000,
            opens: 1_000_000,
            patience: Time::ONE_SECOND,
            faults: false,
        }
    }
}
