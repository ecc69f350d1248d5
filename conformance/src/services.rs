//! The services of this implementation, as every node of a cluster under test drives them.

use ais_ckpt::{Ckpt, Settings};
use ais_conformance_core::{Setup, Trouble};
use ais_msg::Msg;
use ais_node::{Adapter, Driven};
use ais_types::{Name, NodeId, ServiceId, amf::Model};
use std::path::Path;

/// CKPT, MSG and CLM hear what happens before AMF does.
pub(crate) fn all(node: NodeId, model: Option<&Model>) -> Vec<Box<dyn Driven>> {
    let amf = ais_amf::Amf::new(node, model.cloned());
    vec![
        Adapter::boxed(Ckpt::new(node, Settings::default())),
        Adapter::boxed(Msg::new(node, ais_msg::Settings::default())),
        Adapter::boxed(ais_clm::Clm::new()),
        Adapter::boxed(amf),
    ]
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
