//! Clusters in real time: nodes in this process, or daemons. Programs under test talk to them by
//! this implementation's own client library.

mod addresses;
mod aisd;
mod aside;
mod capi;
mod clock;
mod cluster;
mod components;
mod embedded;
mod helper;
mod protocol;
mod remote;
mod site;

pub use aisd::Aisd;
pub(crate) use aisd::{DAEMON, HELPER};
pub use capi::Capi;
pub(crate) use capi::{C_HELPER, serve_c};
pub(crate) use components::{COMPONENT, be as be_component};
pub use embedded::Embedded;
pub(crate) use helper::serve;
pub use site::Site;
