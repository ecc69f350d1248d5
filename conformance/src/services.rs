//! The services of this implementation, as every node of a cluster under test drives them.

use ais_conformance_core::{Setup, Trouble};
use ais_node::Driven;
use ais_services::Settings;
use ais_types::{Name, NodeId, ServiceId, amf::Model};
use std::path::Path;

pub(crate) fn all(node: NodeId, model: Option<&Model>) -> Vec<Box<dyn Driven>> {
    let mut settings = Settings { model: model.cloned(), ..Settings::default() };
    settings.ckpt.faults = true;
    ais_services::all(node, settings)
}

/// Whether this implementation has a service.
pub(crate) fn supports(service: ServiceId) -> Result<(), String> {
    let has = all(NodeId(1), None).iter().any(|it| it.id() == service);
    has.then_some(()).ok_or_else(|| format!("service {} is not there yet", service.0))
}

/// The scenario's AMF model. Its nodes are those of the scenario; `called` says what the services
/// call them.
pub(crate) fn model(setup: &Setup, called: fn(&str) -> Name) -> Result<Option<Model>, Trouble> {
    let Some(text) = &setup.model else { return Ok(None) };
    let hosts: Vec<&str> =
        setup.nodes.iter().filter(|it| !it.witness).map(|it| it.name.as_str()).collect();
    let read = aisd::model::parse(Path::new("model"), text, &hosts);
    let mut model = read.map_err(|error| Trouble::Broken(error.to_string()))?;
    let groups = model.applications.iter_mut().flat_map(|it| &mut it.groups);
    for unit in groups.flat_map(|it| &mut it.units) {
        unit.node = called(&unit.node.to_text());
    }
    Ok(Some(model))
}
