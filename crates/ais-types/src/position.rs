//! Places in the history of a replicated object.

use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// A place in the history of an object.
///
/// Two copies that have applied the same place have applied the same updates before it: in one
/// epoch only one replica gives out numbers, and it goes on from where it was.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// The epoch of the replica that gave the number.
    pub epoch: u64,
    /// The update's number: 1, 2, 3 …; 0 is before the first.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.number)
    }
}

/// Not written as [`Position`] is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl fmt::Display for NoPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is written as two numbers with a dot between, as 3.120")
    }
}

impl core::error::Error for NoPosition {}

impl FromStr for Position {
    type Err = NoPosition;
    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (epoch, number) = text.split_once('.').ok_or(NoPosition)?;
        let read = |digits: &str| digits.parse().map_err(|_| NoPosition);
        Ok(Self { epoch: read(epoch)?, number: read(number)? })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn is_read_as_it_is_written() {
        let position = Position { epoch: 3, number: 120 };
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!("3".parse::<Position>(), Err(NoPosition));
        assert_eq!("3.x".parse::<Position>(), Err(NoPosition));
    }
}
