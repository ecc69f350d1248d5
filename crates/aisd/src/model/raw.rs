//! The model as it is written, before any rule is checked.

use super::either::{NameOr, Named};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) startup_timeout_ms: Option<u32>,
    pub(super) groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Spanned<String>,
    /// Default: the group's name and `-app`.
    pub(super) application: Option<Spanned<String>>,
    pub(super) redundancy: Option<Spanned<String>>,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) auto_repair: Option<bool>,
    pub(super) component_restarts: Option<Limit>,
    pub(super) unit_restarts: Option<Limit>,
    pub(super) escalation: Option<Spanned<String>>,
    /// What its components have in common.
    #[serde(default)]
    pub(super) component: Traits,
    pub(super) units: Spanned<Vec<Unit>>,
    pub(super) instances: Spanned<Vec<Instance>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) max: u32,
    pub(super) probation_ms: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unit {
    pub(super) name: Spanned<String>,
    pub(super) node: Spanned<String>,
    pub(super) rank: Option<u32>,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) failover: Option<bool>,
    pub(super) components: Spanned<Vec<Spanned<NameOr<Component>>>>,
}

/// What a component has, or all components of a group have.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traits {
    pub(super) command: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    pub(super) cleanup: Option<Spanned<Vec<String>>>,
    pub(super) level: Option<u32>,
    pub(super) recovery: Option<Spanned<String>>,
    pub(super) disable_restart: Option<bool>,
    pub(super) attempts: Option<u32>,
    pub(super) instantiate_timeout_ms: Option<u32>,
    pub(super) terminate_timeout_ms: Option<u32>,
    pub(super) cleanup_timeout_ms: Option<u32>,
    pub(super) callback_timeout_ms: Option<u32>,
    pub(super) quiescing_timeout_ms: Option<u32>,
    pub(super) csi_types: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    pub(super) name: String,
    #[serde(default)]
    pub(super) with: Traits,
}

impl Named for Component {
    fn named(name: String) -> Self {
        Self { name, with: Traits::default() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    pub(super) name: Spanned<String>,
    pub(super) rank: Option<u32>,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) csis: Spanned<Vec<Spanned<NameOr<Csi>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Csi {
    pub(super) name: String,
    #[serde(default)]
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, Values>,
    #[serde(default)]
    pub(super) depends_on: Vec<Spanned<String>>,
}

/// One value of a CSI attribute, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    One(String),
    Several(Vec<String>),
}

impl Named for Csi {
    fn named(name: String) -> Self {
        Self { name, r#type: String::new(), attributes: BTreeMap::new(), depends_on: Vec::new() }
    }
}
