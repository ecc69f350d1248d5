//! The AMF model as people write it: about ten lines of TOML a group.
//!
//! ```toml
//! [[groups]]
//! name = "csa103SGI0"
//! admin = "LOCKED_INSTANTIATION"              # default: "UNLOCKED"
//! component.command = ["bin/csa103"]          # what all its components have in common
//! units = [
//!   { name = "csa103SUI0", node = "west", components = ["csa103CompI0"] },
//!   { name = "csa103SUI1", node = "east", components = ["csa103CompI1"] },
//! ]
//! instances = [{ name = "csa103SII0", csis = ["csa103CSII0"] }]
//! ```
//!
//! A component or a CSI is its name, or a table with its name and what it has of its own. Units
//! are ranked in the order in which they are written, unless they say `rank`.

mod check;
mod either;
mod raw;

use crate::config::{ConfigError, Document, read};
use ais_types::amf::Model;
use std::path::Path;

/// Reads and checks a model for a cluster whose hosts have these names.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(file: &Path, hosts: &[&str]) -> Result<Model, ConfigError> {
    parse(file, &read(file)?, hosts)
}

/// Checks the text of a model.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(file: &Path, text: &str, hosts: &[&str]) -> Result<Model, ConfigError> {
    let document = Document { file, text };
    let model = check::check(document, &document.parse()?, hosts)?;
    // What only the service knows: who takes which CSI, and what depends on what.
    ais_amf::check(&model).map_err(|error| {
        document.wrong(0..0, "groups", error.to_string(), "see the objects that it names")
    })?;
    Ok(model)
}
