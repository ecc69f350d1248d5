//! What an operator can set.

/// Settings of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many replicas to keep of a checkpoint that is created here and not collocated; at
    /// least 1, and never more than there are members.
    pub copies: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { copies: 2 }
    }
}
