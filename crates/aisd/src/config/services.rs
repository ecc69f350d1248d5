//! What the services of the node are told: `[ckpt]` and `[msg]`.

use super::{ConfigError, Document, limits::number};
use ais_services::{CkptSettings, MsgSettings};
use ais_types::Time;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

/// More copies than anybody has nodes for.
const COPIES_MAX: u64 = 256;

/// As it is written. What is left out is as [`CkptSettings::default`] has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCkpt {
    copies: Option<Spanned<u64>>,
    memory: Option<Spanned<u64>>,
    in_flight: Option<Spanned<u64>>,
    checkpoints: Option<Spanned<u64>>,
    opens: Option<Spanned<u64>>,
    faults: Option<bool>,
}

/// As it is written. What is left out is as [`MsgSettings::default`] has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMsg {
    copies: Option<Spanned<u64>>,
}

pub(super) fn ckpt(
    document: Document<'_>,
    raw: &RawCkpt,
    failure_timeout: Duration,
) -> Result<CkptSettings, ConfigError> {
    let usual = CkptSettings::default();
    let bytes = 1 << 20..=1 << 50;
    let many = 1..=u64::from(u32::MAX);
    let small = |key, written, range, usual: u32| {
        number(document, key, written, range, u64::from(usual))
            .map(|it| u32::try_from(it).unwrap_or(u32::MAX))
    };
    Ok(CkptSettings {
        copies: small("copies", &raw.copies, 1..=COPIES_MAX, usual.copies)?,
        memory: number(document, "memory", &raw.memory, bytes.clone(), usual.memory)?,
        in_flight: number(document, "in_flight", &raw.in_flight, bytes, usual.in_flight)?,
        checkpoints: small("checkpoints", &raw.checkpoints, many.clone(), usual.checkpoints)?,
        opens: small("opens", &raw.opens, many, usual.opens)?,
        patience: Time::from(failure_timeout),
        faults: raw.faults.unwrap_or(usual.faults),
    })
}

pub(super) fn msg(document: Document<'_>, raw: &RawMsg) -> Result<MsgSettings, ConfigError> {
    let usual = MsgSettings::default();
    let copies = number(document, "copies", &raw.copies, 1..=COPIES_MAX, u64::from(usual.copies))?;
    Ok(MsgSettings { copies: u32::try_from(copies).unwrap_or(u32::MAX) })
}
