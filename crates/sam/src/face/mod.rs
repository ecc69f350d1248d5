//! The safe face for programs in Rust.

mod builder;
mod instance;

pub use builder::Builder;
pub use instance::{Instance, Started};

/// Where a program in Rust begins.
#[derive(Debug)]
pub struct Sam;

impl Sam {
    /// What kind of supervision is wanted. Defaults: no health checks, and no restart.
    pub fn builder() -> Builder {
        Builder::new()
    }
}
