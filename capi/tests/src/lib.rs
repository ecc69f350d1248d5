//! Building and running programs in C against the libraries of this workspace.
#![forbid(unsafe_code)]

mod build;
mod run;

pub use build::{Build, Sanitize, example, headers, libraries, valgrind};
pub use run::{Talk, run};
