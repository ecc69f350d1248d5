//! The configuration as it is written, before any rule is checked.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) cluster: Spanned<String>,
    pub(super) node: Spanned<String>,
    pub(super) transport: Option<Spanned<String>>,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) socket: Option<Socket>,
    pub(super) failure_timeout_ms: Option<Spanned<u64>>,
    pub(super) model: Option<String>,
    pub(super) data: Option<String>,
    pub(super) durability: Option<Spanned<String>>,
    pub(super) log: Option<Log>,
    pub(super) limits: Option<super::limits::Raw>,
    pub(super) ckpt: Option<super::services::RawCkpt>,
    pub(super) msg: Option<super::services::RawMsg>,
    pub(super) metrics: Option<Metrics>,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) tls: Option<Tls>,
    pub(super) dev: Option<Dev>,
    pub(super) nodes: Spanned<Vec<Spanned<Node>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) id: Spanned<u32>,
    pub(super) name: Spanned<String>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Socket {
    pub(super) path: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: Option<Spanned<String>>,
    pub(super) format: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watchdog {
    pub(super) action: Spanned<String>,
    pub(super) command: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) ca: Spanned<String>,
    pub(super) cert: Spanned<String>,
    pub(super) key: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dev {
    #[serde(default)]
    pub(super) faults: bool,
}
