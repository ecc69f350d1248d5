//! The services of this implementation, as every node of a cluster under test drives them.

use ais_node::{Adapter, Driven};
use ais_types::ServiceId;

/// CKPT, MSG and CLM hear what happens before AMF does.
pub(crate) fn all() -> Vec<Box<dyn Driven>> {
    vec![Adapter::boxed(ais_clm::Clm::new())]
}

/// Whether this implementation has a service.
pub(crate) fn supports(service: ServiceId) -> Result<(), String> {
    let has = all().iter().any(|it| it.id() == service);
    has.then_some(()).ok_or_else(|| format!("service {} is not there yet", service.0))
}
