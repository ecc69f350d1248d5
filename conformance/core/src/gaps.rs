//! The list of scenarios that are known to fail, each with its reason.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Why a scenario fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// For people.
    pub reason: String,
    /// The implementations that fail; all of them if empty.
    #[serde(default)]
    pub implementations: Vec<String>,
}

/// Scenarios that are known to fail. A scenario that is listed and passes is an error, so that the
/// list cannot rot.
///
/// ```toml
/// ["ckpt/3.6.2-…"]
/// reason = "…"
/// implementations = ["aisd"]
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Gaps(BTreeMap<String, Gap>);

impl Gaps {
    /// Reads the list.
    ///
    /// # Errors
    /// With line and column, when it is not such a list.
    pub fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Why this scenario is known to fail with this implementation, if it is.
    #[must_use]
    pub fn reason(&self, scenario: &str, implementation: &str) -> Option<&str> {
        let gap = self.0.get(scenario)?;
        let listed = gap.implementations.iter().any(|it| implementation.starts_with(it.as_str()));
        (gap.implementations.is_empty() || listed).then_some(gap.reason.as_str())
    }

    /// Listed scenarios that do not exist.
    pub fn unknown<'a>(&'a self, ids: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(|it| !ids.contains(it))
    }
}
