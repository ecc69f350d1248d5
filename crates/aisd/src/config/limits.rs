//! What programs may cost the node: `[limits]`.

use super::{ConfigError, Document};
use ais_node::NodeLimits;
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// As it is written. What is left out is as [`NodeLimits::default`] has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    sessions: Option<Spanned<u64>>,
    session_calls: Option<Spanned<u64>>,
    process_sessions: Option<Spanned<u64>>,
    process_connections: Option<Spanned<u64>>,
    process_calls: Option<Spanned<u64>>,
    process_bytes: Option<Spanned<u64>>,
}

pub(super) fn check(document: Document<'_>, raw: &Raw) -> Result<NodeLimits, ConfigError> {
    let mut limits = NodeLimits::default();
    let core = &mut limits.core;
    let few: RangeInclusive<u64> = 1..=1_000_000;
    let keys = [
        ("sessions", &raw.sessions, &mut core.sessions, few.clone()),
        ("session_calls", &raw.session_calls, &mut core.calls, few.clone()),
        ("process_sessions", &raw.process_sessions, &mut core.process_sessions, few.clone()),
        ("process_calls", &raw.process_calls, &mut core.process_calls, few.clone()),
        ("process_bytes", &raw.process_bytes, &mut core.process_bytes, 1 << 16..=1 << 40),
        (
            "process_connections",
            &raw.process_connections,
            &mut limits.process_connections,
            few.clone(),
        ),
    ];
    for (key, written, limit, range) in keys {
        let number = number(document, key, written, range, *limit as u64)?;
        *limit = usize::try_from(number).unwrap_or(usize::MAX);
    }
    Ok(limits)
}

/// A number within a range, if it is written; else the usual one.
pub(super) fn number(
    document: Document<'_>,
    key: &str,
    written: &Option<Spanned<u64>>,
    range: RangeInclusive<u64>,
    usual: u64,
) -> Result<u64, ConfigError> {
    let Some(written) = written else { return Ok(usual) };
    if range.contains(written.get_ref()) {
        return Ok(*written.get_ref());
    }
    let help = format!("use {} to {}", range.start(), range.end());
    let problem = format!("{} is out of range", written.get_ref());
    Err(document.wrong(written.span(), key, problem, help))
}
