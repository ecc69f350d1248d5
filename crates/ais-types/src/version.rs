//! Versions and their negotiation at Initialize (`SAI-AIS-B.05.03`, ais-common §4).

use core::fmt;
use serde::{Deserialize, Serialize};

/// `SaVersionT`.
#[doc(alias = "SaVersionT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// A capital letter.
    pub release: u8,
    /// Compatible downwards within a release.
    pub major: u8,
    /// Ignored in a request.
    pub minor: u8,
}

/// Not compatible; carries the version to ask for instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported(pub Version);

impl Version {
    /// Release B of this major and minor number.
    #[must_use]
    pub const fn b(major: u8, minor: u8) -> Self {
        Self { release: b'B', major, minor }
    }

    /// The version that `supported` (not empty) offers to one who requests `self`.
    ///
    /// # Errors
    /// [`Unsupported`] when the release is unknown or the major number too high; it names the
    /// nearest version supported.
    pub fn negotiate(self, supported: &[Self]) -> Result<Self, Unsupported> {
        let highest = |release: u8| supported.iter().filter(|it| it.release == release).max();
        match highest(self.release) {
            Some(best) if self.major <= best.major => Ok(*best),
            Some(best) => Err(Unsupported(*best)),
            None => {
                let above = supported.iter().map(|it| it.release).filter(|it| *it > self.release);
                let release = above.min().or_else(|| supported.iter().map(|it| it.release).max());
                let best = release.and_then(highest);
                Err(Unsupported(*best.expect("a service supports at least one version")))
            }
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}.{:02}", self.release as char, self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CKPT: &[Version] = &[Version::b(1, 1), Version::b(2, 2)];

    #[track_caller]
    fn check(requested: Version, expected: Result<Version, Unsupported>) {
        assert_eq!(requested.negotiate(CKPT), expected);
    }

    #[test]
    fn answers_the_newest_of_the_release() {
        check(Version::b(1, 1), Ok(Version::b(2, 2)));
        check(Version::b(2, 9), Ok(Version::b(2, 2)));
        check(Version::b(0, 0), Ok(Version::b(2, 2)));
    }

    #[test]
    fn refuses_and_names_the_nearest() {
        let newest = Err(Unsupported(Version::b(2, 2)));
        check(Version { release: b'A', major: 1, minor: 1 }, newest);
        check(Version { release: b'C', major: 1, minor: 1 }, newest);
        check(Version::b(3, 0), newest);
    }
}
