//! What a run of a scenario comes to.

use std::{fmt, time::Duration};

/// What a run of a scenario comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All as expected.
    Pass,
    /// Something was not.
    Fail(Failure),
    /// Something was not as a mere `should` or `may` expects. Told, not failed.
    NotStrict(Failure),
    /// The specification leaves the outcome open: time ran out.
    Inconclusive(String),
    /// The implementation says that it does not do this.
    NotSupported(String),
    /// Fails, and is known to.
    KnownGap(String),
    /// Is listed as a gap, and passes: the list is wrong.
    UnexpectedPass(String),
}

impl Verdict {
    /// For reports and people.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "FAIL",
            Self::NotStrict(_) => "not strict",
            Self::Inconclusive(_) => "inconclusive",
            Self::NotSupported(_) => "not supported",
            Self::KnownGap(_) => "known gap",
            Self::UnexpectedPass(_) => "UNEXPECTED PASS",
        }
    }

    /// Whether the run as a whole fails by this.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Fail(_) | Self::UnexpectedPass(_))
    }

    /// Why, if it is not a pass.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Pass => String::new(),
            Self::Fail(failure) | Self::NotStrict(failure) => failure.to_string(),
            Self::Inconclusive(reason)
            | Self::NotSupported(reason)
            | Self::KnownGap(reason)
            | Self::UnexpectedPass(reason) => reason.clone(),
        }
    }
}

/// Where a scenario went another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In the scenario's file.
    pub line: usize,
    /// The line.
    pub action: String,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub actual: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}: {}", self.line, self.action)?;
        writeln!(f, "  expected: {}", self.expected)?;
        write!(f, "  actual:   {}", self.actual)
    }
}

/// A scenario and what it came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scenario's identity.
    pub id: String,
    /// Its clause.
    pub clause: String,
    /// What it demands, with its level.
    pub rule: String,
    /// What it came to.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}
