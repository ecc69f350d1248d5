//! What is done about a failed instance.

use crate::Error;
use std::fmt;

pub use ais_types::resources::Recovery;

/// A recovery policy: what to do, and what the node has to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// After a failure.
    pub recovery: Recovery,
    /// Start waits for quorum, and its loss is a failure.
    #[doc(alias = "SAM_RECOVERY_POLICY_QUORUM")]
    pub quorum: bool,
    /// The state is published at the node.
    #[doc(alias = "SAM_RECOVERY_POLICY_CMAP")]
    #[doc(alias = "SAM_RECOVERY_POLICY_CONFDB")]
    pub published: bool,
}

impl Policy {
    /// The bit of the quorum flag.
    pub const QUORUM: i32 = 0x08;
    /// The bit of the published state.
    pub const PUBLISHED: i32 = 0x10;
    /// End after a failure.
    pub const QUIT: Self = Self { recovery: Recovery::Quit, quorum: false, published: false };
    /// Start anew after a failure.
    pub const RESTART: Self = Self { recovery: Recovery::Restart, quorum: false, published: false };

    /// The policy with this number.
    ///
    /// # Errors
    /// INVALID_PARAM unless exactly 1 or exactly 2 is left without the two flags.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        let recovery = match number & !(Self::QUORUM | Self::PUBLISHED) {
            1 => Recovery::Quit,
            2 => Recovery::Restart,
            _ => return Err(Error::Policy(number)),
        };
        let quorum = number & Self::QUORUM != 0;
        Ok(Self { recovery, quorum, published: number & Self::PUBLISHED != 0 })
    }

    /// Its number in C.
    #[must_use]
    pub fn number(self) -> i32 {
        let recovery = match self.recovery {
            Recovery::Quit => 1,
            Recovery::Restart => 2,
        };
        let quorum = if self.quorum { Self::QUORUM } else { 0 };
        recovery | quorum | if self.published { Self::PUBLISHED } else { 0 }
    }
}

/// The states of the library in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was called yet.
    NotInitialized,
    /// Initialised; also the supervisor's own state, for ever.
    Initialized,
    /// The instance runs, and its health is not checked.
    Registered,
    /// The instance runs, and its health is checked.
    Started,
    /// For ever.
    Finalized,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInitialized => "not initialized",
            Self::Initialized => "initialized",
            Self::Registered => "registered",
            Self::Started => "started",
            Self::Finalized => "finalized",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_one_or_two_with_the_flags_or_without() {
        let valid = [0x01, 0x02, 0x09, 0x0a, 0x11, 0x12, 0x19, 0x1a];
        for number in -1..=0x40 {
            let policy = Policy::from_number(number);
            assert_eq!(policy.is_ok(), valid.contains(&number), "{number:#x}");
            if let Ok(policy) = policy {
                assert_eq!(policy.number(), number);
            }
        }
    }
}
