//! The type without a value, for what a service does not use.

use ais_types::{Payload, Payloads};
use serde::{Deserialize, Serialize};

/// Cannot exist. `type Message = Never` says that a service sends no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

impl Payloads for Never {
    fn payloads(&mut self, _: &mut dyn FnMut(&mut Payload)) {
        match *self {}
    }
}
